/** The part on directories that look like cgroups; the real kernel is in test/integration. */
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBody, ProcessState } from '@terrarium/timeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupPlace } from '../cgroup-walk.js';
import type { WatchedSandbox } from '../part.js';
import { Proc } from '../proc.js';
import { CgroupsPart } from './cgroups-part.js';

let root: string;
let part: CgroupsPart;
let events: EventBody[];
let viewers: number;
let now: number;
let processes: ProcessState[];

const place = (controllers: string, hierarchy: number): CgroupPlace => ({
  ...{ dir: join(root, controllers), controllers, hierarchy, path: '/lab/s1' },
});

/** What mkdir makes of a group: the kernel fills it with files. */
function group(controllers: string, path: string, files: Record<string, string>): void {
  const dir = join(root, controllers, path);
  mkdirSync(dir, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), `${text}\n`);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroups-part-'));
  [events, viewers, now, processes] = [[], 0, 1000, []];
  group('pids', '/', { 'pids.max': 'max', 'pids.current': '1' });
  group('memory', '/', { 'memory.limit_in_bytes': '99', 'memory.oom_control': 'oom_kill 0' });
  const places = [place('pids', 8), place('memory', 4)];
  const sandbox: Partial<WatchedSandbox> = {
    machine: { proc: new Proc(join(root, 'proc')), now: () => now } as WatchedSandbox['machine'],
    emit: (body) => events.push(body),
    place: places[0]!,
    places,
    viewers: () => viewers,
    processes: () => processes,
    process: (pid) => processes.find(({ hostPid }) => hostPid === pid),
    changeProcess: (pid, change, actor) => {
      const key = `${pid}:1`;
      events.push({ type: 'process.change', key, change, ...(actor && { actor }) });
    },
    wake: () => {},
    whenTold: () => false,
  };
  part = new CgroupsPart(sandbox as WatchedSandbox);
  part.scan('full');
});
afterEach(() => {
  part.close();
  rmSync(root, { recursive: true, force: true });
});

const drained = (): EventBody[] => events.splice(0);
const process = (hostPid: number, more: Partial<ProcessState> = {}): ProcessState =>
  ({
    ...{ hostPid, key: `${hostPid}:1`, comm: 'tail', cgroup: '/', state: 'S' },
    ...more,
  }) as ProcessState;

describe('CgroupsPart', () => {
  it('begins with the own group of every hierarchy and its settings, not its meters', () => {
    expect(drained()).toEqual([
      expect.objectContaining({
        cgroup: {
          key: 'pids:/',
          hierarchy: 'pids',
          path: '/',
          files: { 'pids.max': 'max' },
          bornAt: 1000,
        },
      }),
      expect.objectContaining({
        cgroup: expect.objectContaining({
          key: 'memory:/',
          files: { 'memory.limit_in_bytes': '99' },
        }),
      }),
    ]);
    part.scan('full');
    expect(drained()).toEqual([]);
  });

  it('tells a group by its line with who made it, even when it is gone by then', () => {
    drained();
    processes = [process(7)];
    part.onCgroup('mkdir', 7, 8, '/lab/s1/box');
    part.onCgroup('rmdir', 7, 8, '/lab/s1/box');
    part.onCgroup('mkdir', 7, 8, '/lab/s10/not-ours');
    expect(drained()).toEqual([
      expect.objectContaining({ type: 'cgroup.appear', actor: '7:1' }),
      { type: 'cgroup.vanish', key: 'pids:/box', actor: '7:1' },
    ]);
  });

  it('waits for the line before it believes a scan, and tells nothing twice', () => {
    drained();
    group('pids', '/box', { 'pids.max': '7' });
    part.scan('stat');
    part.tick(now);
    expect(drained()).toEqual([]);
    now += 100;
    part.tick(now);
    expect(drained()).toMatchObject([{ type: 'cgroup.appear', cgroup: { key: 'pids:/box' } }]);
    rmSync(join(root, 'pids/box'), { recursive: true });
    part.scan('stat');
    now += 100;
    part.tick(now);
    part.onCgroup('mkdir', 7, 8, '/lab/s1/box'); // late
    part.onCgroup('rmdir', 7, 8, '/lab/s1/box');
    expect(drained()).toEqual([{ type: 'cgroup.vanish', key: 'pids:/box' }]);
  });

  it('tells a move in another hierarchy, and leaves the watched one to the watch', () => {
    drained();
    group('memory', '/box', {});
    processes = [process(7)];
    part.onAttach(7, 4, '/lab/s1/box', '8:1');
    part.onAttach(7, 8, '/lab/s1', '8:1');
    expect(drained().filter(({ type }) => type === 'process.change')).toEqual([
      { type: 'process.change', key: '7:1', change: { cgroups: { memory: '/box' } }, actor: '8:1' },
    ]);
  });

  it('samples while somebody looks, and only what changed', () => {
    drained();
    part.tick(now);
    expect(drained()).toEqual([]);
    viewers = 1;
    part.tick(now);
    expect(drained()).toMatchObject([
      { type: 'cgroup.sample', meters: { 'pids:/': { 'pids.current': '1' } } },
    ]);
    writeFileSync(join(root, 'pids/pids.current'), '2\n');
    now += 250;
    part.tick(now);
    expect(drained()).toEqual([
      { type: 'cgroup.sample', at: now, meters: { 'pids:/': { 'pids.current': '2' } } },
    ]);
  });

  it('tells a kill once: the trace with its victim, or the counter without', () => {
    drained();
    processes = [process(7)];
    writeFileSync(join(root, 'memory/memory.oom_control'), 'oom_kill 1\n');
    part.onOom(7);
    for (let i = 0; i < 3; i++) part.scan('stat');
    expect(drained()).toEqual([
      { type: 'cgroup.oom', key: 'memory:/', victim: '7:1', comm: 'tail' },
    ]);
    writeFileSync(join(root, 'memory/memory.oom_control'), 'oom_kill 2\n');
    for (let i = 0; i < 3; i++) part.scan('stat');
    expect(drained()).toEqual([{ type: 'cgroup.oom', key: 'memory:/', victim: null, comm: null }]);
  });

  it('takes another group of the same name for another', () => {
    group('pids', '/box', { 'pids.max': '7' });
    part.onCgroup('mkdir', 7, 8, '/lab/s1/box');
    drained();
    rmSync(join(root, 'pids/box'), { recursive: true });
    mkdirSync(join(root, 'pids/filler')); // takes the inode
    group('pids', '/box', { 'pids.max': '9' });
    rmdirSync(join(root, 'pids/filler'));
    part.scan('full');
    now += 100;
    part.tick(now);
    expect(drained()).toMatchObject([
      { type: 'cgroup.vanish', key: 'pids:/box' },
      { type: 'cgroup.appear', cgroup: { files: { 'pids.max': '9' } } },
    ]);
  });
});
