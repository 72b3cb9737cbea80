import type { ProcessState, State } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import {
  advance,
  type Displayed,
  liveOrder,
  NOTHING_DISPLAYED,
  rowsOf,
  TOMBSTONE_MS,
} from './displayed.js';
import { DEMO_STATE, demoProcess, demoStateWith } from './fixture.js';

const init = demoProcess(4701);
const bash = demoProcess(4707);
const sleep = demoProcess(4717, { comm: 'sleep', parent: bash.key });
const child = demoProcess(4718, { comm: 'child', parent: sleep.key });
const alone = demoStateWith([init, bash]);
const withSleep = demoStateWith([init, bash, sleep]);
const withChild = demoStateWith([init, bash, sleep, child]);

function names(displayed: Displayed): string[] {
  return rowsOf(displayed, new Set()).map(
    ({ shown, level }) => `${level}${shown.process.comm}${shown.goneSince === null ? '' : '†'}`,
  );
}

function run(...steps: [State, number, boolean?][]): Displayed {
  return steps.reduce(
    (displayed, [state, now, frozen]) => advance(displayed, state, now, frozen ?? false),
    NOTHING_DISPLAYED,
  );
}

describe('advance', () => {
  it('does not call the first snapshot news', () => {
    const { shown, nextChange } = run([withSleep, 5]);
    expect([...shown.values()].every((one) => one.freshSince === null)).toBe(true);
    expect(nextChange).toBeNull();
  });

  it('marks what appears as fresh, once, for as long as a tombstone stays', () => {
    const fresh = run([alone, 5], [withSleep, 10]);
    expect(fresh.shown.get(sleep.key)?.freshSince).toBe(10);
    expect(fresh.nextChange).toBe(10 + TOMBSTONE_MS);
    const later = advance(fresh, withSleep, 10 + TOMBSTONE_MS, false);
    expect(later.shown.get(sleep.key)?.freshSince).toBeNull();
    expect(later.nextChange).toBeNull();
  });

  it('keeps what vanished in its place as a tombstone, and lets it go after its time', () => {
    const gone = run([withSleep, 5], [alone, 100]);
    expect(names(gone)).toEqual(['1bash', '1bash', '2sleep†']);
    expect(names(advance(gone, alone, 100 + TOMBSTONE_MS, false))).toEqual(['1bash', '1bash']);
  });

  it('keeps a whole vanished subtree together', () => {
    expect(names(run([withChild, 5], [alone, 100]))).toEqual([
      '1bash',
      '1bash',
      '2sleep†',
      '3child†',
    ]);
  });

  it('holds tombstones and places while the pointer is over the tree', () => {
    const orphan: ProcessState = { ...child, parent: init.key };
    const orphaned = demoStateWith([init, bash, orphan]);
    const held = run([withChild, 5], [orphaned, 100, true], [orphaned, 9_000, true]);
    expect(names(held)).toEqual(['1bash', '1bash', '2sleep†', '3child']);
    expect(held.nextChange).toBeNull();
    expect(names(advance(held, orphaned, 9_001, false))).toEqual(['1bash', '2child', '1bash']);
  });

  it('begins anew with another sandbox: no tombstones of the old one', () => {
    const other: State = { ...alone, sandbox: { ...alone.sandbox!, id: 'other' } };
    expect(names(run([withSleep, 5], [other, 6]))).toEqual(['1bash', '1bash']);
  });

  it('gives back the same object when nothing has changed', () => {
    const once = run([withSleep, 5]);
    expect(advance(once, withSleep, 6, false)).toBe(once);
  });

  it('does not make a fresh object of a row that was not touched', () => {
    const before = run([alone, 5]);
    expect(advance(before, withSleep, 6, false).shown.get(bash.key)).toBe(
      before.shown.get(bash.key),
    );
  });
});

describe('rowsOf', () => {
  it('has the order of the timeline’s own tree', () => {
    const rows = rowsOf(run([DEMO_STATE, 5]), new Set());
    expect(rows.map((row) => row.shown.process.key)).toEqual(liveOrder(DEMO_STATE));
  });

  it('counts the living only', () => {
    const rows = rowsOf(run([withSleep, 5], [alone, 6]), new Set());
    expect(rows.map((row) => `${row.position}/${row.setSize}`)).toEqual(['1/2', '2/2', '0/0']);
  });

  it('leaves out what is below a collapsed process', () => {
    const rows = rowsOf(run([withChild, 5]), new Set([sleep.key]));
    expect(rows.map((row) => row.shown.process.comm)).toEqual(['bash', 'bash', 'sleep']);
    expect(rows.at(-1)?.hasChildren).toBe(true);
  });
});
