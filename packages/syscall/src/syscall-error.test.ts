/** Errors, errno and the spelling of flags. Needs no kernel. */
import { expect, test } from 'vitest';
import { AT, CLONE, flagged, flags, MS, nameOf, OPEN_FLAGS, SIGNALS } from './constants.js';
import { ERRNO, errnoMeaning, errnoName } from './errno.js';
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
  ['clone3', ERRNO.EPERM, '({CLONE_NEWPID})', undefined],
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
