/**
 * Runs the plan of a program in a container (exec, hooks) and holds on to what it started.
 * Daemon or command line, host root.
 */
import { closeSync, writeSync } from 'node:fs';
import { type Player, pidfdOpen, pidfdSendSignal, SyscallError } from '@terrarium/syscall';
import { takeMaster } from './container-console.js';
import {
  CONTAINER_EXEC_PROCESS,
  type ContainerExecInput,
  containerExecPlan,
} from './container-exec-plan.js';
import { openPipe } from './stdio-pipes.js';
import { type ContainerExit, exitOf } from './wait.js';

/** A program that has been started. */
export interface RunningProgram {
  /** as the host numbers it */
  readonly pid: number;
  /** how it ended; never rejects */
  readonly exited: Promise<ContainerExit>;
  /** master of its terminal, the caller's to close; null without one */
  readonly consoleFd: number | null;
  /** Sends a signal to that very process; quiet when it has ended. */
  kill(signal: number): void;
}

/**
 * @param scratch path of a file that may be made and removed at once
 * @throws PlanError when a call is refused: nothing runs then
 */
export async function runProgram(
  player: Player,
  input: ContainerExecInput,
  scratch: string,
): Promise<RunningProgram> {
  if (input.process?.terminal !== true) {
    return started(player, containerExecPlan(input).plan, null);
  }
  const ready = openPipe(scratch);
  try {
    const consoleTaken = { ownerPid: process.pid, fd: ready.read };
    const { plan, consoleIndex } = containerExecPlan({ ...input, consoleTaken });
    return await started(player, plan, { index: consoleIndex ?? -1, ready: ready.write });
  } finally {
    closeSync(ready.read);
    closeSync(ready.write);
  }
}

async function started(
  player: Player,
  plan: ReturnType<typeof containerExecPlan>['plan'],
  terminal: { readonly index: number; readonly ready: number } | null,
): Promise<RunningProgram> {
  const held = new HeldProgram(player, () => {
    if (terminal !== null) writeSync(terminal.ready, 'x');
  });
  try {
    const run = player.run(plan, {
      batched: terminal === null,
      onStarted: (name, pid) => {
        if (name === CONTAINER_EXEC_PROCESS) held.begin(pid);
      },
      onReport: ({ process: name, index, errno, result }) => {
        if (name !== CONTAINER_EXEC_PROCESS || index !== terminal?.index || errno !== 0) return;
        held.hasConsole(Number(result));
      },
    });
    held.onProblem = () => run.abort();
    await run.done;
    return held.running();
  } catch (error) {
    held.discard();
    throw held.problem ?? error;
  }
}

/**
 * A process from its first moment on, so that no other can be taken for it. What it reports itself
 * may be heard before the player says that it began.
 */
class HeldProgram {
  /** why the terminal could not be taken */
  problem: unknown;
  onProblem: () => void = () => {};
  readonly #player: Player;
  readonly #consoleTaken: () => void;
  #pid = 0;
  #pidfd = -1;
  #masterFd: number | undefined;
  #console: number | null = null;
  #exited: Promise<number> | undefined;

  constructor(player: Player, consoleTaken: () => void) {
    this.#player = player;
    this.#consoleTaken = consoleTaken;
  }

  begin(pid: number): void {
    this.#pid = pid;
    this.#exited = new Promise((resolve) => this.#player.onExit(pid, resolve));
    try {
      this.#pidfd = pidfdOpen(pid);
    } catch {
      // ended already: its status is on the way
    }
    this.#takeConsole();
  }

  /** @param fd of its terminal's master, in that process */
  hasConsole(fd: number): void {
    this.#masterFd = fd;
    this.#takeConsole();
  }

  #takeConsole(): void {
    if (this.#pid === 0 || this.#masterFd === undefined) return;
    try {
      this.#console = takeMaster(this.#pid, this.#masterFd);
      this.#consoleTaken();
    } catch (error) {
      this.problem = error;
      this.onProblem();
    }
  }

  running(): RunningProgram {
    if (this.problem !== undefined) throw this.problem;
    if (this.#exited === undefined) throw new Error('no process was started');
    const exited = this.#exited.then((status) => {
      this.#release();
      return exitOf(status);
    });
    return {
      pid: this.#pid,
      exited,
      consoleFd: this.#console,
      kill: (signal) => this.#kill(signal),
    };
  }

  discard(): void {
    this.#release();
    if (this.#console !== null) closeSync(this.#console);
  }

  #kill(signal: number): void {
    if (this.#pidfd === -1) return;
    try {
      pidfdSendSignal(this.#pidfd, signal);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error; // ESRCH: it has ended
    }
  }

  #release(): void {
    if (this.#pidfd !== -1) closeSync(this.#pidfd);
    this.#pidfd = -1;
  }
}
