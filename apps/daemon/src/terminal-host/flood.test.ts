import headless from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import { plainness, skippableBytes } from './flood.js';
import { dumpScreen } from './testing/screen-dump.js';
import { UnicodeGraphemesAddon } from './unicode-graphemes.js';

const COLS = 20;
const ROWS = 5;
const SCROLLBACK = 10;
const KEEP = SCROLLBACK + 2 * ROWS;

async function screenOf(...texts: (string | Uint8Array)[]): Promise<string[]> {
  const terminal = new headless.Terminal({
    allowProposedApi: true,
    cols: COLS,
    rows: ROWS,
    scrollback: SCROLLBACK,
  });
  terminal.loadAddon(new UnicodeGraphemesAddon());
  for (const text of texts) await new Promise<void>((resolve) => terminal.write(text, resolve));
  return dumpScreen(terminal);
}

const lines = (n: number, line: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => `${line(i)}\r\n`).join('');

describe('skippableBytes', () => {
  it.each([
    ['nothing before', ''],
    ['a full screen before', lines(30, (i) => `before ${i}`)],
    ['text below the cursor', `${lines(4, () => 'below '.repeat(3))}\x1b[2;7H`],
    ['a coloured background', 'x\x1b[44m\x1b[2J\x1b[3;3H'],
    ['a cursor that waits', 'x'.repeat(COLS)],
    ['line drawing', '\x1b(0'],
  ])('leaves the same screen, with %s', async (_name, before) => {
    for (const flood of [
      lines(100, (i) => `line ${i}`),
      lines(60, (i) => 'long '.repeat(i % 9)),
      lines(60, () => '日本語'),
      lines(9, (i) => 'very long line '.repeat(i * 3)),
      `${lines(60, String)}no newline at the end`,
    ]) {
      const bytes = Buffer.from(flood);
      const kind = plainness(bytes);
      expect(kind).not.toBe('other');
      const chunks = [bytes.subarray(0, 100), bytes.subarray(100, 103), bytes.subarray(103)];
      const skipped = skippableBytes(chunks, KEEP, kind === 'ascii' ? COLS : null);
      expect(skipped).toBeGreaterThan(0);
      expect(await screenOf(before, bytes.subarray(skipped))).toEqual(
        await screenOf(before, flood),
      );
    }
  });

  it('keeps all of too few lines, and of one long line', () => {
    expect(skippableBytes([Buffer.from(lines(KEEP, String))], KEEP, null)).toBe(0);
    expect(skippableBytes([Buffer.from(lines(KEEP + 1, () => 'x'))], KEEP, null)).toBe(3);
    expect(skippableBytes([Buffer.from('x'.repeat(10_000))], KEEP, COLS)).toBe(0);
    expect(skippableBytes([], KEEP, null)).toBe(0);
  });
});

describe('plainness', () => {
  it.each([
    ['x\nx\n', 'other'],
    ['x\x1b[m', 'other'],
    ['a\bb', 'other'],
    ['a\u009b31m', 'other'],
    ['\nx', 'other'],
    ['a\r\nb\r\n', 'ascii'],
    ['10 %\r20 %', 'text'],
    ['a\tb', 'text'],
    ['日本\r\n', 'text'],
  ] as const)('of %j is %s', (text, expected) => {
    expect(plainness(Buffer.from(text))).toBe(expected);
  });
});
