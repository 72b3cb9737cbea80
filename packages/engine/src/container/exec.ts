/**
 * exec: another program in a container that is there already, in any of its namespaces, its
 * cgroups, under its seccomp filter. Host root; a container in a sandbox is entered through it.
 */
import { readFileSync } from 'node:fs';
import type { ProcessConfig } from '@terrarium/spec';
import type { ForeignFd, Stdio } from '../plan/standard-files.js';
import { writeFileAtomically } from '../state/atomic-file.js';
import { asContainerError, ContainerError } from './container-error.js';
import type { ContainerExecInput } from './container-exec-plan.js';
import type { ContainerRecord } from './container-record.js';
import { orEnded } from './ended-meanwhile.js';
import { type EngineContext, exclusively } from './engine-context.js';
import type { NamespaceType } from './join-container.js';
import { liveStatus } from './live-status.js';
import { type RunningProgram, runProgram } from './run-program.js';
import { namespaceTypes, runtimeSide } from './runtime-side.js';
import { openStdioPipes, type StdioPipes, type StdioStreams } from './stdio-pipes.js';
import { assertSupported } from './supported.js';

/** What to start. */
export interface ContainerExecOptions {
  /** as in a config: user, capabilities, limits, terminal, … (see inheritProcess) */
  readonly process: ProcessConfig;
  /** which of the container's to join; all by default */
  readonly namespaces?: readonly NamespaceType[];
  /** without a terminal: files of living processes, or `pipe`; /dev/null by default */
  readonly stdio?: Stdio | 'pipe';
  /** become fds 3, 4, … of the program */
  readonly preserveFds?: readonly ForeignFd[];
  /** its pid, as the host numbers it, is written there */
  readonly pidFile?: string;
}

/** A program that has been started in a container. */
export interface ContainerExecHandle extends RunningProgram {
  /** our ends, with `stdio: 'pipe'` */
  readonly streams: StdioStreams | null;
}

/** The container's own process with other arguments: what `exec ID COMMAND` means. */
export function inheritProcess(
  own: ProcessConfig,
  changes: Partial<ProcessConfig> & { readonly args: string[] },
): ProcessConfig {
  const { consoleSize: _, ...rest } = own;
  return { ...rest, terminal: false, ...changes };
}

/**
 * Resolves once the program has been executed.
 *
 * @throws ContainerError `wrong-state`, `program` with exitCode 126 or 127, `kernel`, `config`
 */
export async function execInContainer(
  context: EngineContext,
  id: string,
  options: ContainerExecOptions,
): Promise<ContainerExecHandle> {
  const what = `exec in container ${id}`;
  return exclusively(context, id, what, async () => {
    const record = context.store.read(id, what);
    const status = liveStatus(context, record);
    if (status !== 'running' && status !== 'created') {
      throw new ContainerError({ code: 'wrong-state', what, reason: `it is ${status}` });
    }
    assertSupported({ ...record.config, process: options.process }, record.sandbox !== null);
    return orEnded(context, record, what, () => startWithPipes(context, record, options, what));
  });
}

async function startWithPipes(
  context: EngineContext,
  record: ContainerRecord,
  options: ContainerExecOptions,
  what: string,
): Promise<ContainerExecHandle> {
  const pipes = options.stdio === 'pipe' ? openStdioPipes(context.store.scratch()) : null;
  try {
    return await startProgram(context, record, options, pipes);
  } catch (error) {
    pipes?.discard();
    throw asContainerError(what, error);
  }
}

async function startProgram(
  context: EngineContext,
  record: ContainerRecord,
  options: ContainerExecOptions,
  pipes: StdioPipes | null,
): Promise<ContainerExecHandle> {
  const stdio = pipes?.stdio ?? (options.stdio === 'pipe' ? undefined : options.stdio);
  const plan = planInput(context, record, { ...options, stdio });
  const program = await runProgram(context.player, plan, context.store.scratch());
  if (options.pidFile !== undefined) writeFileAtomically(options.pidFile, String(program.pid));
  return { ...program, streams: pipes?.started() ?? null };
}

function planInput(
  context: EngineContext,
  record: ContainerRecord,
  options: Omit<ContainerExecOptions, 'stdio'> & { readonly stdio: Stdio | undefined },
): ContainerExecInput {
  const { process, namespaces, stdio, preserveFds } = options;
  const { config, id, init } = record;
  const { facts, sandbox, group } = runtimeSide(context, record);
  const own = namespaceTypes(config);
  const seccomp = config.linux?.seccomp;
  const leaf = leafOf(record, group);
  return {
    id,
    initPid: init?.pid ?? null,
    namespaces: own.filter((type) => namespaces?.includes(type) ?? true),
    rootOfInit: !own.includes('mount'),
    facts,
    group,
    process: withScore(process, config.process),
    program: { args: process.args ?? [], env: process.env ?? [] },
    ...(leaf === undefined ? {} : { leaf }),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(stdio === undefined ? {} : { stdio }),
    ...(preserveFds === undefined ? {} : { preserveFds }),
  };
}

/** Who is not told otherwise is killed as early as the container's own process. */
function withScore(process: ProcessConfig, own: ProcessConfig | undefined): ProcessConfig {
  const oomScoreAdj = process.oomScoreAdj ?? own?.oomScoreAdj;
  return oomScoreAdj === undefined ? process : { ...process, oomScoreAdj };
}

/**
 * Where init is in v2 now: a container that hands controllers on has moved itself to a group
 * below its own, which holds no processes any more and would refuse ours (EBUSY).
 */
function leafOf({ group: onHost, init }: ContainerRecord, group: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${init?.pid ?? 0}/cgroup`, 'utf8');
  } catch {
    return undefined; // it has ended: the plan finds out
  }
  const path = /^0::(.*)$/m.exec(text)?.[1];
  if (path === undefined || !path.startsWith(`${onHost}/`)) return undefined;
  return `${group}${path.slice(onHost.length)}`;
}
