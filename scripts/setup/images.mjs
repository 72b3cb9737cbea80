/**
 * The sandbox's base images, made on this machine from Debian's packages.
 *
 * IMAGES/base-HASH     Debian 13 userland, with a busybox root file system in /images/busybox
 * IMAGES/busybox-HASH  busybox alone: what sandboxes get when no Debian mirror can be reached
 *
 * HASH is the hash of the recipe below: a changed recipe makes a new image, an unchanged one
 * costs nothing. An image is built beside its place and renamed into it, so a half-built one is
 * never used. Runs as root on the host.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineMirror } from './debian.mjs';
import { removeTree, runMmdebstrap } from './trees.mjs';

const SUITE = 'trixie';

/** Tools that lessons use; the man pages of the system calls come with manpages-dev. */
const PACKAGES = [
  'bash',
  'util-linux',
  'mount',
  'iproute2',
  'iputils-ping',
  'procps',
  'psmisc',
  'less',
  'nano',
  'vim-tiny',
  'strace',
  'tcc',
  'libc6-dev',
  'curl',
  'jq',
  'tmux',
  'man-db',
  'manpages',
  'manpages-dev',
  'busybox-static',
  'nftables',
  'libcap2-bin',
  'ncurses-bin',
  'ncurses-base',
  'bash-completion',
];

/** The virtual machine beside the containers (`vm`): about 75 MB with its libraries, kernel included. */
const VM_PACKAGES = process.arch === 'x64' ? ['qemu-system-x86'] : [];
const VM_KERNEL = 'linux-image-cloud-amd64';

/** Of QEMU only the full PC emulator stays, with what it needs to boot a kernel from a file. */
const VM_EXCLUDE = [
  '/usr/bin/qemu-system-i386',
  '/usr/bin/qemu-system-x86_64-microvm',
  '/usr/bin/qemu-pr-helper',
  '/usr/bin/qemu-vmsr-helper',
  '/usr/lib/ipxe/*',
  '/usr/share/qemu/*',
  '/usr/share/seabios/vgabios*',
];
const VM_INCLUDE = ['/usr/share/qemu/kvmvapic.bin', '/usr/share/qemu/linuxboot*'];

/** Kept out: nobody reads them in a sandbox, and they are a third of the size. */
const EXCLUDE = [
  '/usr/share/doc/*',
  '/usr/share/locale/*',
  '/usr/share/info/*',
  '/usr/share/man/[a-z][a-z]/*',
  '/usr/share/man/[a-z][a-z]_*/*',
];

const imageFile = (name) => path.join(path.dirname(fileURLToPath(import.meta.url)), 'image', name);

/** Files written over what the packages bring. */
const FILES = {
  'etc/hostname': 'terrarium\n',
  // Debian's own starts id and run-parts: 25 ms, and two processes that no learner asked for.
  'etc/profile': `# Terrarium: every login shell of the sandbox; starts no process
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PAGER=less LESS=-R MANPAGER='less -R'
[ -n "$PS1" ] && [ -n "$BASH_VERSION" ] && . /etc/bash.bashrc
`,
  'etc/bash.bashrc': `# Terrarium: every interactive shell of the sandbox
[ -z "$PS1" ] && return
shopt -s checkwinsize histappend
PS1='\\[\\e[38;5;65m\\]\\h\\[\\e[0m\\]:\\[\\e[38;5;31m\\]\\w\\[\\e[0m\\]\\$ '
[ -r /etc/terrarium/shell-marks.bash ] && . /etc/terrarium/shell-marks.bash
alias ls='ls --color=auto' ll='ls -l' grep='grep --color=auto'
# completions are read at the first Tab, not before the first prompt
_completion_at_first_tab() { complete -r -D; . /usr/share/bash-completion/bash_completion && return 124; }
[ -r /usr/share/bash-completion/bash_completion ] && complete -D -F _completion_at_first_tab
`,
  // The prompt carries OSC 133 marks, so that the page can tell commands apart.
  'etc/terrarium/shell-marks.bash': fs.readFileSync(imageFile('shell-marks.bash'), 'utf8'),
  'root/.bashrc': '',
  'root/.profile': '',
  'root/.inputrc': 'set enable-bracketed-paste on\nset show-all-if-ambiguous on\n',
};

const vmScripts = ['vm', 'vm-init'].map((name) => fs.readFileSync(imageFile(name), 'utf8'));

const recipe = (kind) =>
  createHash('sha256')
    .update(
      JSON.stringify(
        kind === 'busybox'
          ? [kind, SUITE, PACKAGES, EXCLUDE, FILES, 3]
          : [
              kind,
              SUITE,
              PACKAGES,
              EXCLUDE,
              FILES,
              VM_PACKAGES,
              VM_EXCLUDE,
              VM_INCLUDE,
              vmScripts,
              4,
            ],
      ),
    )
    .digest('hex')
    .slice(0, 12);

/**
 * Where the images of this recipe are.
 *
 * @returns {{debian: string, busybox: string}} absolute paths, whether they exist or not
 */
export function imagePaths(images) {
  return {
    debian: path.join(images, `base-${recipe('debian')}`),
    busybox: path.join(images, `busybox-${recipe('busybox')}`),
  };
}

/**
 * The image that sandboxes start from now.
 *
 * @returns {{path: string, kind: 'debian' | 'busybox'} | null} null when neither is built
 */
export function currentImage(images) {
  const paths = imagePaths(images);
  for (const kind of ['debian', 'busybox'])
    if (fs.existsSync(paths[kind])) return { path: paths[kind], kind };
  return null;
}

