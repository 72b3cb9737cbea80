/**
 * The stepper on the real kernel: every call of a plan alone, what it changed, and an abort at every
 * index that leaves nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerSource } from '../../apps/daemon/src/stepper/container-source.js';
import { exampleContainer } from '../../apps/daemon/src/stepper/example-container.js';
import {
  execPlan,
  type KernelChange,
  kernelCapture,
  landmarkOf,
  NO_STATE,
  type StepRecord,
  StepSession,
  type StepSessionOptions,
  startTimeOf,
  viewerInSandbox,
} from '../../packages/engine/src/index.js';
import {
  CLONE,
  type Plan,
  PlanBuilder,
  scratch,
  struct,
} from '../../packages/syscall/src/index.js';
import { hostHoldings, type Lab, missing, startLab } from './sandbox-lab.js';

const lacks = missing();
const suffix = lacks === null ? '' : ` (missing: ${lacks})`;
const ID = 'steps';
/** Runs that stand side by side: most of their time is spent waiting. */
const AT_ONCE = 16;
const ABORTED = { outcome: { kind: 'aborted', leftovers: [] } };

describe.skipIf(lacks !== null)(`stepper${suffix}`, () => {
  let lab: Lab;
  const source = new ContainerSource();
  beforeAll(async () => {
    lab = await startLab('stepper');
    await lab.engine.create({ id: ID });
  });
  afterAll(async () => {
    await lab?.close();
  });

  /** A session with everything read, as the daemon opens it. */
  function open(plan: Plan, undo: () => Promise<void> = async () => {}): StepSession {
    const { initPid, cgroupsPath } = lab.engine.execTarget(ID);
    return new StepSession({
      player: lab.player,
      plan,
      undo,
      capture: kernelCapture(lab.player, lab.engine.facts.cgroups),
      landmarks: [landmarkOf(initPid, { en: "the sandbox's", zh: '沙箱的' })],
      viewer: viewerInSandbox(initPid, cgroupsPath),
    });
  }

  /** One that reads nothing, for tests that only go to places. */
  function openBlind(plan: Plan, options: Partial<StepSessionOptions> = {}): StepSession {
    const capture = async () => NO_STATE;
    return new StepSession({ player: lab.player, plan, capture, blockedAfterMs: 5, ...options });
  }

  const execOf = (...args: string[]): Plan => execPlan(lab.engine.execTarget(ID), { args });
  const container = () => source.prepare(lab.engine.execTarget(ID), { kind: 'container' });

  test('an exec plan › each call alone: joins, gives up powers, becomes the program', async () => {
    const before = holdings(lab);
    const session = open(execOf('/bin/sleep', '1000'));
    await session.ready;
    while (session.next() !== null) await session.step();
    expect(session.outcome).toEqual({ kind: 'completed' });
    const made = Object.values(session.plan.processes).flat();
    expect(session.records).toHaveLength(made.length);
    const joined = changesOf(session, 'join-namespaces').filter(({ kind }) => kind === 'namespace');
    expect(joined.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['user', 'mnt', 'uts', 'ipc', 'net', 'time', 'pid_for_children']),
    );
    expect(joined.every(({ effect }) => effect === 'changed')).toBe(true); // the sandbox's, not new
    const dropped = recordsOf(session, 'drop-capability');
    expect(dropped.flatMap(({ changes }) => changes.map(({ words }) => words.en))).toContain(
      '1 capability left the bounding set: CAP_SYS_TIME',
    );
    const [program] = changesOf(session, 'execve').filter(({ kind }) => kind === 'program');
    expect(program?.after).toMatch(/sleep|busybox/);
    const living = session.positions.find(({ end }) => end === 'program')?.hostPid ?? 0;
    expect(startTimeOf(living)).not.toBeNull();
    expect(await session.end()).toEqual([]);
    expect(startTimeOf(living)).toBeNull();
    expect(holdings(lab)).toEqual(before);
  });

  test('a container plan › each call with what the kernel says before and after', async () => {
    const before = holdings(lab);
    const { plan, undo } = container();
    const session = open(plan, undo);
    await session.ready;
    await session.runAll();
    expect(session.outcome).toEqual({ kind: 'completed' });
    const born = changesOf(session, 'clone-init').filter(({ process }) => process === 'init');
    const fresh = born.filter(({ kind, effect }) => kind === 'namespace' && effect === 'new');
    expect(fresh.map(({ subject }) => subject).sort()).toEqual(
      ['user', 'pid', 'mnt', 'uts', 'ipc', 'net', 'time'].sort(),
    );
    const all = session.records.flatMap(({ changes }) => changes);
    expect(
      all.find(({ kind, subject }) => kind === 'id-map' && subject === 'uid_map'),
    ).toBeDefined();
    const groups = told(all, 'cgroup namespace:').filter(({ effect }) => effect === 'new');
    expect(groups.map(({ process }) => process)).toEqual(['init']);
    const [name] = changesOf(session, 'hostname').filter(({ kind }) => kind === 'hostname');
    expect(name).toMatchObject({ before: 'terrarium', after: 'container' });
    const [proc] = changesOf(session, 'mount-proc').filter(({ kind }) => kind === 'mount');
    expect(proc?.words.en).toContain('(proc, proc) appeared');
    expect(changesOf(session, 'pivot-root').map(({ kind }) => kind)).toContain('root');
    expect(changesOf(session, 'drop-old-root').map(({ effect }) => effect)).toContain('gone');
    expect(told(all, 'no_new_privs: 0 → 1')).toHaveLength(1);
    expect(all.some(({ after }) => after === String(32 * 1024 * 1024))).toBe(true); // memory
    expect(session.records.every(({ failed }) => !failed)).toBe(true);
    expect(session.positions.find(({ process }) => process === 'init')?.end).toBe('program');
    expect(session.state.processes['init']?.pids).toHaveLength(3);
    expect(await session.end()).toEqual([]);
    expect(holdings(lab)).toEqual(before);
  });

  test('registers › have their values, also what a call wrote into memory', async () => {
    const { plan, undo } = container();
    const session = openBlind(plan, { undo });
    await session.runTo('entry', 2);
    const [entry] = session.positions;
    const values = Object.values(entry?.registers ?? {}).map(Number);
    expect(values.length).toBeGreaterThanOrEqual(4); // two pipes
    const fds = readdirSync(`/proc/${entry?.hostPid}/fd`).map(Number);
    for (const value of values) expect(fds).toContain(value);
    await session.abort();
  });

  test('abort › at every index of an exec plan leaves nothing', async () => {
    await abortEverywhere(() => ({ plan: execOf('/bin/sleep', '1000'), undo: async () => {} }));
  });

  test('abort › at every index of a container plan leaves nothing', {
    timeout: 600_000,
  }, async () => {
    await abortEverywhere(container);
  });

  async function abortEverywhere(
    prepare: () => { readonly plan: Plan; readonly undo: () => Promise<void> },
  ): Promise<void> {
    const before = holdings(lab);
    const places = Object.entries(prepare().plan.processes).flatMap(([process, steps]) =>
      steps.map((_, index) => ({ process, index })),
    );
    for (let from = 0; from < places.length; from += AT_ONCE) {
      const some = places.slice(from, from + AT_ONCE);
      const outcomes = await Promise.all(some.map((place) => abortAt(place, prepare())));
      expect(outcomes).toEqual(some.map((place) => ({ ...place, ...ABORTED })));
      expect([some, holdings(lab)]).toEqual([some, before]);
    }
  }

  async function abortAt(
    place: { readonly process: string; readonly index: number },
    prepared: { readonly plan: Plan; readonly undo: () => Promise<void> },
  ) {
    const session = openBlind(prepared.plan, { undo: prepared.undo });
    await session.runTo(place.process, place.index);
    const at = session.positions.find(({ process }) => process === place.process)?.index;
    await session.abort();
    return { process: place.process, index: at, outcome: session.outcome };
  }

  test('a refused call › ends the plan, says why, and leaves nothing', async () => {
    const before = holdings(lab);
    const config = { ...exampleContainer(), root: { path: '/does/not/exist' } };
    const { plan, undo } = source.prepare(lab.engine.execTarget(ID), { kind: 'config', config });
    const session = open(plan, undo);
    await session.ready;
    await session.runAll();
    expect(session.outcome).toMatchObject({ kind: 'failed', leftovers: [] });
    const failed = session.records.find((record) => record.failed);
    expect(failed).toMatchObject({ code: 'ENOENT', tolerated: false });
    expect(session.outcome?.kind === 'failed' && session.outcome.message).toContain(
      '/does/not/exist',
    );
    expect(holdings(lab)).toEqual(before);
  });

  test('a process that is killed from outside › ends the plan, and leaves nothing', async () => {
    const before = holdings(lab);
    const session = openBlind(execOf('/bin/true'));
    await session.ready;
    await session.step();
    const [position] = session.positions;
    process.kill(position?.hostPid ?? 0, 'SIGKILL');
    await expect.poll(() => session.outcome?.kind, { timeout: 30_000 }).toBe('failed');
    expect(holdings(lab)).toEqual(before);
  });

  test('a call that waits for another process › is told as blocked, not as an error', async () => {
    const session = openBlind(twoProcesses(), {
      capture: kernelCapture(lab.player, lab.engine.facts.cgroups),
    });
    await session.ready;
    await session.step('outside'); // pipe2
    await session.step('outside'); // clone3
    await session.step('reader');
    const blocked = session.positions.find(({ process }) => process === 'reader');
    expect(blocked?.status).toBe('blocked');
    expect(blocked?.waitsFor?.en).toMatch(/^read\(\d+\): until pipe:\[\d+\]/);
    expect(session.next()).toBe('outside');
    await session.step();
    expect(session.records.map(({ process, index }) => `${process} ${index}`)).toEqual([
      'outside 0',
      'outside 1',
      'outside 2',
      'reader 0',
    ]);
    await session.runAll();
    expect(session.outcome).toEqual({ kind: 'completed' });
  });

  test('the sandbox ends in the middle of a plan › the session ends, too', async () => {
    const id = 'short';
    await lab.engine.create({ id });
    const { plan } = source.prepare(lab.engine.execTarget(id), { kind: 'container' });
    const session = openBlind(plan);
    await session.runTo('init', 40);
    await lab.engine.delete(id);
    await session.abort();
    expect(session.outcome?.kind).toMatch(/aborted|failed/);
    for (const { hostPid } of session.positions) expect(startTimeOf(hostPid ?? 0)).toBeNull();
  });
});

