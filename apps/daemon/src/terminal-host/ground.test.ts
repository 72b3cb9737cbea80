import { describe, expect, it } from 'vitest';
import { GroundTracker } from './ground.js';

/** Feeds text byte by byte; the last ground offset after each byte. */
function grounds(text: string): number[] {
  const tracker = new GroundTracker(0);
  return [...Buffer.from(text)].map((byte) => {
    tracker.feed(Uint8Array.of(byte));
    return tracker.ground;
  });
}

describe('GroundTracker', () => {
  it.each([
    ['text', 'ab', [1, 2]],
    ['a wide character', 'a日b', [1, 1, 1, 4, 5]],
    ['four bytes', '😀', [0, 0, 0, 4]],
    ['CSI', '\x1b[31mx', [0, 0, 0, 0, 5, 6]],
    ['OSC ended by BEL', '\x1b]2;t\x07', [0, 0, 0, 0, 0, 6]],
    ['OSC ended by ST', '\x1b]2\x1b\\', [0, 0, 0, 0, 5]],
    ['DCS', '\x1bPq\x1b\\x', [0, 0, 0, 0, 5, 6]],
    ['a character set', '\x1b(0q', [0, 0, 3, 4]],
    ['ESC 7', '\x1b7', [0, 2]],
    ['CAN in CSI', '\x1b[3\x18m', [0, 0, 0, 4, 5]],
    ['ESC in CSI', '\x1b[3\x1b7', [0, 0, 0, 3, 5]],
    ['ESC [ in OSC', '\x1b]2;\x1b[m', [0, 0, 0, 0, 0, 4, 7]],
    ['a control character in CSI', '\x1b[\r1m', [0, 0, 0, 0, 5]],
  ])('%s', (_name, text, expected) => {
    expect(grounds(text)).toEqual(expected);
  });

  it('starts anew after a broken character', () => {
    const tracker = new GroundTracker(10);
    tracker.feed(Uint8Array.of(0xe6, 0x41));
    expect([tracker.ground, tracker.offset]).toEqual([12, 12]);
  });
});
