/**
 * The plan of another program in a running container: join what its first process lives in, be
 * confined as the OCI `process` object says, execve. Pure. Processes: see join-container.ts.
 */
import type { LinuxSeccomp, ProcessConfig } from '@terrarium/spec';
import {
  flagged,
  type Plan,
  PlanBuilder,
  PR,
  SIGNALS,
  type Slot,
  scratch,
  shown,
} from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import { setIds } from '../plan/confine.js';
import { type ConsoleRegisters, openConsole, takeConsole } from '../plan/console.js';
import { DEFAULT_PATH, execute } from '../plan/execute.js';
import {
  confineLikeSandbox,
  type ExecTarget,
  joinCgroupNamespace,
  joinSandbox,
} from '../plan/join-sandbox.js';
import { becomeProcess, sealProcess } from '../plan/process-calls.js';
import { purpose, Script } from '../plan/script.js';
import {
  type ForeignFd,
  NO_FILES,
  placeStandardFiles,
  type Stdio,
  takeFd,
  takeStdio,
} from '../plan/standard-files.js';
import {
  enterContainer,
  type NamespaceType,
  openContainer,
  settleInside,
} from './join-container.js';
import { placePreserved, takePreserved } from './preserved-files.js';

/** The process of the plan that becomes the program. */
export const CONTAINER_EXEC_PROCESS = 'process';

/** What the plan is made from. */
export interface ContainerExecInput {
  readonly id: string;
  /** null: a hook of the runtime, which joins nothing */
  readonly initPid: number | null;
  /** which of the container's namespaces to join */
  readonly namespaces: readonly NamespaceType[];
  /** the container has no mount namespace: its root is only a directory of init's */
  readonly rootOfInit: boolean;
  /** of the runtime's side */
  readonly facts: HostFacts;
  readonly sandbox?: ExecTarget;
  /** the container's group in the runtime's side; null: stay in the runtime's */
  readonly group: string | null;
  /** v2: the group of init itself */
  readonly leaf?: string;
  /** null: keep all powers, as a hook of the runtime does */
  readonly process: ProcessConfig | null;
  readonly seccomp?: LinuxSeccomp;
  readonly stdio?: Stdio;
  readonly preserveFds?: readonly ForeignFd[];
  /** with a terminal: one byte is read from here once the console is there to be taken */
  readonly consoleTaken?: ForeignFd;
  readonly program: {
    readonly args: readonly string[];
    readonly env: readonly string[];
    /** by default the first argument */
    readonly file?: string;
    /** without `process`: where it starts */
    readonly cwd?: string;
  };
}

/** The plan, and where its console is. */
export interface ContainerExecPlan {
  readonly plan: Plan;
  /** of `process`: index of the open of ptmx; null without a terminal */
  readonly consoleIndex: number | null;
}

/** Makes the plan. */
export function containerExecPlan(input: ContainerExecInput): ContainerExecPlan {
  const [file = ''] = input.program.args;
  const where = input.sandbox === undefined ? '' : ` in sandbox ${input.sandbox.id}`;
  const first = input.sandbox === undefined ? 'outside' : 'entry';
  const builder = new PlanBuilder(`exec ${file} in container ${input.id}${where}`, first);
  const host = new Script(builder, first, builder.slot('fd'));
  const files = takeFiles(host, input);
  const opened =
    input.initPid === null
      ? { namespaces: [], root: null }
      : openContainer(host, input.initPid, input.namespaces, input.rootOfInit);
  const outside = input.sandbox === undefined ? host : enterSandbox(builder, host, input.sandbox);
  setOomScore(outside, input);
  const { facts, group, leaf } = input;
  enterContainer(outside, opened, {
    facts,
    group,
    child: CONTAINER_EXEC_PROCESS,
    ...(leaf === undefined ? {} : { leaf }),
  });
  const process = new Script(builder, CONTAINER_EXEC_PROCESS, builder.slot('processFd'));
  settleInside(process, opened);
  const console = becomeMember(process, input, files);
  const plan = builder.build();
  const consoleIndex =
    console === null
      ? null
      : (plan.processes[CONTAINER_EXEC_PROCESS] ?? []).findIndex(
          ({ purpose: { id } }) => id === 'console-master',
        );
  return { plan, consoleIndex };
}

