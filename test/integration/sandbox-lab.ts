/**
 * A lab of its own for the sandbox tests: player, engine, STATE and id claims in a temporary
 * directory, so that nothing of a running Terrarium is touched. Also: what the host holds, to
 * compare before and after.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  detectCgroupLayout,
  SandboxEngine,
  type SandboxEngineOptions,
} from '../../packages/engine/src/index.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import { ResidentPlayer } from '../../packages/syscall/src/index.js';
import { currentImage } from '../../scripts/setup/images.mjs';
import { patient } from './patience.js';

/** A script in a sandbox is ended after this long. */
const SH_MS = 30_000;

/** Why the tests cannot run here; null when they can. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'root';
  if (findImage() === null) return 'a base image (npm start builds one) or /bin/busybox';
  return null;
}

/** True when the image is Debian's, with util-linux and procps; busybox has less. */
export function hasDebianImage(): boolean {
  return findImage()?.includes('/base-') ?? false;
}

function findImage(): string | null {
  const images =
    process.env['TERRARIUM_IMAGES'] ??
    join(process.env['TERRARIUM_STATE'] ?? '/var/lib/terrarium', 'images');
  const current = currentImage(images);
  if (current !== null) return current.path;
  const names = existsSync(images) ? readdirSync(images) : [];
  const name =
    names.find((one) => /^base-[0-9a-f]+$/.test(one)) ??
    names.find((one) => /^busybox-[0-9a-f]+$/.test(one));
  if (name !== undefined) return join(images, name);
  return busyboxBinary() === null ? null : 'busybox';
}

function busyboxBinary(): string | null {
  return ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path)) ?? null;
}

/** Engine and player of one test file. */
export interface Lab {
  readonly engine: SandboxEngine;
  readonly player: ResidentPlayer;
  readonly directory: string;
  readonly options: SandboxEngineOptions;
  /** the sandbox's root file system as the host's root reaches it */
  root(id: string): string;
  sh(id: string, script: string): Promise<{ exitCode: number; output: string }>;
  /** Removes every sandbox and all files. */
  close(): Promise<void>;
}

/** Starts a lab. */
export async function startLab(
  name: string,
  overrides: Partial<SandboxEngineOptions> = {},
): Promise<Lab> {
  const directory = mkdtempSync(join('/tmp', `terrarium-${name}-`));
  const player = await ResidentPlayer.start({ binary: buildPlayer() });
  const options: SandboxEngineOptions = {
    player,
    state: directory,
    baseImage: imageFor(directory),
    ...overrides,
  };
  const engine = await SandboxEngine.open(options);
  return {
    engine,
    player,
    directory,
    options,
    root: (id) => `/proc/${engine.list().find((one) => one.id === id)?.initPid}/root`,
    sh: (id, script) =>
      engine.runInSandbox(id, ['sh', '-c', script], { cwd: '/', timeoutMs: patient(SH_MS) }),
    close: async () => {
      for (const { id } of engine.list()) await engine.delete(id);
      await engine.close();
      await player.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function imageFor(directory: string): string {
  const found = findImage();
  if (found !== 'busybox' && found !== null) return found;
  const image = join(directory, 'image');
  mkdirSync(join(image, 'bin'), { recursive: true });
  for (const name of ['root', 'etc', 'usr', 'images']) mkdirSync(join(image, name));
  copyFileSync(busyboxBinary() ?? '', join(image, 'bin/busybox'));
  const applets = execFileSync(join(image, 'bin/busybox'), ['--list'], { encoding: 'utf8' });
  for (const applet of applets.trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(image, 'bin', applet));
  }
  return image;
}

/** Everything that a sandbox could leave behind on the host, as lines. */
export function hostHoldings(lab: Lab): string[] {
  const { instance } = lab.engine;
  const groups = detectCgroupLayout().hierarchies.flatMap(({ mountPoint }) =>
    listed(join(mountPoint, instance)).map((name) => `cgroup ${mountPoint}/${instance}/${name}`),
  );
  return [
    ...mountsOf(lab),
    ...groups,
    ...listed(join(lab.directory, 'sandboxes')).map((name) => `record ${name}`),
    ...claimsOf(lab),
  ].sort();
}

/** The host's mounts, without what other tests have in directories of their own. */
function mountsOf(lab: Lab): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
  return lines.filter((line) => line.includes(lab.directory) || !/ \/(tmp|run)\//.test(line));
}

/** Claimed id ranges of this lab. */
export function claimsOf(lab: Lab): string[] {
  const directory = '/run/terrarium-id-ranges';
  return listed(directory)
    .filter((name) => readFileSync(join(directory, name), 'utf8').includes(lab.directory))
    .map((name) => `claim ${name}`);
}

/** Inodes of all namespaces that a process of the host is in. */
export function namespacesInUse(): Set<string> {
  const found = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const kind of listed(`/proc/${pid}/ns`)) {
      try {
        found.add(readlinkSync(`/proc/${pid}/ns/${kind}`));
      } catch {
        // the process ended
      }
    }
  }
  return found;
}

/** Host pids of the processes whose user id lies in a sandbox's range. */
export function processesOfRange(idBase: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const uid = uidOf(pid);
      return uid !== null && uid >= idBase && uid < idBase + 65_536;
    });
}

function uidOf(pid: number): number | null {
  try {
    return Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return null; // the process ended
  }
}

/** Namespaces that a process holds open by an fd. */
export function namespaceFdsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return /^(mnt|pid|net|uts|ipc|user|cgroup|time):\[/.test(target) ? [target] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !name.includes('.') || name.endsWith('.json'));
  } catch {
    return [];
  }
}

export { until } from './patience.js';
