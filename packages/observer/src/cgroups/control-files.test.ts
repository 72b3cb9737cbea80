import { describe, expect, it } from 'vitest';
import { carriedText, controllerOf, kindOfFile, settingWrittenBy } from './control-files.js';

describe('kindOfFile', () => {
  it('tells what somebody sets from what the kernel counts, in both versions', () => {
    expect(['memory.limit_in_bytes', 'memory.max', 'hugetlb.2MB.max'].map(kindOfFile)).toEqual([
      ...['setting', 'setting', 'setting'],
    ]);
    expect(['memory.usage_in_bytes', 'cpu.stat', 'hugetlb.2MB.current'].map(kindOfFile)).toEqual([
      ...['meter', 'meter', 'meter'],
    ]);
    expect(['cgroup.procs', 'tasks', 'box', 'memory.force_empty'].map(kindOfFile)).toEqual([
      ...['members', 'members', 'other', 'other'],
    ]);
  });
});

describe('settingWrittenBy', () => {
  it('is the file itself, and the list of devices for the two that cannot be read', () => {
    expect(settingWrittenBy('pids.max')).toBe('pids.max');
    expect(settingWrittenBy('devices.deny')).toBe('devices.list');
    expect(settingWrittenBy('memory.current')).toBeNull();
    expect(settingWrittenBy('a.group')).toBeNull();
  });
});

describe('carriedText', () => {
  it('drops the last newline, and of memory.stat what nobody shows', () => {
    expect(carriedText('pids.max', 'max\n')).toBe('max');
    expect(carriedText('cgroup.subtree_control', '\n')).toBe('');
    expect(carriedText('memory.stat', 'anon 1\npgfault 99\nfile 2\n')).toBe('anon 1\nfile 2');
    expect(carriedText('io.pressure', 'some avg10=0.10 avg60=0.00 avg300=0.00 total=9\n')).toBe(
      'some total=9',
    );
    expect(carriedText('memory.stat', 'rss 1\ntotal_rss 3\n')).toBe('total_rss 3');
  });
});

describe('controllerOf', () => {
  it('is what stands before the first dot', () => {
    expect(controllerOf('cpu.cfs_quota_us')).toBe('cpu');
    expect(controllerOf('box')).toBe('');
  });
});
