/** The show of the opening page: what it tells, in which order, and how far it goes next. */
import type { StepperRecord, StepperState } from '@terrarium/protocol';
import { describe, expect, it } from 'vitest';
import { lanesOf, nextTarget, ownKinds, pauseOf, rowsOf } from './show';

const STEP = (syscall: string, purpose: number) => ({ display: `${syscall}()`, syscall, purpose });

function stepper(overrides: Partial<StepperState> = {}): StepperState {
  return {
    id: 's1',
    what: { kind: 'container' },
    title: { en: 'a', zh: '一' },
    purposes: [
      { id: 'open-init', en: 'go in', zh: '进去' },
      { id: 'drop-capability', en: 'be confined', zh: '受限' },
      { id: 'clone', en: 'make init', zh: '造出 init' },
      { id: 'hostname', en: 'its name', zh: '它的名字' },
    ],
    processes: [
      { name: 'entry', steps: [STEP('openat', 0)] },
      { name: 'outside', steps: [STEP('prctl', 1), STEP('clone3', 2), STEP('close', 2)] },
      { name: 'init', steps: [STEP('sethostname', 3)] },
    ],
    records: [],
    positions: [],
    next: 'entry',
    running: false,
    facts: {},
    outcome: null,
    ...overrides,
  };
}

function position(process: string, index: number) {
  const rest = { hostPid: 1, pids: [1], waitsFor: null, end: null, registers: {} };
  return { process, index, status: 'waiting' as const, ...rest };
}

function record(seq: number, process: string, index: number, words = ''): StepperRecord {
  const answer = { result: '0', code: null, meaning: null, hint: null, nanoseconds: 1 };
  const change = { kind: 'k', effect: 'new' as const, process, subject: 's', source: null };
  const changes =
    words === '' ? [] : [{ ...change, before: null, after: null, words: { en: words, zh: '变' } }];
  return {
    seq,
    process,
    index,
    registers: {},
    tolerated: false,
    failed: false,
    changes,
    ...answer,
  };
}

describe('the show', () => {
  it('tells what was done in its order, without the way into the sandbox', () => {
    const made = stepper({
      records: [
        record(0, 'entry', 0),
        record(1, 'outside', 0),
        record(2, 'outside', 1, 'a process'),
        record(3, 'init', 0, 'a host name'),
        record(4, 'outside', 2, 'one more'),
      ],
    });
    const rows = rowsOf(made, lanesOf(made));
    expect(rows.map(({ purpose, syscalls }) => [purpose.en, syscalls])).toEqual([
      ['make init', 'clone3 close'],
      ['its name', 'sethostname'],
    ]);
    expect(rows[0]?.changes.map(({ en }) => en)).toEqual(['a process', 'one more']);
  });

  it('tells nothing while the container itself has not been begun', () => {
    const made = stepper({ records: [record(0, 'entry', 0), record(1, 'outside', 0)] });
    expect(rowsOf(made, lanesOf(made))).toEqual([]);
  });

  it('runs to the own work first, then purpose by purpose, and stops at the end', () => {
    const fresh = stepper();
    expect(nextTarget(fresh, lanesOf(fresh))).toEqual({ process: 'outside', index: 1 });
    const begun = stepper({ next: 'outside', positions: [position('outside', 1)] });
    expect(nextTarget(begun, lanesOf(begun))).toEqual({ process: 'outside', index: 3 });
    const done = stepper({ outcome: { kind: 'completed', message: null, leftovers: [] } });
    expect(nextTarget(done, lanesOf(done))).toBeNull();
  });

  it('keeps a pause that one can follow, however long the plan', () => {
    const long = { name: 'init', steps: Array.from({ length: 500 }, (_, i) => STEP('mount', i)) };
    expect(pauseOf(lanesOf(stepper({ processes: [long] })))).toBe(140);
    expect(pauseOf(lanesOf(stepper({ processes: [] })))).toBe(600);
  });

  it('counts the namespaces of init alone', () => {
    const fact = (key: string, own: boolean) => ({ key, value: '1', own, source: '' });
    const facts = {
      init: [fact('ns:pid', true), fact('ns:net', false), fact('hostname', true)],
      outside: [fact('ns:user', true)],
    };
    expect([...ownKinds(stepper({ facts }))]).toEqual(['pid']);
  });
});
