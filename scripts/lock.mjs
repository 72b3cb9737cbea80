/**
 * `npm run lock`: writes package-lock.json anew and completes it.
 *
 * Libraries with native parts list one optional package per operating system and processor. `npm
 * ci` insists on an entry for each, but a registry that mirrors only what Linux needs cannot
 * describe the others, and npm then leaves them out. They are never installed here, so the entry
 * needs no more than their name, version and the systems they are for.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './setup/paths.mjs';

const OS = [
  'android',
  'darwin',
  'freebsd',
  'openharmony',
  'win32',
  'aix',
  'sunos',
  'netbsd',
  'openbsd',
  'linux',
];
const CPU = [
  'arm64',
  'x64',
  'ia32',
  'arm',
  'riscv64',
  'ppc64',
  's390x',
  'loong64',
  'mips64el',
  'wasm32',
];

/** `@biomejs/cli-linux-x64-musl` → os linux, cpu x64, libc musl; null when the name tells no system. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = OS.find((one) =>
    words.some((word) => word === one || (one === 'linux' && word === 'linuxmusl')),
  );
  const cpu = CPU.find((one) =>
    words.some((word) => word === one || (one === 'arm' && /^arm(v7|eabi|hf|$)/.test(word))),
  );
  if (cpu === 'wasm32') return { cpu: ['wasm32'] };
  if (os === undefined) return null;
  const musl = words.some((word) => word.startsWith('musl') || word === 'linuxmusl');
  return {
    os: [os],
    ...(cpu && { cpu: [cpu] }),
    ...(os === 'linux' && { libc: [musl ? 'musl' : 'glibc'] }),
  };
}

const file = path.join(ROOT, 'package-lock.json');
fs.rmSync(file, { force: true });
const npm = spawnSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
  cwd: ROOT,
  stdio: 'inherit',
});
if (npm.status !== 0) process.exit(npm.status ?? 1);
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (Object.keys(lock.packages).some((place) => place.endsWith(`node_modules/${name}`)))
      continue;
    const platform = platformOf(name);
    if (platform === null)
      throw new Error(`${name}: neither known to the registry nor named after a system`);
    lock.packages[`node_modules/${name}`] = { version, ...platform, optional: true };
    added += 1;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
);
fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${added} packages for other systems added by name`);
