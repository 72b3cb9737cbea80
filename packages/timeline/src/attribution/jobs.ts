/**
 * Process groups as commands, for shells that do not say what they run: a shell with job control
 * puts each pipeline into a process group of its own. Also finds the command of an orphan by its
 * group, which outlives its parents.
 */
import type { EventBody, TimelineEvent } from '../events.js';
import type { ProcessKey, ProcessState } from '../state.js';
import { type Credit, joinCredits } from './credit.js';

type Start = Extract<EventBody, { type: 'command.start' }>;

/** Makes an inferred command and returns its credit. */
export type StartJob = (start: Start, event: TimelineEvent) => Credit;

interface Job {
  readonly id: string;
  readonly shell: ProcessKey;
  readonly credit: Credit;
  /** children of the shell in this group that live */
  readonly members: Set<ProcessKey>;
}

/** What was taken for commands of a shell, and its newest children, living or dead. */
export interface Inferred {
  readonly commands: readonly string[];
  readonly forks: readonly Child[];
}

/** A child of a shell that does not say what it runs. */
interface Child {
  readonly credit: Credit;
  readonly bornAt: number;
  readonly shell: ProcessKey;
  job: Job | null;
}

/** Ended children of silent shells: the first command of a shell may be told after all of them. */
const REMEMBERED_ENDS = 64;

/** Programs that give their children groups when they run on a terminal without a script. */
const SHELLS = new Set(['ash', 'bash', 'busybox', 'dash', 'fish', 'ksh', 'sh', 'zsh']);

export class Jobs {
  /** whose each pid is; a group's number is its leader's pid, and not used again while it lives */
  private readonly byPid = new Map<number, Credit>();
  private readonly jobs = new Map<number, Job>();
  private readonly children = new Map<ProcessKey, Child>();
  /** forks that have not become a program: a subshell looks like its shell, and is none */
  private readonly copies = new Set<ProcessKey>();
  /** the newest that ended */
  private ended: Child[] = [];
  /** shells that say what they run: nothing of theirs is inferred */
  private readonly saying = new Set<ProcessKey>();
  private readonly start: StartJob;

  constructor(start: StartJob) {
    this.start = start;
  }

  clear(): void {
    for (const known of [this.byPid, this.jobs, this.children, this.saying, this.copies])
      known.clear();
    this.ended = [];
  }

  /** This shell says what it runs. @returns what was inferred of it until now, wrongly */
  integrated(shell: ProcessKey): Inferred {
    if (this.saying.has(shell)) return { commands: [], forks: [] };
    this.saying.add(shell);
    const wrong = new Set<string>();
    const forks = this.ended.filter((child) => child.shell === shell);
    for (const [key, child] of this.children) {
      if (child.shell !== shell) continue;
      forks.push(child);
      this.children.delete(key);
    }
    for (const [group, job] of this.jobs) {
      if (job.shell !== shell) continue;
      wrong.add(job.id);
      this.jobs.delete(group);
    }
    return { commands: [...wrong], forks };
  }

  /** A process has become a program of its own. */
  execed(key: ProcessKey): void {
    this.copies.delete(key);
  }

  /** Another program has taken the shell's place: whether it says something is to be seen. */
  replaced(shell: ProcessKey): void {
    this.saying.delete(shell);
  }

  /** Whose the group of a new process is: its leader's, living or dead. Null for a leader. */
  ofGroupOf({ hostPid, processGroup }: ProcessState): Credit | null {
    return processGroup === hostPid ? null : (this.byPid.get(processGroup) ?? null);
  }

  /** True for a shell at a terminal that has never said what it runs. */
  infers(process: ProcessState): boolean {
    if (this.saying.has(process.key) || this.copies.has(process.key)) return false;
    if (process.terminal === null) return false;
    if (process.parent === null) return true;
    const options = process.args.slice(1);
    const isPlain = options.every((one) => one.startsWith('-') && !/^-\w*c/.test(one));
    return SHELLS.has(process.comm.replace(/^-/, '')) && isPlain;
  }

  forked(process: ProcessState, credit: Credit, shell: ProcessState | undefined): void {
    this.byPid.set(process.hostPid, credit);
    this.jobs.delete(process.hostPid); // a pid that is used again: its old group is gone
    if (shell === undefined) return;
    if (process.args.join(' ') === shell.args.join(' ')) this.copies.add(process.key);
    if (!this.infers(shell)) return;
    const { key, bornAt } = process;
    this.children.set(key, { credit, bornAt, shell: shell.key, job: null });
  }

  /** A child that got a group of its own begins a job; one that joins a job's group is in it. */
  look(
    process: ProcessState,
    event: TimelineEvent,
    processes: ReadonlyMap<ProcessKey, ProcessState>,
  ): void {
    const child = this.children.get(process.key);
    if (child === undefined || child.job !== null || process.terminal === null) return;
    const shell = processes.get(child.shell);
    if (shell === undefined || process.processGroup === shell.processGroup) return;
    child.job = this.jobs.get(process.processGroup) ?? this.begin(process, shell, event);
    child.job.members.add(process.key);
    joinCredits(child.credit, child.job.credit);
  }

  /** The inferred command that a child of a shell is in. */
  jobOf(key: ProcessKey): string | null {
    return this.children.get(key)?.job?.id ?? null;
  }

  /** @returns the inferred command that ended with this process */
  exited(process: ProcessState): string | null {
    this.copies.delete(process.key);
    const child = this.children.get(process.key);
    const job = child?.job ?? null;
    this.children.delete(process.key);
    if (child !== undefined) this.ended = [...this.ended.slice(1 - REMEMBERED_ENDS), child];
    if (job === null) return null;
    job.members.delete(process.key);
    return job.members.size === 0 ? job.id : null;
  }

  private begin(process: ProcessState, shell: ProcessState, event: TimelineEvent): Job {
    const id = `job:${process.key}`;
    const isExeced = process.args.join(' ') !== shell.args.join(' ');
    const line = isExeced ? process.args.join(' ') : null;
    const { processGroup } = process;
    const start: Start = {
      ...{ type: 'command.start', id, terminal: '', line, process: shell.key, processGroup },
    };
    const job: Job = { id, shell: shell.key, credit: this.start(start, event), members: new Set() };
    this.jobs.set(processGroup, job);
    return job;
  }
}
