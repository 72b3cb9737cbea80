/**
 * The guest's kernel: Debian's cloud kernel of the machine's own release, taken out of its package
 * without installing it, so no boot loader of the machine ever hears of it.
 *
 *   FOLDER/kernel/version               6.1.0-56-cloud-amd64
 *   FOLDER/kernel/vmlinuz
 *   FOLDER/kernel/lib/modules/VERSION   with modules.dep, made by busybox depmod
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const META_PACKAGE = 'linux-image-cloud-amd64';

/** @returns {{version: string, vmlinuz: string, modules: string} | null} null when it was not fetched yet */
export function guestKernel(folder) {
  const kernel = path.join(folder, 'kernel');
  if (!fs.existsSync(path.join(kernel, 'version'))) return null;
  const version = fs.readFileSync(path.join(kernel, 'version'), 'utf8').trim();
  return {
    version,
    vmlinuz: path.join(kernel, 'vmlinuz'),
    modules: path.join(kernel, 'lib/modules', version),
  };
}

/**
 * Downloads and unpacks the kernel's package beside its place, then renames it into it.
 *
 * @param run runs one command to its end, see setup/progress.mjs
 * @throws Error when apt knows no such package or no mirror answers
 */
export async function fetchKernel(folder, run) {
  const part = path.join(folder, 'kernel.part');
  fs.rmSync(part, { recursive: true, force: true });
  fs.mkdirSync(part, { recursive: true });
  if (newestPackage() === null) await run('apt-get', ['update', '-q']);
  const name = newestPackage();
  if (name === null) throw new Error(`apt knows no ${META_PACKAGE}`);
  await run('apt-get', ['download', '-q', name], { cwd: part }).catch(async () => {
    await run('apt-get', ['update', '-q']); // old lists name files that the mirror no longer has
    await run('apt-get', ['download', '-q', newestPackage()], { cwd: part });
  });
  await unpack(part, run);
  fs.rmSync(path.join(folder, 'kernel'), { recursive: true, force: true });
  fs.renameSync(part, path.join(folder, 'kernel'));
}

/** The meta package depends on the kernel of one version: `Depends: linux-image-6.1.0-56-cloud-amd64` */
function newestPackage() {
  const asked = spawnSync('apt-cache', ['depends', META_PACKAGE], { encoding: 'utf8' });
  return /Depends: (linux-image-\S+)/.exec(asked.stdout ?? '')?.[1] ?? null;
}

async function unpack(part, run) {
  const deb = fs.readdirSync(part).find((name) => name.endsWith('.deb'));
  await run('dpkg-deb', ['-x', path.join(part, deb), path.join(part, 'deb')]);
  fs.rmSync(path.join(part, deb));
  const boot = path.join(part, 'deb/boot');
  const image = fs.readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
  const version = image.slice('vmlinuz-'.length);
  fs.renameSync(path.join(boot, image), path.join(part, 'vmlinuz'));
  const lib = ['lib', 'usr/lib'].find((name) =>
    fs.existsSync(path.join(part, 'deb', name, 'modules')),
  );
  fs.mkdirSync(path.join(part, 'lib'));
  fs.renameSync(path.join(part, 'deb', lib, 'modules'), path.join(part, 'lib/modules'));
  fs.rmSync(path.join(part, 'deb'), { recursive: true });
  await run('busybox', ['depmod', '-b', part, version]);
  fs.writeFileSync(path.join(part, 'version'), `${version}\n`);
}

/**
 * The files of a module and of all that it needs, in the order in which insmod must load them.
 *
 * @param names module names as in `lsmod`
 * @returns {string[]} paths below the modules folder
 */
export function loadOrder(modules, names) {
  const needs = new Map(
    fs
      .readFileSync(path.join(modules, 'modules.dep'), 'utf8')
      .trim()
      .split('\n')
      .map((row) => row.split(':'))
      .map(([file, rest]) => [file, rest.trim().split(/\s+/).filter(Boolean)]),
  );
  const order = [];
  const add = (file) => {
    for (const need of needs.get(file) ?? []) add(need);
    if (!order.includes(file)) order.push(file);
  };
  for (const name of names) {
    const file = [...needs.keys()].find((one) => moduleName(one) === name);
    if (file !== undefined) add(file); // absent: built into this kernel
  }
  return order;
}

const moduleName = (file) =>
  path
    .basename(file)
    .replace(/\.ko.*$/, '')
    .replaceAll('-', '_');