/** Builds the busybox image: takes a second and needs no network. */
export function buildBusyboxImage(images, binary = '/bin/busybox') {
  const target = imagePaths(images).busybox;
  const part = freshPart(target);
  busyboxTree(part, binary);
  writeFiles(part, {
    ...FILES,
    'etc/bash.bashrc': undefined,
    'etc/terrarium/shell-marks.bash': undefined,
    'root/.bashrc': undefined,
  });
  fs.mkdirSync(path.join(part, 'images'), { recursive: true });
  busyboxTree(path.join(part, 'images/busybox'), binary);
  fs.renameSync(part, target);
}

/** Builds the Debian image with mmdebstrap. @throws when no mirror answers */
export async function buildDebianImage(images, { mirror, run }) {
  const target = imagePaths(images).debian;
  const part = freshPart(target);
  const source = mirror || machineMirror();
  try {
    const args = [
      '--variant=essential',
      `--include=${[...PACKAGES, ...VM_PACKAGES].join(',')}`,
      ...[...EXCLUDE, ...VM_EXCLUDE].map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
      ...VM_INCLUDE.map((pattern) => `--dpkgopt=path-include=${pattern}`),
      ...(VM_PACKAGES.length > 0 ? [`--customize-hook=${FETCH_KERNEL}`] : []),
      SUITE,
      part,
      ...(source ? [source] : []),
    ];
    await runMmdebstrap(args, run);
    writeFiles(part, FILES);
    busyboxTree(path.join(part, 'images/busybox'), path.join(part, 'usr/bin/busybox'));
    if (VM_PACKAGES.length > 0) writeVm(part);
    for (const name of fs.readdirSync(path.join(part, 'dev')))
      removeTree(path.join(part, 'dev', name));
    fs.renameSync(part, target);
  } catch (error) {
    removeTree(part);
    throw error;
  }
  removeOlder(images, target);
}

/**
 * Takes the newest cloud kernel's image out of its package, which is not installed: its modules are
 * six times its size, and this machine has no device that would need one.
 */
const FETCH_KERNEL = `
set -e
cd "$1/images/vm" 2>/dev/null || { mkdir -p "$1/images/vm"; cd "$1/images/vm"; }
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
apt-get download -q "$(apt-cache depends ${VM_KERNEL} | sed -n 's/^ *Depends: //p' | head -n 1)"
dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x -O --wildcards './boot/vmlinuz-*' >vmlinuz
rm linux-image-*.deb
chmod 644 vmlinuz
`;

/** The command `vm`, and the first program of the machine that it boots. */
function writeVm(root) {
  fs.mkdirSync(path.join(root, 'usr/local/bin'), { recursive: true });
  for (const [name, place] of [
    ['vm', 'usr/local/bin/vm'],
    ['vm-init', 'images/vm/init'],
  ]) {
    fs.copyFileSync(imageFile(name), path.join(root, place));
    fs.chmodSync(path.join(root, place), 0o755);
  }
}

function freshPart(target) {
  const part = `${target}.part`;
  removeTree(part); // of a build that was killed
  fs.mkdirSync(part, { recursive: true, mode: 0o755 });
  return part;
}

/** A root file system of one static binary: every applet is a link to it. */
function busyboxTree(root, binary) {
  for (const name of [
    'bin',
    'etc',
    'proc',
    'sys',
    'dev',
    'tmp',
    'root',
    'run',
    'var',
    'usr',
    'lab',
  ])
    fs.mkdirSync(path.join(root, name), { recursive: true });
  for (const name of ['usr/bin', 'sbin', 'usr/sbin'])
    if (!fs.existsSync(path.join(root, name)))
      fs.symlinkSync(name.startsWith('usr/') ? '../bin' : 'bin', path.join(root, name));
  fs.chmodSync(path.join(root, 'tmp'), 0o1777);
  fs.copyFileSync(binary, path.join(root, 'bin/busybox'));
  fs.chmodSync(path.join(root, 'bin/busybox'), 0o755);
  const asked = spawnSync(path.join(root, 'bin/busybox'), ['--list'], { encoding: 'utf8' });
  if (asked.status !== 0) throw new Error(`${binary} --list: ended with status ${asked.status}`);
  for (const applet of asked.stdout.trim().split('\n')) {
    if (applet !== 'busybox' && applet !== '')
      fs.symlinkSync('busybox', path.join(root, 'bin', applet));
  }
  fs.writeFileSync(
    path.join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  );
  fs.writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n');
  fs.writeFileSync(
    path.join(root, 'etc/os-release'),
    'NAME=busybox\nID=busybox\nPRETTY_NAME="busybox"\n',
  );
}

function writeFiles(root, files) {
  for (const [name, text] of Object.entries(files)) {
    if (text === undefined) continue;
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  fs.mkdirSync(path.join(root, 'lab'), { recursive: true });
}

/**
 * Images of older recipes go, but for the one before: a lab that started with it may still run,
 * and its overlays do not show in any mountinfo that could be asked.
 */
function removeOlder(images, target) {
  const older = fs
    .readdirSync(images)
    .filter((name) => /^base-[0-9a-f]+$/.test(name) && path.join(images, name) !== target)
    .map((name) => ({
      place: path.join(images, name),
      time: fs.statSync(path.join(images, name)).mtimeMs,
    }))
    .sort((a, b) => b.time - a.time);
  for (const { place } of older.slice(1)) removeTree(place);
}
