/**
 * File and mount calls that Node's fs module lacks. Run in the daemon or the terminal host, as
 * root in the host's namespaces.
 */
import { AT, flags, MNT, MS, nameOf, O, RESOLVE, S } from '../constants.js';
import { bindSyscall } from './invoke.js';

const OPEN_HOW_BYTES = 24; // struct open_how: flags, mode, resolve
const STATFS_BYTES = 120; // struct statfs of the 64-bit architectures

const callOpenat2 = bindSyscall('openat2', 'int', 'str', 'void *', 'long');
const callOpenat = bindSyscall('openat', 'int', 'str', 'int', 'int');
const callMknodat = bindSyscall('mknodat', 'int', 'str', 'int', 'int');
const callFstatfs = bindSyscall('fstatfs', 'int', 'void *');
const callStatfs = bindSyscall('statfs', 'str', 'void *');
const callMount = bindSyscall('mount', 'str', 'str', 'str', 'long', 'str');
const callUmount2 = bindSyscall('umount2', 'str', 'int');

/** `struct open_how` of openat2(2). */
export interface OpenHow {
  /** O_… flags; O_CLOEXEC is the caller's to add, Node never leaves it out */
  readonly flags: number;
  /** permission bits; only with O_CREAT or O_TMPFILE */
  readonly mode?: number;
  /** RESOLVE_… rules: RESOLVE_IN_ROOT makes `/` and `..` stay below dirfd */
  readonly resolve?: number;
}

/**
 * Opens a path below a directory under rules that no symbolic link can break.
 *
 * @param dirfd fd of the directory, or AT.AT_FDCWD
 * @returns a new fd, the caller's to close
 * @throws SyscallError ELOOP or EXDEV when the path would break the rules; EAGAIN when a rename
 *   raced with a `..`: try again
 */
export function openat2(dirfd: number, path: string, how: OpenHow): number {
  const memory = new Uint8Array(OPEN_HOW_BYTES);
  const view = new DataView(memory.buffer);
  view.setBigUint64(0, BigInt(how.flags), true);
  view.setBigUint64(8, BigInt(how.mode ?? 0), true);
  view.setBigUint64(16, BigInt(how.resolve ?? 0), true);
  return callOpenat2([dirfd, path, memory, OPEN_HOW_BYTES], () => {
    const where = dirfd === AT.AT_FDCWD ? '' : ` below fd ${dirfd}`;
    return `${path}${where}, ${flags(how.resolve ?? 0, RESOLVE)}`;
  });
}

/**
 * Opens a path below a directory, with the errno of the system call: ENXIO from
 * O_WRONLY|O_NONBLOCK on a FIFO says that nobody reads it.
 *
 * @param dirfd fd of the directory, or AT.AT_FDCWD
 * @param openFlags O_… flags; O_CLOEXEC is added
 * @param mode permission bits, with O_CREAT or O_TMPFILE
 * @returns a new fd, the caller's to close
 */
export function openat(dirfd: number, path: string, openFlags: number, mode = 0): number {
  return callOpenat([dirfd, path, openFlags | O.O_CLOEXEC, mode], () => {
    const where = dirfd === AT.AT_FDCWD ? '' : ` below fd ${dirfd}`;
    return `${path}${where}, ${flags(openFlags, O)}`;
  });
}

/** Makes a FIFO, fifo(7). @param mode permission bits, less the umask */
export function mkfifo(path: string, mode: number): void {
  const type = S.S_IFIFO | mode;
  callMknodat([AT.AT_FDCWD, path, type, 0], () => `S_IFIFO ${path}`);
}

/** As fileSystemMagic, of a path, symbolic links followed. */
export function fileSystemMagicOf(path: string): number {
  const memory = new Uint8Array(STATFS_BYTES);
  callStatfs([path, memory], () => path);
  return new DataView(memory.buffer).getUint32(0, true);
}

/**
 * Tells what kind of file system an fd is on, by the magic number of <linux/magic.h>.
 *
 * @returns one of MAGIC's values, or another
 */
export function fileSystemMagic(fd: number): number {
  const memory = new Uint8Array(STATFS_BYTES);
  callFstatfs([fd, memory], () => `fd ${fd}`);
  return new DataView(memory.buffer).getUint32(0, true); // f_type is a long of which 32 bits are used
}

/**
 * mount(2), for set-up on the host only: what a container needs mounted stands in its plan.
 *
 * @param data the file system's own options, or null
 */
export function mount(
  source: string | null,
  target: string,
  fsType: string | null,
  mountFlags: number,
  data: string | null = null,
): void {
  callMount([source, target, fsType, mountFlags, data], () => {
    const what = fsType ?? source ?? flags(mountFlags, MS);
    return `${what} on ${target}`;
  });
}

/** umount2(2); MNT.MNT_DETACH unmounts what is busy as soon as it no longer is. */
export function umount2(target: string, unmountFlags = 0): void {
  callUmount2([target, unmountFlags], () =>
    unmountFlags === 0 ? target : `${target}, ${nameOf(MNT, unmountFlags) ?? unmountFlags}`,
  );
}
