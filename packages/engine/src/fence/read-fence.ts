/**
 * readFence: what holds a process, as data. Runs in the daemon or the CLI, as the host's root; it
 * looks and changes nothing. What the kernel does not tell about another process (the filter's
 * rules, securebits, its keyring) comes from our record, and says so.
 */
import type { LinuxSeccomp } from '@terrarium/spec';
import type { Player } from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import { startTimeOf } from '../process-facts.js';
import { deviceEntries } from './devices.js';
import { seccompEntries } from './filter.js';
import { identityEntries, namespaceEntries } from './identity.js';
import {
  keyringEntry,
  lsmEntry,
  namespaceLimitEntry,
  sysctlEntries,
  terminalEntry,
} from './kernel.js';
import { cgroupEntries, oomEntry, rlimitEntries } from './limits.js';
import { mountEntries } from './mounts.js';
import { readNamespaceLimits } from './namespace-limits.js';
import { capabilitySetsOf, powerEntries } from './powers.js';
import type { Fence } from './schema.js';
import { type FenceSource, KERNEL_SOURCE } from './source.js';

/** What is known besides the kernel. */
export interface FenceOptions {
  readonly facts: HostFacts;
  /** what our plan gave the process; without it only the kernel is asked */
  readonly record?: {
    readonly seccomp?: LinuxSeccomp;
    readonly sysctl?: Readonly<Record<string, string>>;
  };
  /** to read what only a process of the same user namespace can */
  readonly player?: Player;
  readonly source?: FenceSource;
}

/** There is no such process, or it ended while it was looked at. */
export class NoSuchProcess extends Error {
  override readonly name = 'NoSuchProcess';
}

/**
 * Reads the fence of one process.
 *
 * @throws NoSuchProcess
 */
export async function readFence(hostPid: number, options: FenceOptions): Promise<Fence> {
  const { facts, record, player, source = KERNEL_SOURCE } = options;
  const started = source === KERNEL_SOURCE ? startTimeOf(hostPid) : 0;
  const limits = player === undefined ? null : await readNamespaceLimits(player, hostPid);
  const fence = describe(hostPid, { facts, source, record, limits });
  // A number that came to mean another process half-way would mix two fences.
  if (source === KERNEL_SOURCE && (started === null || startTimeOf(hostPid) !== started))
    throw new NoSuchProcess(`there is no process ${hostPid}`);
  return fence;
}

interface Inputs {
  readonly facts: HostFacts;
  readonly source: FenceSource;
  readonly record: FenceOptions['record'];
  readonly limits: Record<string, number> | null;
}

function describe(pid: number, { facts, source, record, limits }: Inputs): Fence {
  const status = statusOf(source, pid);
  const namespaces = namespaceEntries(source, pid);
  const identity = identityEntries(source, pid, status);
  const seccomp = seccompEntries(pid, status, record?.seccomp);
  const refused = seccomp.entries[0]?.refuses ?? [];
  const mounts = mountEntries(source, pid);
  const devices = deviceEntries(source, pid, facts.cgroups);
  const cgroups = cgroupEntries(source, pid, facts.cgroups);
  const rlimits = rlimitEntries(source, pid);
  const terminal = terminalEntry(source, seccomp.facts, refused);
  const namespaceLimits = limits ?? recordedLimits(record?.sysctl);
  return {
    pid,
    command: status.get('Name') ?? '?',
    entries: [
      ...namespaces.entries,
      ...identity.entries,
      ...powerEntries(pid, status, facts.lastCapability),
      ...seccomp.entries,
      ...mounts.entries,
      ...devices.entries,
      ...cgroups.entries,
      ...rlimits.entries,
      oomEntry(source, pid),
      namespaceLimitEntry(namespaceLimits, limits === null ? 'record' : 'kernel'),
      lsmEntry(source, pid),
      keyringEntry(source, refused),
      terminal.entry,
      ...sysctlEntries(source),
    ],
    facts: {
      sharedNamespaces: namespaces.shared,
      ...identity.facts,
      capabilities: capabilitySetsOf(status),
      noNewPrivs: status.get('NoNewPrivs') === '1',
      seccomp: seccomp.facts,
      mounts: mounts.mounts,
      devices: { ...devices.facts, nodes: mounts.nodes },
      memory: cgroups.memory,
      pids: cgroups.pids,
      rlimits: rlimits.rlimits,
      namespaceLimits,
      legacyTiocsti: terminal.legacyTiocsti,
    },
  };
}

/** Fields of /proc/PID/status. */
function statusOf(source: FenceSource, pid: number): ReadonlyMap<string, string> {
  const text = source.read(`/proc/${pid}/status`);
  if (text === null) throw new NoSuchProcess(`there is no process ${pid}`);
  return new Map(
    text.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    }),
  );
}

function recordedLimits(
  sysctl: Readonly<Record<string, string>> | undefined,
): Record<string, number> | null {
  const rows = Object.entries(sysctl ?? {}).flatMap(([key, value]) => {
    const kind = /^user\.max_([a-z]+)_namespaces$/.exec(key)?.[1];
    return kind === undefined ? [] : [[kind, Number(value)] as const];
  });
  return rows.length === 0 ? null : Object.fromEntries(rows);
}
