/**
 * How a container's plan is run: the groups above it, the hooks at which its processes wait, and the
 * record of what came out. Daemon or command line, host root.
 */
import { closeSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { AT, type CallReport, ERRNO, O, openat, type PlanResult } from '@terrarium/syscall';
import { groupPath, prepareParents, translateResources } from '../cgroups/index.js';
import type { UndoStep } from '../undo.js';
import { isPlanError } from './container-error.js';
import type { ContainerPlan } from './container-plan.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';
import { runHooks, tryHooks } from './hooks.js';
import { HOOKS_FIFO, stateOf } from './live-status.js';
import { removeKernelObjects, removeParents } from './remove.js';

/** Moments of create, in this order. */
export const CREATE_HOOKS = ['prestart', 'createRuntime', 'createContainer'] as const;

/** An empty parent may be removed by another engine that closes: make it again so many times. */
const PARENT_ATTEMPTS = 5;

/** What is run. */
export interface CreationInput {
  readonly plan: ContainerPlan;
  /** the plan's message, where it came out of a mold */
  readonly encoded?: Uint8Array;
  readonly record: ContainerRecord;
  /** follows each system call */
  readonly onReport: ((report: CallReport) => void) | undefined;
}

/**
 * @param undo gets what takes back each thing that was made
 * @returns the record of the created container
 * @throws PlanError, ContainerError `hook`
 */
export async function runCreation(
  context: EngineContext,
  input: CreationInput,
  undo: UndoStep[],
): Promise<ContainerRecord> {
  const { plan, record } = input;
  for (let attempt = 1; ; attempt++) {
    try {
      const complete =
        record.sandbox === null ? withParents(context, record, undo, attempt > 1) : record;
      const result = await new Creation(context, { ...input, record: complete }, undo).run();
      return createdRecord(context, plan, complete, result);
    } catch (error) {
      if (attempt === PARENT_ATTEMPTS || !lacksParent(plan, error)) throw error;
      await removeKernelObjects(context, record);
    }
  }
}

/**
 * @param again the common parent was found missing: look, whatever we remember of it
 * @returns the record with the parents that had to be made, and go with the container
 */
function withParents(
  context: EngineContext,
  record: ContainerRecord,
  undo: UndoStep[],
  again: boolean,
): ContainerRecord {
  const { facts, parentGroup, prepared, store } = context;
  const { controllers } = translateResources(facts.cgroups, record.config.linux?.resources ?? {});
  const parent = dirname(record.group);
  const known = controllers.join(' ');
  if (parent === parentGroup && prepared.has(known) && !again) return record;
  const made = prepareParents(facts.cgroups, parent, controllers);
  if (parent === parentGroup) prepared.add(known);
  const shared = facts.cgroups.hierarchies.map((one) => groupPath(one, parentGroup));
  const madeParents = made.filter((directory) => !shared.includes(directory));
  if (madeParents.length === 0) return record;
  const complete = { ...record, madeParents: [...record.madeParents, ...madeParents] };
  undo.push({ name: 'remove the parent groups', run: () => removeParents(complete) });
  store.write(complete);
  return complete;
}

function lacksParent({ plan }: ContainerPlan, error: unknown): boolean {
  if (!isPlanError(error) || error.failed?.errno !== ERRNO.ENOENT) return false;
  const { process, index } = error.failed;
  const id = plan.processes[process]?.[index]?.purpose.id;
  // A parent that another engine made anew may not hand the controllers on (v2): no limit's file.
  return id === 'cgroup-make' || id === 'cgroup-limit';
}

/** One run of a plan, with the hooks at which it waits. */
class Creation {
  readonly #context: EngineContext;
  readonly #onReport: CreationInput['onReport'];
  readonly #plan: ContainerPlan;
  readonly #encoded: Uint8Array | undefined;
  readonly #undo: UndoStep[];
  #record: ContainerRecord;
  /** may be heard after reports of what comes later: the processes of a plan report themselves */
  readonly #initPid: Promise<number>;
  #setInitPid: (pid: number) => void = () => {};
  #hooks: Promise<void> = Promise.resolve();
  #hookFailure: unknown;
  #undoes = false;

  constructor(context: EngineContext, input: CreationInput, undo: UndoStep[]) {
    const { plan, encoded, record, onReport } = input;
    this.#encoded = encoded;
    this.#context = context;
    this.#onReport = onReport;
    this.#plan = plan;
    this.#record = record;
    this.#undo = undo;
    this.#initPid = new Promise((resolve) => {
      this.#setInitPid = resolve;
    });
  }

  async run(): Promise<PlanResult> {
    const { hooksIndex, plan } = this.#plan;
    const onReport = this.#onReport;
    const isFollowed = hooksIndex !== null || onReport !== undefined;
    const run = this.#context.player.run(plan, {
      batched: !isFollowed,
      onStarted: (process, pid) => this.#started(process, pid),
      ...(this.#encoded === undefined ? {} : { encoded: this.#encoded }),
      ...(isFollowed
        ? {
            onReport: (report: CallReport) => {
              onReport?.(report);
              this.#reported(report, () => run.abort());
            },
          }
        : {}),
    });
    try {
      return await run.done;
    } catch (error) {
      await this.#hooks;
      this.#undoGroup(error);
      throw this.#hookFailure ?? error;
    }
  }

  #started(process: string, pid: number): void {
    if (process !== 'init') return;
    this.#setInitPid(pid);
    this.#context.inits.adopt(this.#record.id, pid);
    this.#undoGroup();
  }

  /** From the first process in it on, whatever is in the group is ours, and so is the group. */
  #undoGroup(error?: unknown): void {
    if (this.#undoes || (error !== undefined && !madeGroup(this.#plan, error))) return;
    this.#undoes = true;
    this.#undo.push({
      name: 'remove processes and groups',
      run: () => removeKernelObjects(this.#context, this.#record),
    });
  }

  /** A report of the step before a wait: the process is about to wait. */
  #reported({ process, index, errno }: CallReport, abort: () => void): void {
    const { hooksIndex, containerHooksIndex } = this.#plan;
    if (errno !== 0 && hooksIndex === null) return;
    if (process === 'outside' && index + 1 === hooksIndex) {
      this.#runHooks(['prestart', 'createRuntime'], abort);
    } else if (process === 'init' && index + 1 === containerHooksIndex) {
      this.#runHooks(['createContainer'], abort);
    }
  }

  #runHooks(moments: readonly (typeof CREATE_HOOKS)[number][], abort: () => void): void {
    this.#hooks = this.#hooks
      .then(async () => {
        this.#begin();
        const state = stateOf(this.#record, 'creating');
        const pid = await this.#initPid;
        for (const moment of moments) {
          await runHooks(this.#context, this.#record, moment, { ...state, pid }, pid);
        }
        sayGo(this.#context.store.path(this.#record.id, HOOKS_FIFO));
      })
      .catch((error: unknown) => {
        this.#hookFailure ??= error;
        abort();
      });
  }

  /** From now on there is something for poststop hooks to take back. */
  #begin(): void {
    if (this.#record.hooksBegun) return;
    this.#record = { ...this.#record, hooksBegun: true };
    this.#context.store.write(this.#record);
    const record = this.#record;
    this.#undo.unshift({
      name: 'poststop hooks',
      run: async () => {
        await tryHooks(this.#context, record, 'poststop', stateOf(record, 'stopped'));
      },
    });
  }
}

