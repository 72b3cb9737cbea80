/**
 * Which lines of a terminal are command lines, by the marks (OSC 133) that its shell prints, and how
 * they light up. Lines that were on the screen before the page was opened have no marks.
 */
import type { IDecoration, IMarker, Terminal } from '@xterm/xterm';

/** Marked lines that are remembered. */
const KEPT_LINES = 200;
/** A command is told this long after its mark was printed at most, and never before. */
const TOLD_WITHIN_MS = 5000;
const CLOCK_TOLERANCE_MS = 50;

interface CommandLine {
  /** by the shell's clock, ms since the epoch */
  readonly at: number;
  readonly marker: IMarker;
}

/** The command lines of one terminal. Disposed with it. */
export class CommandLines {
  readonly #terminal: Terminal;
  #lines: CommandLine[] = [];
  #input: IMarker | null = null;
  #lit: IDecoration[] = [];
  #wanted = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.parser.registerOscHandler(133, (payload) => {
      this.#mark(payload);
      return false; // others may listen, too
    });
  }

  /** Lights up the lines of the commands that began then, and no others. */
  light(startedAt: readonly number[], colour: string): void {
    const wanted = startedAt.join();
    if (wanted === this.#wanted) return; // asked again with every change of the kernel's state
    this.#wanted = wanted;
    for (const decoration of this.#lit.splice(0)) decoration.dispose();
    for (const time of startedAt) {
      const line = this.#lineOf(time);
      if (line === undefined || line.marker.isDisposed) continue;
      const decoration = this.#terminal.registerDecoration({
        marker: line.marker,
        width: this.#terminal.cols,
        backgroundColor: colour,
        layer: 'bottom',
      });
      if (decoration !== undefined) this.#lit.push(decoration);
    }
  }

  /** `B`: what is typed begins here; `C;at=1795380823.418466;pid=17`: it is run. */
  #mark(payload: string): void {
    if (payload.startsWith('B')) this.#input = this.#terminal.registerMarker(0) ?? null;
    const at = /^C;(?:.*;)?at=(\d+)\.(\d{3})/.exec(payload);
    if (at === null || this.#input === null) return;
    this.#lines.push({ at: Number(`${at[1]}${at[2]}`), marker: this.#input });
    this.#input = null;
    this.#lines = this.#lines.filter(({ marker }) => !marker.isDisposed).slice(-KEPT_LINES);
  }

  /** The last one that was printed before the command was told of. */
  #lineOf(time: number): CommandLine | undefined {
    return this.#lines.findLast(
      ({ at }) => at <= time + CLOCK_TOLERANCE_MS && time - at < TOLD_WITHIN_MS,
    );
  }
}
