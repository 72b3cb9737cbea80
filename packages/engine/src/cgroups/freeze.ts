/**
 * Stops all processes of a group where they stand, and lets them go on. Runs in the daemon, root.
 *
 * v2's freezer (Linux 5.2) where the group has one: what it holds can still be killed, and the
 * kernel tells when all have stopped. Else v1's, whose tasks sleep uninterruptibly.
 */
import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readControl, writeControl } from './files.js';
import { groupPath } from './layout.js';
import { flatKeyed } from './stats/parse.js';
import type { CgroupLayout } from './types.js';

/** `freezing`: asked for, but some process has not stopped yet. */
export type FreezerState = 'thawed' | 'freezing' | 'frozen';

/** A process in a long system call of the disk stops only after it. */
const FREEZE_TIMEOUT_MS = 10_000;
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 20;

/**
 * Freezes a group and all below it; resolves when every process has stopped.
 *
 * @throws Error when there is no freezer, or when some process did not stop in time: the group is
 *   thawed again then
 */
export async function freezeGroup(
  layout: CgroupLayout,
  group: string,
  timeoutMs: number = FREEZE_TIMEOUT_MS,
): Promise<void> {
  const freezer = freezerOf(layout, group);
  try {
    await freezer.change(true, timeoutMs);
  } catch (error) {
    writeControl(freezer.file, freezer.thaw);
    throw new Error(`freeze cgroup ${group}: ${(error as Error).message}`, { cause: error });
  }
}

/** Lets the processes of a group go on; resolves when the kernel says so. */
export async function thawGroup(
  layout: CgroupLayout,
  group: string,
  timeoutMs: number = FREEZE_TIMEOUT_MS,
): Promise<void> {
  try {
    // Both, where there are both: whoever froze it by hand may have used the other one.
    for (const freezer of freezersOf(layout, group)) await freezer.change(false, timeoutMs);
  } catch (error) {
    throw new Error(`thaw cgroup ${group}: ${(error as Error).message}`, { cause: error });
  }
}

/** What the kernel says about a group now; a group that is gone is thawed. */
export function freezerState(layout: CgroupLayout, group: string): FreezerState {
  const states = freezersOf(layout, group).map((freezer) => freezer.state());
  if (states.includes('frozen')) return 'frozen';
  return states.includes('freezing') ? 'freezing' : 'thawed';
}

interface Freezer {
  readonly file: string;
  /** what to write to thaw */
  readonly thaw: string;
  state(): FreezerState;
  change(frozen: boolean, timeoutMs: number): Promise<void>;
}

/** @throws Error when the host has no freezer */
function freezerOf(layout: CgroupLayout, group: string): Freezer {
  const [freezer] = freezersOf(layout, group);
  if (freezer !== undefined) return freezer;
  throw new Error(`freeze cgroup ${group}: no freezer (v1 freezer, or v2 since Linux 5.2) has it`);
}

/** v2's first. */
function freezersOf(layout: CgroupLayout, group: string): Freezer[] {
  const v2 = layout.hierarchies.find(({ version }) => version === 2);
  const v1 = layout.hierarchies.find(({ controllers }) => controllers.includes('freezer'));
  const freezers: Freezer[] = [];
  if (v2 !== undefined && existsSync(join(groupPath(v2, group), 'cgroup.freeze'))) {
    freezers.push(freezerV2(groupPath(v2, group)));
  }
  if (v1 !== undefined && existsSync(join(groupPath(v1, group), 'freezer.state'))) {
    freezers.push(freezerV1(groupPath(v1, group)));
  }
  return freezers;
}

/** cgroup.events says `frozen 1` once all have stopped, and notifies by inotify. */
function freezerV2(directory: string): Freezer {
  const file = join(directory, 'cgroup.freeze');
  const events = join(directory, 'cgroup.events');
  const isFrozen = () => flatKeyed('frozen')(readControl(events) ?? '') === 1;
  return {
    file,
    thaw: '0',
    state: () => {
      if (isFrozen()) return 'frozen';
      return readControl(file) === '1' ? 'freezing' : 'thawed';
    },
    change: async (frozen, timeoutMs) => {
      const watcher = watch(events); // before the write: its answer may be there at once
      try {
        writeControl(file, frozen ? '1' : '0');
        // A group without processes does not notify, so look as well, now and then.
        await until(
          () => isFrozen() === frozen,
          timeoutMs,
          (wake) => watcher.on('change', wake),
        );
      } finally {
        watcher.close();
      }
    },
  };
}

/** freezer.state says FREEZING until somebody reads it after the last one has stopped: no event. */
function freezerV1(directory: string): Freezer {
  const file = join(directory, 'freezer.state');
  const parentFrozen = () => readControl(join(directory, 'freezer.parent_freezing')) === '1';
  const state = (): FreezerState => {
    const text = readControl(file);
    if (text === 'FROZEN') return 'frozen';
    return text === 'FREEZING' ? 'freezing' : 'thawed';
  };
  return {
    file,
    thaw: 'THAWED',
    state,
    change: async (frozen, timeoutMs) => {
      writeControl(file, frozen ? 'FROZEN' : 'THAWED');
      if (!frozen && parentFrozen()) throw new Error('a group above it is frozen');
      await until(() => {
        if (frozen && state() === 'freezing') writeControl(file, 'FROZEN'); // catches new forks
        return state() === (frozen ? 'frozen' : 'thawed');
      }, timeoutMs);
    },
  };
}

/** Looks when woken, and with a growing pause in between. */
async function until(
  done: () => boolean,
  timeoutMs: number,
  onWake: (wake: () => void) => void = () => {},
): Promise<void> {
  const end = performance.now() + timeoutMs;
  let wake = () => {};
  onWake(() => wake());
  for (let wait = FIRST_WAIT_MS; !done(); wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    if (performance.now() > end) throw new Error(`not all processes followed in ${timeoutMs} ms`);
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    await Promise.race([woken, sleep(wait)]);
  }
}