/** Whether the plan made one of the groups, so that they are not another container's. */
function madeGroup({ plan }: ContainerPlan, error: unknown): boolean {
  if (!isPlanError(error)) return true;
  return error.reports.some(
    ({ process, index, errno }) =>
      errno === 0 && plan.processes[process]?.[index]?.purpose.id === 'cgroup-make',
  );
}

/** Nobody waits there any more: whoever did has been ended, and the run tells. */
function sayGo(fifo: string): void {
  const fd = openat(AT.AT_FDCWD, fifo, O.O_WRONLY | O.O_NONBLOCK);
  try {
    writeSync(fd, 'x');
  } finally {
    closeSync(fd);
  }
}

function createdRecord(
  { inits, store }: EngineContext,
  { consoleIndex }: ContainerPlan,
  record: ContainerRecord,
  { hostPids, reports }: PlanResult,
): ContainerRecord {
  const pid = hostPids['init'] ?? 0;
  const startTime = inits.startTimeOf(record.id, pid);
  if (startTime === undefined) throw new Error('init ended at once');
  const master = reports.find(
    ({ process, index }) => process === 'init' && index === consoleIndex,
  )?.result;
  const hooksBegun = store.find(record.id)?.hooksBegun ?? false;
  const consoleFd = master === undefined ? null : Number(master);
  return { ...record, status: 'created', init: { pid, startTime }, hooksBegun, consoleFd };
}
