/** Addresses of moments, the step to start again from, and the recording that a page makes. */
import type { Step } from '@terrarium/lesson';
import {
  bytesSource,
  type EventBody,
  fold,
  History,
  openRecording,
  TerminalTape,
  type TimelineEvent,
} from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import { makeRecording } from './make-recording';
import { formatHash, parseHash } from './moment-link';
import { restartStep } from './restart-step';

const SANDBOX = {
  ...{ id: 's', init: '1:1', kernelRelease: '6.1' },
  namespaces: { pid: 1, mnt: 2, net: 3, uts: 4, ipc: 5, user: 6, cgroup: 7, time: 8 },
};

function numbered(bodies: readonly EventBody[]): TimelineEvent[] {
  return bodies.map((body, i) => ({ ...body, seq: i + 1, t: 1000 * (i + 1) }));
}

function passed(step: string): EventBody {
  return { type: 'check', lesson: 'containers/01', step, passed: true };
}

function historyOf(bodies: readonly EventBody[]): History {
  const history = new History();
  history.append(numbered(bodies));
  return history;
}

describe('the address of a moment', () => {
  it('names a step, a moment, or both', () => {
    for (const address of [
      { step: 'one', moment: null },
      { step: null, moment: { epoch: 'ab12-1', seq: 77 } },
      { step: 'one', moment: { epoch: 'ab12-1', seq: 77 } },
    ]) {
      expect(parseHash(`#${formatHash(address.step, address.moment)}`)).toEqual(address);
    }
    expect(formatHash(null, null)).toBe('');
  });

  it('leaves out what it cannot be', () => {
    expect(parseHash('#t=ab.12x')).toEqual({ step: null, moment: null });
    expect(parseHash('#%E0%A4%A')).toEqual({ step: null, moment: null });
    expect(parseHash('')).toEqual({ step: null, moment: null });
  });
});

describe('the step to start again from', () => {
  const steps = ['one', 'two', 'three'].map((id) => ({ id })) as unknown as Step[];
  const lesson = { id: 'containers/01', steps };
  const history = historyOf([
    { type: 'sandbox.start', sandbox: SANDBOX },
    passed('one'),
    passed('two'),
  ]);

  it('is the last that had begun by then', () => {
    expect(restartStep(lesson, null, history, 1)?.id).toBe('one');
    expect(restartStep(lesson, null, history, 2)?.id).toBe('two');
    expect(restartStep(lesson, null, history, 3)?.id).toBe('three');
  });

  it('is none before there was a sandbox', () => {
    expect(restartStep(lesson, null, history, 0)).toBeNull();
  });

  it('counts what passed before the timeline that is left', () => {
    const status = { clauses: [], prediction: null, helpUsed: [], passed: false };
    const statuses = [{ ...status, step: 'one', firstPassedAt: 500 }];
    expect(restartStep(lesson, statuses, history, 1)?.id).toBe('two');
  });
});

describe('the recording of a page', () => {
  const bodies: EventBody[] = [{ type: 'sandbox.start', sandbox: SANDBOX }];
  for (let i = 0; i < 3000; i++) bodies.push(passed(`step-${i}`));

  it('has every event, and output where it was printed', async () => {
    const history = historyOf(bodies);
    const tape = new TerminalTape();
    tape.write(2500, new TextEncoder().encode('first '));
    tape.write(1_500_500, new TextEncoder().encode('second'));
    const progress: number[] = [];
    const { bytes, end } = await makeRecording({
      ...{ history, tapes: new Map([['t1', tape]]), serverTime: (t) => t },
      lessonRecords: [{ type: 'lesson.step', t: 3000, lesson: 'containers/01', step: 'one' }],
      ...{ lesson: 'containers/01', lang: 'en', onProgress: (done) => progress.push(done) },
    });
    expect(end).toBe('closed');
    expect(progress.at(-1)).toBe(1);
    const recording = await openRecording(bytesSource(bytes));
    const again = await recording.history();
    expect(recording.problem).toBeNull();
    expect(again.newest).toEqual(history.newest);
    expect(again.stateAtSeq(700)).toEqual(fold(history.oldest, history.between(0, 700)));
    const steps: unknown[] = [];
    for await (const record of recording.records()) {
      if (record.type === 'lesson.step') steps.push([record.t, record.step]);
    }
    expect(steps).toEqual([[3000, 'one']]);
    const texts = async (t: number): Promise<string> =>
      (await recording.terminalsAt(t))
        .flatMap(({ output }) => output)
        .map((part) => new TextDecoder().decode(part))
        .join('');
    expect(await texts(2499)).toBe('');
    expect(await texts(2500)).toBe('first ');
    expect(await texts(1_500_500)).toBe('first second');
  });

  it('stops at its cap and says so', async () => {
    const { bytes, end } = await makeRecording({
      ...{ history: historyOf(bodies), tapes: new Map(), serverTime: (t) => t },
      ...{ lesson: 'containers/01', lang: 'en', maxBytes: 20_000 },
    });
    expect(end).toBe('bytes');
    expect(bytes.length).toBeLessThanOrEqual(20_000);
    expect((await openRecording(bytesSource(bytes))).end).toBe('bytes');
  });
});
