/**
 * The show of the opening page, computed from the stepper that makes a real container: what was
 * done so far in the order in which it was done, and how far to go next. Pure.
 */
import type { LocalText, StepperState } from '@terrarium/protocol';
import { type Group, groupAt, groupsOf, type Lane, ownWorkOf, positionOf } from '../stepper/tape';

/** Calls of one purpose that were made. */
export interface ShowRow {
  readonly key: string;
  readonly purpose: LocalText;
  /** `openat write close` */
  readonly syscalls: string;
  /** what differed in the kernel afterwards */
  readonly changes: readonly LocalText[];
}

/** Where the show has to go: `stepper.runTo` with this. */
export interface ShowTarget {
  readonly process: string;
  readonly index: number;
}

/** The plan's processes with their groups. */
export function lanesOf(stepper: StepperState): readonly Lane[] {
  return stepper.processes.map((process) => ({
    process,
    groups: groupsOf(process),
    position: positionOf(stepper, process.name),
  }));
}

/**
 * What was done so far, oldest first. The calls that bring any plan into the sandbox are the same
 * for everything that runs there: they are no part of the story.
 */
export function rowsOf(stepper: StepperState, lanes: readonly Lane[]): readonly ShowRow[] {
  const begin = firstOwnRecord(stepper);
  const rows = new Map<string, ShowRow>();
  for (const record of stepper.records.slice(begin)) {
    const group = groupAt(lanes, record.process, record.index);
    if (group === null) continue;
    const before = rows.get(group.key);
    const words = record.changes.map((change) => change.words);
    rows.set(group.key, {
      key: group.key,
      purpose: purposeOf(stepper, group),
      syscalls: group.syscalls.join(' '),
      changes: [...(before?.changes ?? []), ...words],
    });
  }
  return [...rows.values()];
}

function purposeOf(stepper: StepperState, group: Group): LocalText {
  const { en = '', zh = '' } = stepper.purposes[group.purpose] ?? {};
  return { en, zh };
}

/** Index of the first record of the container's own making. */
function firstOwnRecord(stepper: StepperState): number {
  const fresh = { ...stepper, positions: [] };
  const own = ownWorkOf(fresh);
  if (own === null) return 0;
  const first = stepper.records.findIndex(
    ({ process, index }) => process !== 'entry' && (process !== own.process || index >= own.index),
  );
  return first < 0 ? stepper.records.length : first;
}

/** How far to run next: to the container's own work first, then one purpose at a time. */
export function nextTarget(stepper: StepperState, lanes: readonly Lane[]): ShowTarget | null {
  if (stepper.outcome !== null || stepper.next === null) return null;
  const own = ownWorkOf(stepper);
  if (own !== null) return own;
  const index = positionOf(stepper, stepper.next)?.index;
  if (index === undefined) return null;
  const group = groupAt(lanes, stepper.next, index);
  return group === null ? null : { process: stepper.next, index: group.to };
}

/** A whole show takes about this long, ms: short enough to watch, long enough to read some of it. */
const SHOW_MS = 14_000;
/** The pause after each purpose, ms: not so short that it flickers, not so long that it drags. */
const PAUSE_MS = { least: 140, most: 600 } as const;

/** How long one purpose stays before the next, ms. */
export function pauseOf(lanes: readonly Lane[]): number {
  const groups = lanes.reduce((sum, lane) => sum + lane.groups.length, 0);
  return Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, SHOW_MS / Math.max(1, groups)));
}

/** Kinds of namespaces that the container has of its own by now. */
export function ownKinds(stepper: StepperState): ReadonlySet<string> {
  const kinds = new Set<string>();
  for (const [process, facts] of Object.entries(stepper.facts)) {
    if (process !== 'init') continue;
    for (const { key, own } of facts) if (own && key.startsWith('ns:')) kinds.add(key.slice(3));
  }
  return kinds;
}