/** outside makes a pipe and a child; the child reads what outside writes. */
function twoProcesses(): Plan {
  const builder = new PlanBuilder('two processes');
  const why = { id: 'test', en: 'test', zh: '测试' };
  const [readEnd, writeEnd] = [builder.slot('readEnd'), builder.slot('writeEnd')];
  const ends = scratch(8);
  builder.call('outside', {
    syscall: 'pipe2',
    args: [ends, 0],
    purpose: why,
    loads: [
      { from: ends, offset: 0, width: 4, to: readEnd },
      { from: ends, offset: 4, width: 4, to: writeEnd },
    ],
  });
  const cloneArgs = struct([[CLONE.CLONE_PARENT, 8], new Uint8Array(80)]);
  builder.call('outside', {
    syscall: 'clone3',
    args: [cloneArgs, 88],
    purpose: why,
    child: 'reader',
  });
  builder.call('outside', { syscall: 'write', args: [writeEnd, 'x', 1], purpose: why });
  builder.call('outside', { syscall: 'close', args: [writeEnd], purpose: why });
  builder.call('reader', {
    syscall: 'read',
    args: [readEnd, scratch(1), 1],
    purpose: why,
    atLeast: 1,
  });
  builder.call('reader', { syscall: 'close', args: [readEnd], purpose: why });
  return builder.build();
}

