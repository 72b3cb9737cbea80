/** A trace_pipe is read like a FIFO that somebody writes lines to; so it is tested with one. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TracePipe } from './trace-pipe.js';

let dir = '';
let pipe: TracePipe;
let writer = -1;
let lines: string[] = [];
let ends: string[] = [];
let isUrgent = true;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trace-pipe-'));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  [lines, ends, isUrgent] = [[], [], true];
  pipe = new TracePipe(join(dir, 'pipe'), {
    onLines: (some) => lines.push(...some),
    onEnd: (why) => ends.push(why),
    isUrgent: () => isUrgent,
  });
  writer = openSync(join(dir, 'pipe'), 'w');
});
afterEach(() => {
  pipe.close();
  if (writer >= 0) closeSync(writer);
  rmSync(dir, { recursive: true });
});

const come = (count: number) => expect.poll(() => lines.length).toBe(count);

describe('TracePipe', () => {
  it('hands on whole lines, also when one comes in two parts', async () => {
    writeSync(writer, 'one\ntwo\nthr');
    await come(2);
    writeSync(writer, 'ee\n');
    await come(3);
    expect(lines).toEqual(['one', 'two', 'three']);
  });

  it('loses no line of a crowd, whose lines gather before they are read', async () => {
    isUrgent = false;
    const wanted = Array.from({ length: 2000 }, (_, i) => `line ${i}`);
    for (const line of wanted) {
      writeSync(writer, `${line}\n`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await come(wanted.length);
    expect(lines).toEqual(wanted);
  });

  it('tells once that it can be read no more', async () => {
    writeSync(writer, 'last\n');
    await come(1);
    closeSync(writer);
    writer = -1;
    await expect.poll(() => ends.length).toBe(1);
    pipe.close();
    expect(ends).toHaveLength(1);
  });

  it('says nothing of an end that was asked for', async () => {
    writeSync(writer, 'one\n');
    await come(1);
    pipe.close();
    const write = (): string => {
      try {
        writeSync(writer, 'nobody reads this\n');
        return 'was read';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? '';
      }
    };
    await expect.poll(write).toBe('EPIPE');
    expect(ends).toEqual([]);
  });

  it('says what cannot be opened', () => {
    const open = (): TracePipe =>
      new TracePipe(join(dir, 'nothing'), {
        onLines: () => {},
        onEnd: () => {},
        isUrgent: () => true,
      });
    expect(open).toThrow(/ENOENT/);
  });
});
