/** The tape: which bytes make the screen of a moment, and what goes at the bound. */
import { expect, test } from 'vitest';
import { textOf, utf8 } from './recording/platform.js';
import { type TapeMoment, TerminalTape } from './terminal-tape.js';

const bytes = utf8;

function played(moment: TapeMoment | null): string | null {
  if (moment === null) return null;
  const parts = moment.parts.slice(0, moment.count);
  const text = parts.map((part) =>
    'bytes' in part ? textOf(part.bytes) : `<${part.cols}x${part.rows}>`,
  );
  return moment.screen + text.join('');
}

test('a moment has everything that was printed until then, and nothing after', () => {
  const tape = new TerminalTape();
  tape.resize(5, 100, 30);
  tape.write(10, bytes('a'));
  tape.write(20, bytes('b'));
  tape.resize(25, 90, 30);
  tape.write(30, bytes('c'));
  expect(tape.at(9)).toBeNull();
  expect(played(tape.at(10))).toBe('a');
  expect(played(tape.at(29))).toBe('ab<90x30>');
  expect(played(tape.at(1000))).toBe('ab<90x30>c');
  expect(tape.at(10)).toMatchObject({ cols: 100, rows: 30 });
  expect(tape.at(10)?.segment).toBe(tape.at(30)?.segment);
});

test('a seek replays no more than a segment', () => {
  const tape = new TerminalTape({ segmentBytes: 4 });
  tape.write(10, bytes('abcd'));
  expect(tape.wantsScreen).toBe(true);
  tape.screen(11, 'SCREEN');
  tape.write(12, bytes('e'));
  expect(played(tape.at(10))).toBe('abcd');
  expect(played(tape.at(12))).toBe('SCREENe');
  expect(tape.at(12)?.count).toBe(1);
});

test('at the bound the oldest segment goes, never the open one', () => {
  const tape = new TerminalTape({ segmentBytes: 4, maxBytes: 12 });
  tape.write(1, bytes('abcdefgh'));
  tape.screen(2, 'S1');
  tape.write(3, bytes('ijkl'));
  expect(tape.begins).toBe(2);
  tape.write(4, bytes('a longer text than the bound allows'));
  expect(played(tape.at(4))).toBe('S1ijkla longer text than the bound allows');
  expect(tape.at(1)).toBeNull();
});

test('as records it plays the same from the start', () => {
  const tape = new TerminalTape({ segmentBytes: 4 });
  tape.write(1, bytes('abcd'));
  tape.screen(2, 'SCREEN');
  tape.write(3, bytes('e'));
  const records = [...tape.records('t1', (t) => t + 1000)];
  expect(records.map(({ type, t }) => [type, t])).toEqual([
    ['terminal.resize', 1001],
    ['terminal.output', 1001],
    ['terminal.output', 1003],
  ]);
});
