/**
 * Groups of our own for the cgroup tests: a parent of this test file in every hierarchy, groups
 * below it made by the engine's plan, processes in them. All of it is gone after `close`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import {
  Cgroup,
  type CgroupLayout,
  detectCgroupLayout,
  groupPath,
  prepareGroup,
  prepareParents,
  removeMade,
  translateResources,
  withControlFiles,
} from '../../packages/engine/src/index.js';
import { makeCgroups } from '../../packages/engine/src/plan/cgroup-calls.js';
import { Script } from '../../packages/engine/src/plan/script.js';
import type { LinuxResources } from '../../packages/spec/src/index.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import { type Plan, PlanBuilder, ResidentPlayer } from '../../packages/syscall/src/index.js';
import { patient } from './patience.js';

/** A bound for hangs; conditions come true in milliseconds. */
const _WAIT_MS = patient(30_000);
const _LOOK_EVERY_MS = 5;

/** A child of the test that has entered a group. */
export interface Member {
  readonly pid: number;
  /** exit code, or the name of the signal */
  readonly ended: Promise<number | string>;
  output(): string;
}

/** @see startCgroupLab */
export interface CgroupLab {
  readonly player: ResidentPlayer;
  readonly directory: string;
  /** Makes a group with limits; by default in all hierarchies of the host. */
  make(name: string, resources?: LinuxResources, layout?: CgroupLayout): Promise<Cgroup>;
  /** Makes a group anywhere, with whatever parents it needs, as the lifecycle does. */
  makeAt(path: string, resources?: LinuxResources): Promise<Cgroup>;
  /** Removes the parents that makeAt has made. */
  removeParents(): void;
  /** Runs a program as a member of the group. */
  start(group: Cgroup, args: readonly string[]): Member;
  close(): Promise<void>;
}

/** The layouts to test here: the host's, and on a hybrid host v2 alone, too. */
export function testLayouts(): readonly CgroupLayout[] {
  const host = detectCgroupLayout();
  const v2 = host.hierarchies.filter(({ version }) => version === 2);
  return host.kind === 'hybrid' ? [host, { kind: 'v2', hierarchies: v2 }] : [host];
}

/** True where some hierarchy limits with one of these controllers (v1's name, v2's name). */
export function hasController(...names: readonly string[]): boolean {
  return detectCgroupLayout().hierarchies.some(({ controllers }) =>
    names.some((name) => controllers.includes(name)),
  );
}

export async function startCgroupLab(name: string): Promise<CgroupLab> {
  const directory = mkdtempSync(join('/tmp', `terrarium-cgroups-${name}-`));
  const player = await ResidentPlayer.start({ binary: buildPlayer() });
  const parent = `/terrarium-cgroups-${name}-${process.pid}`;
  const made: string[] = [];
  const groups: Cgroup[] = [];
  const children: ChildProcess[] = [];
  return {
    player,
    directory,
    make: async (child, resources = {}, layout = detectCgroupLayout()) => {
      const { controllers } = translateResources(layout, resources);
      made.push(...prepareParents(layout, parent, controllers));
      const known = withControlFiles(layout, parent);
      const group = new Cgroup({ layout: known, group: `${parent}/${child}` });
      groups.push(group);
      await runMake(player, group, resources);
      return group;
    },
    makeAt: async (path, resources = {}) => {
      const prepared = prepareGroup(detectCgroupLayout(), path, resources);
      made.push(...prepared.made);
      const group = new Cgroup({ layout: prepared.layout, group: path });
      groups.push(group);
      await runMake(player, group, resources);
      return group;
    },
    removeParents: () => removeMade(made),
    start: (group, args) => {
      const child = spawn('sh', ['-c', ENTER, 'sh', memberFiles(group), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      children.push(child);
      return member(child);
    },
    close: async () => {
      for (const group of groups) {
        await group.kill();
        await group.remove();
      }
      removeMade(made);
      await player.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** cgroup.procs of each hierarchy in $1, then the program. */
const ENTER = 'for file in $1; do echo 0 > "$file" || exit 99; done; shift; exec "$@"';

function memberFiles({ layout, group }: Cgroup): string {
  return layout.hierarchies
    .map((hierarchy) => join(groupPath(hierarchy, group), 'cgroup.procs'))
    .join(' ');
}

async function runMake(
  player: ResidentPlayer,
  { layout, group }: Cgroup,
  resources: LinuxResources,
): Promise<void> {
  const options = {
    whose: { en: 'the test', zh: '测试' },
    defaultDevices: resources.devices !== undefined, // a test of disks needs one
  };
  const plan = planOf((script) => makeCgroups(script, layout, group, resources, null, options));
  await player.run(plan).done;
}

/** A plan of one process on the host. */
export function planOf(write: (script: Script) => void): Plan {
  const builder = new PlanBuilder('cgroup test');
  write(new Script(builder, 'outside', builder.slot('fd')));
  return builder.build();
}

function member(child: ChildProcess): Member {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return { pid: child.pid ?? 0, ended, output: () => output };
}

export { until } from './patience.js';

/** A file's bytes; 0 when it is not there yet. */
export function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** Bytes of a MiB. */
export const MIB = 1024 * 1024;

/** Why no test here can run; null when they can. */
export const missing: string | null = process.getuid?.() === 0 ? null : 'root';

/** `describe` that says what is missing. */
export function suite(name: string, run: () => void): void {
  if (missing === null) describe(name, run);
  else describe.skip(`${name} (missing: ${missing})`, run);
}

/** `test` where the host has one of these controllers (v1's name, v2's name), else says so. */
export function withController(
  ...names: readonly string[]
): (name: string, run: () => Promise<void>) => void {
  const lacking = hasController(...names) ? null : `controller ${names[0]}`;
  return (name, run) => {
    if (lacking === null) test(name, run);
    else test.skip(`${name} (missing: ${lacking})`);
  };
}

/** The usual huge page's size as files spell it, `2MB`; null: the kernel has none. */
export function hugepageSize(): string | null {
  const line = /^Hugepagesize: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  const kib = Number(line?.[1] ?? 0);
  if (kib === 0) return null;
  return kib >= 1024 ? `${kib / 1024}MB` : `${kib}KB`;
}

/** Where v2 is mounted. */
export function v2Root(): string | undefined {
  return detectCgroupLayout().hierarchies.find(({ version }) => version === 2)?.mountPoint;
}

/** What the root of v2 hands on. */
export function v2SubtreeControl(): string[] {
  const root = v2Root();
  if (root === undefined) return [];
  return readFileSync(join(root, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
}

/** Takes back what the root handed on for this test alone. */
export function restoreV2SubtreeControl({ group }: Cgroup, before: readonly string[]): void {
  const root = v2Root();
  if (root === undefined || before.includes('hugetlb')) return;
  for (const path of [join(root, group.split('/')[1] ?? ''), root]) {
    if (v2SubtreeControl().includes('hugetlb')) {
      writeFileSync(join(path, 'cgroup.subtree_control'), '-hugetlb');
    }
  }
}
