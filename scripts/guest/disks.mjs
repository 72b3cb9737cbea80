/**
 * The guest's disks: ext4 images that mkfs.ext4 fills from a folder, without mounting anything.
 *
 *   root-HASH.ext4      a small Debian of the machine's release (root.mjs)
 *   base-HASH.ext4      the base image of the sandboxes that are made in the guest
 *   machine-HASH.ext4   this machine's Node, node_modules, kernel modules
 *   checkout-HASH.ext4  sources and dist: made anew when a file changed, in about a second
 *   initramfs-HASH.gz   busybox, the modules that reach a disk, init.sh
 *
 * HASH is over what went in, so an unchanged one costs nothing; older ones are removed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import { ROOT } from '../setup/paths.mjs';
import { fingerprint } from '../setup/stamp.mjs';
import { loadOrder } from './kernel.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const MIB = 1024 * 1024;

/** What the initramfs must load before it can read a disk and lay an overlay over it. */
const EARLY_MODULES = ['virtio_pci', 'virtio_blk', 'overlay'];

/** Packages of node_modules that no test of the guest loads: the page, its compiler, linters. */
const LEFT_OUT = [
  'next',
  '@next',
  '@biomejs',
  '@typescript',
  'typescript',
  '@img',
  'sharp',
  'playwright-core',
  'axe-core',
  'react-dom',
  '@radix-ui',
  'radix-ui',
  '@swc',
  '@tailwindcss',
  'tailwindcss',
  'caniuse-lite',
  '@types',
  '.cache',
  '.vite',
  '.bin/next',
];

/** Of the checkout: all that the tests of the guest read, and each project that tsconfig.json names. */
export const CHECKOUT = [
  'package.json',
  'tsconfig.base.json',
  'tsconfig.json',
  'vitest.config.ts',
  'apps/daemon',
  'apps/cli',
  'apps/player/package.json',
  'apps/player/tsconfig.json',
  'apps/web/package.json',
  'apps/web/tsconfig.json',
  'apps/web/tsconfig.server.json',
  'packages',
  'lessons',
  'scripts',
  'test',
];

/**
 * Makes what is missing.
 *
 * @param folder where the disks are kept
 * @param kernel as guestKernel() gives it
 * @param baseImage the sandboxes' base image, a folder
 * @returns {{base: string, machine: string, checkout: string, initramfs: string}} paths of the files
 */
export function makeDisks(folder, kernel, baseImage) {
  return { ...makeFixedDisks(folder, kernel, baseImage), checkout: makeCheckoutDisk(folder) };
}

/** The part that changes with packages, kernel and base image alone: the set-up makes it. */
export function makeFixedDisks(folder, kernel, baseImage) {
  fs.mkdirSync(folder, { recursive: true });
  return {
    base: disk(folder, 'base', baseImage, (file) => fillDisk(baseImage, file)),
    machine: disk(folder, 'machine', machineKey(kernel), (file) =>
      staged(folder, (stage) => stageMachine(stage, kernel), file),
    ),
    initramfs: makeInitramfs(folder, kernel),
  };
}

/** True when makeFixedDisks() has nothing to do. */
export function haveFixedDisks(folder, kernel, baseImage) {
  return [
    place(folder, 'base', baseImage),
    place(folder, 'machine', machineKey(kernel)),
    place(folder, 'initramfs', initramfsKey(kernel)),
  ].every((file) => fs.existsSync(file));
}

function makeCheckoutDisk(folder) {
  buildPlayer(); // here, where it takes no minute; the guest finds it done
  const key = fingerprint(CHECKOUT.map((name) => path.join(ROOT, name))) + builtKey();
  return disk(folder, 'checkout', key, (file) => staged(folder, stageCheckout, file));
}

/** The fingerprint leaves built files out; the compiler's own records stand for them. */
function builtKey() {
  return ['packages', 'apps']
    .flatMap((kind) => fs.readdirSync(path.join(ROOT, kind)).map((name) => path.join(kind, name)))
    .flatMap((name) =>
      ['tsconfig.tsbuildinfo', 'build/player.stamp', 'dist'].map((file) =>
        path.join(ROOT, name, file),
      ),
    )
    .map((file) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    .join(' ');
}

function place(folder, kind, key) {
  const hash = createHash('sha256').update(key).update(RECIPE).digest('hex').slice(0, 12);
  return path.join(folder, `${kind}-${hash}${kind === 'initramfs' ? '.gz' : '.ext4'}`);
}

/** Any change of these scripts makes new disks. */
const RECIPE = ['disks.mjs', 'init.sh']
  .map((name) => fs.readFileSync(path.join(HERE, name), 'utf8'))
  .join('');

/** Makes the disk of this key unless it is there; old ones of its kind go. */
function disk(folder, kind, key, make) {
  const file = place(folder, kind, key);
  if (fs.existsSync(file)) return file;
  const part = path.join(folder, `part-${process.pid}-${path.basename(file)}`);
  try {
    make(part);
    fs.renameSync(part, file);
  } finally {
    fs.rmSync(part, { force: true });
  }
  tidy(folder, kind, file);
  return file;
}

/** Removes what killed runs left half-made, and disks that nobody has made for an hour. */
function tidy(folder, kind, newest) {
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    const maker = /^(?:part|stage)-(\d+)-/.exec(name)?.[1];
    const isDead = maker !== undefined && !fs.existsSync(`/proc/${maker}`);
    const isOld = name.startsWith(`${kind}-`) && file !== newest && ageOf(file) > KEEP_MS;
    if (isDead || isOld) fs.rmSync(file, { recursive: true, force: true });
  }
}

