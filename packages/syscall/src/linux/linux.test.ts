/** The koffi bindings, on what every user may do: own terminals, own namespaces, own processes. */
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { AT, MAGIC, MNT, MS, O, RESOLVE, SIGNALS } from '../constants.js';
import { SyscallError } from '../syscall-error.js';
import {
  fileSystemMagic,
  fileSystemMagicOf,
  mkfifo,
  mount,
  openat,
  openat2,
  umount2,
} from './files.js';
import { lock, tryLock, unlock } from './holds.js';
import {
  namespaceKind,
  openOwningUserNamespace,
  openParentNamespace,
  userNamespaceOwner,
} from './namespaces.js';
import { hasEnded, waitForEnd, watchWithLibuv, watchWithTimer } from './pidfd-wait.js';
import { kill, pidfdGetfd, pidfdOpen, pidfdSendSignal } from './processes.js';
import {
  getWindowSize,
  openPtyPeer,
  ptyNumber,
  setWindowSize,
  unlockPty,
  unreadBytes,
} from './terminals.js';
import { fgetxattr, fsetxattr, lgetxattr, llistxattr, lremovexattr, lsetxattr } from './xattrs.js';

const opened: number[] = [];

const folders: string[] = [];

/** A folder for one test. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'linux-test-'));
  folders.push(path);
  return path;
}

/** Closes the fd after the test. */
function owned(fd: number): number {
  opened.push(fd);
  return fd;
}

afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd);
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
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

test('openat and mkfifo › a FIFO without reader is ENXIO, with one it takes bytes', () => {
  const path = join(folder(), 'fifo');
  mkfifo(path, 0o600);
  const writer = O.O_WRONLY | O.O_NONBLOCK;
  expect(() => openat(AT.AT_FDCWD, path, writer)).toThrow(
    `openat ${path}, O_WRONLY|O_NONBLOCK: ENXIO (no such device or address)`,
  );
  const reader = owned(openat(AT.AT_FDCWD, path, O.O_RDWR | O.O_NONBLOCK));
  writeSync(owned(openat(AT.AT_FDCWD, path, writer)), '.');
  expect(readFileSync(`/proc/self/fdinfo/${reader}`, 'utf8')).toMatch(/flags:\t02\d+02\n/); // O_CLOEXEC
  expect(() => mkfifo(path, 0o600)).toThrow(`mknodat S_IFIFO ${path}: EEXIST`);
});

test('fileSystemMagicOf › follows a path', () => {
  expect(fileSystemMagicOf('/proc/self')).toBe(MAGIC.PROC_SUPER_MAGIC);
  expect(() => fileSystemMagicOf('/does/not/exist')).toThrow('statfs /does/not/exist: ENOENT');
});

test('lock › waits for the other holder, and can be told to stop', async () => {
  const path = join(folder(), 'lock');
  writeFileSync(path, '');
  const first = owned(openSync(path, 'r'));
  const second = owned(openSync(path, 'r'));
  await lock(first);
  expect(tryLock(second)).toBe(false);
  await expect(lock(second, AbortSignal.timeout(20))).rejects.toThrow('timeout');
  const waiting = lock(second);
  unlock(first);
  await waiting;
  expect(tryLock(first)).toBe(false);
});

/** A process that ends when it is told to. */
function sleeper(): { pid: number; pidfd: number; end: () => void } {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  return { pid, pidfd: owned(pidfdOpen(pid)), end: () => void child.kill('SIGKILL') };
}

function openPidfds(): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the folder's own fd
    }
  });
  return links.filter((link) => link.includes('pidfd')).length;
}

test('waitForEnd › resolves when the process has ended, for many at a time', async () => {
  const sleepers = Array.from({ length: 20 }, sleeper);
  const pidfds = openPidfds();
  const ended: number[] = [];
  const waits = sleepers.map(({ pid, pidfd }) => waitForEnd(pidfd).then(() => ended.push(pid)));
  expect(sleepers.map(({ pidfd }) => hasEnded(pidfd))).not.toContain(true);
  for (const { end } of sleepers.slice(0, 10)) end();
  await Promise.all(waits.slice(0, 10));
  expect(ended).toHaveLength(10);
  expect(sleepers.map(({ pidfd }) => hasEnded(pidfd)).slice(0, 10)).not.toContain(false);
  for (const { end } of sleepers) end();
  await Promise.all(waits);
  await waitForEnd(sleepers[0]?.pidfd ?? -1); // one that has ended before
  expect(openPidfds()).toBe(pidfds); // its copies are closed
});

test('waitForEnd › can be stopped, and says so of what is no pidfd', async () => {
  const { pidfd, end } = sleeper();
  const pidfds = openPidfds();
  const stop = new AbortController();
  const waiting = waitForEnd(pidfd, stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(waitForEnd(pidfd, stop.signal)).rejects.toThrow('enough');
  await expect.poll(openPidfds).toBe(pidfds);
  end();
  expect(() => waitForEnd(9999)).toThrow('fcntl F_DUPFD_CLOEXEC of pidfd 9999: EBADF');
  expect(() => hasEnded(9999)).toThrow('ppoll pidfd 9999: EBADF');
});

test.each([
  ['watchWithLibuv', watchWithLibuv],
  ['watchWithTimer', watchWithTimer],
])('%s › tells the end of a process', async (_name, watch) => {
  const { pid, end } = sleeper();
  await new Promise<void>((resolve) => {
    expect(watch(pidfdOpen(pid), resolve)).toBeTypeOf('function');
    end();
  });
});

test('xattrs › are set, read, listed and removed', () => {
  const file = join(folder(), 'file');
  writeFileSync(file, '');
  try {
    lsetxattr(file, 'user.one', 'y');
  } catch (error) {
    expect(error).toMatchObject({ code: 'EOPNOTSUPP' }); // a tmpfs before Linux 6.6
    return;
  }
  expect(lgetxattr(file, 'user.one')).toEqual(Uint8Array.of(0x79));
  expect(lgetxattr(file, 'user.two')).toBeNull();
  const fd = owned(openSync(file, 'r'));
  fsetxattr(fd, 'user.two', Uint8Array.of(1, 2));
  expect(fgetxattr(fd, 'user.two')).toEqual(Uint8Array.of(1, 2));
  expect(llistxattr(file)).toEqual(expect.arrayContaining(['user.one', 'user.two']));
  lremovexattr(file, 'user.one');
  expect(() => lremovexattr(file, 'user.one')).toThrow(`user.one of ${file}: ENODATA`);
  expect(() => lgetxattr('/does/not/exist', 'user.one')).toThrow('ENOENT');
});

test.skipIf(process.getuid?.() !== 0)(
  `xattrs › root sets trusted ones${process.getuid?.() === 0 ? '' : ' (missing: root)'}`,
  () => {
    const path = folder();
    lsetxattr(path, 'trusted.overlay.opaque', 'y');
    expect(lgetxattr(path, 'trusted.overlay.opaque')).toEqual(Uint8Array.of(0x79));
  },
);
