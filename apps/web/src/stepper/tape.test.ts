/** Grouping, standing and drawing of calls, on a plan of two processes. */
import type { StepperRecord, StepperState } from '@terrarium/protocol';
import { describe, expect, it } from 'vitest';
import { withNews } from './news';
import { groupAt, groupsOf, ownWorkOf, piecesOf, progressOf, standingOf, timeText } from './tape';

const STEP = (syscall: string, purpose: number) => ({ display: `${syscall}()`, syscall, purpose });

function stepper(overrides: Partial<StepperState> = {}): StepperState {
  return {
    id: 's1',
    what: { kind: 'container' },
    title: { en: 'a', zh: '一' },
    purposes: [
      { id: 'open-init', en: 'a', zh: '一' },
      { id: 'drop-capability', en: 'b', zh: '二' },
      { id: 'umask-zero', en: 'c', zh: '三' },
    ],
    processes: [
      { name: 'entry', steps: [STEP('openat', 0), STEP('write', 0), STEP('close', 0)] },
      { name: 'outside', steps: [STEP('prctl', 1), STEP('prctl', 1), STEP('umask', 2)] },
    ],
    records: [],
    positions: [],
    next: null,
    running: false,
    facts: {},
    outcome: null,
    ...overrides,
  };
}

function position(process: string, index: number, status: 'waiting' | 'blocked' | 'ended') {
  const rest = { hostPid: 1, pids: [1], waitsFor: null, end: null, registers: {} };
  return { process, index, status, ...rest };
}

function record(seq: number, process: string, index: number, failed = false): StepperRecord {
  const answer = { result: '0', code: null, meaning: null, hint: null, nanoseconds: 1 };
  return { seq, process, index, registers: {}, tolerated: false, failed, changes: [], ...answer };
}

describe('groups', () => {
  it('are the calls of one purpose that follow each other', () => {
    const [entry, outside] = stepper().processes;
    expect(groupsOf(entry!)).toMatchObject([
      { from: 0, to: 3, syscalls: ['openat', 'write', 'close'] },
    ]);
    expect(groupsOf(outside!)).toMatchObject([
      { from: 0, to: 2, syscalls: ['prctl'] },
      { from: 2, to: 3, syscalls: ['umask'] },
    ]);
  });

  it('are found by a call of theirs', () => {
    const [, outside] = stepper().processes;
    const lanes = [{ process: outside!, position: null, groups: groupsOf(outside!) }];
    expect(groupAt(lanes, 'outside', 1)?.to).toBe(2);
    expect(groupAt(lanes, 'nobody', 1)).toBeNull();
  });

  it('stand as their process does', () => {
    const group = { process: 'outside', from: 0, to: 2 };
    const at = (index: number, status: 'waiting' | 'blocked' | 'ended', next: string | null) =>
      standingOf(stepper({ positions: [position('outside', index, status)], next }), group);
    expect(standingOf(stepper(), group)).toBe('todo');
    expect(at(0, 'waiting', 'outside')).toBe('next');
    expect(at(1, 'waiting', 'entry')).toBe('here');
    expect(at(1, 'blocked', 'entry')).toBe('blocked');
    expect(at(2, 'waiting', 'outside')).toBe('done');
    expect(at(1, 'ended', null)).toBe('done');
    const failed = stepper({ records: [record(0, 'outside', 1, true)] });
    expect(standingOf(failed, group)).toBe('failed');
  });
});

describe('progress', () => {
  it('counts calls, and takes news in any order once', () => {
    const start = stepper();
    const progress = { ...start, positions: [position('entry', 2, 'waiting')], next: 'entry' };
    const news = { type: 'stepper.news' as const, id: 's1', progress };
    const one = withNews(start, {
      ...news,
      records: [record(0, 'entry', 0), record(1, 'entry', 1)],
    });
    const amended = withNews(one, {
      ...news,
      records: [{ ...record(1, 'entry', 1), result: '7' }],
    });
    expect(progressOf(amended!)).toEqual({ done: 2, all: 6 });
    expect(amended?.records[1]?.result).toBe('7');
    expect(withNews(start, { ...news, id: 'another', records: [] })).toBe(start);
  });

  it('knows where the plan’s own work begins, until it has begun', () => {
    expect(ownWorkOf(stepper())).toEqual({ process: 'outside', index: 2 });
    expect(ownWorkOf(stepper({ positions: [position('outside', 2, 'waiting')] }))).toBeNull();
    expect(ownWorkOf(stepper({ processes: [{ name: 'outside', steps: [] }] }))).toBeNull();
  });
});

describe('a call as text', () => {
  it('has its registers with their values, and constants and strings apart', () => {
    const pieces = piecesOf('openat(<root>, "/proc/<init>/ns", O_PATH|O_CLOEXEC, <late>)', {
      root: '5',
      init: '4711',
    });
    expect(pieces.map(({ kind, text, value }) => [kind, text, value])).toEqual([
      ['name', 'openat', undefined],
      ['text', '(', undefined],
      ['register', 'root', '5'],
      ['text', ', ', undefined],
      ['string', '"/proc/', undefined],
      ['register', 'init', '4711'],
      ['string', '/ns"', undefined],
      ['text', ', ', undefined],
      ['constant', 'O_PATH', undefined],
      ['text', '|', undefined],
      ['constant', 'O_CLOEXEC', undefined],
      ['text', ', ', undefined],
      ['register', 'late', undefined],
      ['text', ')', undefined],
    ]);
  });

  it('loses no character', () => {
    const display = 'prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0) /* "a\\"b" */';
    expect(
      piecesOf(display, {})
        .map(({ text }) => text)
        .join(''),
    ).toBe(display);
  });

  it('tells times in two digits', () => {
    expect([800, 6129, 23074, 1_300_000, 2_517_000_000].map(timeText)).toEqual([
      '800 ns',
      '6.1 µs',
      '23 µs',
      '1.3 ms',
      '2.5 s',
    ]);
  });
});
