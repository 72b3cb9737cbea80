/**
 * Calls that give a process its standard files: taken from a living process by pidfd_getfd(2), so
 * that the plan itself says where each comes from. Who runs them: `outside` takes, while it still
 * sees the owner's pid; the process that execs puts them in their places.
 */
import { flagged, O, type Slot } from '@terrarium/syscall';
import { FDCWD, purpose, type Script } from './script.js';

/** An open file of a living process of the host. */
export interface ForeignFd {
  readonly ownerPid: number;
  readonly fd: number;
}

/** Standard input, output and error; null is /dev/null as the process itself sees it. */
export interface Stdio {
  readonly stdin: ForeignFd | null;
  readonly stdout: ForeignFd | null;
  readonly stderr: ForeignFd | null;
}

/** Registers with the fds that become 0, 1 and 2; null: /dev/null. */
export type StandardFiles = readonly [Slot | null, Slot | null, Slot | null];

/** No standard files at all: three times /dev/null. */
export const NO_FILES: StandardFiles = [null, null, null];

/** Takes one fd from its owner; the register holds our own copy. */
export function takeFd(script: Script, { ownerPid, fd }: ForeignFd, name: string): Slot {
  const owner = script.builder.slot(`${name}Owner`);
  const taken = script.builder.slot(name);
  const why = purpose(
    'take-fd',
    `take the ${name} from the process that holds it`,
    `从持有者进程取得 ${name}`,
  );
  script.call('pidfd_open', [ownerPid, 0], why, { store: owner });
  script.call('pidfd_getfd', [owner, fd, 0], why, { store: taken });
  script.call('close', [owner], why);
  return taken;
}

/** Takes all three. */
export function takeStdio(script: Script, stdio: Stdio | undefined): StandardFiles {
  const { stdin = null, stdout = null, stderr = null } = stdio ?? {};
  return [
    stdin === null ? null : takeFd(script, stdin, 'stdin'),
    stdout === null ? null : takeFd(script, stdout, 'stdout'),
    stderr === null ? null : takeFd(script, stderr, 'stderr'),
  ];
}

/** Puts them at 0, 1 and 2. */
export function placeStandardFiles(script: Script, standard: StandardFiles): void {
  const why = purpose(
    'standard-files',
    'standard input, output and error',
    '标准输入、标准输出和标准错误',
  );
  const nothing = standard.includes(null) ? script.builder.slot('nothing') : null;
  if (nothing !== null) {
    script.call('openat', [FDCWD, '/dev/null', flagged(O, 'O_RDWR', 'O_CLOEXEC')], why, {
      store: nothing,
    });
  }
  standard.forEach((slot, fd) => {
    const source = slot ?? nothing;
    if (source !== null) script.call('dup3', [source, fd, 0], why);
  });
}
