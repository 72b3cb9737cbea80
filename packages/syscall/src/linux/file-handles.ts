/**
 * File handles, name_to_handle_at(2): a file's identity that outlives its name and that no symbolic
 * link can bend. Run in the observer, as root in the host's namespaces: opening one needs
 * CAP_DAC_READ_SEARCH there, and is refused by file systems that cannot be exported (overlay).
 */
import { AT } from '../constants.js';
import { bindSyscall } from './invoke.js';

const HEADER_BYTES = 8; // struct file_handle: handle_bytes, handle_type
const MAX_HANDLE_BYTES = 128; // MAX_HANDLE_SZ
/** AT_HANDLE_FID of <linux/fcntl.h> (Linux 6.5): for identification only, need not be opened. */
const AT_HANDLE_FID = 0x200;
const STATFS_BYTES = 120;
const STATFS_FSID = 56; // offset of f_fsid in struct statfs of the 64-bit architectures

const callNameToHandle = bindSyscall('name_to_handle_at', 'int', 'str', 'void *', 'void *', 'int');
const callOpenByHandle = bindSyscall('open_by_handle_at', 'int', 'void *', 'int');
const callFstatfs = bindSyscall('fstatfs', 'int', 'void *');

/** `struct file_handle`: compare `key`, or open it. */
export interface FileHandle {
  readonly type: number;
  readonly bytes: Uint8Array;
  /** type and bytes as one text; unique within a file system */
  readonly key: string;
}

/** Makes a handle of what the kernel wrote somewhere. */
export function fileHandle(type: number, bytes: Uint8Array): FileHandle {
  return { type, bytes, key: `${type}:${Buffer.from(bytes).toString('hex')}` };
}

/**
 * The handle of an open file; O_PATH will do.
 *
 * @param purpose `open` asks for one that openByHandle takes; `identify` for any (overlay has one
 *   since Linux 6.6: it holds the handle of the file in the upper layer)
 * @throws SyscallError EOPNOTSUPP where the file system has none
 */
export function handleOf(fd: number, purpose: 'open' | 'identify' = 'open'): FileHandle {
  const memory = new Uint8Array(HEADER_BYTES + MAX_HANDLE_BYTES);
  const view = new DataView(memory.buffer);
  view.setUint32(0, MAX_HANDLE_BYTES, true);
  const flags = AT.AT_EMPTY_PATH | (purpose === 'identify' ? AT_HANDLE_FID : 0);
  callNameToHandle([fd, '', memory, new Uint8Array(8), flags], () => `fd ${fd}`);
  const length = view.getUint32(0, true);
  const bytes = memory.slice(HEADER_BYTES, HEADER_BYTES + length);
  return fileHandle(view.getInt32(4, true), bytes);
}

/**
 * Opens what a handle names.
 *
 * @param mountFd any file of the same file system, not O_PATH; the new fd is of its mount
 * @param flags O_… flags; O_CLOEXEC is the caller's to add
 * @returns a new fd, the caller's to close
 * @throws SyscallError ESTALE when there is no such file any more
 */
export function openByHandle(mountFd: number, handle: FileHandle, flags: number): number {
  const memory = new Uint8Array(HEADER_BYTES + handle.bytes.length);
  const view = new DataView(memory.buffer);
  view.setUint32(0, handle.bytes.length, true);
  view.setInt32(4, handle.type, true);
  memory.set(handle.bytes, HEADER_BYTES);
  return callOpenByHandle([mountFd, memory, flags], () => `handle ${handle.key}`);
}

/** The file system's f_fsid, statfs(2), in hexadecimal: names it in fanotify's events. */
export function fileSystemId(fd: number): string {
  const memory = new Uint8Array(STATFS_BYTES);
  callFstatfs([fd, memory], () => `fd ${fd}`);
  return Buffer.from(memory.subarray(STATFS_FSID, STATFS_FSID + 8)).toString('hex');
}
