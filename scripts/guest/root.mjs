/**
 * The guest's own root file system: a small Debian of the machine's release, made by mmdebstrap.
 * What tests ask of a machine is in it; Node and node_modules come from the machine's disk.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { machineMirror } from '../setup/debian.mjs';
import { removeTree, runMmdebstrap } from '../setup/trees.mjs';
import { fillDisk } from './disks.mjs';

/** Programs that the tests and the engine start on a host, and the libraries of Node. */
const PACKAGES = [
  'bash',
  'busybox-static',
  'gcc',
  'iproute2',
  'kmod',
  'libc6-dev',
  'libcap2-bin',
  'libstdc++6',
  'mount',
  'nftables',
  'procps',
  'util-linux',
];

const EXCLUDE = [
  '/usr/share/doc/*',
  '/usr/share/locale/*',
  '/usr/share/man/*',
  '/usr/share/info/*',
];

/** The player is compiled by musl-gcc where there is one; the guest must have the same. */
const compilerOfPlayer = () => (fs.existsSync('/usr/bin/musl-gcc') ? ['musl-tools'] : []);

/** The disk with the guest's root, whether it exists or not. */
export function rootDisk(folder) {
  const recipe = JSON.stringify([release(), PACKAGES, EXCLUDE, compilerOfPlayer(), 1]);
  const hash = createHash('sha256').update(recipe).digest('hex').slice(0, 12);
  return path.join(folder, `root-${hash}.ext4`);
}

/** Makes the disk; about 20 seconds. @throws Error when no mirror answers */
export async function buildRootDisk(folder, { mirror, run }) {
  fs.mkdirSync(folder, { recursive: true });
  const file = rootDisk(folder);
  const tree = `${file}.tree`;
  const source = mirror || machineMirror();
  try {
    removeTree(tree); // of a build that was killed
    const args = [
      '--variant=essential',
      `--include=${[...PACKAGES, ...compilerOfPlayer()].join(',')}`,
      ...EXCLUDE.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
      release(),
      tree,
      ...(source ? [source] : []),
    ];
    await runMmdebstrap(args, run);
    for (const name of fs.readdirSync(folder))
      if (/^root-[0-9a-f]+\.ext4$/.test(name)) fs.rmSync(path.join(folder, name));
    fillDisk(tree, `${file}.part`);
    fs.renameSync(`${file}.part`, file);
  } finally {
    fs.rmSync(`${file}.part`, { force: true });
    removeTree(tree);
  }
}

/** `VERSION_CODENAME=bookworm`; testing and unstable say it, too. */
function release() {
  const text = fs.readFileSync('/etc/os-release', 'utf8');
  return /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1] ?? 'bookworm';
}
