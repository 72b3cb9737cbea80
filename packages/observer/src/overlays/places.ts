/**
 * Where the directories of an overlay are. Runs in the observer, as root in the host's namespaces;
 * every path is a learner's: it is resolved below that learner's own root (openat2 with
 * RESOLVE_IN_ROOT), no magic link is followed, and what was found is remembered by its file handle,
 * which no rename and no symbolic link can bend.
 *
 * No fd stays open: one would make the learner's `umount` fail with EBUSY.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import {
  type FileHandle,
  fileHandle,
  fileSystemId,
  handleOf,
  O,
  openat2,
  openByHandle,
  RESOLVE,
} from '@terrarium/syscall';
import type { MountState, NsInode } from '@terrarium/timeline';
import type { WatchedSandbox } from '../part.js';
import { deviceOf } from '../real-kernel-calls.js';

/** A directory that can be opened again. */
export interface Place {
  /** `major:minor` of its file system, as mountinfo has it */
  readonly device: string;
  /** as fanotify's events name its file system */
  readonly fileSystem: string;
  /** null where the file system has none (overlay): then by its path */
  readonly handle: FileHandle | null;
  readonly dir: string;
  readonly inode: number;
}

/** A mount with the namespace that it is in. */
export interface PlacedRow {
  readonly mountNs: NsInode;
  readonly row: MountState;
}

const DIRECTORY = O.O_RDONLY | O.O_DIRECTORY | O.O_CLOEXEC | O.O_NONBLOCK;
const IN_ROOT = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS;
const BENEATH = RESOLVE.RESOLVE_BENEATH | RESOLVE.RESOLVE_NO_MAGICLINKS;
/** Processes whose working directory is tried for a relative path. */
const MAX_CWDS = 16;
/** Mounts that are tried for one file system. */
const MAX_MOUNTS = 16;
/** File systems that hold no upper directory, or none that could be opened by a handle. */
const NOT_UPPER = new Set(['overlay', 'proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue']);

export class Places {
  private readonly sandbox: WatchedSandbox;

  constructor(sandbox: WatchedSandbox) {
    this.sandbox = sandbox;
  }

  /**
   * Finds a directory by what the mount options say.
   *
   * @param rows mounts of the overlay: their namespaces are where the path may mean something
   * @param expected its handle, where that is known: what else the path may lead to is not it
   */
  byPath(dir: string, rows: readonly PlacedRow[], expected: FileHandle | null): Place | null {
    for (const mountNs of new Set(rows.map((one) => one.mountNs))) {
      const place = this.withPath(dir, mountNs, (fd) => placeOf(fd, dir));
      if (place === null) continue;
      if (expected === null || place.handle?.key === expected.key) return place;
    }
    return null;
  }

  /** Finds a directory by its handle, on whatever file system of these namespaces it is. */
  byHandle(handle: FileHandle, dir: string, rows: readonly PlacedRow[]): Place | null {
    const devices = new Set<string>();
    for (const mountNs of new Set(rows.map((one) => one.mountNs))) {
      for (const { device, fsType } of this.sandbox.mounts(mountNs)) {
        if (!NOT_UPPER.has(fsType)) devices.add(device);
      }
    }
    for (const device of devices) {
      const place = this.withHandle(device, handle, (fd) => placeOf(fd, dir));
      if (place !== null) return place;
    }
    return null;
  }

  /**
   * The handle of an overlay's upper directory, as the overlay itself tells (Linux 6.6): so it is
   * found even when its path means nothing any more, as that of the sandbox's own root.
   */
  upperHandle(rows: readonly PlacedRow[]): FileHandle | null {
    for (const { mountNs, row } of rows) {
      if (row.root !== '/') continue;
      const found = this.withPath(
        row.mountPoint,
        mountNs,
        (fd) => (deviceOf(fd) === row.device ? realHandle(handleOf(fd, 'identify').bytes) : null),
        O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC,
      );
      if (found !== null) return found;
    }
    return null;
  }

