/**
 * What doctor says: the engine's findings about the kernel, those about programs and versions
 * beside it, and for each what the lab needs it for.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { probeFences, probeHost } from '@terrarium/engine';

/** `missing` stops the lab, `reduced` takes a part of it. */
export type Level = 'ok' | 'reduced' | 'missing';

/** One line of doctor. `id` is stable, and what a lesson's `requires` names. */
export interface Line {
  readonly id: string;
  readonly level: Level;
  readonly found: string;
  readonly purpose: string;
  readonly remedy?: string;
}

const MIB = 1024 * 1024;
/** The oldest kernel with id-mapped mounts on ext4, by mount_setattr(2). */
const OLDEST_KERNEL = { major: 5, minor: 12 };
/** The oldest that Next.js and this project run on. */
const OLDEST_NODE = { major: 20, minor: 9 };
/** Daemon, terminal host, observer and page take about 400 MiB, a sandbox at most 512. */
const LEAST_MEMORY_BYTES = 1024 * MIB;

const PURPOSES: Readonly<Record<string, string>> = {
  capabilities: 'sandboxes are made by root; npm start asks sudo for it',
  overlay: 'a sandbox writes above the base image that all share',
  cgroup: 'a sandbox is a group of processes with limits',
  'cgroup.memory': 'keeps one learner from taking all memory',
  'cgroup.pids': 'keeps a fork bomb inside its sandbox',
  'cgroup.cpu': 'keeps a busy loop from slowing the others',
  proc: 'learners mount a /proc of their own',
  'fence.seccomp': 'refuses calls that concern the one kernel that all share',
  'fence.devices': 'a second fence around devices, whatever nodes there are',
  tracefs: 'tells of every process at once, short ones included',
};

/** Everything that doctor says about this machine. */
export function findings(): Line[] {
  return [kernel(), ...fromEngine(), node(), memory(), ...PROGRAMS.map(program)];
}

function fromEngine(): Line[] {
  return [...probeHost(), ...probeFences()].map(({ id, level, found, remedy }) => ({
    id,
    level,
    found: found.en,
    purpose: PURPOSES[id] ?? purposeOf(id),
    ...(remedy === undefined ? {} : { remedy: remedy.en }),
  }));
}

function purposeOf(id: string): string {
  if (id.startsWith('namespace.')) return 'a sandbox has all eight';
  return id.startsWith('fence.') ? 'a fence around the whole machine' : '';
}

function kernel(): Line {
  const version = release();
  return line('kernel', atLeast(version, OLDEST_KERNEL) ? 'ok' : 'missing', {
    found: `Linux ${version}`,
    purpose: 'one base image for all sandboxes takes id-mapped mounts',
    remedy: `boot Linux ${OLDEST_KERNEL.major}.${OLDEST_KERNEL.minor} or later; Debian 12 has 6.1`,
  });
}

function node(): Line {
  const version = process.versions.node;
  return line('node', atLeast(version, OLDEST_NODE) ? 'ok' : 'missing', {
    found: `Node ${version}`,
    purpose: 'runs the lab',
    remedy: `install Node ${OLDEST_NODE.major}.${OLDEST_NODE.minor} or later`,
  });
}

function memory(): Line {
  const kib = /^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  const bytes = 1024 * Number(kib ?? 0);
  return line('memory', bytes >= LEAST_MEMORY_BYTES ? 'ok' : 'reduced', {
    found: `${Math.round(bytes / MIB)} MiB available`,
    purpose: 'for the lab and its first sandboxes',
    remedy: `free ${LEAST_MEMORY_BYTES / MIB} MiB, or give sandboxes less with TERRARIUM_MEMORY`,
  });
}

const PROGRAMS = [
  {
    name: 'mmdebstrap',
    purpose: "builds the sandboxes' base image",
    remedy: 'npm start installs it; or apt install mmdebstrap',
  },
  {
    name: 'gcc',
    purpose: 'compiles the player',
    remedy: 'npm start installs it; or apt install gcc libc6-dev',
  },
  {
    name: 'chromium',
    purpose: 'walkthroughs and the tests of the page',
    remedy: 'npm test installs it; or apt install chromium',
  },
] as const;

function program({ name, purpose, remedy }: (typeof PROGRAMS)[number]): Line {
  const dirs = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  const path = dirs.map((dir) => join(dir, name)).find(isExecutable);
  return line(`program.${name}`, path === undefined ? 'reduced' : 'ok', {
    found: path ?? `no ${name}`,
    purpose,
    remedy,
  });
}

function line(
  id: string,
  level: Level,
  texts: { found: string; purpose: string; remedy: string },
): Line {
  const { remedy, ...rest } = texts;
  return { id, level, ...rest, ...(level === 'ok' ? {} : { remedy }) };
}

/** Compares the first two numbers: `6.18.44-fc` is at least 5.12. */
export function atLeast(version: string, least: { major: number; minor: number }): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > least.major || (major === least.major && minor >= least.minor);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // not in this folder of PATH
  }
}
