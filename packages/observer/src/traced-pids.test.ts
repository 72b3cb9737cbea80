import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TracedPids } from './traced-pids.js';

// An ordinary file: it keeps what is appended, and nobody adds children to it.
let folder: string;
let file: string;
let shell: ChildProcess;
const listed = (): number[] => readFileSync(file, 'utf8').trim().split(/\s+/).map(Number);
const child = (): number =>
  Number(readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, 'utf8'));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'terrarium-traced-'));
  file = join(folder, 'set_event_pid');
  writeFileSync(file, '0\n');
  shell = spawn('sh', ['-c', 'sleep 600 & wait'], { stdio: 'ignore' });
  await vi.waitFor(() => expect(child()).toBeGreaterThan(0), { timeout: 30_000 });
});
afterEach(() => {
  process.kill(child(), 'SIGKILL');
  shell.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

test('lists those who are asked for, once', async () => {
  const pids = new TracedPids(file, () => []);
  await pids.add([shell.pid ?? 0]);
  await pids.add([shell.pid ?? 0]);
  expect(listed()).toEqual([0, shell.pid]);
});

test('lists a child that was born during a write, though nobody has told of it yet', async () => {
  const pids = new TracedPids(file, () => [shell.pid ?? 0]);
  await pids.add([shell.pid ?? 0]);
  expect(listed()).toEqual([0, shell.pid, child()]);
});

test('a check lists who has fallen out of the list, and writes nothing when all are in it', async () => {
  const pids = new TracedPids(file, () => [shell.pid ?? 0]);
  await pids.check();
  expect(listed()).toEqual([0, shell.pid, child()]);
  await pids.check();
  expect(listed()).toHaveLength(3);
});

test('leaves out who is gone', async () => {
  const pids = new TracedPids(file, () => []);
  await pids.add([2 ** 22 + 1]);
  expect(listed()).toEqual([0]);
});
