/** Commands of the demo sandbox and what one of them did: for tests and pictures. */
import type { CommandDiff, CommandSpan, DiffObject, MountState } from '@terrarium/timeline';
import { DEMO_NAMESPACES, DEMO_STATE, demoProcess } from '../fixture.js';

const SHELL = '4707:47070';
const T0 = 1_780_000_000_000;

/** A command that went well; give what is special about it. */
export function demoCommand(
  id: string,
  line: string,
  special: Partial<CommandSpan> = {},
): CommandSpan {
  return {
    ...{ id, line, terminal: 't1', process: SHELL, within: null, inferred: false },
    ...{ startSeq: 10, endSeq: 20, startedAt: T0, endedAt: T0 + 320, exitCode: 0 },
    ...special,
  };
}

const open = { endSeq: null, endedAt: null, exitCode: null };

/** Oldest first. */
export const DEMO_COMMANDS: readonly CommandSpan[] = [
  demoCommand('c1', 'ls /proc'),
  demoCommand('c2', 'cat /nowhere', { exitCode: 1 }),
  demoCommand('c3', 'unshare --pid --fork --mount-proc sh', open),
  demoCommand('c4', 'sleep 1000 &', { within: 'c3' }),
  demoCommand('c5', 'echo $$ > /sys/fs/cgroup/greenhouse/cgroup.procs', { within: 'c3' }),
];

/** A mount of the demo sandbox. */
export function demoMount(mountId: number, mountPoint: string, fsType = 'tmpfs'): MountState {
  return {
    ...{ mountId, parentId: 10, device: `0:${mountId}`, root: '/', mountPoint, fsType },
    ...{ mountOptions: 'rw,relatime', optionalFields: [], mountSource: fsType, superOptions: 'rw' },
  };
}

const processes = Object.values(DEMO_STATE.processes);
const process = (comm: string): DiffObject => ({
  kind: 'process',
  process: processes.find((one) => one.comm === comm) ?? demoProcess(1),
});
const namespaces = Object.values(DEMO_STATE.namespaces);
const inside = processes.find(({ comm }) => comm === 'sh')?.namespaces ?? DEMO_NAMESPACES;
const namespace = (inode: number): DiffObject[] =>
  namespaces
    .filter((one) => one.inode === inode)
    .map((one) => ({ kind: 'namespace', namespace: one }));
const mount = (mountId: number, path: string, copied: boolean, fsType?: string): DiffObject => ({
  ...{ kind: 'mount', mountNs: inside.mnt, copied },
  mount: demoMount(mountId, path, fsType),
});

/** Nothing at all, of that command. */
export function emptyDiff(command: CommandSpan): CommandDiff {
  return { command, appeared: [], changed: [], vanished: [], passed: [], upTo: 20 };
}

/** What `unshare --pid --fork --mount-proc sh` did. */
export const DEMO_DIFF: CommandDiff = {
  ...emptyDiff(DEMO_COMMANDS[2] ?? demoCommand('c3', '')),
  appeared: [
    process('unshare'),
    process('sh'),
    process('sleep'),
    ...namespace(inside.pid),
    ...namespace(inside.mnt),
    ...['/', '/proc', '/sys', '/dev', '/tmp'].map((path, i) => mount(30 + i, path, true)),
    mount(40, '/proc', false, 'proc'),
  ],
  changed: [
    {
      object: process('bash'),
      fields: [
        { field: 'cgroup', from: '/', to: '/greenhouse' },
        {
          field: 'namespaces',
          from: DEMO_NAMESPACES,
          to: { ...DEMO_NAMESPACES, uts: DEMO_NAMESPACES.uts + 100 },
        },
      ],
    },
  ],
  vanished: [mount(25, '/mnt/old', false)],
  passed: [process('true')],
};
