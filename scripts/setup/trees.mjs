/**
 * Trees that mmdebstrap makes, and how they are removed again.
 *
 * mmdebstrap binds the machine's /dev/shm, /proc and /sys below its target. A build that is killed
 * would leave them there, and the next `rm -r` of the half-made tree would go through them into the
 * machine's own. So a build gets a mount and a PID namespace, which end with it; and a tree that has
 * something mounted below is not removed at all.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/**
 * In front of a command that mounts: when the process that started it dies, however it dies, so does
 * all that the command started, and what it mounted was never in the machine's namespace. The shell
 * is the PID namespace's first process: it waits for whatever loses its parent there.
 */
const ALONE = [
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...['unshare', '--mount', '--propagation', 'private'],
  ...['--pid', '--fork', '--kill-child', '--mount-proc', '--'],
  ...['sh', '-c', '"$@"; exit $?', 'sh'],
];

/**
 * Runs mmdebstrap as root in namespaces of its own.
 *
 * @param args its arguments
 * @param run runs one command to its end, see progress.mjs
 * @throws Error naming the status, when no mirror answered among other reasons
 */
export async function runMmdebstrap(args, run) {
  const [command, ...front] = ALONE;
  await run(command, [...front, 'mmdebstrap', ...args], { name: 'mmdebstrap' });
}

/**
 * Removes a tree, or nothing where there is none. Never goes through a mount.
 *
 * @throws Error naming what is mounted at or below the place: this is left to a person, since nobody
 *   here can know what lies behind it
 */
export function removeTree(place) {
  if (fs.lstatSync(place, { throwIfNoEntry: false }) === undefined) return;
  const mounted = mountsBelow(place);
  if (mounted.length > 0)
    throw new Error(
      `remove ${place}: something is mounted there: ${mounted.join(', ')}; look at it, then end it with umount`,
    );
  // --one-file-system sees no bind of the same file system: it is for what is mounted meanwhile.
  const ended = spawnSync('rm', ['-rf', '--one-file-system', '--', place], { encoding: 'utf8' });
  if (ended.status !== 0)
    throw new Error(
      `remove ${place}: ${ended.error?.message ?? ended.stderr.trim().split('\n')[0]}`,
    );
}

/** Mount points at or below a place in this process's mount namespace, the newest first. */
export function mountsBelow(place) {
  const root = path.join(fs.realpathSync(path.dirname(place)), path.basename(place));
  return fs
    .readFileSync('/proc/self/mountinfo', 'latin1')
    .trim()
    .split('\n')
    .map((row) => unescaped(row.split(' ')[4]))
    .filter((point) => point === root || point.startsWith(`${root}/`))
    .reverse();
}

/** mountinfo writes blanks and the like as three octal digits: `\040` */
const unescaped = (text) =>
  Buffer.from(
    text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  ).toString('utf8');