  /** Gives `use` an fd of a place, and closes it. @returns null when it cannot be reached */
  open<T>(place: Place, rows: readonly PlacedRow[], use: (fd: number) => T): T | null {
    if (place.handle !== null) return this.withHandle(place.device, place.handle, use);
    for (const mountNs of new Set(rows.map((one) => one.mountNs))) {
      const found = this.withPath(place.dir, mountNs, (fd) =>
        isPlace(fd, place) ? { value: use(fd) } : null,
      );
      if (found !== null) return found.value;
    }
    return null;
  }

  /** Gives `use` an fd of what a handle names, through any mount of its file system. */
  withHandle<T>(
    device: string,
    handle: FileHandle,
    use: (fd: number) => T,
    flags: number = DIRECTORY,
  ): T | null {
    let tried = 0;
    for (const mountNs of this.sandbox.namespaces('mnt')) {
      for (const row of this.sandbox.mounts(mountNs)) {
        if (row.device !== device || tried++ >= MAX_MOUNTS) continue;
        const found = this.withPath(row.mountPoint, mountNs, (mountFd) => {
          if (deviceOf(mountFd) !== device) return null; // something else is mounted over it
          return withFd(openByHandle(mountFd, handle, flags), (fd) => ({ value: use(fd) }));
        });
        if (found !== null) return found.value;
      }
    }
    return null;
  }

  private withPath<T>(
    path: string,
    mountNs: NsInode,
    use: (fd: number) => T | null,
    flags: number = DIRECTORY,
  ): T | null {
    for (const [base, resolve] of this.basesOf(path, mountNs)) {
      const found = attempt(() =>
        withFd(openSync(base, O.O_PATH | constants.O_DIRECTORY), (fd) =>
          withFd(openat2(fd, path, { flags, resolve }), use),
        ),
      );
      if (found !== null) return found;
    }
    return null;
  }

  /** Below a root an absolute link ends at that root; below a working directory it is refused. */
  private basesOf(path: string, mountNs: NsInode): readonly (readonly [string, number])[] {
    const { root: proc } = this.sandbox.machine.proc;
    if (path.startsWith('/')) {
      const pid = this.sandbox.memberOf('mnt', mountNs);
      return pid === null ? [] : [[`${proc}/${pid}/root`, IN_ROOT]];
    }
    return this.sandbox
      .processes()
      .filter((one) => one.namespaces.mnt === mountNs && one.state !== 'Z')
      .slice(-MAX_CWDS)
      .map((one) => [`${proc}/${one.hostPid}/cwd`, BENEATH] as const);
  }
}

function placeOf(fd: number, dir: string): Place {
  return {
    device: deviceOf(fd),
    fileSystem: fileSystemId(fd),
    handle: attempt(() => handleOf(fd)),
    dir,
    inode: fstatSync(fd).ino,
  };
}

function isPlace(fd: number, place: Place): boolean {
  return fstatSync(fd).ino === place.inode && deviceOf(fd) === place.device;
}

/** Of struct ovl_fh (fs/overlayfs/overlayfs.h), which an overlay gives as its file handle. */
const OVL_FH = { MAGIC_AT: 4, MAGIC: 0xfb, FLAGS_AT: 6, PATH_UPPER: 0x4, TYPE_AT: 7, FID_AT: 24 };

/** The handle of the real directory within an overlay's own; null when it is not in the upper layer. */
function realHandle(bytes: Uint8Array): FileHandle | null {
  if (bytes[OVL_FH.MAGIC_AT] !== OVL_FH.MAGIC || bytes.length <= OVL_FH.FID_AT) return null;
  if (((bytes[OVL_FH.FLAGS_AT] ?? 0) & OVL_FH.PATH_UPPER) === 0) return null;
  return fileHandle(bytes[OVL_FH.TYPE_AT] ?? 0, bytes.slice(OVL_FH.FID_AT));
}

function withFd<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Null when anything on the way fails, as it does for what is gone or was never there. */
function attempt<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
