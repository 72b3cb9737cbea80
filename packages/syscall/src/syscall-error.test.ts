/** Errors, errno and the spelling of flags. Needs no kernel. */
import { expect, test } from 'vitest';
import { AT, CLONE, flagged, flags, MS, nameOf, OPEN_FLAGS, SIGNALS } from './constants.js';
import { ERRNO, errnoMeaning, errnoName } from './errno.js';
import { HINTS } from './errno-hints/index.js';
import { PlanBuilder } from './plan-builder.js';
import { planErrorFor } from './plan-error.js';
import { SyscallError } from './syscall-error.js';
import { SYSCALL_NUMBERS, syscallNumber } from './syscall-numbers.js';

test('SyscallError › keeps its parts apart and reads as a sentence', () => {
  const error = new SyscallError({
    syscall: 'mount',
    errno: 22,
    args: 'overlay on /run/lab/c1/rootfs',
  });
  expect(error.message).toBe('mount overlay on /run/lab/c1/rootfs: EINVAL (invalid argument)');
  expect(error).toMatchObject({ syscall: 'mount', code: 'EINVAL', errno: 22 });
});

test('SyscallError › takes arguments in parentheses as strace writes them', () => {
  const error = new SyscallError({ syscall: 'getpid', errno: 38, args: '()' });
  expect(error.message).toBe('getpid(): ENOSYS (function not implemented)');
});

test.each<[string, number, string, string | undefined]>([
  ['clone3', ERRNO.ENOSPC, '', '/proc/sys/user/max_'],
  ['clone3', ERRNO.EPERM, '({CLONE_NEWUSER})', 'unprivileged_userns_clone'],
  ['clone3', ERRNO.EPERM, '({CLONE_NEWPID})', 'CAP_SYS_ADMIN'],
  ['clone3', ERRNO.EPERM, '({set_tid})', undefined],
  ['clone3', ERRNO.EBUSY, '({CLONE_INTO_CGROUP})', 'cgroup.subtree_control'],
  ['clone3', ERRNO.EAGAIN, '', 'pids.max'],
  ['setns', ERRNO.EINVAL, '', 'several threads'],
  ['setns', ERRNO.EUSERS, '', 'single thread'],
  ['setns', ERRNO.EPERM, '', 'CAP_SYS_CHROOT'],
  ['mount', ERRNO.EPERM, '(NULL, "/x", NULL, MS_REMOUNT|MS_BIND, NULL)', '/proc/self/mountinfo'],
  ['mount', ERRNO.EPERM, '("/dev/sda", "/x", "ext4", 0, NULL)', 'only some file systems'],
  ['mount', ERRNO.EINVAL, '("overlay", "/x", "overlay", 0, "…")', 'dmesg'],
  ['mount', ERRNO.EINVAL, '("/a", "/b", NULL, MS_MOVE, NULL)', 'shared'],
  ['mount', ERRNO.EINVAL, '(NULL, "/b", NULL, MS_SLAVE|MS_REC, NULL)', 'propagation'],
  ['mount', ERRNO.EBUSY, '("cgroup", "/x", "cgroup", 0, "memory")', 'another hierarchy'],
  ['fsmount', ERRNO.EPERM, '(3, 0, 0)', 'Mount too revealing'],
  ['openat2', ERRNO.EXDEV, '(3, "../x", {…})', 'RESOLVE_BENEATH'],
  ['openat2', ERRNO.ELOOP, '(3, "x", {…})', 'RESOLVE_NO_SYMLINKS'],
  ['openat', ERRNO.ENXIO, '/run/x/start.fifo, O_WRONLY|O_NONBLOCK', 'FIFO'],
  ['mknodat', ERRNO.EPERM, '(3, "null", S_IFCHR|0666, 0x103)', 'CAP_MKNOD'],
  ['seccomp', ERRNO.EACCES, '(SECCOMP_SET_MODE_FILTER, 0, …)', 'NoNewPrivs'],
  ['seccomp', ERRNO.EINVAL, '(SECCOMP_SET_MODE_FILTER, 0, …)', 'actions_avail'],
  ['capset', ERRNO.EPERM, '(…)', 'CapBnd'],
  ['mkdir', ERRNO.EROFS, '("/x")', 'read-only'],
  ['mount', ERRNO.ENOSPC, 'tmpfs on /x', '/proc/sys/fs/mount-max'],
  ['mount', ERRNO.EPERM, '("proc", "/proc", "proc", 0, NULL)', 'Mount too revealing'],
  ['pivot_root', ERRNO.EINVAL, '(".", ".")', 'not a mount point'],
  ['pivot_root', ERRNO.EBUSY, '(".", ".")', 'current root mount'],
  ['prlimit64', ERRNO.EPERM, 'RLIMIT_NOFILE', 'CAP_SYS_RESOURCE'],
  ['getpid', ERRNO.EINVAL, '', undefined],
])('SyscallError › hints at the cause of %s %i %s', (syscall, errno, args, hint) => {
  const error = new SyscallError({ syscall, errno, args });
  if (hint === undefined) expect(error.hint).toBeUndefined();
  else expect(error.hint).toContain(hint);
});

