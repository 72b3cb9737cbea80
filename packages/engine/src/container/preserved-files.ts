/**
 * `--preserve-fds`: open files of the caller that become fds 3, 4, … of the program. Who runs them:
 * the first process takes them, while it sees their owner; the process that execs places them.
 */
import { type Slot, shown } from '@terrarium/syscall';
import { purpose, type Script } from '../plan/script.js';
import { type ForeignFd, takeFd } from '../plan/standard-files.js';

/** fcntl(2); not among the constants of flags */
const F_DUPFD_CLOEXEC = shown(1030, 'F_DUPFD_CLOEXEC');

/** Takes all. @returns registers with our copies */
export function takePreserved(script: Script, files: readonly ForeignFd[]): Slot[] {
  return files.map((fd, index) => takeFd(script, fd, `preserved${3 + index}`));
}

/** Puts them at 3, 4, … @returns how many fds behind the standard files stay open */
export function placePreserved(script: Script, preserved: readonly Slot[]): number {
  const why = purpose('preserve-fds', 'hand these open files on', '把这些打开的文件交给程序');
  // First all out of the way: one may sit where another belongs.
  const high = preserved.map((slot) => moveUp(script, slot, 3 + preserved.length, why));
  high.forEach((slot, index) => {
    script.call('dup3', [slot, 3 + index, 0], why);
  });
  return preserved.length;
}

/** Copies an fd to a number of at least `lowest`. */
export function moveUp(
  script: Script,
  slot: Slot,
  lowest: number,
  why: ReturnType<typeof purpose>,
): Slot {
  const copy = script.builder.slot(`${slot.name}High`);
  script.call('fcntl', [slot, F_DUPFD_CLOEXEC, lowest], why, { store: copy });
  return copy;
}
