/** What the kernel wrote for the plans of file-plans.ts, decoded. Pure. */

/** Of struct statx, statx(2). */
export interface FileStatus {
  /** type and permission bits */
  readonly mode: number;
  readonly size: number;
  /** nanoseconds since the epoch, as decimal digits: JSON has no integers so large */
  readonly mtime: string;
}

const MODE_AT = 28;
const SIZE_AT = 40;
const MTIME_AT = 112;
const NANOSECONDS = 1_000_000_000n;

export function decodeStatus(bytes: Uint8Array): FileStatus {
  const view = viewOf(bytes);
  const seconds = view.getBigInt64(MTIME_AT, true);
  const rest = BigInt(view.getUint32(MTIME_AT + 8, true));
  return {
    mode: view.getUint16(MODE_AT, true),
    size: Number(view.getBigUint64(SIZE_AT, true)),
    mtime: String(seconds * NANOSECONDS + rest),
  };
}

/** f_type of file systems whose files are the kernel's answers, linux/magic.h */
const KERNEL_SYSTEMS = new Map([
  [0x9fa0, 'proc'],
  [0x6265_6572, 'sysfs'],
  [0x27_e0eb, 'cgroup'],
  [0x6367_7270, 'cgroup2'],
  [0x6462_6720, 'debugfs'],
  [0x7472_6163, 'tracefs'],
  [0x1980_0202, 'mqueue'],
  [0xcafe_4a11, 'bpf'],
]);

/** The kernel's file system that struct statfs names; null where files are just files. */
export function decodeKernelSystem(bytes: Uint8Array): string | null {
  return KERNEL_SYSTEMS.get(Number(viewOf(bytes).getBigInt64(0, true))) ?? null;
}

/** What a directory entry is: d_type, readdir(3). */
export type EntryKind = 'file' | 'directory' | 'symlink' | 'other';

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: EntryKind;
}

const KINDS: Readonly<Record<number, EntryKind>> = { 4: 'directory', 8: 'file', 10: 'symlink' };
/** struct linux_dirent64: inode and offset (8 bytes each), length (2), type (1), name */
const LENGTH_AT = 16;
const TYPE_AT = 18;
const NAME_AT = 19;

/**
 * Entries of one getdents64(2). A name that is no UTF-8 cannot be asked for again and is left out.
 *
 * @param bytes as many as the call returned
 */
export function decodeEntries(bytes: Uint8Array): DirectoryEntry[] {
  const view = viewOf(bytes);
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at + NAME_AT < bytes.length; ) {
    const length = view.getUint16(at + LENGTH_AT, true);
    if (length <= NAME_AT) break;
    const field = bytes.subarray(at + NAME_AT, at + length);
    const name = decodeText(field.subarray(0, field.indexOf(0)));
    if (name !== null && name !== '.' && name !== '..') {
      entries.push({ name, kind: KINDS[bytes[at + TYPE_AT] ?? 0] ?? 'other' });
    }
    at += length;
  }
  return entries;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null where the bytes are no text: not UTF-8, or with a NUL. */
export function decodeText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
