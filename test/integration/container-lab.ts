/**
 * A lab for the container tests: a root file system of busybox, configs, player, engine and ROOT in
 * a directory of its own, and what of it is still on the host. Needs root.
 */
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
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  ContainerEngine,
  type ContainerEngineOptions,
  detectCgroupLayout,
  killGroup,
  removeGroup,
} from '../../packages/engine/src/index.js';
import type { ProcessConfig, RuntimeConfig } from '../../packages/spec/src/index.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import { ResidentPlayer } from '../../packages/syscall/src/index.js';

/** Why the tests cannot run here; null when they can. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'root';
  return findBusybox() === null ? 'a static /bin/busybox, or an image with one' : null;
}

function findBusybox(): string | null {
  const images = join(process.env['TERRARIUM_STATE'] ?? '/var/lib/terrarium', 'images');
  const names = existsSync(images) ? readdirSync(images) : [];
  const candidates = [
    '/bin/busybox',
    ...names
      .filter((name) => name.startsWith('busybox-'))
      .map((name) => join(images, name, 'bin/busybox')),
  ];
  return candidates.find((path) => existsSync(path)) ?? null;
}

const APPLETS = [
  'sh',
  'true',
  'false',
  'sleep',
  'cat',
  'id',
  'ps',
  'ls',
  'hostname',
  'stty',
  'tty',
];
const MORE_APPLETS = [
  'readlink',
  'grep',
  'dd',
  'echo',
  'head',
  'kill',
  'wc',
  'touch',
  'mkdir',
  'env',
];

/** Engine, player and files of one test file. */
export interface ContainerLab {
  readonly directory: string;
  readonly rootfs: string;
  /** ROOT of the engine's state */
  readonly root: string;
  readonly instance: string;
  readonly player: ResidentPlayer;
  readonly engine: ContainerEngine;
  /** A config that runs `args` in six namespaces, on a read-only root. */
  config(args: string[], changes?: ConfigChanges): RuntimeConfig;
  /** Another engine on the same ROOT; with a player of its own, as another process would have. */
  another(options?: Partial<ContainerEngineOptions>): Promise<ContainerEngine>;
  close(): Promise<void>;
}

/** What a test wants otherwise. */
export interface ConfigChanges extends Partial<Omit<RuntimeConfig, 'process'>> {
  readonly process?: Partial<ProcessConfig>;
}

/**
 * Starts a lab.
 *
 * @param inMemory ROOT is on a tmpfs where there is one, as it is below /run on most hosts: a disk
 *   takes longer for the many small files than the kernel for the containers
 */
export async function startContainerLab(name: string, inMemory = false): Promise<ContainerLab> {
  const directory = mkdtempSync(join('/tmp', `terrarium-${name}-`));
  const rootfs = makeRootfs(directory);
  const memory = inMemory && existsSync('/dev/shm') ? join('/dev/shm', basename(directory)) : null;
  const root = join(memory ?? directory, 'root');
  const instance = basename(directory);
  const player = await ResidentPlayer.start({ binary: buildPlayer() });
  const engine = await ContainerEngine.open({ player, root, instance });
  const others: { engine: ContainerEngine; player: ResidentPlayer }[] = [];
  return {
    directory,
    rootfs,
    root,
    instance,
    player,
    engine,
    config: (args, changes) => labConfig(rootfs, directory, args, changes),
    another: async (options = {}) => {
      const own = await ResidentPlayer.start({ binary: buildPlayer() });
      const other = await ContainerEngine.open({ player: own, root, instance, ...options });
      others.push({ engine: other, player: own });
      return other;
    },
    close: async () => {
      const players = [player, ...others.map((other) => other.player)];
      const orderly = async () => {
        for (const { id } of engine.list()) await engine.delete(id, { force: true });
        for (const other of others) await other.engine.close();
        await engine.close();
      };
      try {
        await withinClosingTime(orderly());
      } catch (error) {
        // What is under test does not end what it made: a red test must not be a leak, too.
        await endByForce({ directory, root, instance });
        throw error;
      } finally {
        for (const one of players) await one.close();
        for (const path of [directory, memory])
          if (path !== null) rmSync(path, { recursive: true, force: true });
      }
    },
  };
}

/** A lab that is not closed by then never will be; below the limit of vitest's hooks. */
const CLOSING_MS = 60_000;

async function withinClosingTime(closing: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the lab does not close')), CLOSING_MS);
  });
  await Promise.race([closing, late]).finally(() => clearTimeout(timer));
}

/** Without the engine: whatever is in the lab's groups or holds its files is killed. */
async function endByForce(lab: Pick<ContainerLab, 'directory' | 'root' | 'instance'>) {
  const [layout, group] = [detectCgroupLayout(), join('/', lab.instance)];
  await killGroup(layout, group);
  for (const line of holdings(lab)) {
    const pid = /^process (\d+)/.exec(line)?.[1];
    if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
  }
  await removeGroup(layout, group);
}

function makeRootfs(directory: string): string {
  const rootfs = join(directory, 'rootfs');
  for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp', 'etc']) {
    mkdirSync(join(rootfs, name), { recursive: true });
  }
  copyFileSync(findBusybox() ?? '', join(rootfs, 'bin/busybox'));
  for (const applet of [...APPLETS, ...MORE_APPLETS]) {
    symlinkSync('busybox', join(rootfs, 'bin', applet));
  }
  return rootfs;
}

/** The environment names the lab, so that its processes are found wherever they are. */
function labConfig(
  rootfs: string,
  directory: string,
  args: string[],
  { process: changes, ...others }: ConfigChanges = {},
): RuntimeConfig {
  return {
    ociVersion: '1.3.0',
    root: { path: rootfs, readonly: true },
    hostname: 'box',
    process: {
      user: { uid: 0, gid: 0 },
      args,
      cwd: '/',
      env: ['PATH=/bin', `LAB=${directory}`],
      ...changes,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
    ],
    linux: { namespaces: NAMESPACES.map((type) => ({ type })) },
    ...others,
  };
}

/** What most containers have. */
export const NAMESPACES = ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup'] as const;

/** Everything of a lab that the host still holds, as lines: processes, mounts, groups, files. */
export function holdings(lab: Pick<ContainerLab, 'directory' | 'root' | 'instance'>): string[] {
  const groups = detectCgroupLayout().hierarchies.map(({ mountPoint }) =>
    join(mountPoint, lab.instance),
  );
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [
    ...groups.filter((path) => existsSync(path)).map((path) => `cgroup ${path}`),
    ...mounts.filter((line) => line.includes(lab.directory)).map((line) => `mount ${line}`),
    ...listed(lab.root).map((name) => `file ${name}`),
    ...listed('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => traceOf(pid, lab.directory)),
  ];
}

/** A process of a lab has its environment, its files open, or its mounts; so do runners of plans. */
function traceOf(pid: string, directory: string): string[] {
  if (Number(pid) === process.pid) return [];
  const name = basename(directory); // of ROOT, too
  try {
    const isOurs =
      readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`LAB=${directory}`) ||
      readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(name) ||
      listed(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`).includes(name));
    return isOurs ? [`process ${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}`] : [];
  } catch {
    return []; // it ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** All that a stream gives. */
export async function textOf(stream: Readable | undefined): Promise<string> {
  let text = '';
  if (stream !== undefined) for await (const chunk of stream) text += chunk;
  return text;
}
