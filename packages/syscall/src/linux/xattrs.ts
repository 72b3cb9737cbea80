/**
 * Extended attributes, xattr(7), which Node's fs module lacks: overlay marks opaque directories with
 * trusted.overlay.opaque. Run as root; `trusted.` needs CAP_SYS_ADMIN in the initial user namespace.
 * The calls with l work on a symbolic link itself, those with f on an open file.
 */
import { ERRNO } from '../errno.js';
import { SyscallError } from '../syscall-error.js';
import { bindSyscall } from './invoke.js';

const MAX_BYTES = 64 * 1024; // XATTR_SIZE_MAX and XATTR_LIST_MAX

const callLgetxattr = bindSyscall('lgetxattr', 'str', 'str', 'void *', 'long');
const callLsetxattr = bindSyscall('lsetxattr', 'str', 'str', 'void *', 'long', 'int');
const callLremovexattr = bindSyscall('lremovexattr', 'str', 'str');
const callLlistxattr = bindSyscall('llistxattr', 'str', 'void *', 'long');
const callFgetxattr = bindSyscall('fgetxattr', 'int', 'str', 'void *', 'long');
const callFsetxattr = bindSyscall('fsetxattr', 'int', 'str', 'void *', 'long', 'int');

/** Reads an attribute. @returns null when the file has none of this name */
export function lgetxattr(path: string, name: string): Uint8Array | null {
  return read((memory) =>
    callLgetxattr([path, name, memory, MAX_BYTES], () => `${name} of ${path}`),
  );
}

/** Sets or replaces an attribute. @throws SyscallError EOPNOTSUPP when the file system has none */
export function lsetxattr(path: string, name: string, value: Uint8Array | string): void {
  const memory = bytesOf(value);
  callLsetxattr([path, name, memory, memory.length, 0], () => `${name} of ${path}`);
}

/** Removes an attribute. @throws SyscallError ENODATA when the file has none of this name */
export function lremovexattr(path: string, name: string): void {
  callLremovexattr([path, name], () => `${name} of ${path}`);
}

/** Lists the names that the caller may see. */
export function llistxattr(path: string): string[] {
  const memory = new Uint8Array(MAX_BYTES);
  const length = callLlistxattr([path, memory, MAX_BYTES], () => path);
  const text = new TextDecoder().decode(memory.subarray(0, length));
  return text.split('\0').filter((name) => name !== '');
}

/** One for all calls: they follow each other, and 64 KiB for each file of a tree are too many. */
let namesMemory: Uint8Array | undefined;

/** As llistxattr, for going through many files; none where the file system has no attributes. */
export function xattrNames(path: string): string[] {
  namesMemory ??= new Uint8Array(MAX_BYTES);
  try {
    const length = callLlistxattr([path, namesMemory, MAX_BYTES], () => path);
    if (length === 0) return [];
    const text = new TextDecoder().decode(namesMemory.subarray(0, length - 1));
    return text.split('\0');
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ERRNO.EOPNOTSUPP) return [];
    throw error;
  }
}

/** As lgetxattr, of an open file; O_PATH fds cannot be asked. */
export function fgetxattr(fd: number, name: string): Uint8Array | null {
  return read((memory) =>
    callFgetxattr([fd, name, memory, MAX_BYTES], () => `${name} of fd ${fd}`),
  );
}

/** As lsetxattr, of an open file. */
export function fsetxattr(fd: number, name: string, value: Uint8Array | string): void {
  const memory = bytesOf(value);
  callFsetxattr([fd, name, memory, memory.length, 0], () => `${name} of fd ${fd}`);
}

function read(call: (memory: Uint8Array) => number): Uint8Array | null {
  const memory = new Uint8Array(MAX_BYTES);
  try {
    return memory.slice(0, call(memory));
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ERRNO.ENODATA) return null;
    throw error;
  }
}

function bytesOf(value: Uint8Array | string): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}
