/** What the end of a lesson counts, and where it leads. */
import type { StepStatus } from '@terrarium/protocol';
import { History, type TimelineEvent } from '@terrarium/timeline';
import { DEMO_STATE } from '@terrarium/views';
import { describe, expect, it } from 'vitest';
import { aheadOf } from './ahead';
import { builtOf, doneOf } from './built';

function status(step: string, over: Partial<StepStatus> = {}): StepStatus {
  const none = { prediction: null, helpUsed: [], firstPassedAt: null };
  return { step, passed: true, clauses: [], ...none, ...over };
}

describe('doneOf', () => {
  it('says how long it took, from the first green step to the last', () => {
    const times = [5000, 2000, 9000].map((firstPassedAt, i) => status(`${i}`, { firstPassedAt }));
    expect(doneOf(times).time).toBe(7000);
    expect(doneOf([status('a', { firstPassedAt: 5 }), status('b')]).time).toBeNull();
  });

  it('counts graded predictions, and steps that were done without help', () => {
    const right = { answer: '1', actual: '1', correct: true };
    const wrong = { answer: '1', actual: '2', correct: false };
    const waiting = { answer: '1', actual: null, correct: null };
    const steps = [
      status('a', { prediction: right, firstPassedAt: 1 }),
      status('b', { prediction: wrong, helpUsed: ['hint-1'], firstPassedAt: 2 }),
      status('c', { prediction: waiting }),
    ];
    expect(doneOf(steps)).toMatchObject({ predictions: { right: 1, all: 2 }, unaided: 1 });
  });
});

describe('builtOf', () => {
  const shell = Object.values(DEMO_STATE.processes).find(({ comm }) => comm === 'bash');
  if (shell === undefined) throw new Error('the demo state has no shell');
  const begin = DEMO_STATE.t + 1000;

  function historyOf(...starts: number[]): History {
    const history = new History({ start: DEMO_STATE });
    const events = starts.map((t, index) => ({
      ...{ type: 'command.start', seq: DEMO_STATE.seq + index + 1, t, id: `c${index}` },
      ...{ terminal: 't', line: 'true', process: shell?.key, processGroup: null },
    }));
    history.append(events as unknown as TimelineEvent[]);
    return history;
  }

  it('counts commands up to the last green step, and says since when', () => {
    const built = builtOf(historyOf(begin, begin + 10, begin + 9000), [
      status('a', { firstPassedAt: begin + 20 }),
    ]);
    expect(built).toMatchObject({ commands: 2, processes: 0, since: begin, until: begin + 20 });
  });

  it('is null where the lesson’s commands are forgotten', () => {
    const before = [status('a', { firstPassedAt: begin - 5 })];
    expect(builtOf(historyOf(begin), before)).toBeNull();
  });
});

describe('aheadOf', () => {
  const lesson = (id: string) => ({
    id,
    minutes: 10,
    steps: [{ id: 's' }],
    title: { en: '', zh: '' },
  });
  const course = ['01', '02', '03'].map(lesson);

  it('leads to the next lesson that is not done', () => {
    expect(aheadOf(course, '01', {})).toMatchObject({ kind: 'next', lesson: { id: '02' } });
    const second = { '02': { s: 1 } };
    expect(aheadOf(course, '01', second)).toMatchObject({ kind: 'next', lesson: { id: '03' } });
    expect(aheadOf(course, '03', second)).toMatchObject({ kind: 'next', lesson: { id: '01' } });
  });

  it('is the course’s end when all are done', () => {
    const passed = { '01': { s: 1 }, '02': { s: 1 } };
    expect(aheadOf(course, '03', passed)).toEqual({ kind: 'end', lessons: 3, steps: 3 });
  });
});
