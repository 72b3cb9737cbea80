/** A tape as `unshare --pid --fork --mount-proc sh` leaves it, with two failures: for tests and pictures. */
import type { State, SyscallState } from '@terrarium/timeline';
import { DEMO_STATE } from '../fixture.js';

const UNSHARE = '4714:47140';
const SH = '4715:47150';
const AT = 1_780_000_030_000;

type Line = readonly [
  string,
  string,
  readonly string[],
  number | null,
  string | null,
  number | null,
];

const LINES: readonly Line[] = [
  [
    UNSHARE,
    'execve',
    ['"/usr/bin/unshare"', '["unshare", "--pid", "--fork", "--mount-proc", "sh"]'],
    0,
    null,
    0.41,
  ],
  [UNSHARE, 'unshare', ['CLONE_NEWNS|CLONE_NEWPID'], 0, null, 0.082],
  [UNSHARE, 'clone', ['CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD'], 15, null, 0.21],
  [SH, 'mount', ['"none"', '"/"', 'NULL', 'MS_REC|MS_PRIVATE', 'NULL'], 0, null, 0.012],
  [
    SH,
    'mount',
    ['"proc"', '"/proc"', '"proc"', 'MS_NOSUID|MS_NODEV|MS_NOEXEC', 'NULL'],
    0,
    null,
    0.034,
  ],
  [SH, 'execve', ['"/usr/local/bin/sh"', '["sh"]'], -2, 'ENOENT', 0.02],
  [SH, 'execve', ['"/usr/bin/sh"', '["sh"]'], 0, null, 0.38],
  [SH, 'pivot_root', ['"/new"', '"/new/old"'], -22, 'EINVAL', 0.006],
  [SH, 'setns', ['7</run/netns/quiet>', 'CLONE_NEWNET'], -1, 'EPERM', 0.003],
  ['4799:47990', 'sethostname', ['"forest"', '6'], 0, null, 0.003],
  [SH, 'wait4', ['-1', 'NULL', '0', 'NULL'], null, null, null],
];

const CALLS: readonly SyscallState[] = LINES.map(
  ([process, name, args, result, errno, took], i) => ({
    ...{ process, name, args, result, errno, took },
    at: AT + i * 3.4,
  }),
);

/** The demo sandbox with the tape on. */
export const DEMO_CALLS_STATE: State = {
  ...DEMO_STATE,
  tracing: true,
  calls: CALLS.map((call, i) => ({ ...call, seq: 100 + i })),
};