test.each<[number, string, string]>([
  [ERRNO.EPERM, '/proc/7/uid_map', 'CAP_SETUID'],
  [ERRNO.EINVAL, '/proc/7/gid_map', '340 rows'],
  [ERRNO.EPERM, '/proc/7/setgroups', '"deny"'],
  [ERRNO.EBUSY, '/sys/fs/cgroup/a/cgroup.procs', 'join a child group'],
  [ERRNO.ENOSPC, '/sys/fs/cgroup/cpuset/a/cgroup.procs', 'cpuset.mems'],
  [ERRNO.EOPNOTSUPP, '/sys/fs/cgroup/a/cgroup.procs', 'cgroup.type'],
  [ERRNO.EBUSY, '/sys/fs/cgroup/a/cgroup.subtree_control', 'no internal processes'],
  [ERRNO.ENOENT, '/sys/fs/cgroup/a/cgroup.subtree_control', 'cgroup.controllers'],
  [ERRNO.EACCES, '/proc/sys/kernel/hostname', 'sysctl'],
])('planErrorFor › knows the file behind the fd of a write: errno %i, %s', (errno, file, hint) => {
  const builder = new PlanBuilder('write');
  const fd = builder.slot('fd');
  const purpose = { id: 'test', en: 'test', zh: '测试' };
  const open = (path: string) =>
    builder.call('outside', { syscall: 'openat', args: [-100, path, 1], purpose, store: fd });
  open('/proc/7/oom_score_adj');
  open(file);
  builder.call('outside', { syscall: 'write', args: [fd, '1', 1], purpose });
  open('/proc/7/timens_offsets');
  const report = { process: 'outside', index: 2, result: -1n, errno, nanoseconds: 0 };
  const cause = planErrorFor(builder.build(), report, [report]).cause as SyscallError;
  expect(cause.hint).toContain(hint);
  expect(cause.message).toContain('write(<fd>, "1", 1): ');
});

test('hints › are a sentence in both languages, and none hides another', () => {
  const unconditional = new Set<string>();
  for (const { syscalls, code, about, hint } of HINTS) {
    expect(Object.values(ERRNO)).toContain(ERRNO[code as keyof typeof ERRNO]);
    expect(hint.en).toMatch(/^[^A-Z]/);
    for (const text of [hint.en, hint.zh]) expect(text).not.toMatch(/[.。]$/);
    expect(hint.zh).toMatch(/\p{Script=Han}/u);
    for (const syscall of syscalls ?? []) {
      syscallNumber(syscall, 'x64');
      expect(unconditional).not.toContain(`${syscall} ${code}`);
      if (about === undefined) unconditional.add(`${syscall} ${code}`);
    }
  }
  const error = new SyscallError({ syscall: 'capset', errno: ERRNO.EPERM, args: '(…)' });
  expect(error.hint).toBe(error.hints?.en);
  expect(error.hints?.zh).toContain('能力');
});

test('errno › names what Linux has, and says so of what it has not', () => {
  expect([errnoName(11), errnoName(35), errnoName(95)]).toEqual([
    'EAGAIN',
    'EDEADLK',
    'EOPNOTSUPP',
  ]);
  expect([errnoName(999), errnoMeaning(999)]).toEqual(['errno 999', 'unknown error']);
});

test('flags › spells values as strace does', () => {
  expect(flags(MS.MS_BIND | MS.MS_REC, MS)).toBe('MS_BIND|MS_REC');
  expect(flags(0, MS)).toBe('0');
  expect(flags(0, OPEN_FLAGS.x64)).toBe('O_RDONLY');
  expect(flags(0x4000_0001, MS)).toBe('MS_RDONLY|0x40000000');
  expect(flags(0o4010000, OPEN_FLAGS.x64)).toBe('O_SYNC');
  expect(flags(0o40000, OPEN_FLAGS.arm64)).toBe('O_DIRECTORY');
  expect(flags(BigInt(CLONE.CLONE_INTO_CGROUP) | 0x2000_0000n, CLONE)).toBe(
    'CLONE_NEWPID|CLONE_INTO_CGROUP',
  );
});

test('flagged and nameOf › are the ways there and back', () => {
  expect(flagged(MS, 'MS_BIND', 'MS_REC')).toEqual({ value: 0x5000n, display: 'MS_BIND|MS_REC' });
  expect(flagged(MS)).toEqual({ value: 0n, display: '0' });
  expect(flagged(CLONE, 'CLONE_INTO_CGROUP').value).toBe(0x2_0000_0000n);
  expect(flagged(AT, 'AT_FDCWD').value).toBe(-100n);
  expect(nameOf(SIGNALS, 9)).toBe('SIGKILL');
});

test('syscallNumber › differs by architecture, and agrees from pidfd_send_signal on', () => {
  expect([syscallNumber('mount', 'x64'), syscallNumber('mount', 'arm64')]).toEqual([165, 40]);
  expect(SYSCALL_NUMBERS.x64['mkdir']).toBe(83);
  expect(() => syscallNumber('mkdir', 'arm64')).toThrow('there is no system call mkdir on arm64');
  for (const [name, number] of Object.entries(SYSCALL_NUMBERS.arm64)) {
    if (number >= 424) expect([name, SYSCALL_NUMBERS.x64[name]]).toEqual([name, number]);
  }
});
