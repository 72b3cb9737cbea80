/**
 * A process's kernel state as a short table: what a person looks at between two calls. Pure. `own`
 * marks what the plan has made different from where it began.
 */
import type { Landmark, Viewer } from './kernel-change.js';
import {
  type KernelState,
  NAMESPACE_NAMES,
  type NamespaceName,
  type ProcessKernelState,
} from './kernel-state.js';
import { rootMount } from './read-process.js';
import { groupFor, idInside, mapRowFor, procOf } from './viewer.js';

/** One row. */
export interface KernelFact {
  /** `pid`, `ns:mnt`, `root`, … */
  readonly key: string;
  readonly value: string;
  /** the plan made it so */
  readonly own: boolean;
  /** where a person reads it */
  readonly source: string;
}

/** What the table is made with. */
export interface FactsContext {
  /** a process as there are many: what differs from it is the plan's work */
  readonly usual: ProcessKernelState | null;
  readonly landmarks: readonly Landmark[];
  readonly viewer: Viewer;
}

/** Different in each process: no news. */
const OF_EACH = new Set(['pid', 'program', 'cwd', 'fds']);

/** The table of one process. */
export function facts(
  state: KernelState,
  process: ProcessKernelState,
  context: FactsContext,
): KernelFact[] {
  const { usual, viewer } = context;
  const proc = procOf(process, viewer);
  const row = (key: string, file: string, text: (of: ProcessKernelState) => string): KernelFact => {
    const value = text(process);
    const own = usual !== null && !OF_EACH.has(key) && text(usual) !== value;
    return { key, value, own, source: `${proc}/${file}` };
  };
  return [
    row('pid', 'status', ({ pids }) => pids.join(' → ')),
    row('program', 'exe', programText),
    ...NAMESPACE_NAMES.map((kind) => namespaceRow(kind, process, context)),
    row('user', 'status', userText),
    row(
      'uid_map',
      'uid_map',
      ({ uidMap }) => uidMap.map((line) => mapRowFor(line, viewer.uidMap)).join('; ') || '–',
    ),
    ...hostnameRow(state, process, context),
    row('root', 'root', rootText),
    row('cwd', 'cwd', ({ cwd }) => cwd.path),
    row('mounts', 'mountinfo', ({ mounts }) => String(mounts.length)),
    row('cgroup', 'cgroup', (of) => groupFor(groupText(of), viewer)),
    row('effective', 'status', ({ capabilities }) => capabilityText(capabilities.effective)),
    row('bounding', 'status', ({ capabilities }) => capabilityText(capabilities.bounding)),
    row('no_new_privs', 'status', ({ noNewPrivs }) => (noNewPrivs ? '1' : '0')),
    row('seccomp', 'status', ({ seccompMode, seccompFilters }) =>
      seccompMode === 0 ? '0' : `${seccompMode} (${seccompFilters})`,
    ),
    row('fds', 'fd', ({ fds }) => Object.keys(fds).join(' ')),
  ];
}

function namespaceRow(
  kind: NamespaceName,
  process: ProcessKernelState,
  { landmarks, viewer }: FactsContext,
): KernelFact {
  const { namespaces } = process;
  const inode = namespaces[kind];
  const known = inode === null || landmarks.some(({ inodes }) => inodes.has(inode));
  return {
    key: `ns:${kind}`,
    value: inode === null ? '–' : String(inode),
    own: !known,
    source: `${procOf(process, viewer)}/ns/${kind}`,
  };
}

function hostnameRow(
  { hostnames }: KernelState,
  { namespaces, pids, pid }: ProcessKernelState,
  { landmarks, viewer }: FactsContext,
): KernelFact[] {
  const inode = namespaces.uts;
  const value = inode === null ? undefined : hostnames[inode];
  if (inode === null || value === undefined) return [];
  const own = !landmarks.some(({ inodes }) => inodes.has(inode));
  return [
    { key: 'hostname', value, own, source: `nsenter -t ${pids[viewer.level] ?? pid} -u hostname` },
  ];
}

/** `/memfd:terrarium-player-1a2b (deleted)`: the player runs from memory. */
function programText({ exe, comm }: ProcessKernelState): string {
  const file = exe?.split('/').at(-1) ?? comm;
  return /^memfd:([a-z-]+?)-?[0-9a-f]* /.exec(file)?.[1] ?? file;
}

/** `0 (100000 on the host)`: the id inside first, as the process sees itself. */
function userText({ uids, uidMap }: ProcessKernelState): string {
  const [, effective] = uids;
  const id = idInside(uidMap, effective);
  return id === effective ? String(id) : `${id ?? 'nobody'} (${effective} on the host)`;
}

function rootText({ mounts, root }: ProcessKernelState): string {
  const row = rootMount(mounts);
  if (row === undefined) return root.path;
  return `${row.fsType} ${row.mountSource}${row.root === '/' ? '' : ` ${row.root}`}`;
}

/** The path that most hierarchies agree on. */
function groupText({ cgroups }: ProcessKernelState): string {
  const counts = new Map<string, number>();
  for (const path of Object.values(cgroups)) counts.set(path, (counts.get(path) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '–';
}

function capabilityText(set: bigint): string {
  let bits = 0;
  for (let rest = set; rest !== 0n; rest >>= 1n) if (rest & 1n) bits += 1;
  return String(bits);
}
