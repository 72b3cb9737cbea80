/**
 * fanotify(7) of whole file systems: who made, wrote, renamed or removed which name in which
 * directory, without a watch for each directory. Runs in the observer, as root in the host's
 * namespaces (CAP_SYS_ADMIN). A mark holds neither a mount nor a file: nobody's umount is busy.
 */

import { type FileHandle, fileHandle } from './file-handles.js';
import { bindSyscall } from './invoke.js';

/** FAN_… of <linux/fanotify.h>, as far as used here. */
export const FAN = {
  FAN_CLOEXEC: 0x1,
  FAN_NONBLOCK: 0x2,
  FAN_REPORT_FID: 0x200,
  FAN_REPORT_DIR_FID: 0x400,
  FAN_REPORT_NAME: 0x800,
  FAN_REPORT_TARGET_FID: 0x1000,
  FAN_MARK_ADD: 0x1,
  FAN_MARK_FILESYSTEM: 0x100,
  FAN_MODIFY: 0x2,
  FAN_ATTRIB: 0x4,
  FAN_OPEN: 0x20,
  FAN_CREATE: 0x100,
  FAN_DELETE: 0x200,
  FAN_Q_OVERFLOW: 0x4000,
  FAN_EVENT_ON_CHILD: 0x800_0000,
  FAN_RENAME: 0x1000_0000,
  FAN_ONDIR: 0x4000_0000,
} as const;

const callInit = bindSyscall('fanotify_init', 'int', 'int');
const callMark = bindSyscall('fanotify_mark', 'int', 'int', 'long', 'int', 'str');

/** A name in a directory. */
export interface PlacedName {
  readonly directory: FileHandle;
  readonly name: string;
}

/** One event of a marked file system. */
export interface FileEvent {
  /** FAN_… bits; several when the kernel merged events of one name */
  readonly mask: number;
  /** thread group that did it, in the reader's pid namespace; 0 for one that is outside */
  readonly pid: number;
  /** as fileSystemId has it; empty for an overflow */
  readonly fileSystem: string;
  /** what it happened to; of a rename, where it is now */
  readonly at: PlacedName | null;
  /** of a rename, where it was */
  readonly from: PlacedName | null;
  /** the file itself, where the kernel told */
  readonly file: FileHandle | null;
}

/**
 * Opens a group that reports directories, names and files, without blocking.
 *
 * @returns an fd to read events from, the caller's to close
 * @throws SyscallError EINVAL before Linux 5.17, EMFILE beyond fs.fanotify.max_user_groups
 */
export function fanotifyGroup(): number {
  const report =
    FAN.FAN_REPORT_FID | FAN.FAN_REPORT_DIR_FID | FAN.FAN_REPORT_NAME | FAN.FAN_REPORT_TARGET_FID;
  return callInit([FAN.FAN_CLOEXEC | FAN.FAN_NONBLOCK | report, 0], () => 'FAN_REPORT_DFID_NAME');
}

/**
 * Adds a mark on the file system that an fd is on; it goes with the group, or the file system.
 *
 * @param mask FAN_… events
 * @param fd any file of it, O_PATH too
 * @throws SyscallError ENODEV where the file system has no identity, EOPNOTSUPP on overlay
 */
export function markFileSystem(group: number, mask: number, fd: number): void {
  const flags = FAN.FAN_MARK_ADD | FAN.FAN_MARK_FILESYSTEM;
  // An empty path cannot be given, and NULL with an fd means that file itself.
  callMark([group, flags, mask, fd, null], () => `FAN_MARK_FILESYSTEM of fd ${fd}`);
}

/**
 * Adds a mark on one directory, for what happens to the files in it.
 *
 * @param mask FAN_… events; FAN_EVENT_ON_CHILD is added
 * @param fd the directory, O_PATH too
 */
export function markDirectory(group: number, mask: number, fd: number): void {
  callMark([group, FAN.FAN_MARK_ADD, mask | FAN.FAN_EVENT_ON_CHILD, fd, null], () => `fd ${fd}`);
}

const METADATA_BYTES = 24; // struct fanotify_event_metadata
const INFO_HANDLE = 12; // header of 4 bytes, fsid of 8, then struct file_handle
const INFO = { FID: 1, DFID_NAME: 2, DFID: 3, OLD_DFID_NAME: 10, NEW_DFID_NAME: 12 } as const;

/** The events of one read: a read gives whole ones only. */
export function parseFileEvents(chunk: Uint8Array): FileEvent[] {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const events: FileEvent[] = [];
  let at = 0;
  while (at + METADATA_BYTES <= chunk.byteLength) {
    const length = view.getUint32(at, true);
    if (length < METADATA_BYTES) break;
    events.push(parseEvent(chunk, view, at, length));
    at += length;
  }
  return events;
}

function parseEvent(chunk: Uint8Array, view: DataView, start: number, length: number): FileEvent {
  const found: { -readonly [K in keyof FileEvent]: FileEvent[K] } = {
    mask: view.getUint32(start + 8, true), // all that is used is in the lower half
    pid: view.getInt32(start + 20, true),
    fileSystem: '',
    at: null,
    from: null,
    file: null,
  };
  let at = start + view.getUint16(start + 6, true);
  while (at + INFO_HANDLE <= start + length) {
    const type = chunk[at];
    const size = view.getUint16(at + 2, true);
    if (size < INFO_HANDLE) break;
    if (type === INFO.FID || type === INFO.DFID) {
      if (type === INFO.FID) found.file = placed(chunk, view, at, size).directory;
      else found.at = { ...placed(chunk, view, at, size), name: '.' };
    } else if (type === INFO.OLD_DFID_NAME) found.from = placed(chunk, view, at, size);
    else if (type === INFO.DFID_NAME || type === INFO.NEW_DFID_NAME)
      found.at = placed(chunk, view, at, size);
    found.fileSystem ||= Buffer.from(chunk.subarray(at + 4, at + 12)).toString('hex');
    at += size;
  }
  return found;
}

/** struct file_handle, and the name that follows it, up to its NUL. */
function placed(chunk: Uint8Array, view: DataView, at: number, size: number): PlacedName {
  const handleBytes = view.getUint32(at + INFO_HANDLE, true);
  const type = view.getInt32(at + INFO_HANDLE + 4, true);
  const from = at + INFO_HANDLE + 8;
  const bytes = chunk.slice(from, from + handleBytes);
  const text = Buffer.from(chunk.subarray(from + handleBytes, at + size)).toString('utf8');
  const end = text.indexOf('\0');
  return { directory: fileHandle(type, bytes), name: end < 0 ? text : text.slice(0, end) };
}
