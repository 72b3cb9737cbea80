/**
 * A process's kernel state as a short table: what a person looks at between two calls. Pure. `own`
 * marks what the plan has made different from where it began.
 */
import type { Landmark } from './kernel-change.js';
import {
  type KernelState,
  NAMESPACE_NAMES,
  type NamespaceName,
  type ProcessKernelState,
} from './kernel-state.js';
import { rootMount } from './read-process.js';

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
  /** how the first process of the plan was found */
  readonly first: ProcessKernelState | null;
  readonly landmarks: readonly Landmark[];
  readonly level: number;
}

/** The table of one process. */
export function facts(
  state: KernelState,
  process: ProcessKernelState,
  context: FactsContext,
): KernelFact[] {
  const pid = process.pids[context.level] ?? process.pid;
  const { first } = context;
  const row = (key: string, file: string, text: (of: ProcessKernelState) => string): KernelFact => {
    const value = text(process);
    const own = first !== null && text(first) !== value;
    return { key, value, own, source: `/proc/${pid}/${file}` };
  };
  return [
    row('pid', 'status', ({ pids }) => pids.join(' → ')),
    row('program', 'exe', ({ exe, comm }) => exe?.split('/').at(-1) ?? comm),
    ...NAMESPACE_NAMES.map((kind) => namespaceRow(kind, process, context.landmarks, pid)),
    row('user', 'status', userText),
    row('uid_map', 'uid_map', ({ uidMap }) => uidMap.join('; ') || '–'),
    ...hostnameRow(state, process, context, pid),
    row('root', 'root', rootText),
    row('cwd', 'cwd', ({ cwd }) => cwd.path),
    row('mounts', 'mountinfo', ({ mounts }) => String(mounts.length)),
    row('cgroup', 'cgroup', groupText),
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
  { namespaces }: ProcessKernelState,
  landmarks: readonly Landmark[],
  pid: number,
): KernelFact {
  const inode = namespaces[kind];
  const known = inode === null || landmarks.some(({ inodes }) => inodes.has(inode));
  return {
    key: `ns:${kind}`,
    value: inode === null ? '–' : String(inode),
    own: !known,
    source: `/proc/${pid}/ns/${kind}`,
  };
}

function hostnameRow(
  { hostnames }: KernelState,
  { namespaces }: ProcessKernelState,
  { landmarks }: FactsContext,
  pid: number,
): KernelFact[] {
  const inode = namespaces.uts;
  const value = inode === null ? undefined : hostnames[inode];
  if (inode === null || value === undefined) return [];
  const own = !landmarks.some(({ inodes }) => inodes.has(inode));
  return [{ key: 'hostname', value, own, source: `nsenter -t ${pid} -u hostname` }];
}

/** `0 (100000 outside)`: the id inside first, as the process sees itself. */
function userText({ uids, uidMap }: ProcessKernelState): string {
  const [, effective] = uids;
  for (const line of uidMap) {
    const [inside = 0, start = 0, size = 0] = line.split(' ').map(Number);
    if (effective < start || effective >= start + size) continue;
    const id = inside + effective - start;
    return id === effective ? String(id) : `${id} (${effective})`;
  }
  return `? (${effective})`;
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