/** Another checkout may be about to start with it. */
const KEEP_MS = 3_600_000;

const ageOf = (file) =>
  Date.now() - (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());

/** Hard links instead of copies where the file systems allow it. */
function staged(folder, stage, file) {
  const place = fs.mkdtempSync(path.join(folder, `stage-${process.pid}-`));
  try {
    stage(place);
    fillDisk(place, file);
  } finally {
    fs.rmSync(place, { recursive: true, force: true });
  }
}

/** An ext4 file system in a new file, with the content of a folder. */
export function fillDisk(source, file) {
  const blocks = Number(
    command('du', ['-s', '--apparent-size', '-B', '4096', source]).split('\t')[0],
  );
  const inodes = Number(command('du', ['-s', '--inodes', source]).split('\t')[0]);
  // Each file wastes half a block, and a tenth is for the tables.
  const bytes = Math.ceil((blocks * 1.1 + inodes * 1.2) * 4096) + 16 * MIB;
  fs.writeFileSync(file, '');
  fs.truncateSync(file, bytes);
  command('mkfs.ext4', [
    ...[
      '-q',
      '-F',
      '-m',
      '0',
      '-O',
      '^has_journal,^resize_inode',
      '-N',
      String(Math.ceil(inodes * 1.1) + 1024),
    ],
    ...['-E', 'lazy_itable_init=1', '-d', source, file],
  ]);
}

function machineKey(kernel) {
  const node = fs.statSync(process.execPath);
  const lock = fs.readFileSync(path.join(ROOT, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex');
  return [kernel.version, process.version, node.size, hash].join(' ');
}

/** root/ is laid over the guest's root file system, checkout/ under the checkout. */
function stageMachine(stage, kernel) {
  const root = path.join(stage, 'root');
  for (const name of ['usr/bin', 'usr/lib/modules'])
    fs.mkdirSync(path.join(root, name), { recursive: true });
  copy(process.execPath, path.join(root, 'usr/bin/node'));
  copy(kernel.modules, path.join(root, 'usr/lib/modules', kernel.version));
  const modules = path.join(stage, 'checkout/node_modules');
  fs.mkdirSync(modules, { recursive: true });
  for (const name of fs.readdirSync(path.join(ROOT, 'node_modules')))
    if (!LEFT_OUT.includes(name))
      copy(path.join(ROOT, 'node_modules', name), path.join(modules, name));
}

function stageCheckout(stage) {
  for (const name of CHECKOUT) {
    fs.mkdirSync(path.dirname(path.join(stage, name)), { recursive: true });
    copy(path.join(ROOT, name), path.join(stage, name));
  }
}

/** A tree of hard links; copies where another file system is in between. Links are kept as such. */
function copy(from, to) {
  const source =
    fs.lstatSync(from).isSymbolicLink() && !from.includes('node_modules')
      ? fs.realpathSync(from)
      : from;
  const linked = spawnSync('cp', ['-al', source, to], { stdio: 'ignore' });
  if (linked.status === 0) return;
  fs.rmSync(to, { recursive: true, force: true });
  command('cp', ['-a', source, to]);
}

const initramfsKey = (kernel) => kernel.version;

function makeInitramfs(folder, kernel) {
  return disk(folder, 'initramfs', initramfsKey(kernel), (file) => {
    const stage = fs.mkdtempSync(path.join(folder, `stage-${process.pid}-`));
    try {
      for (const name of ['bin', 'dev', 'proc', 'sys', 'modules'])
        fs.mkdirSync(path.join(stage, name));
      fs.copyFileSync('/bin/busybox', path.join(stage, 'bin/busybox'));
      fs.chmodSync(path.join(stage, 'bin/busybox'), 0o755);
      fs.copyFileSync(path.join(HERE, 'init.sh'), path.join(stage, 'init'));
      fs.chmodSync(path.join(stage, 'init'), 0o755);
      const order = loadOrder(kernel.modules, EARLY_MODULES);
      const names = order.map((name) => addModule(path.join(kernel.modules, name), stage));
      fs.writeFileSync(
        path.join(stage, 'modules/order'),
        names.map((name) => `${name}\n`).join(''),
      );
      command('sh', [
        '-c',
        'cd "$1" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 >"$2"',
        'sh',
        stage,
        file,
      ]);
    } finally {
      fs.rmSync(stage, { recursive: true, force: true });
    }
  });
}

/** Debian 13 compresses its modules, which insmod need not understand. @returns the file's name */
function addModule(file, stage) {
  const name = path.basename(file).replace(/\.xz$/, '');
  const place = path.join(stage, 'modules', name);
  if (file.endsWith('.xz')) command('sh', ['-c', 'busybox xzcat "$1" >"$2"', 'sh', file, place]);
  else fs.copyFileSync(file, place);
  return name;
}

/** Runs a command to its end. @returns what it printed @throws Error with its last words */
function command(name, args) {
  const ended = spawnSync(name, args, { encoding: 'utf8', maxBuffer: 64 * MIB });
  if (ended.status === 0) return ended.stdout;
  throw new Error(
    `${name} ${args.slice(0, 3).join(' ')}: ${ended.error?.message ?? ended.stderr.trim().split('\n').at(-1)}`,
  );
}