interface Files {
  readonly standard: ReturnType<typeof takeStdio>;
  readonly preserved: readonly Slot[];
  readonly consoleTaken: Slot | null;
}

function takeFiles(script: Script, input: ContainerExecInput): Files {
  const terminal = input.process?.terminal === true;
  return {
    standard: terminal ? NO_FILES : takeStdio(script, input.stdio),
    preserved: takePreserved(script, input.preserveFds ?? []),
    consoleTaken:
      input.consoleTaken === undefined ? null : takeFd(script, input.consoleTaken, 'consoleTaken'),
  };
}

/** @returns the script of outside, in the sandbox and confined as everything there */
function enterSandbox(builder: PlanBuilder, host: Script, target: ExecTarget): Script {
  const init = joinSandbox(host, target, 'outside');
  const outside = new Script(builder, 'outside', builder.slot('outsideFd'));
  joinCgroupNamespace(outside, init);
  confineLikeSandbox(outside, target);
  setIds(outside, 0, 0, []); // root of the sandbox: as yet it is the host's, which is nobody in here
  return outside;
}

/** In a sandbox the sandbox's own score holds already, and /proc there is the learner's. */
function setOomScore(script: Script, { process, sandbox }: ContainerExecInput): void {
  if (process?.oomScoreAdj === undefined || sandbox !== undefined) return;
  script.writeFile(
    '/proc/self/oom_score_adj',
    String(process.oomScoreAdj),
    purpose(
      'oom-score',
      'how early the kernel kills it when memory runs out; children inherit it',
      '内存不足时内核多早杀它；子进程会继承',
    ),
  );
}

function becomeMember(
  script: Script,
  input: ContainerExecInput,
  files: Files,
): ConsoleRegisters | null {
  const { process, program, facts, seccomp } = input;
  script.call('setsid', [], purpose('session', 'lead a session of its own', '成为新会话的首进程'));
  const console = process?.terminal === true ? openConsole(script, process) : null;
  if (console === null) placeStandardFiles(script, files.standard);
  else takeConsole(script, console);
  if (files.consoleTaken !== null) awaitTaken(script, files.consoleTaken);
  if (process === null) {
    dieWithPlayer(script);
    script.call('chdir', [program.cwd ?? '/'], purpose('cwd', 'where it starts', '起始目录'));
    execute(script, program.args, program.env, 0, program.file);
    return console;
  }
  const confinement = {
    facts,
    ...(seccomp === undefined ? {} : { seccomp }),
  };
  becomeProcess(script, process, confinement);
  sealProcess(script, process, confinement);
  const kept = placePreserved(script, files.preserved);
  execute(script, program.args, withPath(program.env), kept, program.file);
  return console;
}

/** A hook without the one who waits for it would have no time limit. */
function dieWithPlayer(script: Script): void {
  const why = purpose('die-with-player', 'end when the player ends', '播放器结束时一同结束');
  const signal = shown(SIGNALS.SIGKILL, 'SIGKILL');
  script.call('prctl', [flagged(PR, 'PR_SET_PDEATHSIG'), signal, 0, 0, 0], why);
}

function awaitTaken(script: Script, fd: Slot): void {
  const why = purpose(
    'await-console-taken',
    'wait until the runtime holds the other end of the terminal',
    '等待运行时取得终端的另一端',
  );
  script.call('read', [fd, scratch(1), 1], why, { atLeast: 1 });
  script.call('close', [fd], why);
}

function withPath(env: readonly string[]): readonly string[] {
  return env.some((entry) => entry.startsWith('PATH=')) ? env : [...env, `PATH=${DEFAULT_PATH}`];
}
