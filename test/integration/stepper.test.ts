/**
 * The stepper on the real kernel: every call of a plan alone, what it changed, and an abort at every
 * index that leaves nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerSource } from '../../apps/daemon/src/stepper/container-source.js';
import {
  execPlan,
  kernelCapture,
  type StepEvent,
  type StepRecord,
  StepSession,
} from '../../packages/engine/src/index.js';
import { type Lab, missing, startLab } from './sandbox-lab.js';

const lacks = missing();
const suffix = lacks === null ? '' : ` (missing: ${lacks})`;

describe.skipIf(lacks !== null)(`stepper${suffix}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab('stepper');
    await lab.engine.create({ id: 'steps' });
  });
  afterAll(async () => {
    await lab?.close();
  });

  function openExec(args: readonly string[], events: StepEvent[] = []): StepSession {
    return new StepSession({
      player: lab.player,
      plan: execPlan(lab.engine.execTarget('steps'), { args }),
      capture: kernelCapture(lab.player, lab.engine.facts.cgroups),
      onEvent: (event) => events.push(event),
    });
  }

  test('an exec plan › steps to a program that runs', async () => {
    const session = openExec(['/bin/sleep', '1000']);
    await session.ready;
    while (session.next() !== null) await session.step();
    for (const record of session.records) say(record);
    console.log(session.outcome, session.positions);
    expect(session.outcome).toEqual({ kind: 'completed' });
    await session.end();
  });

  test('a container plan › steps to a container that runs', async () => {
    const prepared = new ContainerSource().prepare(lab.engine.execTarget('steps'), {
      kind: 'container',
    });
    const session = new StepSession({
      player: lab.player,
      plan: prepared.plan,
      capture: kernelCapture(lab.player, lab.engine.facts.cgroups),
      undo: prepared.undo,
    });
    await session.ready;
    while (session.next() !== null) await session.step();
    for (const record of session.records) say(record);
    console.log(session.outcome, session.positions);
    expect(session.outcome).toEqual({ kind: 'completed' });
    console.log(await session.end());
  });
});

function say(record: StepRecord): void {
  const { process, index, step, result, code, nanoseconds, changes, readMs } = record;
  const display = step.kind === 'call' ? step.display : step.kind;
  console.log(
    `${process} ${index} ${display} = ${result} ${code ?? ''} ${nanoseconds} ns, read ${readMs.toFixed(1)} ms`,
  );
  for (const { words, source, process: of } of changes)
    console.log(`      ${of}: ${words.en}   [${source}]`);
}
