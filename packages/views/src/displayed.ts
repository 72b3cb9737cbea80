/**
 * From a state to what the process tree shows: the live processes, those that are fresh, and the
 * tombstones of those that vanished a moment ago. Pure: `advance` takes what was shown, the next
 * state and the time; the hook in use-tombstones.ts only keeps the clock.
 */
import { type ProcessKey, type ProcessState, processTree, type State } from '@terrarium/timeline';

/** Tombstone and freshness of a row, milliseconds: long enough to turn the head to it. */
export const TOMBSTONE_MS = 1500;
/** Tombstones kept while the pointer holds the order still; a fork bomb must not fill the page. */
const MAX_TOMBSTONES = 200;

/** One row's place and age. */
export interface Shown {
  readonly process: ProcessState;
  /** under whom it is drawn; differs from process.parent while the order is frozen */
  readonly under: ProcessKey | null;
  /** when it was first seen; null when it is old, or was there from the beginning */
  readonly freshSince: number | null;
  /** when it was found gone, null while it lives */
  readonly goneSince: number | null;
}

export interface Displayed {
  readonly sandbox: string | null;
  readonly processes: State['processes'];
  readonly shown: ReadonlyMap<ProcessKey, Shown>;
  readonly frozen: boolean;
  /** when the next row stops being fresh or a tombstone; null when nothing is under way */
  readonly nextChange: number | null;
}

export const NOTHING_DISPLAYED: Displayed = {
  sandbox: null,
  processes: {},
  shown: new Map(),
  frozen: false,
  nextChange: null,
};

/**
 * The next picture.
 *
 * @param now milliseconds on any monotonic clock
 * @param frozen the pointer is over the tree: rows neither leave nor change their place
 */
export function advance(before: Displayed, state: State, now: number, frozen: boolean): Displayed {
  const sandbox = state.sandbox?.id ?? null;
  const processes = state.processes;
  const expired = before.nextChange !== null && before.nextChange <= now;
  const unchanged = before.sandbox === sandbox && before.processes === processes;
  if (unchanged && before.frozen === frozen && !expired) return before;

  // A new sandbox, or the first snapshot, is a beginning: nothing in it is news.
  const begins = before.sandbox !== sandbox || before.shown.size === 0;
  const shown = new Map<ProcessKey, Shown>();
  for (const [key, process] of Object.entries(processes)) {
    const old = begins ? undefined : before.shown.get(key);
    const freshSince = old === undefined ? (begins ? null : now) : stillFresh(old.freshSince, now);
    const under =
      frozen && old !== undefined && old.under !== null && before.shown.has(old.under)
        ? old.under
        : process.parent;
    if (old !== undefined && same(old, process, under, freshSince)) shown.set(key, old);
    else shown.set(key, { process, under, freshSince, goneSince: null });
  }
  if (!begins) keepTombstones(before, shown, processes, now, frozen);
  return { sandbox, processes, shown, frozen, nextChange: nextChange(shown, frozen, now) };
}

/** A row in the order of the tree. `level` starts at 1, as aria-level does. */
export interface Row {
  readonly shown: Shown;
  readonly level: number;
  readonly position: number;
  readonly setSize: number;
  readonly hasChildren: boolean;
}

/** The rows from top to bottom; children of a collapsed process are left out. */
export function rowsOf(displayed: Displayed, collapsed: ReadonlySet<ProcessKey>): readonly Row[] {
  const children = new Map<ProcessKey | null, Shown[]>();
  for (const shown of displayed.shown.values()) {
    const parent = shown.under !== null && displayed.shown.has(shown.under) ? shown.under : null;
    const list = children.get(parent);
    if (list === undefined) children.set(parent, [shown]);
    else list.push(shown);
  }
  for (const list of children.values()) list.sort(byBirth);
  const rows: Row[] = [];
  const seen = new Set<ProcessKey>();
  const visit = (siblings: readonly Shown[], level: number) => {
    // Tombstones are an after-image, not part of the tree that is counted aloud.
    const setSize = siblings.reduce((n, shown) => n + (shown.goneSince === null ? 1 : 0), 0);
    let position = 0;
    for (const shown of siblings) {
      const key = shown.process.key;
      if (seen.has(key)) continue;
      seen.add(key);
      if (shown.goneSince === null) position++;
      const below = children.get(key) ?? [];
      rows.push({ shown, level, position, setSize, hasChildren: below.length > 0 });
      if (!collapsed.has(key)) visit(below, level + 1);
    }
  };
  visit(children.get(null) ?? [], 1);
  return rows;
}

/** The keys of the live tree in order, as the timeline package builds it: for tests. */
export function liveOrder(state: State): readonly ProcessKey[] {
  const keys: ProcessKey[] = [];
  const visit = (nodes: ReturnType<typeof processTree>) => {
    for (const node of nodes) {
      keys.push(node.process.key);
      visit(node.children);
    }
  };
  visit(processTree(state));
  return keys;
}

function keepTombstones(
  before: Displayed,
  shown: Map<ProcessKey, Shown>,
  processes: State['processes'],
  now: number,
  frozen: boolean,
): void {
  const stones: Shown[] = [];
  for (const [key, old] of before.shown) {
    if (key in processes) continue;
    const goneSince = old.goneSince ?? now;
    if (frozen || now - goneSince < TOMBSTONE_MS)
      stones.push({ ...old, freshSince: null, goneSince });
  }
  for (const stone of stones.slice(-MAX_TOMBSTONES)) shown.set(stone.process.key, stone);
}

function stillFresh(since: number | null, now: number): number | null {
  return since !== null && now - since < TOMBSTONE_MS ? since : null;
}

function same(
  old: Shown,
  process: ProcessState,
  under: ProcessKey | null,
  freshSince: number | null,
): boolean {
  return (
    old.goneSince === null &&
    old.process === process &&
    old.under === under &&
    old.freshSince === freshSince
  );
}

function nextChange(
  shown: ReadonlyMap<ProcessKey, Shown>,
  frozen: boolean,
  now: number,
): number | null {
  let next: number | null = null;
  for (const { freshSince, goneSince } of shown.values()) {
    if (goneSince !== null && frozen) continue;
    const since = goneSince ?? freshSince;
    if (since === null) continue;
    const at = Math.max(since + TOMBSTONE_MS, now + 1);
    if (next === null || at < next) next = at;
  }
  return next;
}

function byBirth(a: Shown, b: Shown): number {
  return a.process.startTime - b.process.startTime || a.process.hostPid - b.process.hostPid;
}
