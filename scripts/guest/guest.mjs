/**
 * One run of the guest: a job goes in as a tar on a small disk, its results come back the same way.
 * Used by `npm run guest` and by the `guest` suite of `npm test`.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { currentImage } from '../setup/images.mjs';
import { ROOT } from '../setup/paths.mjs';
import { makeDisks } from './disks.mjs';
import { guestKernel } from './kernel.mjs';
import { findAccelerator, guestArguments, hasQemu, startQemu } from './qemu.mjs';
import { rootDisk } from './root.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const JOB_DISK_BYTES = 64 * 1024 * 1024; // sparse; holds reports
/** TCG runs Node 10 to 20 times slower than the machine itself. */
const SLOW = { kvm: 1, tcg: 10 };

/** Where the guest's kernel and disks are kept. */
export const guestFolder = (settings) => path.join(settings.TERRARIUM_IMAGES, 'guest');

/** What is missing for a guest, by name; null when nothing is. */
export function guestLack(settings) {
  if (process.arch !== 'x64') return 'an amd64 processor';
  if (!hasQemu()) return 'QEMU (Debian package qemu-system-x86)';
  if (guestKernel(guestFolder(settings)) === null)
    return 'the guest kernel (Debian package linux-image-cloud-amd64)';
  if (!fs.existsSync(rootDisk(guestFolder(settings))))
    return "the guest's root file system (no Debian mirror answered)";
  if (currentImage(settings.TERRARIUM_IMAGES)?.kind !== 'debian')
    return 'the Debian base image of the sandboxes (no Debian mirror answered)';
  return null;
}

/**
 * Boots the guest, runs a shell script in its checkout as root, and brings back /job/results.
 *
 * @param script run by sh; its standard streams are the serial console
 * @param options.results folder to which the results are unpacked
 * @param options.timeoutMs after it, QEMU is ended
 * @param options.interactive this process's terminal becomes the console
 * @param options.onLine told each line of the console
 * @returns {Promise<{status: number | null, accelerator: string, seconds: number}>} status null: the guest
 *   ended without saying how the script did
 */
export async function runInGuest(settings, script, options = {}) {
  const kernel = guestKernel(guestFolder(settings));
  const baseImage = currentImage(settings.TERRARIUM_IMAGES).path;
  const accelerator = await findAccelerator(kernel.vmlinuz);
  const disks = {
    ...makeDisks(guestFolder(settings), kernel, baseImage),
    root: rootDisk(guestFolder(settings)),
  };
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-guest-'));
  const began = Date.now();
  try {
    disks.job = makeJobDisk(work, { baseImage, accelerator, script });
    await ended(guestArguments({ ...options, accelerator, kernel, disks }), options);
    const results = options.results ?? path.join(work, 'results');
    fs.mkdirSync(results, { recursive: true });
    spawnSync('tar', ['-x', '-f', disks.job, '-C', results], { stdio: 'ignore' });
    return {
      status: statusIn(results),
      accelerator,
      seconds: Math.round((Date.now() - began) / 1000),
    };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

function makeJobDisk(work, { baseImage, accelerator, script }) {
  const job = path.join(work, 'job');
  fs.mkdirSync(job);
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const environment = {
    GUEST_CHECKOUT: ROOT,
    GUEST_BASE_IMAGE: baseImage,
    TERRARIUM_IMAGES: path.dirname(baseImage),
    TERRARIUM_SLOW: String(SLOW[accelerator]),
    TERM: process.env.TERM ?? 'linux',
  };
  fs.writeFileSync(
    path.join(job, 'environment'),
    Object.entries(environment)
      .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
      .join(''),
  );
  fs.copyFileSync(path.join(HERE, 'main.sh'), path.join(job, 'main.sh'));
  fs.writeFileSync(path.join(job, 'job.sh'), script);
  const disk = path.join(work, 'job.tar');
  const packed = spawnSync('tar', ['-c', '-f', disk, '-C', job, '.'], { encoding: 'utf8' });
  if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
  fs.truncateSync(disk, JOB_DISK_BYTES);
  return disk;
}

/** Resolves when QEMU has ended, by itself or because its time is over. */
async function ended(args, { interactive, timeoutMs, onLine = () => {} }) {
  const child = startQemu(args, {
    stdio: interactive ? 'inherit' : ['ignore', 'pipe', 'inherit'],
  });
  const timer = timeoutMs && setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  let rest = '';
  child.stdout?.on('data', (chunk) => {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  try {
    await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  } finally {
    clearTimeout(timer);
    process.off('exit', stop);
    if (rest) onLine(rest);
  }
}

function statusIn(results) {
  const file = path.join(results, 'status');
  return fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : null;
}
