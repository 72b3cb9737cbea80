/** Decodes the status of wait(2). */

/** The exit code of a shell as the next shell would show it in `$?`: 128 + signal when killed. */
export function exitCodeOf(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
}
