/**
 * What a path may name: the fields of each kind of kernel object, and where a hop leads.
 * The loader checks every path of a lesson against this table; `resolve.ts` reads them.
 */
import { NAMESPACE_KINDS } from '@terrarium/timeline';
import { SUBJECT_KINDS, type SubjectKind } from './check.js';

/** What a path can stand on. */
export type NodeKind = SubjectKind | 'sandbox' | 'namespaces' | 'uid' | 'facts' | 'capabilities';
/** What a field holds: a value, a list, or an object with fields of its own. */
export type FieldType = 'value' | 'list' | NodeKind;

/** Fields by node; a field of an object type is that object's identity when the path ends there. */
export const FIELDS: Readonly<Record<NodeKind, Readonly<Record<string, FieldType>>>> = {
  sandbox: {
    id: 'value',
    init: 'process',
    namespaces: 'namespaces',
    kernelRelease: 'value',
  },
  process: {
    key: 'value',
    parent: 'process',
    hostPid: 'value',
    /** pid in the sandbox's pid namespace: what the learner sees from outside the nested one */
    sandboxPid: 'value',
    /** pid in its own pid namespace */
    ownPid: 'value',
    pids: 'list',
    comm: 'value',
    args: 'list',
    /** args joined with spaces */
    command: 'value',
    state: 'value',
    uid: 'uid',
    namespaces: 'namespaces',
    cgroup: 'value',
    terminal: 'value',
    processGroup: 'value',
    /** root, cwd, seccomp, noNewPrivs …: read a moment after its birth */
    facts: 'facts',
  },
  namespace: {
    inode: 'value',
    kind: 'value',
    parent: 'namespace',
    owner: 'namespace',
    ofSandbox: 'value',
    ofHost: 'value',
    /** how many processes are in it */
    members: 'value',
    /** how many mounts and file descriptors hold it open */
    holders: 'value',
    /** uts only: the host name in it */
    label: 'value',
  },
  mount: {
    mountId: 'value',
    parentId: 'value',
    device: 'value',
    root: 'value',
    mountPoint: 'value',
    mountOptions: 'value',
    optionalFields: 'list',
    fsType: 'value',
    mountSource: 'value',
    superOptions: 'value',
    procPidNs: 'namespace',
    /** number of its peer group, and of the one that it receives from; null for none */
    peerGroup: 'value',
    master: 'value',
    /** shared, private, slave, slave,shared or unbindable */
    propagation: 'value',
    /** options of the mount and of its file system: ro, nosuid, size=64k … */
    options: 'list',
  },
  cgroup: {
    /** below the sandbox's own: /box, /box/inner */
    path: 'value',
    name: 'value',
    /** as /proc/PID/cgroup names them: memory, cpu,cpuacct; '' on v2 */
    hierarchies: 'list',
    /** processes directly in it, in any hierarchy */
    members: 'value',
    oomKilled: 'value',
    /** limits: null is none; what is not known (yet) equals nothing */
    memoryLimitBytes: 'value',
    memoryUsageBytes: 'value',
    memoryPeakBytes: 'value',
    /** how often it wanted more than its limit */
    memoryLimitHits: 'value',
    /** how many processes the OOM killer took, as the kernel counts */
    oomKills: 'value',
    pidsMax: 'value',
    pidsCurrent: 'value',
    /** how many forks its limit refused */
    pidsRefused: 'value',
    /** of one processor: 20 for 20 ms in each 100 ms */
    cpuQuotaPercent: 'value',
    /** measured over the last two seconds */
    cpuSharePercent: 'value',
    /**
     * points between that share and what the quota promises: on a busy machine, what it promises
     * for those periods in which the group had to wait; unknown where it never had to
     */
    cpuOffQuotaPoints: 'value',
    /** periods in which something wanted to run, and those in which it had to wait */
    cpuPeriods: 'value',
    throttledPeriods: 'value',
    frozen: 'value',
    /** processes in it where it freezes; 0 while it does not */
    frozenMembers: 'value',
  },
  overlay: {
    key: 'value',
    ofSandbox: 'value',
    layers: 'value',
    lowerLayers: 'value',
    upperDir: 'value',
    mountPoints: 'list',
  },
  entry: {
    /** below its layer's directory, without a leading slash */
    path: 'value',
    name: 'value',
    /** 0 is the uppermost */
    layer: 'value',
    /** upper or lower */
    role: 'value',
    dir: 'value',
    /** file, directory, symlink, whiteout … */
    kind: 'value',
    size: 'value',
    opaque: 'value',
    /** copy-up, created, renamed, or null where that was not seen */
    came: 'value',
  },
  link: {
    netNs: 'namespace',
    index: 'value',
    name: 'value',
    /** veth, bridge, dummy; '' for loopback */
    kind: 'value',
    up: 'value',
    flags: 'list',
    mtu: 'value',
    mac: 'value',
    master: 'value',
    hasPeer: 'value',
    peerNetNs: 'value',
    addresses: 'list',
  },
  listener: {
    netNs: 'namespace',
    protocol: 'value',
    address: 'value',
    port: 'value',
    process: 'process',
  },
  /** of the tape of system calls */
  call: {
    seq: 'value',
    process: 'process',
    name: 'value',
    args: 'list',
    result: 'value',
    errno: 'value',
    /** milliseconds that it took: of a wait4, how long its caller waited */
    took: 'value',
  },
  /** of a shell with integration: what was typed, for its exit code; never for what it did */
  command: {
    id: 'value',
    line: 'value',
    process: 'process',
    running: 'value',
    exitCode: 'value',
  },
  facts: {
    root: 'value',
    cwd: 'value',
    seccomp: 'value',
    noNewPrivs: 'value',
    capabilities: 'capabilities',
    oomScoreAdj: 'value',
  },
  capabilities: { effective: 'value', permitted: 'value', bounding: 'value' },
  namespaces: Object.fromEntries(NAMESPACE_KINDS.map((kind) => [kind, 'namespace' as const])),
  uid: { outside: 'value', inside: 'value' },
};

