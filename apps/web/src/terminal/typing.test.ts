import { describe, expect, it } from 'vitest';
import { keyName, keySequence, placeCommands, typeCommand } from './typing';

/** A clock that only `sleep` moves, and a terminal that is quiet from `quietAt` on. */
function setUp(quietAt: number) {
  let now = 0;
  const typed: [number, string][] = [];
  return {
    typed,
    text: () => typed.map(([, key]) => key).join(''),
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
    target: {
      input: (key: string) => typed.push([now, key]),
      quietFor: () => now - Math.min(now, quietAt),
    },
  };
}

const { signal } = new AbortController();

describe('typeCommand', () => {
  it('clears the line, types key by key and presses Enter', async () => {
    const { target, sleep, typed, text } = setUp(0);
    await typeCommand(target, { line: 'ls é', terminal: 1 }, { signal, sleep });
    expect(text()).toBe('\x15ls é\r');
    expect(typed.map(([, key]) => key)).toEqual(['\x15', 'l', 's', ' ', 'é', '\r']);
    expect(typed[2]![0]).toBeGreaterThan(typed[1]![0]);
  });

  it('waits until the output is quiet, but not for ever', async () => {
    const quick = setUp(0);
    await typeCommand(quick.target, { key: 'C-c', terminal: 1 }, { signal, sleep: quick.sleep });
    expect(quick.now()).toBeLessThan(500);
    const flood = setUp(Number.POSITIVE_INFINITY);
    await typeCommand(flood.target, { key: 'C-c', terminal: 1 }, { signal, sleep: flood.sleep });
    expect(flood.now()).toBeGreaterThan(2000);
    expect(flood.now()).toBeLessThan(3000);
  });

  it('types the keys alone, and presses Enter later', async () => {
    const { target, sleep, text } = setUp(0);
    const command = { line: 'ls', terminal: 1 as const };
    await typeCommand(target, command, { signal, sleep, part: 'keys' });
    expect(text()).toBe('\x15ls');
    await typeCommand(target, command, { signal, sleep, part: 'enter' });
    expect(text()).toBe('\x15ls\r');
  });

  it('stops between two keys when it is told to', async () => {
    const { target, text } = setUp(0);
    const abort = new AbortController();
    const sleep = async (): Promise<void> => abort.abort();
    await typeCommand(target, { line: 'rm -r x', terminal: 1 }, { signal: abort.signal, sleep });
    expect(text()).toBe('\x15r');
  });
});

describe('placeCommands', () => {
  it('finds where a here-document begins and ends', () => {
    const lines = ['ls', "cat > a.c <<'EOF'", '  int x;', 'EOF', 'tcc a.c'];
    const placed = placeCommands(lines.map((line) => ({ line, terminal: 1 as const })));
    expect(placed.map(({ continued, more }) => [continued, more])).toEqual([
      [false, false],
      [false, true],
      [true, true],
      [true, false],
      [false, false],
    ]);
  });

  it('types its lines without clearing and without waiting for a prompt', async () => {
    const { target, sleep, text, now } = setUp(Number.POSITIVE_INFINITY);
    const command = { line: '  int x;', terminal: 1 as const };
    await typeCommand(target, command, { signal, sleep, more: true, continued: true });
    expect(text()).toBe('  int x;\r');
    expect(now()).toBeLessThan(100);
  });
});

describe('keys', () => {
  it.each([
    ['C-c', '\x03', 'Ctrl+C'],
    ['C-d', '\x04', 'Ctrl+D'],
    ['C-[', '\x1b', 'Ctrl+['],
    ['Up', '\x1b[A', 'Up'],
    ['q', 'q', 'q'],
  ])('%s is %j and written %s', (name, bytes, shown) => {
    expect(keySequence(name)).toBe(bytes);
    expect(keyName(name)).toBe(shown);
  });
});
