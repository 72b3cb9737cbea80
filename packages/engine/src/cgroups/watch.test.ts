/** Watches on plain files, which notify of a write as the kernel does of its own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CgroupLayout } from './types.js';
import { type CgroupEvent, type GroupWatch, watchCgroup } from './watch.js';

let root: string;
let watch: GroupWatch | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroups-watch-'));
  mkdirSync(join(root, 'g'));
});
afterEach(() => {
  watch?.close();
  rmSync(root, { recursive: true, force: true });
});

const layout = (): CgroupLayout => ({
  kind: 'v2',
  hierarchies: [{ version: 2, mountPoint: root, controllers: ['memory', 'pids'], name: 'unified' }],
});
const file = (name: string, content: string) => writeFileSync(join(root, 'g', name), content);

/** The next event of a kind. */
function events(): { next: (kind: string) => Promise<CgroupEvent>; all: CgroupEvent[] } {
  const all: CgroupEvent[] = [];
  const waiting = new Map<string, (event: CgroupEvent) => void>();
  watch = watchCgroup(layout(), '/g', (event) => {
    all.push(event);
    waiting.get(event.kind)?.(event);
  });
  return { all, next: (kind) => new Promise((resolve) => waiting.set(kind, resolve)) };
}

test('counters that grow and states that change, each once', async () => {
  file('memory.events', 'oom 0\noom_kill 0\n');
  file('pids.events', 'max 0\n');
  file('cgroup.events', 'populated 0\nfrozen 0\n');
  const { next, all } = events();

  let event = next('populated');
  file('cgroup.events', 'populated 1\nfrozen 0\n');
  expect(await event).toEqual({ kind: 'populated', group: '/g', times: 1 });

  event = next('oom-kill');
  file('memory.events', 'oom 2\noom_kill 3\n');
  expect((await event).times).toBe(3);

  event = next('pids-max');
  file('pids.events', 'max 7\n');
  expect((await event).times).toBe(7);

  event = next('empty');
  file('cgroup.events', 'populated 0\nfrozen 0\n');
  await event;
  expect(all.map(({ kind, times }) => `${kind} ${times}`)).toEqual([
    'populated 1',
    'oom 2',
    'oom-kill 3',
    'pids-max 7',
    'empty 1',
  ]);
});

test('a removed group is empty; a closed watch is silent', async () => {
  file('cgroup.events', 'populated 1\nfrozen 0\n');
  const { all } = events();
  rmSync(join(root, 'g'), { recursive: true });
  watch?.recheck();
  expect(all.map(({ kind }) => kind)).toEqual(['empty']);
  watch?.close();
  mkdirSync(join(root, 'g'));
  file('cgroup.events', 'populated 1\n');
  watch?.recheck();
  expect(all).toHaveLength(1);
});

test('a torn read changes nothing: counters never fall', () => {
  file('memory.events', 'oom 2\noom_kill 2\n');
  const { all } = events();
  file('memory.events', '');
  watch?.recheck();
  file('memory.events', 'oom 2\noom_kill 2\n');
  watch?.recheck();
  expect(all).toEqual([]);
});
