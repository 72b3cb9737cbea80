/**
 * Counters of interfaces (and, through `rulesDue`, of rules): nothing tells when they grow, so they
 * are read twice a second while somebody looks, and told where they changed.
 */
import type { LinkCounters, NftTableState, NsInode } from '@terrarium/timeline';
import type { WatchedSandbox } from '../part.js';
import type { Watched } from './network-part.js';

/** 2 Hz: numbers that change faster cannot be read. */
const PAUSE_MS = 500;

export class Traffic {
  private readonly sandbox: WatchedSandbox;
  private readonly all: ReadonlyMap<NsInode, Watched>;
  /** as last told */
  private readonly told = new Map<NsInode, Map<number, LinkCounters>>();
  private dueAt = 0;

  constructor(sandbox: WatchedSandbox, all: ReadonlyMap<NsInode, Watched>) {
    this.sandbox = sandbox;
    this.all = all;
  }

  forget(inode: NsInode): void {
    this.told.delete(inode);
  }

  /** @returns when the next reading is due */
  tick(now: number): number {
    if (this.sandbox.viewers() === 0 || this.all.size === 0) return Number.POSITIVE_INFINITY;
    if (this.dueAt > now) return this.dueAt;
    this.dueAt = now + PAUSE_MS;
    const traffic: Record<string, Record<string, LinkCounters>> = {};
    for (const [inode, watched] of this.all) {
      const changed = this.read(watched);
      if (changed !== null) traffic[inode] = changed;
      if (hasCounters(watched.state.tables)) watched.rulesDue ??= this.dueAt;
    }
    if (Object.keys(traffic).length > 0) this.sandbox.emit({ type: 'network.sample', traffic });
    return this.dueAt;
  }

  private read({ network, state }: Watched): Record<string, LinkCounters> | null {
    const before = this.told.get(network.inode) ?? new Map<number, LinkCounters>();
    const after = new Map<number, LinkCounters>();
    const changed: Record<string, LinkCounters> = {};
    for (const [index, counters] of statisticsOf(network)) {
      if (state.links[index] === undefined) continue; // not told of yet
      after.set(index, counters);
      if (!isSame(counters, before.get(index))) changed[index] = counters;
    }
    this.told.set(network.inode, after);
    return Object.keys(changed).length === 0 ? null : changed;
  }
}

function statisticsOf(network: Watched['network']): ReadonlyMap<number, LinkCounters> {
  try {
    return network.readStatistics();
  } catch {
    return new Map(); // a kernel before 4.7, or refused at this moment
  }
}

function hasCounters(tables: readonly NftTableState[]): boolean {
  return tables.some(({ chains }) =>
    chains.some(({ rules }) => rules.some(({ packets }) => packets !== undefined)),
  );
}

function isSame(a: LinkCounters, b: LinkCounters | undefined): boolean {
  return (
    a.rxBytes === b?.rxBytes &&
    a.rxPackets === b.rxPackets &&
    a.txBytes === b.txBytes &&
    a.txPackets === b.txPackets &&
    a.dropped === b.dropped
  );
}
