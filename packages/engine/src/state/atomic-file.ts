/**
 * A file that is either the old or the new one, whenever the daemon is killed. Daemon, root.
 *
 * Not synced to the disk: records describe kernel objects, which do not outlive a power cut
 * either, and a torn record of an earlier boot is removed like any leftover. fsync was a third of
 * the time that a sandbox takes.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes beside it and renames. Synchronous: two system calls are quicker than a thread's turn. */
export function writeFileAtomically(path: string, content: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Removes it for good; quiet when it is not there. */
export function removeFile(path: string): void {
  rmSync(path, { force: true });
}
