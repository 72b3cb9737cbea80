/**
 * The way out where an image's file system knows no id-mapped mounts: a copy of the image whose
 * owners are moved into a sandbox's id range. One copy per range, kept for the next sandbox of
 * that range. Daemon, root. Costs the image's size on disk and some seconds, once.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, lchown, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Set-uid and set-gid bits: chown clears them. */
const SET_ID_BITS = 0o6000;

/**
 * Returns a copy of `image` owned by the range from `idBase`, making it when needed.
 *
 * @param directory where copies are kept: STATE/shifted-images
 */
export async function shiftedImage(
  image: string,
  idBase: number,
  directory: string,
): Promise<string> {
  const target = join(directory, `${basename(image)}-${idBase}`);
  if (existsSync(target)) return target;
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const temporary = `${target}.new`;
  await rm(temporary, { recursive: true, force: true });
  // cp knows reflinks, hard links, holes and xattrs; `-a` keeps all of them.
  await run('cp', ['-a', '--reflink=auto', image, temporary]);
  await shift(temporary, idBase, new Set());
  await rename(temporary, target);
  return target;
}

/** Depth first; a hard-linked file is moved once. */
async function shift(path: string, idBase: number, linked: Set<number>): Promise<void> {
  const stats = await lstat(path);
  if (stats.isDirectory()) {
    for (const name of await readdir(path)) await shift(join(path, name), idBase, linked);
  } else if (stats.nlink > 1) {
    if (linked.has(stats.ino)) return;
    linked.add(stats.ino);
  }
  await lchown(path, idBase + stats.uid, idBase + stats.gid);
  const setId = (stats.mode & SET_ID_BITS) !== 0 && !stats.isSymbolicLink();
  if (setId) await chmod(path, stats.mode & 0o7777);
}
