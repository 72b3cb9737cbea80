import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cgroupPlace, processesInCgroup, relativeCgroup } from './cgroup-walk.js';
import { Proc } from './proc.js';

const root = mkdtempSync(join(tmpdir(), 'cgroup-walk-'));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function fakeSelf(mountinfo: string, cgroup: string): Proc {
  mkdirSync(join(root, 'self'), { recursive: true });
  writeFileSync(join(root, 'self/mountinfo'), mountinfo);
  writeFileSync(join(root, 'self/cgroup'), cgroup);
  return new Proc(root);
}

describe('cgroupPlace', () => {
  it('finds a v1 hierarchy with joined controllers among other mount options', () => {
    const proc = fakeSelf(
      '29 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n30 29 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n',
      '8:pids:/\n3:cpu,cpuacct:/user\n0::/\n',
    );
    expect(cgroupPlace(proc, ['/sys/fs/cgroup/cpu,cpuacct/lab/s1'])).toEqual({
      dir: '/sys/fs/cgroup/cpu,cpuacct/lab/s1',
      controllers: 'cpu,cpuacct',
      hierarchy: 3,
      path: '/lab/s1',
    });
  });

  it('finds v2, where the mount shows only a part of the hierarchy', () => {
    const proc = fakeSelf(
      '29 23 0:26 /outer /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
      '0::/outer\n',
    );
    expect(cgroupPlace(proc, ['/sys/fs/cgroup/lab/s1'])).toMatchObject({
      controllers: '',
      hierarchy: 0,
      path: '/outer/lab/s1',
    });
  });

  it('takes the first directory that is in a hierarchy, and refuses when none is', () => {
    const proc = fakeSelf('29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n', '0::/\n');
    expect(cgroupPlace(proc, ['/tmp/x', '/sys/fs/cgroup/s1']).path).toBe('/s1');
    expect(() => cgroupPlace(proc, ['/tmp/x'])).toThrow('/tmp/x: not on a cgroup file system');
    expect(() => cgroupPlace(proc, ['/sys/fs/cgroupX'])).toThrow('not on');
  });
});

describe('relativeCgroup', () => {
  const place = { dir: '/d', controllers: '', hierarchy: 0, path: '/lab/s1' };

  it('is / for the cgroup itself and null outside, also for a name that only begins alike', () => {
    expect(relativeCgroup(place, '/lab/s1')).toBe('/');
    expect(relativeCgroup(place, '/lab/s1/a/b')).toBe('/a/b');
    expect(relativeCgroup(place, '/lab/s10')).toBeNull();
    expect(relativeCgroup(place, '/lab')).toBeNull();
    expect(relativeCgroup({ ...place, path: '/' }, '/a')).toBe('/a');
  });
});

describe('processesInCgroup', () => {
  it('reads the whole subtree with relative paths, leaving out what it cannot name', () => {
    const dir = join(root, 's1');
    mkdirSync(join(dir, 'a/b'), { recursive: true });
    writeFileSync(join(dir, 'cgroup.procs'), '1\n2\n');
    writeFileSync(join(dir, 'a/cgroup.procs'), '');
    writeFileSync(join(dir, 'a/b/cgroup.procs'), '0\n3\n');
    const place = { dir, controllers: '', hierarchy: 0, path: '/s1' };
    expect([...processesInCgroup(new Proc(), place)]).toEqual([
      [1, '/'],
      [2, '/'],
      [3, '/a/b'],
    ]);
  });

  it('is empty when the cgroup is gone', () => {
    const place = { dir: join(root, 'gone'), controllers: '', hierarchy: 0, path: '/gone' };
    expect(processesInCgroup(new Proc(), place).size).toBe(0);
  });
});
