/**
 * What the daemon needs of the parts that touch the kernel, and no more: sandboxes (engine),
 * terminals (the terminal host process) and the observer process. The real ones are adapters of a
 * few lines each; the unit tests use the fakes in testing/.
 */
import type { LocalText, TerminalInfo } from '@terrarium/protocol';
import type { EventBody } from '@terrarium/timeline';
import type { FenceReader } from './fence.js';
import type { SandboxFiles } from './files.js';
import type { StepperKit } from './stepper/index.js';
import type { ShellMark } from './terminal-host/index.js';

/** A sandbox that runs. The same id may come again with another init: a reset sandbox. */
export interface SandboxInfo {
  readonly id: string;
  /** its PID 1, in the host's pid namespace */
  readonly initPid: number;
  /** field 22 of /proc/PID/stat: with the pid it names that process for ever */
  readonly initStartTime: number;
  /** absolute directories of its cgroups, one a hierarchy */
  readonly cgroups: readonly string[];
  /** what the terminal host's launcher needs to start a shell in it; opaque here */
  readonly exec: unknown;
}

/** Makes and ends sandboxes. */
export interface Sandboxes {
  /** what this machine lacks, one sentence each */
  readonly reduced: readonly LocalText[];
  /** the shell of a terminal, as the base image has it */
  readonly shell: readonly string[];
  /** what runs plans call by call; null where nothing real runs */
  readonly stepper: StepperKit | null;
  /** reads what holds a process of a sandbox */
  readonly fence: FenceReader;
  /** reads and writes files of a sandbox, as its root */
  readonly files: SandboxFiles;
  /** @throws when the kernel refuses; nothing is left behind then */
  create(id: string): Promise<SandboxInfo>;
  /** Finds what an earlier daemon left: live ones are returned, dead or half-made ones removed. */
  adopt(): Promise<readonly SandboxInfo[]>;
  /** Ends every process and removes every trace. Quiet about an unknown id. */
  remove(id: string): Promise<void>;
  /** The sandbox ended without `remove`: its init was killed. */
  onGone(listener: (sandbox: SandboxInfo) => void): void;
  close(): Promise<void>;
}

/** A shell in a terminal begins a command line, or is done with it. */
export interface TerminalMark {
  readonly terminal: string;
  /** N of its /dev/pts/N */
  readonly pts: number;
  readonly mark: ShellMark;
}

/** What the terminal host holds of one sandbox. */
export interface HostedSandbox {
  readonly sandbox: string;
  readonly initPid: number;
  readonly initStartTime: number;
  readonly terminals: readonly TerminalInfo[];
  /** starts of the commands that have not ended; absent for none */
  readonly commands?: readonly TerminalMark[];
}

/** What a new terminal is to be. */
export interface TerminalRequest {
  readonly id: string;
  readonly sandbox: string;
  /** sha256 of the token that may connect to it */
  readonly tokenHash: string;
  readonly cols: number;
  readonly rows: number;
}

/** The terminal host, which outlives the daemon. Terminal ids are unique in the whole host. */
export interface Terminals {
  /** Starts the host if none answers. */
  connect(): Promise<void>;
  list(): Promise<readonly HostedSandbox[]>;
  /**
   * Tells of a sandbox, or of its successor under the same id. Must come before any learner's
   * code runs in it: the host takes hold of its devpts.
   */
  register(sandbox: SandboxInfo): Promise<void>;
  open(request: TerminalRequest): Promise<TerminalInfo>;
  /** A new shell in the present sandbox; connected pages stay. */
  restart(request: TerminalRequest): Promise<TerminalInfo>;
  close(terminal: string): Promise<void>;
  /** Ends every terminal of the sandbox and lets go of its devpts. Quiet about an unknown id. */
  forget(sandbox: string): Promise<void>;
  /** Resolves once the shell waits for a line, some seconds later at the latest. */
  ready(terminal: string): Promise<void>;
  /** Types into a terminal, as the learner would. */
  type(terminal: string, text: string): Promise<void>;
  /** A terminal's shell ended. */
  onChange(listener: (sandbox: string, terminal: TerminalInfo) => void): void;
  /** Shells tell what they run. Nothing is told of a terminal that was closed or restarted. */
  onMark(listener: (sandbox: string, mark: TerminalMark) => void): void;
  /** The host died and a new one stands: it knows no sandbox, and every shell is gone. */
  onRestart(listener: () => void): void;
  /** Ends the host itself: only at a clean stop. */
  shutdown(): Promise<void>;
}

/** The observer process. Watching is remembered over its restarts. */
export interface Observer {
  start(): Promise<void>;
  watch(sandbox: SandboxInfo): void;
  unwatch(id: string): void;
  /** Resolves once nothing that its processes do from here on is missed, or nobody can say so. */
  settled(id: string): Promise<void>;
  /** How many pages look at it: without any, it is compared with the kernel less often. */
  viewers(id: string, count: number): void;
  /** Tapes the system calls of its processes, or ends that. */
  trace(id: string, on: boolean): void;
  onBatch(listener: (sandbox: string, events: readonly EventBody[]) => void): void;
  stop(): Promise<void>;
}
