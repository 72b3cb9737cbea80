/**
 * What the daemon needs of the parts that touch the kernel, and no more: sandboxes (engine),
 * terminals (the terminal host process) and the observer process. The real ones are adapters of a
 * few lines each; the unit tests use the fakes in testing/.
 */
import type { Limits, LocalText, TerminalInfo } from '@terrarium/protocol';
import type { EventBody } from '@terrarium/timeline';

/** A sandbox that runs. */
export interface SandboxInfo {
  readonly id: string;
  /** its PID 1, in the host's pid namespace */
  readonly initPid: number;
  /** field 22 of /proc/PID/stat: with the pid it names that process for ever */
  readonly initStartTime: number;
  /** what the observer needs to find its processes; opaque here */
  readonly cgroups: readonly string[];
}

/** Makes and ends sandboxes. */
export interface Sandboxes {
  readonly limits: Omit<Limits, 'terminals'>;
  /** what this machine lacks, one sentence each */
  readonly reduced: readonly LocalText[];
  /** @throws when the kernel refuses; nothing is left behind then */
  create(id: string): Promise<SandboxInfo>;
  /** Finds what an earlier daemon left: live ones are returned, dead or half-made ones removed. */
  adopt(): Promise<readonly SandboxInfo[]>;
  /** Ends every process and removes every trace. Quiet about an unknown id. */
  remove(id: string): Promise<void>;
  /** The sandbox ended without `remove`: its init was killed. */
  onGone(listener: (id: string) => void): void;
  close(): Promise<void>;
}

/** What the terminal host holds of one sandbox. */
export interface HostedSandbox {
  readonly sandbox: string;
  readonly terminals: readonly TerminalInfo[];
}

/** The terminal host, which outlives the daemon. Every call may fail when it is being restarted. */
export interface Terminals {
  /** Starts the host if none answers. */
  connect(): Promise<void>;
  list(): Promise<readonly HostedSandbox[]>;
  /** Must come before any learner's code runs in the sandbox: see the host's header. */
  register(sandbox: SandboxInfo, tokenHashes: readonly string[]): Promise<void>;
  /** @param id of a terminal that ended, to start a new shell under the same name */
  open(sandbox: string, size: { cols: number; rows: number }, id?: string): Promise<TerminalInfo>;
  close(sandbox: string, terminal: string): Promise<void>;
  /** Ends every terminal of the sandbox and lets go of its devpts. */
  forget(sandbox: string): Promise<void>;
  /** Types into a terminal, as the learner would. */
  type(sandbox: string, terminal: string, text: string): Promise<void>;
  onChange(listener: (sandbox: string, terminals: readonly TerminalInfo[]) => void): void;
  /** Ends the host itself: only at a clean stop. */
  shutdown(): Promise<void>;
  /** Lets go of the host; it lives on. */
  disconnect(): void;
}

/** The observer process. Watching is remembered over its restarts. */
export interface Observer {
  start(): Promise<void>;
  watch(sandbox: SandboxInfo): void;
  unwatch(id: string): void;
  onBatch(listener: (sandbox: string, events: readonly EventBody[]) => void): void;
  stop(): Promise<void>;
}
