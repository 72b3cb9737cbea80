/**
 * What stands on the screen between the end of a prompt and the start of its command: the line as
 * it was typed, after all editing. Bash has no way to tell it without starting a process.
 */

import type headless from '@xterm/headless';
import type { IMarker } from '@xterm/headless';
import { MAX_LINE } from './shell-marks.js';

type Emulator = InstanceType<typeof headless.Terminal>;

/** Rows of one typed line that are read: a screen of them, a few times over. */
const MAX_ROWS = 200;

/** Where typing begins: a row that moves with the text, and a column. */
interface Place {
  readonly marker: IMarker;
  readonly x: number;
}

/** Follows the marks of one emulator. */
export class TypedLine {
  readonly #emulator: Emulator;
  /** lines that are complete, of an input that goes on behind a second prompt */
  #parts: string[] = [];
  #begin: Place | null = null;

  constructor(emulator: Emulator) {
    this.#emulator = emulator;
  }

  /** A prompt begins; what was typed behind an earlier one is not run. */
  prompt(): void {
    this.#parts = [];
    this.#forget();
  }

  /** The cursor stands where typing begins. */
  input(): void {
    this.#forget();
    const marker = this.#emulator.registerMarker(0);
    // None on the alternate screen.
    if (marker !== undefined) this.#begin = { marker, x: this.#emulator.buffer.active.cursorX };
  }

  /** A prompt for more of the same command. */
  more(): void {
    const part = this.#read();
    if (part !== null && this.#parts.length < MAX_ROWS) this.#parts.push(part);
    this.#forget();
  }

  /** The command begins: @returns what was typed, null when that cannot be seen */
  taken(): string | null {
    const last = this.#read();
    const line = last === null ? null : [...this.#parts, last].join('\n').slice(0, MAX_LINE);
    this.prompt();
    return line;
  }

  #read(): string | null {
    const { active } = this.#emulator.buffer;
    if (this.#begin === null || this.#begin.marker.line < 0) return null;
    const { x } = this.#begin;
    const first = this.#begin.marker.line;
    // Enter has moved the cursor to the line below.
    const end = Math.min(active.baseY + active.cursorY, first + MAX_ROWS);
    let text = '';
    for (let y = first; y < end; y++) {
      const row = active.getLine(y);
      if (row === undefined) break;
      if (y > first && !row.isWrapped) text += '\n';
      const wraps = y + 1 < end && active.getLine(y + 1)?.isWrapped === true;
      text += row.translateToString(!wraps, y === first ? x : 0);
    }
    return end > first ? text.trimEnd() : null;
  }

  #forget(): void {
    this.#begin?.marker.dispose();
    this.#begin = null;
  }
}
