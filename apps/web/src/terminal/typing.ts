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

/**
 * Types one command.
 *
 * @param options.more the line goes on in the next one (a here-document): there is no prompt to
 *   wait for, and text is pasted faster than commands are typed
 * @param options.signal stops it between two keys
 */
export async function typeCommand(
  target: TypingTarget,
  command: Command,
  options: TypingOptions,
): Promise<void> {
  const { signal, more = false, part = 'all', sleep = defaultSleep } = options;
  if ('key' in command) {
    if (part !== 'keys') target.input(keySequence(command.key));
  } else {
    await typeLine(target, command.line, { ...options, part, sleep });
  }
  if (!more && part !== 'keys') await waitForQuiet(target, signal, sleep);
}

async function typeLine(
  target: TypingTarget,
  line: string,
  options: TypingOptions & Required<Pick<TypingOptions, 'part' | 'sleep'>>,
): Promise<void> {
  const { signal, continued = false, part, sleep } = options;
  if (part !== 'enter') {
    // What is half typed at the prompt would become a part of the command: Ctrl-U takes it away.
    if (!continued) target.input('\x15');
    for (const keys of chunks(line, continued ? TEXT_KEYS : 1)) {
      if (signal.aborted) return;
      target.input(keys);
      await sleep(KEY_MS);
    }
  }
  if (part !== 'keys') target.input('\r');
}

/** All of a command, or first its keys and later its Enter: who presents it speaks in between. */
export type CommandPart = 'all' | 'keys' | 'enter';

export interface TypingOptions {
  readonly signal: AbortSignal;
  readonly more?: boolean;
  /** the line belongs to a here-document that an earlier one began */
  readonly continued?: boolean;
  /** 'all' when it is left out */
  readonly part?: CommandPart;
  readonly sleep?: (ms: number) => Promise<void>;
}

/** Keys at once inside a here-document. */
const TEXT_KEYS = 6;

function chunks(text: string, size: number): string[] {
  const characters = [...text];
  const parts: string[] = [];
  for (let at = 0; at < characters.length; at += size) {
    parts.push(characters.slice(at, at + size).join(''));
  }
  return parts;
}

/** A command with its place in a here-document, if it has one. */
export interface PlacedCommand {
  readonly command: Command;
  readonly continued: boolean;
  readonly more: boolean;
}

/** Finds the here-documents (`cat > file <<'EOF'` … `EOF`) in a list of commands. */
export function placeCommands(commands: readonly Command[]): readonly PlacedCommand[] {
  let end: string | null = null;
  return commands.map((command) => {
    if ('key' in command) return { command, continued: false, more: false };
    const continued = end !== null;
    if (end === null) end = /<<-?\s*(['"]?)(\w+)\1/.exec(command.line)?.[2] ?? null;
    else if (command.line.trim() === end) end = null;
    return { command, continued, more: end !== null };
  });
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
