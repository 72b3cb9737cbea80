/**
 * Hooks: programs of the config that run at fixed moments of a container's life, with its state on
 * standard input. Where each runs:
 *
 *   prestart, createRuntime   the runtime's namespaces; container namespaces exist, root unchanged
 *   createContainer           the container's namespaces, before the root changes: a path of the runtime
 *   startContainer            inside the container, confined as its process
 *   poststart, poststop       the runtime's namespaces
 *
 * The runtime of a container in a sandbox is the sandbox, so its hooks run there, confined as
 * everything in it. A hook that fails (other than poststart, poststop) fails create or start.
 */
import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import type { ContainerState, ProcessConfig, RuntimeConfig } from '@terrarium/spec';
import { SIGNALS } from '@terrarium/syscall';
import type { ForeignFd } from '../plan/standard-files.js';
import { ContainerError } from './container-error.js';
import type { ContainerExecInput } from './container-exec-plan.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';
import { runProgram } from './run-program.js';
import { namespaceTypes, runtimeSide } from './runtime-side.js';

/** Moments, as the config names them. */
export type HookMoment = keyof NonNullable<RuntimeConfig['hooks']> & string;

type Hook = NonNullable<NonNullable<RuntimeConfig['hooks']>['prestart']>[number];

/** A hook without a timeout may take that long: nobody waits for ever. */
const DEFAULT_TIMEOUT_SECONDS = 300;
/** So much of what a failing hook wrote is quoted. */
const QUOTED_CHARACTERS = 500;

/** Whether the config has hooks of any of these moments. */
export function hasHooks({ hooks }: RuntimeConfig, ...moments: readonly HookMoment[]): boolean {
  return moments.some((moment) => hooksOf({ hooks }, moment).length > 0);
}

function hooksOf({ hooks }: Pick<RuntimeConfig, 'hooks'>, moment: HookMoment): readonly Hook[] {
  return (hooks?.[moment] as readonly Hook[] | undefined) ?? [];
}

/**
 * Runs the hooks of a moment in order.
 *
 * @param initPid of the container, for moments in its namespaces
 * @throws ContainerError `hook` for the first one that fails; the others are not run then
 */
export async function runHooks(
  context: EngineContext,
  record: ContainerRecord,
  moment: HookMoment,
  state: ContainerState,
  initPid?: number,
): Promise<void> {
  for (const hook of hooksOf(record.config, moment)) {
    await runHook(context, record, { moment, hook, state, initPid });
  }
}

/** The same for moments at which nothing can be taken back: all are run. @returns what failed */
export async function tryHooks(
  context: EngineContext,
  record: ContainerRecord,
  moment: HookMoment,
  state: ContainerState,
): Promise<ContainerError[]> {
  const failures: ContainerError[] = [];
  for (const hook of hooksOf(record.config, moment)) {
    try {
      await runHook(context, record, { moment, hook, state, initPid: undefined });
    } catch (error) {
      failures.push(error as ContainerError);
    }
  }
  return failures;
}

interface HookRun {
  readonly moment: HookMoment;
  readonly hook: Hook;
  readonly state: ContainerState;
  readonly initPid: number | undefined;
}

async function runHook(
  context: EngineContext,
  record: ContainerRecord,
  { moment, hook, state, initPid }: HookRun,
): Promise<void> {
  const what = `${moment} hook ${hook.path} of container ${record.id}`;
  const input = openNameless(context, JSON.stringify(seenFrom(record, state)));
  const output = openNameless(context, '');
  try {
    const own = (fd: number): ForeignFd => ({ ownerPid: process.pid, fd });
    const stdio = { stdin: own(input), stdout: own(output), stderr: own(output) };
    const plan = { ...planInput(record, context, moment, hook, initPid), stdio };
    const program = await runProgram(context.player, plan, context.store.scratch());
    const reason = await failureOf(program, hook.timeout ?? DEFAULT_TIMEOUT_SECONDS);
    if (reason === undefined) return;
    throw new ContainerError({ code: 'hook', what, reason: `${reason}${quoted(output)}` });
  } catch (error) {
    if (error instanceof ContainerError) throw error;
    throw new ContainerError({
      code: 'hook',
      what,
      reason: (error as Error).message,
      cause: error,
    });
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

/** A runtime in a sandbox numbers init as the sandbox does: one pid namespace further in. */
function seenFrom({ sandbox }: ContainerRecord, state: ContainerState): ContainerState {
  if (sandbox === null || state.pid === undefined) return state;
  try {
    const status = readFileSync(`/proc/${state.pid}/status`, 'utf8');
    const pid = Number(/^NSpid:\t\d+\t(\d+)/m.exec(status)?.[1]);
    return Number.isNaN(pid) ? state : { ...state, pid };
  } catch {
    return state; // it has ended
  }
}

async function failureOf(
  program: Awaited<ReturnType<typeof runProgram>>,
  timeoutSeconds: number,
): Promise<string | undefined> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    program.kill(SIGNALS.SIGKILL);
  }, timeoutSeconds * 1000);
  const { exitCode, signal } = await program.exited;
  clearTimeout(timer);
  if (late) return `it did not end within ${timeoutSeconds} s`;
  if (signal !== null) return `it was ended by signal ${signal}`;
  return exitCode === 0 ? undefined : `it ended with ${exitCode}`;
}

function planInput(
  record: ContainerRecord,
  context: EngineContext,
  moment: HookMoment,
  hook: Hook,
  initPid: number | undefined,
): ContainerExecInput {
  const { config, bundle, id } = record;
  const { facts, sandbox, group } = runtimeSide(context, record);
  const args = hook.args ?? [hook.path];
  const isInside = moment === 'startContainer';
  const joins = isInside || moment === 'createContainer';
  const seccomp = isInside ? config.linux?.seccomp : undefined;
  return {
    id,
    initPid: joins ? (initPid ?? null) : null,
    namespaces: joins ? namespaceTypes(config) : [],
    rootOfInit: isInside && !namespaceTypes(config).includes('mount'),
    facts,
    group: joins ? group : null,
    process: isInside ? processOf(config) : null,
    program: {
      args,
      env: hook.env ?? [],
      file: hook.path,
      cwd: joins || sandbox !== undefined ? '/' : bundle,
    },
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(seccomp === undefined ? {} : { seccomp }),
  };
}

/** Confined as the container's process, but without its terminal. */
function processOf({ process }: RuntimeConfig): ProcessConfig | null {
  return process === undefined ? null : { ...process, terminal: false };
}

/** A file without a name: what it takes in is bounded by the disk, and it never blocks. */
function openNameless({ store }: EngineContext, content: string): number {
  const path = store.scratch();
  writeFileSync(path, content, { mode: 0o600 });
  const fd = openSync(path, 'r+');
  unlinkSync(path);
  return fd;
}

function quoted(fd: number): string {
  const text = readFileSync(`/proc/self/fd/${fd}`, 'utf8').trim().slice(0, QUOTED_CHARACTERS);
  return text === '' ? '' : `: ${text}`;
}
