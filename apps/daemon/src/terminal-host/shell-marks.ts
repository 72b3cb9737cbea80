/**
 * The marks (OSC 133) by which a shell tells where its command lines begin and end, as
 * scripts/setup/image/shell-marks.bash prints them: `C;at=1795380823.418466;pid=17`.
 *
 * Any program on the terminal can print any of them. So everything here is parsed, capped and about
 * that one terminal; whoever forges a mark deceives the reader of his own page and nobody else.
 */

import { z } from 'zod';

/** A command line that is told; longer ones (a pasted script) are cut. Characters. */
export const MAX_LINE = 4096;
/** Payload of one sequence that is looked at: a percent-encoded line and its fields. Characters. */
const MAX_PAYLOAD = 4 * MAX_LINE;
/** A clock that differs more than this from ours was not read just now, ms. */
const MAX_CLOCK_DIFFERENCE = 60_000;
/** Shells of one terminal whose commands may run at once: a shell in a shell in a shell. */
const MAX_RUNNING = 16;

/** A shell begins a command line, or is done with it. */
export const shellMark = z.discriminatedUnion('mark', [
  z.object({
    mark: z.literal('start'),
    command: z.number().int().describe('number of the command on this terminal'),
    pid: z.number().int().describe("the shell's pid in its own pid namespace"),
    since: z.number().nullable().describe('when that shell began to tell, which names it'),
    at: z.number().nullable().describe("by the shell's clock, ms since the epoch"),
    line: z.string().max(MAX_LINE).nullable(),
  }),
  z.object({
    mark: z.literal('end'),
    command: z.number().int(),
    at: z.number().nullable(),
    exitCode: z.number().int().nullable(),
  }),
]);
export type ShellMark = z.infer<typeof shellMark>;
export type StartMark = Extract<ShellMark, { mark: 'start' }>;

/** One sequence, as it was printed. */
export type Osc133 =
  | { readonly kind: 'prompt' | 'input' | 'more' }
  | {
      readonly kind: 'start';
      readonly pid: number;
      readonly since: number | null;
      readonly at: number | null;
      readonly line: string | null;
    }
  | {
      readonly kind: 'end';
      readonly pid: number;
      readonly since: number | null;
      readonly at: number | null;
      readonly exitCode: number | null;
    };

/**
 * Parses what stands behind `ESC ] 133 ;`.
 *
 * @param now milliseconds since the epoch
 * @returns null for what is no mark of ours: other letters, no pid, or far too long
 */
export function parseOsc133(payload: string, now: number): Osc133 | null {
  if (payload.length > MAX_PAYLOAD) return null;
  const [letter, ...rest] = payload.split(';');
  switch (letter) {
    case 'A':
      return { kind: 'prompt' };
    case 'B':
      return { kind: 'input' };
    case 'P':
      return { kind: 'more' };
    case 'C':
    case 'D': {
      const fields = new Map(rest.map((one) => splitAt(one, '=')));
      const pid = wholeNumber(fields.get('pid'), 2 ** 22);
      if (pid === null || pid < 1) return null;
      const at = clock(fields.get('at'), now);
      const since = clock(fields.get('since'));
      if (letter === 'C') return { kind: 'start', pid, since, at, line: lineOf(fields) };
      return { kind: 'end', pid, since, at, exitCode: wholeNumber(rest[0], 255) };
    }
    default:
      return null;
  }
}

/** Which commands run on one terminal: gives them numbers, and finds the start of each end. */
export class RunningCommands {
  /** by shell */
  #running = new Map<string, StartMark>();
  #last = 0;

  /** Starts of the commands that have not ended. */
  get running(): readonly StartMark[] {
    return [...this.#running.values()];
  }

  /** @returns what there is to tell: nothing for a prompt that follows no command */
  take(osc: Osc133): ShellMark | null {
    if (osc.kind === 'start') {
      const { pid, since, at, line } = osc;
      const mark: StartMark = { mark: 'start', command: ++this.#last, pid, since, at, line };
      const shell = `${pid} ${since}`;
      this.#running.delete(shell);
      this.#running.set(shell, mark);
      const [oldest] = this.#running.keys();
      if (this.#running.size > MAX_RUNNING && oldest !== undefined) this.#running.delete(oldest);
      return mark;
    }
    if (osc.kind !== 'end') return null;
    const shell = `${osc.pid} ${osc.since}`;
    const start = this.#running.get(shell);
    if (start === undefined) return null;
    this.#running.delete(shell);
    return { mark: 'end', command: start.command, at: osc.at, exitCode: osc.exitCode };
  }

  /** The shell and all that it ran are gone; numbers go on. */
  clear(): void {
    this.#running.clear();
  }
}

/** A line that the shell itself told, as kitty's and other integrations do. */
function lineOf(fields: ReadonlyMap<string, string>): string | null {
  const encoded = fields.get('cmdline_url');
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded).slice(0, MAX_LINE);
  } catch {
    return null; // a broken escape
  }
}

/**
 * `1795380823.418466` in seconds → milliseconds; some languages write a comma.
 *
 * @param now where it must have been read just now
 */
function clock(text: string | undefined, now?: number): number | null {
  const found = /^(\d{1,12})[.,](\d{6})$/.exec(text ?? '');
  if (found === null) return null;
  const at = Number(found[1]) * 1000 + Number(found[2]) / 1000;
  const isFar = now !== undefined && Math.abs(at - now) > MAX_CLOCK_DIFFERENCE;
  return isFar ? null : at;
}

function wholeNumber(text: string | undefined, max: number): number | null {
  if (text === undefined || !/^\d{1,7}$/.test(text)) return null;
  const value = Number(text);
  return value <= max ? value : null;
}

function splitAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
