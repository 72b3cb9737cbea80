/**
 * Kills by the OOM killer. The trace names the victim; the kernel's own counters say whether one was
 * missed (no trace, lost lines), and then nobody knows whom it hit.
 */
import type { CgroupKey } from '@terrarium/timeline';
import type { Proc } from '../proc.js';
import type { Group } from './group-table.js';

/** The counter of kills in the group itself: v1's, and v2's since Linux 5.2. */
const COUNTERS = ['memory.oom_control', 'memory.events.local'];
/** Groups whose counter is read in one scan, in turn. */
const READ_AT_ONCE = 128;

interface Count {
  readonly group: Group;
  /** kills that have been told */
  told: number;
  /** seen by the last scan above `told`: a trace line may be on its way still */
  seen: number;
}

export class OomKills {
  private readonly proc: Proc;
  private readonly counts = new Map<CgroupKey, Count>();
  private turn = 0;
  /** the first scan sees what was before our time; groups made later begin at 0 */
  private begun = false;

  constructor(proc: Proc) {
    this.proc = proc;
  }

  /** The trace has told of a kill in this group. */
  told(group: Group): void {
    // The kernel counts before it marks the victim, so the count has this one already.
    this.countOf(group, 1).told += 1;
  }

  /**
   * Kills that nobody told of, by group. One is believed when two scans have seen it.
   */
  missed(groups: ReadonlyMap<CgroupKey, Group>): readonly { group: Group; kills: number }[] {
    for (const [key, { group }] of this.counts) {
      if (groups.get(key) !== group) this.counts.delete(key);
    }
    const counted = [...groups.values()].filter(({ meters }) => counterIn(meters) !== undefined);
    const found: { group: Group; kills: number }[] = [];
    for (let i = 0; i < Math.min(READ_AT_ONCE, counted.length); i++) {
      const group = counted[(this.turn + i) % counted.length];
      const kills = group === undefined ? 0 : this.missedIn(group);
      if (group !== undefined && kills > 0) found.push({ group, kills });
    }
    this.turn = counted.length === 0 ? 0 : (this.turn + READ_AT_ONCE) % counted.length;
    this.begun = true;
    return found;
  }

  private missedIn(group: Group): number {
    const now = this.read(group);
    if (now === null) return 0;
    const count = this.countOf(group, 0);
    const missed = Math.min(now, count.seen) - count.told;
    count.seen = now;
    if (missed <= 0) return 0;
    count.told += missed;
    return missed;
  }

  /** @param untold how many kills of the present count are being told */
  private countOf(group: Group, untold: number): Count {
    const known = this.counts.get(group.key);
    if (known?.group === group) return known;
    const before = this.begun ? 0 : Math.max(0, (this.read(group) ?? 0) - untold);
    const count: Count = { group, told: before, seen: before };
    this.counts.set(group.key, count);
    return count;
  }

  private read(group: Group): number | null {
    const file = counterIn(group.meters);
    const text = file === undefined ? null : this.proc.readText(`${group.dir}/${file}`);
    const found = /^oom_kill (\d+)$/m.exec(text ?? '');
    return found === null ? null : Number(found[1]);
  }
}

function counterIn(meters: readonly string[]): string | undefined {
  return COUNTERS.find((file) => meters.includes(file));
}
