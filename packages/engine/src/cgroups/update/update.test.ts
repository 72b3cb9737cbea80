/** Updates on temporary directories that look like cgroup file systems, and their order as data. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CgroupHierarchy, CgroupLayout } from '../types.js';
import { restoringValue } from './order.js';
import { UpdateError, updateWrites, writeUpdate } from './update.js';
import { v1DeviceTransition } from './v1-devices.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroups-update-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function layout(version: 1 | 2, ...controllers: string[]): CgroupLayout {
  const hierarchy: CgroupHierarchy = { version, mountPoint: root, controllers, name: 'h' };
  return { kind: version === 1 ? 'v1' : 'v2', hierarchies: [hierarchy] };
}
function group(files: Readonly<Record<string, string>>): void {
  mkdirSync(join(root, 'g'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(root, 'g', name), `${content}\n`);
  }
}
const planned = (...args: Parameters<typeof updateWrites>) =>
  updateWrites(...args).map(({ file, value }) => `${file}=${value}`);

describe('order', () => {
  test('v1 memory grows from above and shrinks from below', () => {
    group({ 'memory.limit_in_bytes': '100', 'memory.memsw.limit_in_bytes': '100' });
    const memory = layout(1, 'memory');
    expect(planned(memory, '/g', { memory: { limit: 200, swap: 300 } })).toEqual([
      'memory.memsw.limit_in_bytes=300',
      'memory.limit_in_bytes=200',
    ]);
    expect(planned(memory, '/g', { memory: { limit: 50, swap: 60 } })).toEqual([
      'memory.limit_in_bytes=50',
      'memory.memsw.limit_in_bytes=60',
    ]);
    expect(planned(memory, '/g', { memory: { limit: -1 } })).toEqual([
      'memory.memsw.limit_in_bytes=-1',
      'memory.limit_in_bytes=-1',
    ]);
  });

  test('v1 quota and period: never a larger share in between than before or after', () => {
    const cpu = layout(1, 'cpu');
    group({ 'cpu.cfs_quota_us': '50000', 'cpu.cfs_period_us': '100000', 'cpu.cfs_burst_us': '0' });
    expect(planned(cpu, '/g', { cpu: { quota: 5000, period: 10_000 } })).toEqual([
      'cpu.cfs_quota_us=5000',
      'cpu.cfs_period_us=10000',
    ]);
    expect(planned(cpu, '/g', { cpu: { quota: 500_000, period: 1_000_000 } })).toEqual([
      'cpu.cfs_period_us=1000000',
      'cpu.cfs_quota_us=500000',
    ]);
  });

  test('a smaller burst goes before the quota that it must fit in', () => {
    group({ 'cpu.max': '50000 100000', 'cpu.max.burst': '40000' });
    expect(planned(layout(2, 'cpu'), '/g', { cpu: { quota: 20_000, burst: 10_000 } })).toEqual([
      'cpu.max.burst=10000',
      'cpu.max=20000 100000',
    ]);
  });

  test('v2 takes from the group what an update leaves out', () => {
    group({ 'cpu.max': '50000 200000', 'memory.max': '1000' });
    const both = layout(2, 'cpu', 'memory');
    expect(planned(both, '/g', { cpu: { quota: 10_000 } })).toEqual(['cpu.max=10000 200000']);
    expect(planned(both, '/g', { cpu: { period: 50_000 } })).toEqual(['cpu.max=50000 50000']);
    expect(planned(both, '/g', { memory: { swap: 1500 } })).toEqual([
      'memory.max=1000',
      'memory.swap.max=500',
    ]);
  });
});

describe('refusals', () => {
  test('fields that cannot be applied are named before anything is written', () => {
    group({});
    const update = () => updateWrites(layout(2, 'cpu'), '/g', { memory: { limit: 1 } });
    expect(update).toThrow(UpdateError);
    expect(update).toThrow('linux.resources.memory.limit: this host has no memory controller');
  });

  test('checkBeforeUpdate refuses a limit below the usage, in both spellings', () => {
    group({ 'memory.current': '500', 'memory.usage_in_bytes': '600', 'memory.max': 'max' });
    const memory = { limit: 100, checkBeforeUpdate: true };
    expect(() => updateWrites(layout(2, 'memory'), '/g', { memory })).toThrow(
      '500 bytes are in use',
    );
    expect(() => updateWrites(layout(1, 'memory'), '/g', { memory })).toThrow(
      '600 bytes are in use',
    );
    expect(planned(layout(2, 'memory'), '/g', { memory: { limit: 100 } })).toHaveLength(1);
  });

  test('one refused write takes the others back', () => {
    group({ 'pids.max': '5', 'memory.max': '1000' });
    const both = layout(2, 'memory', 'pids');
    const writes = updateWrites(both, '/g', {
      memory: { limit: 2000 },
      pids: { limit: 7 },
      unified: { 'memory.high': '1500' }, // a file that this group does not have
    });
    expect(() => writeUpdate(writes)).toThrow(
      /unified\.memory\.high: .*ENOENT; the old limits are/,
    );
    expect(readFileSync(join(root, 'g/memory.max'), 'utf8').trim()).toBe('1000');
    expect(readFileSync(join(root, 'g/pids.max'), 'utf8').trim()).toMatch(/^5/);
  });
});

describe('restoringValue', () => {
  test('files with a line a device give back the line of that device', () => {
    const max = '8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=2 wbps=max riops=max wiops=max';
    expect(restoringValue('io.max', max, '8:16 rbps=7')).toBe(
      '8:16 rbps=2 wbps=max riops=max wiops=max',
    );
    expect(restoringValue('io.max', '', '7:0 rbps=7')).toBe(
      '7:0 rbps=max wbps=max riops=max wiops=max',
    );
    expect(restoringValue('blkio.throttle.read_bps_device', '8:0 5', '8:0 9')).toBe('8:0 5');
    expect(restoringValue('blkio.throttle.read_bps_device', '', '8:0 9')).toBe('8:0 0');
    expect(restoringValue('io.weight', 'default 100\n8:0 50', '200')).toBe('default 100');
    expect(restoringValue('io.weight', 'default 100', '8:0 200')).toBe('8:0 default');
    expect(restoringValue('net_prio.ifpriomap', 'lo 0\neth0 5', 'eth0 7')).toBe('eth0 5');
  });

  test('others give back what they say', () => {
    expect(restoringValue('memory.max', 'max', '5')).toBe('max');
    expect(restoringValue('cpuset.cpus', '', '0')).toBe('\n');
    expect(restoringValue('memory.oom_control', 'oom_kill_disable 0\nunder_oom 0', '1')).toBe('0');
  });
});

describe('v1DeviceTransition', () => {
  const deny = { allow: false };
  const allow = (major: number, access: string) => ({
    allow: true,
    type: 'c' as const,
    major,
    access,
  });
  const pairs = (list: string, rules: Parameters<typeof v1DeviceTransition>[1]) =>
    v1DeviceTransition(list, rules).map(({ file, value }) => `${file} ${value}`);

  test('changes only what differs, and never starts over', () => {
    expect(pairs('c 1:* rwm\nc 5:* rw', [deny, allow(1, 'rwm'), allow(10, 'm')])).toEqual([
      'devices.deny c 5:* rw',
      'devices.allow c 10:* m',
    ]);
    expect(pairs('c 1:* rwm', [deny, allow(1, 'rwm')])).toEqual([]);
  });

  test('starts over from "all allowed"', () => {
    expect(pairs('a *:* rwm', [deny, allow(1, 'r')])).toEqual([
      'devices.deny a',
      'devices.allow c 1:* r',
    ]);
  });

  test('letters of one device come together', () => {
    expect(pairs('', [deny, allow(1, 'w'), allow(1, 'r')])).toEqual(['devices.allow c 1:* rw']);
  });
});
