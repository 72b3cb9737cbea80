/**
 * Small hand-made states and random event sequences for tests (of this package and of those that
 * draw or check states). Not exported from the package's index on purpose: no product code.
 */
import type { EventBody, TimelineEvent } from './events.js';
import type { MountState, NamespaceKind, NamespaceState, ProcessState } from './state.js';

/** The sandbox's own eight namespaces in samples. */
export const SANDBOX_NAMESPACES: Record<NamespaceKind, number> = {
  pid: 100,
  mnt: 101,
  net: 102,
  uts: 103,
  ipc: 104,
  user: 105,
  cgroup: 106,
  time: 107,
};

/** A process of the sandbox with host pid `hostPid`, as far as `fields` does not say otherwise. */
export function sampleProcess(hostPid: number, fields: Partial<ProcessState> = {}): ProcessState {
  return {
    key: `${hostPid}:${hostPid}`,
    hostPid,
    startTime: hostPid,
    parent: null,
    pids: [hostPid, hostPid - 1000],
    comm: 'bash',
    args: ['bash'],
    state: 'S',
    uid: { outside: 100000, inside: 0 },
    namespaces: SANDBOX_NAMESPACES,
    cgroup: '/',
    terminal: null,
    processGroup: hostPid,
    bornAt: 0,
    ...fields,
  };
}

/** A namespace of the sandbox's own, as far as `fields` does not say otherwise. */
export function sampleNamespace(
  kind: NamespaceKind,
  inode: number,
  fields: Partial<NamespaceState> = {},
): NamespaceState {
  return {
    inode,
    kind,
    parent: null,
    owner: kind === 'user' ? null : SANDBOX_NAMESPACES.user,
    ofSandbox: inode === SANDBOX_NAMESPACES[kind],
    ofHost: false,
    holders: [],
    bornAt: 0,
    ...fields,
  };
}

/** One mountinfo row. */
export function sampleMount(mountId: number, mountPoint: string): MountState {
  return {
    mountId,
    parentId: 1,
    device: '0:1',
    root: '/',
    mountPoint,
    mountOptions: 'rw',
    optionalFields: [],
    fsType: 'tmpfs',
    mountSource: 'tmpfs',
    superOptions: 'rw',
  };
}

/** sandbox.start with init (host pid 1001) and the eight namespaces. */
export function sampleStart(): EventBody[] {
  return [
    {
      type: 'sandbox.start',
      sandbox: {
        id: 's1',
        init: '1001:1001',
        namespaces: SANDBOX_NAMESPACES,
        kernelRelease: '6.1.0',
      },
    },
    ...Object.entries(SANDBOX_NAMESPACES).map(
      ([kind, inode]): EventBody => ({
        type: 'namespace.appear',
        namespace: sampleNamespace(kind as NamespaceKind, inode),
      }),
    ),
    { type: 'process.fork', process: sampleProcess(1001, { comm: 'init' }) },
  ];
}

/** Numbers bodies from `first` on, one per millisecond. */
export function numbered(bodies: readonly EventBody[], first = 1): TimelineEvent[] {
  return bodies.map((body, i) => ({ ...body, seq: first + i, t: 1000 + first + i }));
}

/** Random but repeatable numbers in [0, 1): mulberry32. */
export function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A random sequence of events, most of them about things that exist, some about unknown ones. */
export function randomBodies(seed: number, length: number): EventBody[] {
  const next = random(seed);
  const upTo = (n: number): number => Math.floor(next() * n);
  const bodies = sampleStart();
  while (bodies.length < length) {
    const pid = 1001 + upTo(40);
    const key = `${pid}:${pid}`;
    const inode = 200 + upTo(10);
    const choices: EventBody[] = [
      { type: 'process.fork', process: sampleProcess(pid, { parent: `1001:1001` }) },
      { type: 'process.exec', key, comm: `c${upTo(9)}`, args: [`c${upTo(9)}`, '-x'] },
      { type: 'process.change', key, change: { state: 'RSZ'[upTo(3)] ?? 'S' } },
      { type: 'process.exit', key, waitStatus: null },
      { type: 'namespace.appear', namespace: sampleNamespace('mnt', inode) },
      { type: 'namespace.change', inode, change: { owner: 105 } },
      { type: 'namespace.vanish', inode },
      { type: 'mount.attach', mountNs: inode, mount: sampleMount(upTo(20), `/m${upTo(9)}`) },
      { type: 'mount.detach', mountNs: inode, mountId: upTo(20) },
      { type: 'mount.forget', mountNs: inode },
      { type: 'check', lesson: 'containers/01', step: 'one', passed: next() < 0.5 },
    ];
    if (next() < 0.002) bodies.push(...sampleStart());
    bodies.push(choices[upTo(choices.length)] as EventBody);
  }
  return bodies;
}
