/**
 * Types commands into a terminal the way a person would, only faster: one key after the other,
 * so that the learner sees what happens, and a pause after each Enter until the output is quiet.
 */
import type { Command } from '@terrarium/lesson';

/** Between two keys: fast, and still seen as typing. */
const KEY_MS = 14;
/** Output that has been quiet for so long has ended, as far as one can tell from outside. */
const QUIET_MS = 280;
/** A command that goes on printing (top, a flood) is not waited for any longer. */
const LONGEST_WAIT_MS = 2500;

/** What typing needs of a terminal. */
export interface TypingTarget {
  input(data: string): void;
  /** milliseconds since the last output */
  quietFor(): number;
}

/** Types one command. @param signal stops it between two keys */
export async function typeCommand(
  target: TypingTarget,
  command: Command,
  signal: AbortSignal,
  sleep: (ms: number) => Promise<void> = defaultSleep,
): Promise<void> {
  if ('key' in command) {
    target.input(keySequence(command.key));
  } else {
    // What is half typed at the prompt would become a part of the command: Ctrl-U takes it away.
    target.input('\x15');
    for (const key of command.line) {
      if (signal.aborted) return;
      target.input(key);
      await sleep(KEY_MS);
    }
    target.input('\r');
  }
  await waitForQuiet(target, signal, sleep);
}

async function waitForQuiet(
  target: TypingTarget,
  signal: AbortSignal,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  for (let waited = 0; waited < LONGEST_WAIT_MS && !signal.aborted; waited += 40) {
    await sleep(40);
    if (waited >= QUIET_MS && target.quietFor() >= QUIET_MS) return;
  }
}

/** Names of keys as lessons write them, beside `C-x` for Ctrl with a letter. */
const KEYS: Readonly<Record<string, string>> = {
  Enter: '\r',
  Tab: '\t',
  Escape: '\x1b',
  Space: ' ',
  Backspace: '\x7f',
  Up: '\x1b[A',
  Down: '\x1b[B',
  Right: '\x1b[C',
  Left: '\x1b[D',
};

/** The bytes of a key chord such as `C-c`; text that is no known key is typed as it is. */
export function keySequence(name: string): string {
  const control = /^C-(.)$/.exec(name)?.[1];
  if (control !== undefined) return String.fromCharCode(control.toUpperCase().charCodeAt(0) & 0x1f);
  return KEYS[name] ?? name;
}

/** How a key chord is written for people: `Ctrl+C`. */
export function keyName(name: string): string {
  const control = /^C-(.)$/.exec(name)?.[1];
  return control === undefined ? name : `Ctrl+${control.toUpperCase()}`;
}

function defaultSleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
