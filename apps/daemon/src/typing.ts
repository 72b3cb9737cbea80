/** What keys send through a terminal: the bytes of a chord as a lesson writes it. */

const NAMED: Readonly<Record<string, string>> = {
  Enter: '\r',
  Tab: '\t',
  Escape: '\x1b',
  Space: ' ',
  Backspace: '\x7f',
};

/**
 * `C-c` → 0x03, `C-d` → 0x04, `Enter` → carriage return; a single character stands for itself.
 *
 * @throws Error for a chord that no terminal has
 */
export function keyBytes(chord: string): string {
  const control = /^C-([@A-Z[\\\]^_a-z])$/.exec(chord)?.[1];
  if (control !== undefined) return String.fromCharCode(control.toUpperCase().charCodeAt(0) & 0x1f);
  const named = NAMED[chord];
  if (named !== undefined) return named;
  if ([...chord].length === 1) return chord;
  throw new Error(`no such key: "${chord}"`);
}
