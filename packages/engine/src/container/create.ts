/**
 * create: a config becomes a process that waits for `start` in its namespaces, groups and root.
 * Daemon or command line, host root; all that happens in namespaces is the plan's.
 *
 * The plan's processes hold the container's lock too. So when we are killed in the middle, whoever
 * comes next gets the lock only when nothing of this create is under way any more.
 */
import { closeSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RuntimeConfig } from '@terrarium/spec';
import { AT, type CallReport, ERRNO, mkfifo, O, openat, type PlanResult } from '@terrarium/syscall';
import {
  existingGroups,
  groupPath,
  prepareParents,
  translateResources,
  withControlFiles,
} from '../cgroups/index.js';
import type { HostFacts } from '../host-facts.js';
import type { ContainerNetworkConfig } from '../network/index.js';
import type { ExecTarget } from '../plan/join-sandbox.js';
import type { ForeignFd, Stdio } from '../plan/standard-files.js';
import { writeFileAtomically } from '../state/atomic-file.js';
import { runUndo, type UndoStep } from '../undo.js';
import { takeMaster } from './container-console.js';
import { ContainerError, isPlanError } from './container-error.js';
import { type ContainerPlan, containerPlan } from './container-plan.js';
import type { ContainerRecord } from './container-record.js';
import type { HeldLock } from './container-store.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { recordExitLater } from './exit-record.js';
import { hasHooks, runHooks, tryHooks } from './hooks.js';
import { HOOKS_FIFO, RESULT_FIFO, START_FIFO, stateOf } from './live-status.js';
import { newRecord } from './new-record.js';
import { clearLeftover, removeKernelObjects, removeNetwork, removeParents } from './remove.js';
import { runtimeSide } from './runtime-side.js';
import { openStdioPipes, type StdioStreams } from './stdio-pipes.js';

/** What `create` is told. */
export interface CreateContainerInput {
  readonly id: string;
  /** absolute directory that relative paths of the config start from */
  readonly bundle: string;
  readonly config: RuntimeConfig;
  /** make it inside this sandbox: paths of the config are the sandbox's then */
  readonly sandbox?: ExecTarget;
  /** without a terminal: files of living processes, or `pipe` for pipes to us; /dev/null by default */
  readonly stdio?: Stdio | 'pipe';
  /** become fds 3, 4, … of the program */
  readonly preserveFds?: readonly ForeignFd[];
  /** init's pid is written there, in decimal */
  readonly pidFile?: string;
  /** connects its own network namespace to a bridge of the runtime's; removed with it */
  readonly network?: ContainerNetworkConfig;
  readonly noPivot?: boolean;
  /** follows each system call */
  readonly onReport?: (report: CallReport) => void;
}

/** A container that waits for `start`. */
export interface CreatedContainer {
  readonly id: string;
  /** of init, as the host numbers it */
  readonly pid: number;
  /** master of the terminal, the caller's to close (see ContainerConsole); null without a terminal */
  readonly consoleFd: number | null;
  /** our ends, with `stdio: 'pipe'` */
  readonly streams: StdioStreams | null;
}

/** Moments of create, in this order. */
const CREATE_HOOKS = ['prestart', 'createRuntime', 'createContainer'] as const;

/** An empty parent may be removed by another engine that closes: make it again so many times. */
const PARENT_ATTEMPTS = 5;

/**
 * @throws ContainerError `exists`, `config`, `kernel`, `hook`, `busy`; nothing is left behind then
 */
export async function createContainer(
  context: EngineContext,
  input: CreateContainerInput,
): Promise<CreatedContainer> {
  const { id } = input;
  const what = `create container ${id}`;
  const action = async (lock: HeldLock) => {
    await refuseExisting(context, id, what);
    const undo: UndoStep[] = [];
    try {
      return await make(context, input, lock, undo);
    } catch (error) {
      if (isPlayerGone(error)) throw error;
      const failure = await runUndo(what, error, undo);
      throw failure.leftovers.length === 0 ? error : failure;
    }
  };
  return exclusively(context, id, what, action, true);
}

