/** Detection from mountinfo, with rows as real hosts have them. */
import { MAGIC } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { detectCgroupLayout, hierarchyWith } from './layout.js';

const V2_ROW =
  '29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot';
const HYBRID_ROWS = [
  '31 23 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755',
  '32 31 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw',
  '33 31 0:29 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd',
  '37 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct',
  '38 31 0:34 / /sys/fs/cgroup/memory rw,nosuid shared:16 - cgroup cgroup rw,memory',
  '99 31 0:34 / /mnt/again rw,nosuid - cgroup cgroup rw,memory',
].join('\n');

function detect(mountinfo: string, controllers: string, types: Record<string, number> = {}) {
  return detectCgroupLayout({
    mountinfo,
    typeOf: (path) =>
      types[path] ??
      (path.endsWith('/unified') || path === '/sys/fs/cgroup'
        ? MAGIC.CGROUP2_SUPER_MAGIC
        : MAGIC.CGROUP_SUPER_MAGIC),
    read: () => `${controllers}\n`,
  });
}

describe('detectCgroupLayout', () => {
  test('a pure v2 host', () => {
    expect(detect(V2_ROW, 'cpuset cpu io memory pids')).toEqual({
      kind: 'v2',
      hierarchies: [
        {
          version: 2,
          mountPoint: '/sys/fs/cgroup',
          controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'],
          name: 'unified',
        },
      ],
    });
  });

  test('a hybrid host: co-mounted, named and empty v2 hierarchies, each once', () => {
    const layout = detect(HYBRID_ROWS, '');
    expect(layout.kind).toBe('hybrid');
    expect(layout.hierarchies.map(({ name, controllers }) => [name, controllers])).toEqual([
      ['unified', []],
      ['systemd', ['name=systemd']],
      ['cpu,cpuacct', ['cpu', 'cpuacct']],
      ['memory', ['memory']],
    ]);
    expect(hierarchyWith(layout, 'cpuacct')?.mountPoint).toBe('/sys/fs/cgroup/cpu,cpuacct');
    expect(hierarchyWith(layout, 'pids')).toBeUndefined();
  });

  test('a pure v1 host', () => {
    expect(detect(HYBRID_ROWS.split('\n').slice(2).join('\n'), '').kind).toBe('v1');
  });

  test('a mount point that another file system covers is not used', () => {
    const layout = detect(HYBRID_ROWS, '', { '/sys/fs/cgroup/systemd': MAGIC.TMPFS_MAGIC });
    expect(layout.hierarchies.map(({ name }) => name)).not.toContain('systemd');
  });

  test('no cgroups at all', () => {
    expect(detect('22 1 254:0 / / rw - ext4 /dev/vda rw', '').kind).toBe('none');
  });

  test('spaces in a mount point', () => {
    const row = '29 23 0:26 / /sys/fs/c\\040g rw - cgroup cgroup rw,pids';
    expect(detect(row, '').hierarchies[0]?.mountPoint).toBe('/sys/fs/c g');
  });
});
