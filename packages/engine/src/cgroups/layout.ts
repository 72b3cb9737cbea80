/**
 * Which cgroup hierarchies this host has, read from mountinfo and checked by f_type: pure v2,
 * pure v1 (one hierarchy per controller or set of controllers), or both side by side.
 */
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MAGIC } from '@terrarium/syscall';
import { readControl } from './files.js';
import type { CgroupHierarchy, CgroupLayout } from './types.js';

/** Where detection reads from; tests pass their own. */
export interface LayoutSource {
  readonly mountinfo: string;
  /** f_type of a path; undefined when it cannot be read */
  readonly typeOf: (path: string) => number | undefined;
  /** content of a file below the mount point */
  readonly read: (path: string) => string;
}

/** One row of mountinfo, as far as needed here. */
interface Row {
  readonly root: string;
  readonly mountPoint: string;
  readonly fsType: string;
  readonly superOptions: readonly string[];
}

/** Super options of a v1 hierarchy that are not controllers. */
const V1_FLAGS = new Set(['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'cpuset_v2_mode']);

/** Reads this host's hierarchies. */
export function detectCgroupLayout(source: LayoutSource = hostSource()): CgroupLayout {
  const hierarchies: CgroupHierarchy[] = [];
  const seen = new Set<string>();
  for (const row of parseRows(source.mountinfo)) {
    const hierarchy = hierarchyOf(row, source);
    if (hierarchy === undefined) continue;
    const key = hierarchy.version === 2 ? 'v2' : hierarchy.controllers.join(',');
    if (seen.has(key)) continue; // mounted a second time elsewhere: one mount point is enough
    seen.add(key);
    hierarchies.push(hierarchy);
  }
  return { kind: kindOf(hierarchies), hierarchies: named(hierarchies) };
}

/**
 * Finds the hierarchy that limits with `controller`, v1 before v2 as the kernel binds a controller
 * to one of them only.
 */
export function hierarchyWith(
  layout: CgroupLayout,
  controller: string,
): CgroupHierarchy | undefined {
  return layout.hierarchies.find((hierarchy) => hierarchy.controllers.includes(controller));
}

/** Absolute path of a group: `/sys/fs/cgroup/memory` + `/terrarium/lab-1`. */
export function groupPath(hierarchy: CgroupHierarchy, group: string): string {
  return join(hierarchy.mountPoint, group).replace(/(?<=.)\/+$/, ''); // of the root: no slash behind
}

/**
 * The same hierarchies as a process in a sandbox finds them: mounted below /sys/fs/cgroup, each
 * rooted at the sandbox's group by its cgroup namespace. Group paths then start at that group.
 *
 * @param handedOn v2 controllers that the sandbox's group hands on; by default those that
 *   every sandbox's does
 */
export function insideLayout(
  layout: CgroupLayout,
  handedOn: readonly string[] = HANDED_ON,
): CgroupLayout {
  const top = '/sys/fs/cgroup';
  const hierarchies = layout.hierarchies.map((one): CgroupHierarchy => {
    if (one.version === 1) return { ...one, mountPoint: join(top, one.name) };
    return {
      ...one,
      mountPoint: layout.kind === 'v2' ? top : join(top, one.name),
      controllers: one.controllers.filter((controller) => handedOn.includes(controller)),
    };
  });
  return { kind: layout.kind, hierarchies, seenFrom: 'sandbox' };
}

/** v2 controllers that groups get handed on without being asked, where the host has them. */
export const HANDED_ON: readonly string[] = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

/**
 * Adds to each hierarchy what a new child of `parent` will be like: which control files it has
 * (options of the kernel and of its I/O scheduler show nowhere else), and which CPUs it must be
 * given. Looks at `parent` or its nearest existing ancestor; the root of a hierarchy has fewer files
 * than other groups, so there nothing is known.
 */
export function withControlFiles(layout: CgroupLayout, parent: string): CgroupLayout {
  const hierarchies = layout.hierarchies.map((hierarchy) => {
    const path = nearestGroup(hierarchy, parent);
    const controlFiles = path === '/' ? undefined : filesOf(groupPath(hierarchy, path));
    const inherited = inheritedCpuset(hierarchy, path);
    return {
      ...hierarchy,
      ...(controlFiles === undefined ? {} : { controlFiles }),
      ...(inherited === undefined ? {} : { inherited }),
    };
  });
  return { ...layout, hierarchies };
}

function nearestGroup(hierarchy: CgroupHierarchy, group: string): string {
  const path = join('/', group);
  if (path === '/' || existsSync(groupPath(hierarchy, path))) return path;
  return nearestGroup(hierarchy, dirname(path));
}

function filesOf(directory: string): string[] | undefined {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  } catch {
    return undefined; // removed since
  }
}

/** undefined: not v1's cpuset, or the kernel copies by itself (cgroup.clone_children). */
function inheritedCpuset(
  hierarchy: CgroupHierarchy,
  group: string,
): CgroupHierarchy['inherited'] | undefined {
  if (hierarchy.version === 2 || !hierarchy.controllers.includes('cpuset')) return undefined;
  const read = (file: string) => readControl(join(groupPath(hierarchy, group), file)) ?? '';
  if (read('cgroup.clone_children') === '1') return undefined;
  return { cpus: read('cpuset.cpus'), mems: read('cpuset.mems') };
}

function hostSource(): LayoutSource {
  return {
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    typeOf: (path) => {
      try {
        return statfsSync(path).type;
      } catch {
        return undefined; // gone or covered between the two reads: not usable
      }
    },
    read: (path) => readFileSync(path, 'utf8'),
  };
}

/*
 * A row: 36 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
 * Optional fields (shared:9) may be none or many and end at the lone dash.
 */
function parseRows(mountinfo: string): Row[] {
  return mountinfo.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    const [root, mountPoint] = [fields[3], fields[4]];
    const [fsType, superOptions] = [fields[dash + 1], fields[dash + 3]];
    if (dash === -1 || root === undefined || mountPoint === undefined) return [];
    if (fsType === undefined || superOptions === undefined) return [];
    return [
      { root, mountPoint: unescapePath(mountPoint), fsType, superOptions: superOptions.split(',') },
    ];
  });
}

