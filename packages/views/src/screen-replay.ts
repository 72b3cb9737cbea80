/**
 * Draws a terminal's past on an emulator: the screen that a segment of the tape begins with, then
 * bytes and sizes up to the moment. Going forward in one segment plays only what is new.
 */
import type { TapeMoment } from '@terrarium/timeline';

/** What is used of xterm.js. */
export interface ReplayEmulator {
  write(data: string | Uint8Array, drawn?: () => void): void;
  resize(cols: number, rows: number): void;
  reset(): void;
}

/** One emulator's replay. The newest wish counts: moments in between are left out. */
export class ScreenReplay {
  readonly #emulator: ReplayEmulator;
  readonly #onDrawn: () => void;
  #wanted: TapeMoment | null = null;
  #shown: TapeMoment | null = null;
  #running = false;
  #disposed = false;

  /** @param onDrawn called each time that a moment stands on the screen */
  constructor(emulator: ReplayEmulator, onDrawn: () => void = () => {}) {
    this.#emulator = emulator;
    this.#onDrawn = onDrawn;
  }

  /** Shows a moment; null: an empty screen. */
  show(moment: TapeMoment | null): void {
    this.#wanted = moment;
    if (!this.#running) void this.#run();
  }

  dispose(): void {
    this.#disposed = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (!this.#disposed && !isSame(this.#wanted, this.#shown)) {
      const next = this.#wanted;
      await this.#play(next);
      this.#shown = next;
      if (!this.#disposed) this.#onDrawn();
    }
    this.#running = false;
  }

  async #play(moment: TapeMoment | null): Promise<void> {
    const before = this.#shown;
    let from = 0;
    if (moment !== null && before?.segment === moment.segment && before.count <= moment.count) {
      from = before.count;
    } else {
      this.#emulator.reset();
      if (moment === null) return;
      this.#emulator.resize(moment.cols, moment.rows);
      if (moment.screen !== '') this.#emulator.write(moment.screen);
    }
    for (let i = from; i < moment.count && !this.#disposed; i++) {
      const part = moment.parts[i]!;
      if ('bytes' in part) {
        this.#emulator.write(part.bytes);
      } else {
        await this.#drawn(); // bytes before a new size belong to the old one
        this.#emulator.resize(part.cols, part.rows);
      }
    }
    await this.#drawn();
  }

  #drawn(): Promise<void> {
    return new Promise((resolve) => this.#emulator.write('', resolve));
  }
}

/** What is used of xterm's `buffer.active`. */
export interface ReplayBuffer {
  readonly baseY: number;
  readonly length: number;
  getLine(y: number): { translateToString(trimRight?: boolean): string } | undefined;
}

/** The screen as text, for who reads it with other means than eyes. */
export function screenText(buffer: ReplayBuffer): string {
  const lines: string[] = [];
  for (let y = buffer.baseY; y < buffer.length; y++) {
    lines.push(buffer.getLine(y)?.translateToString(true) ?? '');
  }
  return lines.join('\n').trimEnd();
}

function isSame(a: TapeMoment | null, b: TapeMoment | null): boolean {
  return a === b || (a !== null && a.segment === b?.segment && a.count === b.count);
}
