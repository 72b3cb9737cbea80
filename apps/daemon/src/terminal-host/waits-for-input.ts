/**
 * Whether somebody at a terminal waits for keys: what is typed earlier meets a tty in the wrong
 * mode, and a shell that is starting throws it away. Reads the host's /proc as root.
 */
import { readFileSync } from 'node:fs';
import { hostArchitecture, syscallNumber } from '@terrarium/syscall';

/** System calls in which shells and other programs wait for a key. */
const WAITING = ['read', 'pselect6', 'ppoll', 'select', 'poll'];

/**
 * True while the terminal's foreground process sleeps in one of them, and where the kernel does
 * not tell.
 *
 * @param shellPid the session leader, in the host's pid namespace
 */
export function waitsForInput(shellPid: number): boolean {
  try {
    // `4711 (bash) S 4709 4711 4711 34816 4720 …`: the last of these is the foreground group.
    const stat = readFileSync(`/proc/${shellPid}/stat`, 'latin1');
    const foreground = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[5];
    // `0 0x0 0x7ffd… …`: number and arguments; `running`, or -1 outside of any call.
    const call = readFileSync(`/proc/${foreground}/syscall`, 'latin1').split(' ')[0];
    return waitingNumbers().has(Number(call));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A kernel without CONFIG_HAVE_ARCH_TRACEHOOK has no such file; then only time can tell.
    return code !== 'ENOENT' && code !== 'ESRCH';
  }
}

let numbers: ReadonlySet<number> | null = null;

function waitingNumbers(): ReadonlySet<number> {
  numbers ??= new Set(WAITING.flatMap(numberHere));
  return numbers;
}

/** arm64 has neither select nor poll. */
function numberHere(name: string): number[] {
  try {
    return [syscallNumber(name, hostArchitecture())];
  } catch {
    return [];
  }
}