/** mountinfo writes space, tab, newline and backslash as octal: `\040` */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function hierarchyOf(row: Row, source: LayoutSource): CgroupHierarchy | undefined {
  if (row.fsType === 'cgroup2') {
    // Another mount may lie on top: then files below are not cgroup files at all.
    if (source.typeOf(row.mountPoint) !== MAGIC.CGROUP2_SUPER_MAGIC) return undefined;
    const controllers = source.read(join(row.mountPoint, 'cgroup.controllers')).trim();
    return {
      version: 2,
      mountPoint: row.mountPoint,
      controllers: controllers === '' ? [] : controllers.split(' '),
      name: '',
    };
  }
  if (row.fsType !== 'cgroup') return undefined;
  if (source.typeOf(row.mountPoint) !== MAGIC.CGROUP_SUPER_MAGIC) return undefined;
  const controllers = row.superOptions.filter(
    (option) => !V1_FLAGS.has(option) && !option.startsWith('release_agent='),
  );
  if (controllers.length === 0) return undefined;
  return { version: 1, mountPoint: row.mountPoint, controllers, name: v1Name(controllers) };
}

/** systemd's names: `cpu,cpuacct` for a co-mounted pair, `systemd` for `name=systemd`. */
function v1Name(controllers: readonly string[]): string {
  return basename(controllers.map((name) => name.replace(/^name=/, '')).join(','));
}

function kindOf(hierarchies: readonly CgroupHierarchy[]): CgroupLayout['kind'] {
  const v1 = hierarchies.some((hierarchy) => hierarchy.version === 1);
  const v2 = hierarchies.some((hierarchy) => hierarchy.version === 2);
  if (v1) return v2 ? 'hybrid' : 'v1';
  return v2 ? 'v2' : 'none';
}

function named(hierarchies: readonly CgroupHierarchy[]): CgroupHierarchy[] {
  return hierarchies.map((one) => (one.version === 2 ? { ...one, name: 'unified' } : one));
}
