/**
 * create: a config becomes a process that waits for `start` in its namespaces, groups and root.
 * Daemon or command line, host root; all that happens in namespaces is the plan's.
 *
 * The plan's processes hold the container's lock too. So when we are killed in the middle, whoever
 * comes next gets the lock only when nothing of this create is under way any more.
 */
import { closeSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { RuntimeConfig } from '@terrarium/spec';
import { type CallReport, mkfifo } from '@terrarium/syscall';
import { kindBelowRoot } from '../below-root.js';
import { existingGroups, withControlFiles } from '../cgroups/index.js';
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
import { CREATE_HOOKS, runCreation } from './creation.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { recordExitLater } from './exit-record.js';
import { hasHooks } from './hooks.js';
import { HOOKS_FIFO, RESULT_FIFO, START_FIFO } from './live-status.js';
import { type Cast, type PlannedContainer, plannedAnew } from './molds.js';
import { newRecord } from './new-record.js';
import { clearLeftover, removeNetwork } from './remove.js';
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
  const planned = planFor(context, { ...input, stdio }, record, lock);
  const { plan } = planned;
  refuseForeignGroup(context, record);
  const complete = { ...record, tail: tailOf(plan) };
  store.makeDirectory(record.id);
  undo.push({ name: 'remove the record', run: () => store.remove(record.id) });
  store.write(complete);
  makeFifos(context, complete);
  if (complete.network !== null)
    undo.push({ name: 'remove the network', run: () => removeNetwork(context, complete) });
  const { onReport } = input;
  const created = await runCreation(
    context,
    { ...planned, record: complete, onReport },
    undo,
  ).catch((error: unknown) => {
    throw planned.ownError(error);
  });
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
  input: PlannedInput,
  record: ContainerRecord,
  lock: HeldLock,
): PlannedContainer {
  const { sandbox, group, facts } = runtimeSide(context, record);
  const { bundle, config } = record;
  const { stdio, preserveFds, noPivot } = input;
  const sourceKind = (source: string) =>
    sandbox === undefined ? kindOnHost(source) : kindBelowRoot(sandbox.initPid, source);
  const make = (cast: Cast) => {
    const here = (file: string) => context.store.path(cast.id, file);
    const cgroupsPath = cast.id === record.id ? group : join(context.parentGroup, cast.id);
    return containerPlan({
      id: cast.id,
      config: { ...config, linux: { ...config.linux, cgroupsPath } },
      bundle,
      facts: sandbox === undefined ? forLimits(context, record) : facts,
      startFifo: here(START_FIFO),
      resultFifo: here(RESULT_FIFO),
      lock: { ownerPid: process.pid, fd: cast.lockFd },
      sourceKind,
      ...(record.network === null ? {} : { network: record.network }),
      ...(hasHooks(config, ...CREATE_HOOKS) ? { hooksFifo: here(HOOKS_FIFO) } : {}),
      ...(sandbox === undefined ? {} : { sandbox }),
      ...(stdio === undefined ? {} : { stdio }),
      ...(preserveFds === undefined ? {} : { preserveFds }),
      ...(noPivot === undefined ? {} : { noPivot }),
    });
  };
  const cast = { id: record.id, lockFd: lock.fd };
  if (!isCastable(context, input, record)) return plannedAnew(make(cast));
  const kinds = (config.mounts ?? []).map(({ source = '' }) => sourceKind(resolve(bundle, source)));
  return context.molds.planned(JSON.stringify([bundle, config, noPivot, kinds]), cast, make);
}

/** Nothing but id and lock differs from the next container of the same config. */
function isCastable(
  { parentGroup }: EngineContext,
  { stdio, preserveFds, onReport }: PlannedInput,
  { sandbox, network, config, group }: ContainerRecord,
): boolean {
  const isOrdinary = sandbox === null && network === null && dirname(group) === parentGroup;
  const ownFiles = stdio !== undefined || (preserveFds?.length ?? 0) > 0;
  return isOrdinary && !ownFiles && onReport === undefined && !hasHooks(config, ...CREATE_HOOKS);
}

/** What a new child of the group's parent will be like decides which limits can be written. */
function forLimits(
  { facts, parentGroup }: EngineContext,
  { config, group }: ContainerRecord,
): HostFacts {
  const asksNothing = Object.keys(config.linux?.resources ?? {}).length === 0;
  // The common parent passes its CPUs down by itself (v1).
  if (asksNothing && dirname(group) === parentGroup) return facts;
  return { ...facts, cgroups: withControlFiles(facts.cgroups, dirname(group)) };
}

/** What is to be made at the destination of a bind; the plan itself then decides what is there. */
function kindOnHost(source: string): 'file' | 'directory' {
  const stat = statSync(source, { throwIfNoEntry: false });
  return stat === undefined || stat.isDirectory() ? 'directory' : 'file';
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

function takeConsole({ init, consoleFd }: ContainerRecord): number {
  return takeMaster(init?.pid ?? 0, consoleFd ?? -1);
}
