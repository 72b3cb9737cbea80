/**
 * Commands of a session's shells on its timeline: takes the marks that shells print on their
 * terminals, finds the process that printed each, and appends `command.start` and `command.end`.
 *
 * A mark names the shell by its pid in its own pid namespace, and a terminal; the kernel says the
 * rest. Of shells with one pid in nested namespaces, each tells since when it tells: it was born
 * before that, and is not the one that has told of another time. The mark of a shell that the observer
 * has not told of yet waits for it, and the marks behind it on that terminal wait, too, so that their
 * order stays. A mark that fits no process is dropped.
 */
import type { ProcessKey, ProcessState, State, Timeline } from '@terrarium/timeline';
import type { TerminalMark } from './ports.js';

/** The observer tells of a new shell in milliseconds, and after its own restart in seconds, ms. */
const PATIENCE_MS = 10_000;
/** Marks of one terminal that wait; a program that prints nothing else must not fill the memory. */
const MAX_WAITING = 64;

/** Shells of one session that are remembered. */
const MAX_SHELLS = 256;

interface Waiting {
  readonly heard: TerminalMark;
  readonly until: number;
}

export class Commands {
  readonly #timeline: Pick<Timeline, 'append' | 'state'>;
  readonly #now: () => number;
  readonly #waiting = new Map<string, Waiting[]>();
  /** shells that have told, by terminal and by since when they tell */
  readonly #shells = new Map<string, ProcessKey>();
  /** a sandbox where nothing happens tells nothing, and still nobody waits longer than he may */
  #patience: NodeJS.Timeout | undefined;

  /** @param now milliseconds since the epoch; for tests */
  constructor(timeline: Pick<Timeline, 'append' | 'state'>, now: () => number = Date.now) {
    this.#timeline = timeline;
    this.#now = now;
  }

  /** A mark came. */
  heard(heard: TerminalMark): void {
    const queue = this.#waiting.get(heard.terminal) ?? [];
    this.#waiting.set(heard.terminal, queue);
    queue.push({ heard, until: this.#now() + PATIENCE_MS });
    if (queue.length > MAX_WAITING) queue.shift();
    this.#drain(heard.terminal, queue);
    this.#lookAtTheLatest();
  }

  /** The observer told something: shells that marks wait for may be among it. */
  look(): void {
    if (this.#waiting.size === 0) return;
    for (const [terminal, queue] of this.#waiting) this.#drain(terminal, queue);
    this.#lookAtTheLatest();
  }

  /** The sandbox is gone. */
  clear(): void {
    clearTimeout(this.#patience);
    this.#waiting.clear();
    this.#shells.clear();
  }

  /** When the first of those that wait gives up, whatever else happens. */
  #lookAtTheLatest(): void {
    clearTimeout(this.#patience);
    const untils = [...this.#waiting.values()].flatMap((queue) => queue[0]?.until ?? []);
    if (untils.length === 0) return;
    const wait = Math.max(0, Math.min(...untils) - this.#now());
    this.#patience = setTimeout(() => this.look(), wait).unref();
  }

  #drain(terminal: string, queue: Waiting[]): void {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const isLast = this.#now() >= first.until;
      if (!this.#take(first.heard, isLast) && !isLast) return;
      queue.shift();
    }
    this.#waiting.delete(terminal);
  }

  /** @returns false for the start of a shell that is not known yet */
  #take({ terminal, pts, mark }: TerminalMark, isLast: boolean): boolean {
    const { state } = this.#timeline;
    const id = `${terminal}/${mark.command}`;
    if (mark.mark === 'end') {
      // A shell that is gone has ended its command already, and a dropped start has none.
      if (state.commands?.[id]?.endedAt !== null) return true;
      const { exitCode } = mark;
      this.#timeline.append([{ type: 'command.end', id, exitCode, ...timeOf(mark.at) }]);
      return true;
    }
    const name = `${terminal} ${mark.pid} ${mark.since}`;
    // A shell that another bash has replaced tells of a later time: it is taken when no other comes.
    const others = new Set(isLast ? [] : this.#shells.values());
    const told = this.#shells.get(name);
    // Who says since when is known for good, even when it is gone; a pid alone may be another's now.
    const isSure = mark.since !== null || state.processes[told ?? ''] !== undefined;
    const shell =
      (isSure ? told : undefined) ?? shellOf(state, pts, mark.pid, mark.since, others)?.key;
    if (shell === undefined) return false;
    this.#shells.delete(name);
    this.#shells.set(name, shell);
    const [oldest] = this.#shells.keys();
    if (this.#shells.size > MAX_SHELLS && oldest !== undefined) this.#shells.delete(oldest);
    this.#timeline.append([
      {
        ...{ type: 'command.start', id, terminal, line: mark.line },
        ...{ process: shell, processGroup: null, ...timeOf(mark.at) },
      },
    ]);
    // Of `exit` the observer may be the first to tell: then nobody is left who would end it.
    if (state.processes[shell] === undefined) {
      this.#timeline.append([{ type: 'command.end', id, exitCode: null, ...timeOf(mark.at) }]);
    }
    return true;
  }
}

/**
 * The process that printed a mark: on that terminal, of that pid in its own pid namespace. Where
 * pid namespaces are nested, several can be pid 1: the newest is the one in front, as those
 * before it wait for it, or are stopped.
 *
 * @param since when it began to tell, ms since the epoch: after its birth
 * @param others processes that have told of other times
 */
export function shellOf(
  state: State,
  pts: number,
  pid: number,
  since: number | null = null,
  others: ReadonlySet<ProcessKey> = new Set(),
): ProcessState | null {
  let newest: ProcessState | null = null;
  for (const process of Object.values(state.processes)) {
    if (process.terminal !== pts || process.pids.at(-1) !== pid) continue;
    if (process.state === 'Z' || process.state === 'T') continue;
    if (since !== null && (process.bornAt > since || others.has(process.key))) continue;
    if (newest === null || process.startTime > newest.startTime) newest = process;
  }
  return newest;
}

function timeOf(at: number | null): { at?: number } {
  return at === null ? {} : { at };
}