function recordsOf(session: StepSession, purposeId: string): StepRecord[] {
  return session.records.filter(({ step }) => step.purpose.id === purposeId);
}

function changesOf(session: StepSession, purposeId: string): KernelChange[] {
  return recordsOf(session, purposeId).flatMap(({ changes }) => changes);
}

function told(changes: readonly KernelChange[], words: string): KernelChange[] {
  return changes.filter(({ words: { en } }) => en.startsWith(words));
}

/**
 * All that a run could leave: processes and fds of the player, groups of the sandbox, host mounts.
 * A namespace lives by one of these: a process, an open file or a mount.
 */
function holdings(lab: Lab): string[] {
  const player = lab.player.pid;
  const children = readFileSync(`/proc/${player}/task/${player}/children`, 'utf8').trim();
  const fds = readdirSync(`/proc/${player}/fd`).sort();
  const { initPid } = lab.engine.execTarget(ID);
  const groups = lab.engine.facts.cgroups.hierarchies.flatMap(({ mountPoint }) =>
    groupsBelow(`${mountPoint}${lab.engine.execTarget(ID).cgroupsPath}`),
  );
  const rows = readFileSync(`/proc/${initPid}/mountinfo`, 'utf8').trim().split('\n').length;
  return [
    `children ${children}`,
    `fds ${fds.join(' ')}`,
    `mounts of the sandbox ${rows}`,
    `files ${readdirSync(`${lab.root(ID)}/images/busybox`)
      .sort()
      .join(' ')}`,
    ...groups,
    // Others mount things on this host, too: those are theirs.
    ...hostHoldings(lab).filter((line) => !line.includes(' - ') || line.includes(lab.directory)),
  ];
}

function groupsBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [`${directory}/${name}`, ...groupsBelow(`${directory}/${name}`)]);
}