/**
 * Says what is wrong with a path, or null.
 *
 * @param scope the variables that are bound where the path stands; `sandbox` always is
 */
export function pathProblem(path: string, scope: ReadonlyMap<string, NodeKind>): string | null {
  const end = pathEnd(path, scope);
  return 'problem' in end ? end.problem : null;
}

/** Says what is wrong with a path that has to lead to an object that a view can show, or null. */
export function objectPathProblem(
  path: string,
  scope: ReadonlyMap<string, NodeKind>,
): string | null {
  const end = pathEnd(path, scope);
  if ('problem' in end) return end.problem;
  const isObject = SUBJECT_KINDS.some((kind) => kind === end.type && kind !== 'listener');
  return isObject ? null : `it leads to a ${end.type}, not to an object of a view`;
}

function pathEnd(
  path: string,
  scope: ReadonlyMap<string, NodeKind>,
): { readonly type: FieldType } | { readonly problem: string } {
  const [variable = '', ...fields] = path.split('.');
  let type: FieldType | undefined = variable === 'sandbox' ? 'sandbox' : scope.get(variable);
  if (type === undefined) return { problem: `nothing binds "${variable}" before this place` };
  for (const field of fields) {
    if (type === 'list') {
      if (!/^-?\d+$/.test(field)) return { problem: `"${field}" is no position in a list` };
      type = 'value';
      continue;
    }
    if (type === 'value') return { problem: `"${field}" asks for a part of a plain value` };
    const known: Readonly<Record<string, FieldType>> = FIELDS[type];
    if (!Object.hasOwn(known, field)) {
      const names = Object.keys(known).join(', ');
      return { problem: `a ${type} has no field "${field}"; it has ${names}` };
    }
    type = known[field] as FieldType;
  }
  return { type };
}
