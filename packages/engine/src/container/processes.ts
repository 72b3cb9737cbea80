/** ps: the processes of a container, as the host sees them. Host root. */
import { readFileSync } from 'node:fs';
import { livingProcesses } from '../cgroups/index.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';

/** One process of a container. */
export interface ContainerProcess {
  /** as the host numbers it */
  readonly pid: number;
  /** as its own pid namespace numbers it */
  readonly containerPid: number;
  readonly parentPid: number;
  /** host's id */
  readonly uid: number;
  /** one letter of /proc/PID/status: R S D T Z … */
  readonly state: string;
  /** the kernel's name of it, 15 bytes */
  readonly name: string;
  /** arguments, separated by spaces; empty for a zombie */
  readonly commandLine: string;
}

/** All processes of its cgroup, init first. */
export function processesOfContainer(
  { facts }: EngineContext,
  { group, init }: ContainerRecord,
): ContainerProcess[] {
  const pids = livingProcesses(facts.cgroups, group).sort((a, b) => a - b);
  const ordered = pids.sort((a, b) => Number(b === init?.pid) - Number(a === init?.pid));
  return ordered.flatMap((pid) => describe(pid) ?? []);
}

function describe(pid: number): ContainerProcess | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '';
    const first = (name: string) => Number(field(name).split(/\s/)[0]);
    return {
      pid,
      containerPid: Number(field('NSpid').split(/\s/).at(-1) ?? pid),
      parentPid: first('PPid'),
      uid: first('Uid'),
      state: field('State').slice(0, 1),
      name: field('Name'),
      commandLine: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    };
  } catch {
    return undefined; // ended since the list was read
  }
}
