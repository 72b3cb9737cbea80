import { describe, expect, it } from 'vitest';
import { MAX_MOUNT_ROWS, parseMountinfo, parseMountRow, sameMount } from './mountinfo.js';

describe('parseMountRow', () => {
  it('reads the sample row of proc_pid_mountinfo(5)', () => {
    expect(
      parseMountRow(
        '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue',
      ),
    ).toEqual({
      mountId: 36,
      parentId: 35,
      device: '98:0',
      root: '/mnt1',
      mountPoint: '/mnt2',
      mountOptions: 'rw,noatime',
      optionalFields: ['master:1'],
      fsType: 'ext3',
      mountSource: '/dev/root',
      superOptions: 'rw,errors=continue',
    });
  });

  it('reads rows with no and with several optional fields', () => {
    expect(parseMountRow('65 46 0:39 / /proc rw - proc proc rw')?.optionalFields).toEqual([]);
    const row = parseMountRow('66 46 0:40 / /a rw shared:2 master:3 propagate_from:4 - tmpfs x rw');
    expect(row?.optionalFields).toEqual(['shared:2', 'master:3', 'propagate_from:4']);
  });

  it('reads a namespace held by a bind mount', () => {
    const row = parseMountRow('70 46 0:4 net:[4026532345] /run/held rw - nsfs nsfs rw');
    expect(row).toMatchObject({
      fsType: 'nsfs',
      root: 'net:[4026532345]',
      mountPoint: '/run/held',
    });
  });

  it('undoes the octal escapes', () => {
    const row = parseMountRow('70 46 0:4 / /a\\040b\\011c\\134d\\012e rw - tmpfs my\\040src rw');
    expect(row?.mountPoint).toBe('/a b\tc\\d\ne');
    expect(row?.mountSource).toBe('my src');
  });

  it('refuses what is no row', () => {
    expect(parseMountRow('')).toBeNull();
    expect(parseMountRow('1 2 3')).toBeNull();
  });
});

describe('parseMountinfo', () => {
  it('stops at its limit', () => {
    const rows = Array.from(
      { length: MAX_MOUNT_ROWS + 5 },
      (_, i) => `${i} 1 0:1 / /m rw - tmpfs x rw`,
    );
    expect(parseMountinfo(rows.join('\n'))).toHaveLength(MAX_MOUNT_ROWS);
  });

  it('sameMount sees a change of propagation, options and pid namespace', () => {
    const row = parseMountRow('65 46 0:39 / /proc rw - proc proc rw')!;
    expect(sameMount(row, { ...row })).toBe(true);
    expect(sameMount(row, { ...row, optionalFields: ['shared:1'] })).toBe(false);
    expect(sameMount(row, { ...row, mountOptions: 'ro' })).toBe(false);
    expect(sameMount(row, { ...row, procPidNs: 7 })).toBe(false);
  });
});
