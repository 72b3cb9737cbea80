/**
 * create: a config becomes a process that waits for `start` in its namespaces, groups and root.
 * Daemon or command line, host root; all that happens in namespaces is the plan's.
 */
import { dirname, resolve } from 'node:path';
import type { RuntimeConfig } from '@terrarium/spec';
import { mkfifo, type PlanResult } from '@terrarium/syscall';
import { containerGroup, existingGroups, prepareParents } from '../cgroups/index.js';
import type { ExecTarget } from '../plan/join-sandbox.js';
import type { ForeignFd, Stdio } from '../plan/standard-files.js';
import { runUndo, type UndoStep } from '../undo.js';
import { ContainerError } from './container-error.js';
import { containerPlan } from './container-plan.js';
import type { ContainerRecord } from './container-record.js';
import type { HeldLock } from './container-store.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { START_FIFO } from './live-status.js';
import { sandboxFacts } from './plan-input.js';
import { removeKernelObjects } from './remove.js';

/** What `create` is told. */
export interface CreateContainerInput {
  readonly id: string;
  /** absolute directory that relative paths of the config start from */
  readonly bundle: string;
  readonly config: RuntimeConfig;
  /** make it inside this sandbox: paths of the config are the sandbox's then */
  readonly sandbox?: ExecTarget;
  readonly stdio?: Stdio;
  /** become fds 3, 4, … of the program */
  readonly preserveFds?: readonly ForeignFd[];
  readonly noPivot?: boolean;
}

/** A container that waits for `start`. */
export interface CreatedContainer {
  readonly id: string;
  /** of init, as the host numbers it */
  readonly pid: number;
}

/**
 * @throws ContainerError `exists`, `config`, `kernel`, `hook`, `busy`; nothing is left behind then
 */
export async function createContainer(
  context: EngineContext,
  input: CreateContainerInput,
): Promise<CreatedContainer> {
  const { id } = input;
  const what = `create container ${id}`;
  return exclusively(context, id, what, async (lock) => {
    if (context.store.exists(id)) {
      throw new ContainerError({ code: 'exists', what, reason: 'a container of that name exists' });
    }
    const undo: UndoStep[] = [];
    try {
      return await make(context, input, lock, undo);
    } catch (error) {
      throw await undone(what, error, undo);
    }
  });
}

async function undone(what: string, cause: unknown, undo: readonly UndoStep[]) {
  const failure = await runUndo(what, cause, undo);
  return failure.leftovers.length === 0 ? cause : failure;
}

async function make(
  context: EngineContext,
  input: CreateContainerInput,
  _lock: HeldLock,
  undo: UndoStep[],
): Promise<CreatedContainer> {
  const { store, inits } = context;
  const record = newRecord(context, input);
  const { plan } = planFor(context, input, record);
  refuseForeignGroup(context, record);
  store.makeDirectory(record.id);
  undo.push({ name: 'remove the record', run: () => store.remove(record.id) });
  store.write(record);
  undo.push({ name: 'remove the groups', run: () => removeKernelObjects(context, record) });
  mkfifo(store.path(record.id, START_FIFO), 0o600);
  if (record.sandbox === null) prepareParents(context.facts.cgroups, dirname(record.group));
  const result = await context.player.run(plan, {
    batched: true,
    onStarted: (process, pid) => {
      if (process === 'init') inits.adopt(record.id, pid);
    },
  }).done;
  const created = createdRecord(context, record, result);
  store.write(created);
  return { id: record.id, pid: created.init?.pid ?? 0 };
}

function planFor(context: EngineContext, input: CreateContainerInput, record: ContainerRecord) {
  const { sandbox, stdio, preserveFds, noPivot } = input;
  return containerPlan({
    id: record.id,
    config: record.config,
    bundle: record.bundle,
    facts: sandbox === undefined ? context.facts : sandboxFacts(sandbox),
    startFifo: context.store.path(record.id, START_FIFO),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(stdio === undefined ? {} : { stdio }),
    ...(preserveFds === undefined ? {} : { preserveFds }),
    ...(noPivot === undefined ? {} : { noPivot }),
  });
}

function newRecord(context: EngineContext, input: CreateContainerInput): ContainerRecord {
  const { id, sandbox } = input;
  const parent = sandbox === undefined ? context.parentGroup : '/';
  const cgroupsPath = containerGroup(input.config.linux?.cgroupsPath, { parent, id });
  const config = { ...input.config, linux: { ...input.config.linux, cgroupsPath } };
  return {
    version: 1,
    id,
    bundle: resolve(input.bundle),
    status: 'creating',
    paused: false,
    init: null,
    bootId: context.facts.bootId,
    owner: context.self,
    group: sandbox === undefined ? cgroupsPath : `${sandbox.cgroupsPath}${cgroupsPath}`,
    sandbox: sandbox === undefined ? null : withoutFacts(sandbox),
    createdAt: Date.now(),
    hooksBegun: false,
    consoleFd: null,
    exit: null,
    config,
  };
}

function withoutFacts({
  facts: _,
  ...target
}: ExecTarget): NonNullable<ContainerRecord['sandbox']> {
  return {
    ...target,
    rlimits: [...target.rlimits],
    boundingCapabilities: [...target.boundingCapabilities],
  };
}

function refuseForeignGroup({ facts }: EngineContext, { group }: ContainerRecord): void {
  const [existing] = existingGroups(facts.cgroups, group);
  if (existing !== undefined) throw new Error(`the cgroup ${existing} exists already`);
}

function createdRecord(
  { inits }: EngineContext,
  record: ContainerRecord,
  { hostPids }: PlanResult,
): ContainerRecord {
  const pid = hostPids['init'] ?? 0;
  const startTime = inits.startTimeOf(record.id, pid);
  if (startTime === undefined) throw new Error('init ended at once');
  return { ...record, status: 'created', init: { pid, startTime } };
}
