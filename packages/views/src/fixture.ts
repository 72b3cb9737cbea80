/**
 * A realistic sandbox for tests, documentation and the page before it is connected: init, two
 * shells, a nested pid namespace with sh as PID 1, an unshared uts one, a zombie, and a namespace
 * that only a bind mount keeps.
 */
import type {
  NamespaceKind,
  NamespaceState,
  NsInode,
  ProcessState,
  State,
} from '@terrarium/timeline';
import { KINDS } from './kinds.js';

const T0 = 1_780_000_000_000; // a fixed moment, so that pictures do not change
const BASE = 4_026_532_700;

/** The sandbox's own eight. */
export const DEMO_NAMESPACES = Object.fromEntries(
  KINDS.map((kind, i) => [kind, BASE + i]),
) as Record<NamespaceKind, NsInode>;

const NESTED_PID = 4_026_532_801;
const NESTED_MNT = 4_026_532_800;
const OWN_UTS = 4_026_532_810;
const HELD_NET = 4_026_532_820;

/** A process of the demo sandbox; give what is special about it. */
export function demoProcess(
  hostPid: number,
  special: Partial<Omit<ProcessState, 'hostPid' | 'key'>> = {},
): ProcessState {
  const startTime = special.startTime ?? hostPid * 10;
  return {
    key: `${hostPid}:${startTime}`,
    hostPid,
    startTime,
    parent: null,
    pids: [hostPid, hostPid - 4700],
    comm: 'bash',
    args: ['bash'],
    state: 'S',
    uid: { outside: 100000, inside: 0 },
    namespaces: DEMO_NAMESPACES,
    cgroup: '/',
    terminal: null,
    processGroup: hostPid,
    bornAt: T0 + hostPid,
    ...special,
  };
}

function namespace(
  kind: NamespaceKind,
  inode: NsInode,
  special: Partial<NamespaceState> = {},
): NamespaceState {
  return {
    inode,
    kind,
    parent: null,
    owner: kind === 'user' ? null : DEMO_NAMESPACES.user,
    ofSandbox: false,
    ofHost: false,
    holders: [],
    bornAt: T0 + (inode - BASE) * 50,
    ...special,
  };
}

/** A state with these processes and, besides the sandbox's own eight, these namespaces. */
export function demoStateWith(
  processes: readonly ProcessState[],
  namespaces: readonly NamespaceState[] = [],
): State {
  const own = KINDS.map((kind) =>
    namespace(kind, DEMO_NAMESPACES[kind], { ofSandbox: true, bornAt: T0 }),
  );
  return {
    seq: 42,
    t: T0 + 60_000,
    sandbox: {
      id: 'demo',
      init: '4701:47010',
      namespaces: DEMO_NAMESPACES,
      kernelRelease: '6.12.0',
    },
    processes: Object.fromEntries(processes.map((process) => [process.key, process])),
    namespaces: Object.fromEntries([...own, ...namespaces].map((one) => [one.inode, one])),
    mounts: {},
  };
}

const init = demoProcess(4701, { comm: 'init', args: [] });
const bash1 = demoProcess(4707, {
  args: ['-bash'],
  terminal: 0,
  pids: [4707, 7],
});
const bash2 = demoProcess(4709, { args: ['-bash'], terminal: 1, pids: [4709, 9] });
const unshare = demoProcess(4714, {
  comm: 'unshare',
  args: ['unshare', '--pid', '--fork', '--mount-proc', 'sh'],
  parent: bash1.key,
  terminal: 0,
  pids: [4714, 14],
  namespaces: { ...DEMO_NAMESPACES, mnt: NESTED_MNT },
});
const inside = { ...DEMO_NAMESPACES, pid: NESTED_PID, mnt: NESTED_MNT };
const sh = demoProcess(4715, {
  comm: 'sh',
  args: ['sh'],
  parent: unshare.key,
  terminal: 0,
  pids: [4715, 15, 1],
  namespaces: inside,
});
const sleep = demoProcess(4717, {
  comm: 'sleep',
  args: ['sleep', '1000'],
  parent: sh.key,
  terminal: 0,
  pids: [4717, 17, 2],
  namespaces: inside,
});
const worker = demoProcess(4718, {
  comm: 'yes',
  args: ['yes', 'grow'],
  parent: sh.key,
  terminal: 0,
  state: 'R',
  pids: [4718, 18, 3],
  namespaces: inside,
  cgroup: '/greenhouse',
});
const renamed = demoProcess(4722, {
  args: ['bash'],
  parent: bash2.key,
  terminal: 1,
  pids: [4722, 22],
  namespaces: { ...DEMO_NAMESPACES, uts: OWN_UTS },
});
const nobody = demoProcess(4725, {
  comm: 'python3',
  args: ['python3', '-m', 'http.server', '8000'],
  parent: renamed.key,
  terminal: 1,
  pids: [4725, 25],
  uid: { outside: 165533, inside: 65533 },
  namespaces: { ...DEMO_NAMESPACES, uts: OWN_UTS },
});
const zombie = demoProcess(4727, {
  comm: 'true',
  args: [],
  parent: bash2.key,
  state: 'Z',
  terminal: 1,
  pids: [4727, 27],
});

/** The realistic state that pictures and tests share. */
export const DEMO_STATE: State = demoStateWith(
  [init, bash1, bash2, unshare, sh, sleep, worker, renamed, nobody, zombie],
  [
    namespace('mnt', NESTED_MNT),
    namespace('pid', NESTED_PID, { parent: DEMO_NAMESPACES.pid }),
    namespace('uts', OWN_UTS, {
      holders: [{ by: 'fd', process: bash2.key, fd: 7 }],
    }),
    namespace('net', HELD_NET, {
      holders: [{ by: 'mount', mountNs: DEMO_NAMESPACES.mnt, path: '/run/netns/quiet' }],
    }),
  ],
);
