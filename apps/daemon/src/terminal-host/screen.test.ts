import headless from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import { serializeScreen } from './screen.js';
import { dumpScreen } from './testing/screen-dump.js';
import { UnicodeGraphemesAddon } from './unicode-graphemes.js';

type Emulator = InstanceType<typeof headless.Terminal>;

function emulator(cols = 20, rows = 6): Emulator {
  const terminal = new headless.Terminal({ allowProposedApi: true, cols, rows, scrollback: 50 });
  terminal.loadAddon(new UnicodeGraphemesAddon());
  return terminal;
}

function write(terminal: Emulator, text: string): Promise<void> {
  return new Promise((resolve) => terminal.write(text, resolve));
}

/** Both screens: of the emulator that drew `text`, and of one that drew its serialized screen. */
async function both(text: string, cols = 20, rows = 6): Promise<[string[], string[]]> {
  const original = emulator(cols, rows);
  await write(original, text);
  const copy = emulator(cols, rows);
  await write(copy, 'left over \x1b[31;44m from before\x1b[?25l\x1b[?1049h');
  await write(copy, `\x1bc${serializeScreen(original)}`);
  return [dumpScreen(original), dumpScreen(copy)];
}

const CASES: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['a prompt', '$ '],
  ['scrollback', Array.from({ length: 40 }, (_, i) => `line ${i}\r\n`).join('')],
  ['more than the scrollback', Array.from({ length: 90 }, (_, i) => `${i}\r\n`).join('')],
  ['a wrapped line', 'x'.repeat(50)],
  ['the cursor that waits behind the last column', 'x'.repeat(20)],
  ['… behind a wide character', '日'.repeat(10)],
  ['… on the last row', `${'\n'.repeat(6)}\r${'y'.repeat(20)}`],
  ['a wide character that did not fit', `${'x'.repeat(19)}日本`],
  ['a coloured wide character that did not fit', `\x1b[41m${'x'.repeat(19)}日本`],
  ['colours', '\x1b[31mred \x1b[1;92mgreen\x1b[0m \x1b[38;5;208mo\x1b[48;2;1;2;3mrgb'],
  [
    'every attribute',
    '\x1b[1;2;3;4;5;7;8;9;53mall\x1b[m\x1b[4:3;58:2::9:8:7mcurly\x1b[m\x1b[21mdouble',
  ],
  ['erased with a background', '\x1b[44m\x1b[2J\x1b[3;5Hx\x1b[1K\x1b[m'],
  ['background scrolled in', '\x1b[42m\n\n\n\n\n\n\n\nx\x1b[m'],
  ['wrap with a background', `\x1b[42m${'x'.repeat(45)}\x1b[m`],
  ['wrap, then erased', `${'x'.repeat(45)}\x1b[2;1H\x1b[4X\x1b[1;18H\x1b[3X`],
  ['emoji, combining, flags', 'e\u0301 👨‍👩‍👧 🇩🇪🇫🇷 ❤️ 한글'],
  ['flags written apart', '🇩\x1b[3G🇪 e\x1b[1Cx'],
  ['half of a wide character overwritten', '日本\x1b[2Gx\x1b[1;4Hy'],
  ['cursor somewhere', 'a\r\nb\x1b[4;7H'],
  ['saved cursor', '\x1b[2;3H\x1b[35m\x1b7\x1b[m\x1b[5;6Hx'],
  ['scroll region', '\x1b[2;4r\x1b[3;1Hinside'],
  ['origin mode', '\x1b[2;4r\x1b[?6h\x1b[2;2Hx'],
  ['line drawing', '\x1b(0lqqk\x1b(Bx\x1b)0\x0eq'],
  ['modes', '\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[4h\x1b[?7l\x1b[?45h'],
  ['no wrap at the last column', '\x1b[?7labcdefghijklmnopqrstuvwxyz'],
  ['hidden bar cursor', '\x1b[?25l\x1b[5 q'],
  ['tab stops', '\x1b[3g\x1b[5G\x1bH\x1b[11G\x1bH\r\tx'],
  ['title', '\x1b]2;a title\x07x'],
  ['new line mode', '\x1b[20ha\nb'],
  ['the alternate screen', 'normal\r\nscreen\x1b[?1049h\x1b[2J\x1b[3;3Halt \x1b[31mred'],
  [
    'the alternate screen, scrolled normal one',
    `${'n\r\n'.repeat(30)}\x1b[33m\x1b[?1049h\x1b[Hfull`,
  ],
  ['back from the alternate screen', 'a\x1b[?1049hb\x1b[?1049lc'],
  ['alternate screen with all of it', `\x1b[?1049h${'z'.repeat(120)}\x1b[2;5r\x1b[?6h\x1b7\x1b[H`],
];

describe('serializeScreen', () => {
  it.each(CASES)('brings back %s', async (_name, text) => {
    const [original, copy] = await both(text);
    expect(copy).toEqual(original);
  });

  it('lets a program go on as if nothing had happened', async () => {
    for (const [, text] of CASES) {
      const original = emulator();
      await write(original, text);
      const copy = emulator();
      await write(copy, `\x1bc${serializeScreen(original)}`);
      const more = 'more\x1b8restored\x1b[?1049lnormal\r\n\tlast line, longer than one row\x1b[L';
      await write(original, more);
      await write(copy, more);
      expect(dumpScreen(copy), JSON.stringify(text)).toEqual(dumpScreen(original));
    }
  });

  it('brings back random output', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const text = randomOutput(seed);
      const [original, copy] = await both(text, 12, 5);
      if (original.some((line) => /^cursor x=12/.test(line))) continue; // see `cursor` in screen.ts
      expect(copy, `seed ${seed}: ${JSON.stringify(text)}`).toEqual(original);
    }
  }, 30_000);
});

/** Output of a program gone wild; the same for the same seed. */
function randomOutput(seed: number): string {
  let state = seed * 2654435761;
  const next = (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state >>> 8) & 0xffff) % below;
  };
  const pieces: (() => string)[] = [
    () => 'abc def'.slice(0, next(8)),
    () => 'x'.repeat(next(30)),
    () => ['日本', '한', '👨‍👩‍👧', 'é', '🇩🇪', '❤️'][next(6)]!,
    () => '\r\n'.repeat(next(4)),
    () => `\x1b[${next(7)};${next(14)}H`,
    () => `\x1b[${[0, 1, 3, 4, 7, 31, 42, 97, 104][next(9)]}m`,
    () => `\x1b[38;5;${next(256)};48;2;${next(256)};${next(256)};0m`,
    () => `\x1b[${next(3)}${'JKXPL@MST'[next(9)]}`,
    () => `\x1b[${1 + next(3)};${3 + next(3)}r`,
    () => ['\x1b7', '\x1b8', '\x1bM', '\x1bD', '\t', '\b'][next(6)]!,
    () => `\x1b[?${[6, 25, 2004, 1049][next(4)]}${'hl'[next(2)]}`,
    () => ['\x1b(0', '\x1b(B', '\x0e', '\x0f', '\x1b[4h', '\x1b[4l'][next(6)]!,
  ];
  let text = '';
  for (let i = 0; i < 40; i++) text += pieces[next(pieces.length)]!();
  return text;
}
