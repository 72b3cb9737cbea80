import { TerminalTape } from '@terrarium/timeline';
import { expect, it } from 'vitest';
import { ScreenReplay } from './screen-replay.js';

/** Draws later, as xterm.js does. */
class FakeEmulator {
  screen = '';
  writes = 0;
  #queue: (() => void)[] = [];
  write(data: string | Uint8Array, drawn?: () => void): void {
    this.writes += 1;
    const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
    this.#queue.push(() => {
      this.screen += text;
      drawn?.();
    });
    if (this.#queue.length === 1) setTimeout(() => this.#draw());
  }
  resize(cols: number, rows: number): void {
    this.screen += `<${cols}x${rows}>`;
  }
  reset(): void {
    this.screen = '';
  }
  #draw(): void {
    for (const one of this.#queue.splice(0)) one();
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

it('draws a moment, goes on from it, and goes back by starting over', async () => {
  const tape = new TerminalTape();
  tape.write(1, bytes('a'));
  tape.write(2, bytes('b'));
  tape.resize(3, 100, 30);
  tape.write(4, bytes('c'));
  const emulator = new FakeEmulator();
  const replay = new ScreenReplay(emulator);
  replay.show(tape.at(2));
  await settled();
  expect(emulator.screen).toBe('<80x24>ab');
  const writes = emulator.writes;
  replay.show(tape.at(9));
  await settled();
  expect(emulator.screen).toBe('<80x24>ab<100x30>c');
  expect(emulator.writes - writes).toBeLessThanOrEqual(3);
  replay.show(tape.at(1));
  await settled();
  expect(emulator.screen).toBe('<80x24>a');
  replay.show(null);
  await settled();
  expect(emulator.screen).toBe('');
});

it('leaves out moments that were passed while it drew', async () => {
  const tape = new TerminalTape();
  for (let t = 1; t <= 9; t++) tape.write(t, bytes(String(t)));
  const emulator = new FakeEmulator();
  const replay = new ScreenReplay(emulator);
  for (const t of [9, 3, 7, 5]) replay.show(tape.at(t));
  await settled();
  expect(emulator.screen).toBe('<80x24>12345');
});
