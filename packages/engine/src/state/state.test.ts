/** Id ranges and records on a temporary STATE: claims, crashes, torn files. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, sandboxConfig } from '../sandbox-config.js';
import { FIRST_ID, ID_END, IdRanges, subordinateRanges } from './id-ranges.js';
import { type SandboxRecord, SandboxRecords, sandboxId } from './sandbox-record.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'engine-state-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const ranges = (owner: string, foreign: [number, number][] = []) =>
  new IdRanges(owner, { directory, foreign });

describe('IdRanges', () => {
  test('hands out each range once, across owners', () => {
    const [a, b] = [ranges('a'), ranges('b')];
    const starts = [a.claim('one'), b.claim('two'), a.claim('three')];
    expect(new Set(starts).size).toBe(3);
    expect(starts[0]).toBe(FIRST_ID);
  });

  test('a range is free again only after free', () => {
    const one = ranges('a');
    const start = one.claim('one');
    expect(one.claim('two')).not.toBe(start);
    one.free(start);
    one.free(start);
    expect(one.claim('three')).toBe(start);
  });

  test('passes over ranges that overlap someone else’s by one id', () => {
    const foreign: [number, number][] = [[FIRST_ID + 65_535, FIRST_ID + 65_537]];
    expect(ranges('a', foreign).claim('one')).toBe(FIRST_ID + 2 * 65_536);
  });

  test('knows its own claims after a restart, not those of others', () => {
    ranges('a').claim('one');
    ranges('b').claim('two');
    expect(ranges('a').own()).toEqual([{ start: FIRST_ID, sandbox: 'one' }]);
  });

  test('a predecessor that was killed in the middle of a claim leaves nothing for good', () => {
    writeFileSync(join(directory, '.draft-a'), 'a /state\n');
    const successor = ranges('a /state');
    expect(readdirSync(directory)).toEqual([]);
    expect(successor.claim('one')).toBe(FIRST_ID);
    expect(readdirSync(directory)).toEqual([String(FIRST_ID)]);
  });

  test('all ids lie below 2^31, where tools take them for negative', () => {
    expect(FIRST_ID % 65_536).toBe(0);
    expect(ID_END).toBe(2 ** 31);
  });

  test('says so when every range is taken', () => {
    expect(() => ranges('a', [[FIRST_ID, ID_END]]).claim('one')).toThrow(/no id range/);
  });

  test('reads /etc/subuid rows, with user names or numbers', () => {
    const file = join(directory, 'subuid');
    writeFileSync(file, 'debian:100000:65536\n1000:1879048192:10\n# comment\n\n');
    expect(subordinateRanges([file, join(directory, 'none')])).toEqual([
      [100_000, 165_536],
      [1_879_048_192, 1_879_048_202],
    ]);
  });
});

function record(id: string): SandboxRecord {
  return {
    version: 1,
    id,
    instance: 'terrarium',
    status: 'running',
    idBase: FIRST_ID,
    createdAt: 1,
    bootId: 'boot',
    init: { pid: 4711, startTime: 99 },
    config: sandboxConfig({
      id,
      idBase: FIRST_ID,
      baseImage: '/base',
      limits: DEFAULT_LIMITS,
      hostname: 'h',
      cgroupsPath: `/terrarium/${id}`,
    }),
  };
}

describe('SandboxRecords', () => {
  test('reads back what it wrote, config and all', async () => {
    const records = new SandboxRecords(directory);
    records.write(record('one'));
    records.write({ ...record('one'), status: 'creating', init: null });
    expect(records.readAll()).toEqual({
      records: [{ ...record('one'), status: 'creating', init: null }],
      broken: [],
    });
  });

  test('a write that stopped before its rename changes nothing', async () => {
    const records = new SandboxRecords(directory);
    records.write(record('one'));
    writeFileSync(join(directory, 'sandboxes/one.json.new'), '{"version":');
    writeFileSync(join(directory, 'sandboxes/two.json.new'), '');
    expect(records.readAll()).toEqual({ records: [record('one')], broken: [] });
  });

  test('torn, empty, foreign and misnamed files are broken, by id', async () => {
    const records = new SandboxRecords(directory);
    records.write(record('good'));
    const put = (name: string, content: string) =>
      writeFileSync(join(directory, 'sandboxes', name), content);
    put('torn.json', JSON.stringify(record('torn')).slice(0, 100));
    put('empty.json', '');
    put('future.json', JSON.stringify({ ...record('future'), version: 2 }));
    put('misnamed.json', JSON.stringify(record('other')));
    const { records: good, broken } = records.readAll();
    expect(good.map(({ id }) => id)).toEqual(['good']);
    expect(broken.sort()).toEqual(['empty', 'future', 'misnamed', 'torn']);
  });

  test('remove is quiet about what is not there, and leaves no temporary file', async () => {
    const records = new SandboxRecords(directory);
    records.write(record('one'));
    records.remove('one');
    records.remove('one');
    expect(readdirSync(join(directory, 'sandboxes'))).toEqual([]);
  });

  test('ids are plain names: no path, no dot, no capital', () => {
    for (const bad of ['', '../x', 'a/b', '.hidden', 'A', 'a b', '-a', 'x'.repeat(49)]) {
      expect(sandboxId.safeParse(bad).success, bad).toBe(false);
    }
    expect(sandboxId.safeParse('lab-1').success).toBe(true);
  });
});