/**
 * Without the player nobody knows what its runners still do: they hold the lock, and whoever gets it
 * next finds a container that is half-made and removes it, as after a kill of our own process.
 */
function isPlayerGone(error: unknown): boolean {
  return isPlanError(error) && error.failed === undefined && error.cause !== undefined;
}

/** What a killed predecessor left of a create is in nobody's way. */
async function refuseExisting(context: EngineContext, id: string, what: string): Promise<void> {
  const { store } = context;
  if (!store.exists(id)) return;
  const record = store.find(id);
  if (record !== undefined && record.status !== 'creating')
    throw new ContainerError({ code: 'exists', what, reason: 'a container of that name exists' });
  await clearLeftover(context, id, record);
}

async function make(
  context: EngineContext,
  input: CreateContainerInput,
  lock: HeldLock,
  undo: UndoStep[],
): Promise<CreatedContainer> {
  const { store } = context;
  const record = newRecord(context, input);
  const pipes = input.stdio === 'pipe' ? openStdioPipes(store.scratch()) : null;
  if (pipes !== null) undo.push({ name: 'close the pipes', run: () => pipes.discard() });
  const stdio = pipes?.stdio ?? (input.stdio === 'pipe' ? undefined : input.stdio);
  const plan = planFor(context, { ...input, stdio }, record, lock);
  refuseForeignGroup(context, record);
  const complete = { ...record, tail: tailOf(plan) };
  store.makeDirectory(record.id);
  undo.push({ name: 'remove the record', run: () => store.remove(record.id) });
  store.write(complete);
  makeFifos(context, complete);
  if (complete.network !== null)
    undo.push({ name: 'remove the network', run: () => removeNetwork(context, complete) });
  const created = await runPlan(context, input, plan, complete, undo);
  undo.push({ name: 'let go of init', run: () => context.inits.forget(record.id) });
  const consoleFd = created.consoleFd === null ? null : takeConsole(created);
  if (consoleFd !== null) undo.push({ name: 'close the console', run: () => closeSync(consoleFd) });
  store.write(created);
  recordExitLater(context, created);
  const pid = created.init?.pid ?? 0;
  if (input.pidFile !== undefined) writeFileAtomically(input.pidFile, String(pid));
  return { id: record.id, pid, consoleFd, streams: pipes?.started() ?? null };
}

type PlannedInput = Omit<CreateContainerInput, 'stdio'> & { readonly stdio: Stdio | undefined };

function planFor(
  context: EngineContext,
  { stdio, preserveFds, noPivot }: PlannedInput,
  record: ContainerRecord,
  lock: HeldLock,
): ContainerPlan {
  const { facts, sandbox, group } = runtimeSide(context, record);
  const { id, bundle, config } = record;
  const here = (file: string) => context.store.path(id, file);
  return containerPlan({
    id,
    config: { ...config, linux: { ...config.linux, cgroupsPath: group } },
    bundle,
    facts: sandbox === undefined ? forLimits(facts, record) : facts,
    startFifo: here(START_FIFO),
    resultFifo: here(RESULT_FIFO),
    lock: { ownerPid: process.pid, fd: lock.fd },
    sourceKind: sandbox === undefined ? kindOnHost : kindInSandbox(sandbox.initPid),
    ...(record.network === null ? {} : { network: record.network }),
    ...(hasHooks(config, ...CREATE_HOOKS) ? { hooksFifo: here(HOOKS_FIFO) } : {}),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(stdio === undefined ? {} : { stdio }),
    ...(preserveFds === undefined ? {} : { preserveFds }),
    ...(noPivot === undefined ? {} : { noPivot }),
  });
}

/** What a new child of the group's parent will be like decides which limits can be written. */
function forLimits(facts: HostFacts, { config, group }: ContainerRecord): HostFacts {
  if (Object.keys(config.linux?.resources ?? {}).length === 0) return facts;
  return { ...facts, cgroups: withControlFiles(facts.cgroups, dirname(group)) };
}

