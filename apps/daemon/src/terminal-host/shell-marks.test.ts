import { describe, expect, it } from 'vitest';
import { EmulatorMirror } from './mirror.js';
import { MAX_LINE, type Osc133, parseOsc133, RunningCommands } from './shell-marks.js';

const NOW = 1795380823418;
const AT = 'at=1795380823.418466';

describe('parseOsc133', () => {
  it('reads what bash prints', () => {
    expect(parseOsc133(`C;${AT};pid=17`, NOW)).toEqual({
      kind: 'start',
      pid: 17,
      since: null,
      at: 1795380823418.466,
      line: null,
    });
    expect(parseOsc133(`D;130;${AT};pid=17`, NOW)).toMatchObject({ kind: 'end', exitCode: 130 });
    expect(parseOsc133('A', NOW)).toEqual({ kind: 'prompt' });
  });

  it('reads a line that the shell tells, percent-encoded', () => {
    const line = (encoded: string) =>
      parseOsc133(`C;pid=1;cmdline_url=${encoded}`, NOW) as { line: string | null };
    expect(line('echo%20a%3Bb%0A%E4%B8%AD').line).toBe('echo a;b\n中');
    expect(line('%zz').line).toBeNull();
    expect(line('a'.repeat(2 * MAX_LINE)).line).toHaveLength(MAX_LINE);
  });

  it('takes nothing that no clock, no pid and no status can be', () => {
    const far = 'at=1.000000';
    expect(parseOsc133(`C;${far};pid=17`, NOW)).toMatchObject({ at: null });
    expect(parseOsc133('C;at=$EPOCHREALTIME;pid=17', NOW)).toMatchObject({ at: null });
    for (const pid of ['', 'pid=', 'pid=0', 'pid=-1', 'pid=1e3', 'pid=99999999', 'pid=$$']) {
      expect(parseOsc133(`C;${AT};${pid}`, NOW)).toBeNull();
    }
    expect(parseOsc133('D;999;pid=1', NOW)).toMatchObject({ exitCode: null });
    expect(parseOsc133(`C;pid=1;${'x'.repeat(5 * MAX_LINE)}`, NOW)).toBeNull();
    for (const other of ['', 'Z', 'CC;pid=1', 'constructor']) {
      expect(parseOsc133(other, NOW)).toBeNull();
    }
  });
});

describe('RunningCommands', () => {
  const start = (pid: number, since: number | null = null): Osc133 => ({
    ...{ kind: 'start', pid, since, at: null, line: null },
  });
  const end = (pid: number, since: number | null = null): Osc133 => ({
    ...{ kind: 'end', pid, since, at: null, exitCode: 0 },
  });

  it('ends what was begun, once; a first prompt ends nothing', () => {
    const commands = new RunningCommands();
    expect(commands.take(end(7))).toBeNull();
    expect(commands.take(start(7))).toMatchObject({ mark: 'start', command: 1 });
    expect(commands.take(start(1))).toMatchObject({ command: 2 });
    expect(commands.running).toHaveLength(2);
    expect(commands.take(end(1))).toMatchObject({ mark: 'end', command: 2 });
    expect(commands.take(end(1))).toBeNull();
    expect(commands.take(end(7))).toMatchObject({ command: 1 });
    expect(commands.running).toEqual([]);
  });

  it('tells shells of one pid in two namespaces apart', () => {
    const commands = new RunningCommands();
    commands.take(start(1, 5000));
    expect(commands.take(end(1, 6000))).toBeNull(); // the first prompt of the inner one
    expect(commands.take(start(1, 6000))).toMatchObject({ command: 2 });
    expect(commands.take(end(1, 6000))).toMatchObject({ command: 2 });
    expect(commands.take(end(1, 5000))).toMatchObject({ command: 1 });
  });

  it('keeps a bounded number of a forger', () => {
    const commands = new RunningCommands();
    for (let pid = 1; pid <= 1000; pid++) commands.take(start(pid));
    expect(commands.running.length).toBeLessThan(20);
    expect(commands.take(end(1000))).toMatchObject({ command: 1000 });
  });
});

describe('a mirror', () => {
  const osc = (payload: string) => `\x1b]133;${payload}\x07`;
  const prompt = `${osc('D;0;pid=7')}${osc('A')}$ ${osc('B')}`;
  const begin = `\r\n${osc('C;pid=7')}`;

  /** What is heard when the output comes in pieces of that many bytes. */
  function heard(output: string, piece: number, cols = 20): Osc133[] {
    const marks: Osc133[] = [];
    const mirror = new EmulatorMirror(
      cols,
      5,
      0,
      () => {},
      (mark) => marks.push(mark),
    );
    const bytes = new TextEncoder().encode(output);
    for (let at = 0; at < bytes.length; at += piece) mirror.write(bytes.slice(at, at + piece));
    return marks;
  }

  it.each([1, 2, 3, 7, 1000])('hears marks in pieces of %i bytes', (piece) => {
    const marks = heard(`${prompt}echo 中文${begin}中文\r\n${prompt}`, piece);
    expect(marks).toEqual([
      { kind: 'end', pid: 7, since: null, at: null, exitCode: 0 },
      { kind: 'start', pid: 7, since: null, at: null, line: 'echo 中文' },
      { kind: 'end', pid: 7, since: null, at: null, exitCode: 0 },
    ]);
  });

  const lineOf = (output: string): string | null | undefined =>
    heard(output, 1000).find((mark) => mark.kind === 'start')?.line;

  it('reads the line as it was left, edited, wrapped, and behind a scrolled screen', () => {
    expect(lineOf(`${prompt}lx\bs${begin}`)).toBe('ls');
    expect(lineOf(`${prompt}echo ${'a'.repeat(40)}${begin}`)).toBe(`echo ${'a'.repeat(40)}`);
    expect(lineOf(`${'\r\n'.repeat(9)}${prompt}echo ${'b'.repeat(70)}${begin}`)).toBe(
      `echo ${'b'.repeat(70)}`,
    );
    expect(lineOf(`${prompt}never run^C\r\n${prompt}ls${begin}`)).toBe('ls');
    expect(lineOf(`${prompt}ls${'\r\n'.repeat(3)}\x1b[2J\x1b[H${prompt}ls -l${begin}`)).toBe(
      'ls -l',
    );
  });

  it('puts together what was typed behind several prompts', () => {
    const more = `\r\n${osc('P;k=s')}> ${osc('B')}`;
    expect(lineOf(`${prompt}cat <<E${more}one${more}E${begin}`)).toBe('cat <<E\none\nE');
  });

  it('knows no line without a prompt, or where the screen is another one', () => {
    expect(lineOf(`echo${begin}`)).toBeNull();
    expect(lineOf(`\x1b[?1049h${prompt}echo${begin}`)).toBeNull();
  });

  it('draws nothing of a mark, known or not', () => {
    const mirror = new EmulatorMirror(20, 5, 0, () => {});
    mirror.write(new TextEncoder().encode(`${osc('Z;1')}${osc('C;pid=x')}${prompt}`));
    expect(new TextDecoder().decode(mirror.screen().screen)).toMatch(/^\$ /);
  });
});
