/** The koffi bindings, on what every user may do: own terminals, own namespaces, own processes. */
import { closeSync, openSync, readlinkSync, writeSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { AT, MAGIC, MNT, MS, O, RESOLVE, SIGNALS } from '../constants.js';
import { SyscallError } from '../syscall-error.js';
import { fileSystemMagic, mount, openat2, umount2 } from './files.js';
import {
  namespaceKind,
  openOwningUserNamespace,
  openParentNamespace,
  userNamespaceOwner,
} from './namespaces.js';
import { kill, pidfdGetfd, pidfdOpen, pidfdSendSignal } from './processes.js';
import {
  getWindowSize,
  openPtyPeer,
  ptyNumber,
  setWindowSize,
  unlockPty,
  unreadBytes,
} from './terminals.js';

const opened: number[] = [];

/** Closes the fd after the test. */
function owned(fd: number): number {
  opened.push(fd);
  return fd;
}

afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd);
});

test('terminals › a pty opened below a devpts fd names, sizes and counts as expected', async () => {
  const directory = O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC;
  const devpts = owned(openat2(AT.AT_FDCWD, '/dev/pts', { flags: directory }));
  expect(fileSystemMagic(devpts)).toBe(MAGIC.DEVPTS_SUPER_MAGIC);
  const flags = O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC;
  const master = owned(openat2(devpts, 'ptmx', { flags, resolve: RESOLVE.RESOLVE_IN_ROOT }));
  unlockPty(master);
  const slave = owned(openPtyPeer(master));
  expect(readlinkSync(`/proc/self/fd/${slave}`)).toBe(`/dev/pts/${ptyNumber(master)}`);
  setWindowSize(master, { cols: 100, rows: 30 });
  expect(getWindowSize(slave)).toEqual({ cols: 100, rows: 30 });
  writeSync(slave, 'hello');
  await expect.poll(() => unreadBytes(master)).toBe(5);
});

test('terminals › says so of an fd that is no terminal', () => {
  const file = owned(openSync('/dev/null', 'r'));
  expect(() => getWindowSize(file)).toThrow(`ioctl TIOCGWINSZ of fd ${file}: ENOTTY`);
});

test('openat2 › does not leave the directory', () => {
  const directory = owned(openSync('/usr', 'r'));
  const how = { flags: O.O_RDONLY | O.O_CLOEXEC, resolve: RESOLVE.RESOLVE_BENEATH };
  expect(() => openat2(directory, '../etc', how)).toThrow(
    `openat2 ../etc below fd ${directory}, RESOLVE_BENEATH: EXDEV (invalid cross-device link)`,
  );
});

test('pidfds › copy an fd and signal', () => {
  const pidfd = owned(pidfdOpen(process.pid));
  const file = owned(openSync('/dev/null', 'r'));
  expect(readlinkSync(`/proc/self/fd/${owned(pidfdGetfd(pidfd, file))}`)).toBe('/dev/null');
  pidfdSendSignal(pidfd, 0);
  kill(process.pid, 0);
  expect(() => pidfdGetfd(pidfd, 9999)).toThrow(`pidfd_getfd fd 9999 of pidfd ${pidfd}: EBADF`);
  expect(() => kill(2 ** 22 + 1, SIGNALS.SIGTERM)).toThrow('kill SIGTERM to 4194305: ESRCH');
});

test('namespaces › tell kind and owner; uts has no parent', () => {
  const uts = owned(openSync('/proc/self/ns/uts', 'r'));
  expect(namespaceKind(uts)).toMatchObject({ proc: 'uts', flagName: 'CLONE_NEWUTS' });
  const user = openOwningUserNamespace(uts);
  if (user !== null) expect(namespaceKind(owned(user)).proc).toBe('user');
  expect(() => openParentNamespace(uts)).toThrow(`NS_GET_PARENT of fd ${uts}: EINVAL`);
  expect(userNamespaceOwner(owned(openSync('/proc/self/ns/user', 'r')))).toBeGreaterThanOrEqual(0);
});

test('mount and umount2 › fail with their words', () => {
  expect(() => mount('overlay', '/does/not/exist', 'overlay', MS.MS_RDONLY)).toThrow(
    /^mount overlay on \/does\/not\/exist: (ENOENT|EPERM) /,
  );
  expect(() => umount2('/does/not/exist', MNT.MNT_DETACH)).toThrow(SyscallError);
});
