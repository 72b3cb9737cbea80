/** Both drivers on temporary directories that look like cgroup file systems. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processesOf } from './files.js';
import type { CgroupHierarchy } from './types.js';
import { v1Driver } from './v1.js';
import { v2Driver } from './v2.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroups-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function v1(...controllers: string[]): CgroupHierarchy {
  return { version: 1, mountPoint: root, controllers, name: controllers.join(',') };
}
function v2(...controllers: string[]): CgroupHierarchy {
  return { version: 2, mountPoint: root, controllers, name: 'unified' };
}
/** A group as the kernel would make it: with its control files. */
function group(path: string, files: Record<string, string>): string {
  const directory = join(root, path);
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, name), content);
  return directory;
}
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const RESOURCES = {
  memory: { limit: 1000, swap: 1500 },
  pids: { limit: 5 },
  cpu: { quota: 50_000, period: 100_000, shares: 1024 },
  devices: [
    { allow: false, type: 'a' as const },
    { allow: true, type: 'c' as const, major: 136, access: 'rwm' },
  ],
};
const pairs = (writes: readonly { file: string; value: string }[]) =>
  writes.map(({ file, value }) => `${file}=${value}`);

describe('v1', () => {
  test('copies CPUs and memory nodes down before any process comes', () => {
    group('.', { 'cpuset.cpus': '0-1\n', 'cpuset.mems': '0\n' });
    group('terrarium', { 'cpuset.cpus': '\n', 'cpuset.mems': '\n', 'cgroup.clone_children': '0' });
    v1Driver.prepareParent(v1('cpuset'), '/terrarium');
    expect(read('terrarium/cpuset.cpus').trim()).toBe('0-1');
    expect(read('terrarium/cpuset.mems').trim()).toBe('0');
    expect(read('terrarium/cgroup.clone_children')).toBe('1');
  });

  test('leaves the root of the hierarchy as it is', () => {
    group('.', { 'cpuset.cpus': '0-1\n', 'cpuset.mems': '0\n', 'cgroup.clone_children': '0' });
    expect(v1Driver.prepareParent(v1('cpuset'), '/')).toEqual([]);
    expect(read('cgroup.clone_children')).toBe('0');
  });

  test('limits go to the hierarchy that has the controller, memory before memsw', () => {
    expect(pairs(v1Driver.limits(v1('memory'), RESOURCES))).toEqual([
      'memory.limit_in_bytes=1000',
      'memory.memsw.limit_in_bytes=1500',
    ]);
    expect(pairs(v1Driver.limits(v1('pids'), RESOURCES))).toEqual(['pids.max=5']);
    expect(pairs(v1Driver.limits(v1('cpu', 'cpuacct'), RESOURCES))).toEqual([
      'cpu.shares=1024',
      'cpu.cfs_period_us=100000',
      'cpu.cfs_quota_us=50000',
    ]);
    expect(pairs(v1Driver.limits(v1('devices'), RESOURCES))).toEqual([
      'devices.deny=a',
      'devices.allow=c 136:* rwm',
    ]);
    expect(v1Driver.limits(v1('name=systemd'), RESOURCES)).toEqual([]);
  });

  test('thaws before it kills', () => {
    group('lab', { 'cgroup.procs': '', 'freezer.state': 'FROZEN' });
    group('lab/child', { 'cgroup.procs': '', 'freezer.state': 'FROZEN' });
    v1Driver.killAll(join(root, 'lab'));
    expect(read('lab/child/freezer.state')).toMatch(/^THAWED/);
    expect(read('lab/freezer.state')).toMatch(/^THAWED/);
  });
});

describe('v2', () => {
  test('enables the controllers level by level, only those that the host has', () => {
    group('.', { 'cgroup.subtree_control': '' });
    group('terrarium', { 'cgroup.subtree_control': '' });
    v2Driver.prepareParent(v2('cpu', 'memory', 'hugetlb'), '/terrarium');
    expect(read('cgroup.subtree_control')).toBe('+cpu +memory');
    expect(read('terrarium/cgroup.subtree_control')).toBe('+cpu +memory');
  });

  test('writes nothing where all is enabled already', () => {
    group('.', { 'cgroup.subtree_control': 'cpu memory' });
    group('terrarium', { 'cgroup.subtree_control': 'cpu memory' });
    v2Driver.prepareParent(v2('cpu', 'memory'), '/terrarium');
    expect(read('cgroup.subtree_control')).toBe('cpu memory');
  });

  test('limits: swap without memory, quota and period in one file, weight for shares', () => {
    expect(pairs(v2Driver.limits(v2('cpu', 'memory', 'pids'), RESOURCES))).toEqual([
      'memory.max=1000',
      'memory.swap.max=500',
      'pids.max=5',
      'cpu.weight=39',
      'cpu.max=50000 100000',
    ]);
    expect(pairs(v2Driver.limits(v2('memory'), { memory: { limit: -1, swap: -1 } }))).toEqual([
      'memory.max=max',
      'memory.swap.max=max',
    ]);
  });

  test('kills by cgroup.kill', () => {
    group('lab', { 'cgroup.procs': '', 'cgroup.kill': '' });
    v2Driver.killAll(join(root, 'lab'));
    expect(read('lab/cgroup.kill')).toBe('1');
  });

  test('has a leaf only where controllers are handed on', () => {
    expect(v2Driver.leafOf(v2('memory'))).toBe('init');
    expect(v2Driver.leafOf(v2())).toBe('');
    expect(v2Driver.leafOf(v2('hugetlb'))).toBe('');
  });
});

test('processesOf reads the whole subtree, each process once', () => {
  group('lab', { 'cgroup.procs': '1\n2\n' });
  group('lab/child/grandchild', { 'cgroup.procs': '2\n3\n' });
  expect(processesOf(join(root, 'lab')).sort()).toEqual([1, 2, 3]);
  expect(processesOf(join(root, 'none'))).toEqual([]);
});