/** What is to be made at the destination of a bind; the plan itself then decides what is there. */
function kindOnHost(source: string): 'file' | 'directory' {
  const stat = statSync(source, { throwIfNoEntry: false });
  return stat === undefined || stat.isDirectory() ? 'directory' : 'file';
}

/** A wrong answer, by a learner who changes it meanwhile, makes the mount fail. */
function kindInSandbox(initPid: number): (source: string) => 'file' | 'directory' {
  return (source) => kindOnHost(`/proc/${initPid}/root${source}`);
}

/** What init does after the detach. */
function tailOf({ plan }: ContainerPlan): ContainerRecord['tail'] {
  const steps = plan.processes['init'] ?? [];
  const first = steps.findIndex(({ kind }) => kind === 'detach') + 1;
  const displays = steps
    .slice(first)
    .map((step) => (step.kind === 'call' ? step.display : step.kind));
  return { first, displays };
}

/** Before the first process: a group that exists is somebody's. */
function refuseForeignGroup({ facts }: EngineContext, { group }: ContainerRecord): void {
  const [existing] = existingGroups(facts.cgroups, group);
  if (existing === undefined) return;
  throw new Error(`the cgroup ${existing} exists already: is it another container’s?`);
}

function makeFifos({ store }: EngineContext, { id, config }: ContainerRecord): void {
  mkfifo(store.path(id, START_FIFO), 0o600);
  mkfifo(store.path(id, RESULT_FIFO), 0o600);
  if (hasHooks(config, ...CREATE_HOOKS)) mkfifo(store.path(id, HOOKS_FIFO), 0o600);
}

async function runPlan(
  context: EngineContext,
  input: CreateContainerInput,
  plan: ContainerPlan,
  record: ContainerRecord,
  undo: UndoStep[],
): Promise<ContainerRecord> {
  for (let attempt = 1; ; attempt++) {
    try {
      const complete = record.sandbox === null ? withParents(context, record, undo) : record;
      const result = await new Creation(context, input, plan, complete, undo).run();
      return createdRecord(context, plan, complete, result);
    } catch (error) {
      if (attempt === PARENT_ATTEMPTS || !lacksParent(plan, error)) throw error;
      await removeKernelObjects(context, record);
    }
  }
}

/** @returns the record with the parents that had to be made, and go with the container */
function withParents(
  context: EngineContext,
  record: ContainerRecord,
  undo: UndoStep[],
): ContainerRecord {
  const { facts, parentGroup, store } = context;
  const { controllers } = translateResources(facts.cgroups, record.config.linux?.resources ?? {});
  const made = prepareParents(facts.cgroups, dirname(record.group), controllers);
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
  return plan.processes[process]?.[index]?.purpose.id === 'cgroup-make';
}

/** One run of a plan, with the hooks at which it waits. */
class Creation {
  readonly #context: EngineContext;
  readonly #input: CreateContainerInput;
  readonly #plan: ContainerPlan;
  readonly #undo: UndoStep[];
  #record: ContainerRecord;
  /** may be heard after reports of what comes later: the processes of a plan report themselves */
  readonly #initPid: Promise<number>;
  #setInitPid: (pid: number) => void = () => {};
  #hooks: Promise<void> = Promise.resolve();
  #hookFailure: unknown;
  #undoes = false;

  constructor(
    context: EngineContext,
    input: CreateContainerInput,
    plan: ContainerPlan,
    record: ContainerRecord,
    undo: UndoStep[],
  ) {
    this.#context = context;
    this.#input = input;
    this.#plan = plan;
    this.#record = record;
    this.#undo = undo;
    this.#initPid = new Promise((resolve) => {
      this.#setInitPid = resolve;
    });
  }

  async run(): Promise<PlanResult> {
    const { hooksIndex, plan } = this.#plan;
    const { onReport } = this.#input;
    const isFollowed = hooksIndex !== null || onReport !== undefined;
    const run = this.#context.player.run(plan, {
      batched: !isFollowed,
      onStarted: (process, pid) => this.#started(process, pid),
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

function takeConsole({ init, consoleFd }: ContainerRecord): number {
  return takeMaster(init?.pid ?? 0, consoleFd ?? -1);
}
