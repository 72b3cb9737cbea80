/**
 * Fds of the directories of one layer while names in it are looked at. Runs in the observer, host
 * namespaces, root: no link is followed, no other file system entered, and all are closed together.
 */
import { closeSync } from 'node:fs';
import { O, openat2, RESOLVE } from '@terrarium/syscall';

const IN_LAYER = RESOLVE.RESOLVE_BENEATH | RESOLVE.RESOLVE_NO_SYMLINKS | RESOLVE.RESOLVE_NO_XDEV;

/** Fds of directories of one layer, each opened once and all closed together. */
export class Parents {
  private readonly root: number;
  private readonly fds = new Map<string, number | null>();

  constructor(root: number) {
    this.root = root;
  }

  /** @returns null when there is no such directory (any more) */
  open(path: string): number | null {
    if (path === '') return this.root;
    const known = this.fds.get(path);
    if (known !== undefined) return known;
    let fd: number | null = null;
    try {
      const flags = O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC;
      fd = openat2(this.root, path, { flags, resolve: IN_LAYER });
    } catch {
      // gone, or a link by now
    }
    this.fds.set(path, fd);
    return fd;
  }

  close(): void {
    for (const fd of this.fds.values()) if (fd !== null) closeSync(fd);
  }
}
