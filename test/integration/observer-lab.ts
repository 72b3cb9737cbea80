/**
 * Trees of processes for tests of the observer, made by unshare(1) without the engine: each in a pid
 * namespace and a cgroup of its own. What holds of a tree holds of a sandbox: the observer knows no
 * difference. Needs root; `cleanUp` ends every process and removes every cgroup that was made.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { Observer, type ObserverStatus } from '../../packages/observer/src/index.js';
import {
  assertConsistent,
  type EventBody,
  type ProcessState,
  processesOf,
  type State,
  Timeline,
} from '../../packages/timeline/src/index.js';
import { until } from './patience.js';

export const root: boolean = process.getuid?.() === 0;
/** Names of what this file's tests make: cgroups, tracefs instances. */
export const unique: string = `otest-${process.pid}`;
/** A directory of our own, made by a tree, removed by `cleanUp`. */
export const scratch: string = join(tmpdir(), `observer-test-${process.pid}`);
/** Run in reverse by `cleanUp`. */
export const cleanups: (() => Promise<void> | void)[] = [];
const CGROUP_PARENTS = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'];
let counter = 0;

/** Why these tests see less on this machine; null where the trace is whole. */
export async function reducedTo(): Promise<string | null> {
  if (!root) return 'root';
  const lab = await Lab.start();
  await lab.observer.stop();
  return lab.status?.source === 'trace' ? lab.status.reason : (lab.status?.reason ?? 'no trace');
}

/** Undoes what the last test made: for `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(scratch, { recursive: true, force: true });
  for (const dir of CGROUP_PARENTS) {
    if (existsSync(`${dir}/${unique}`)) removeCgroup(`${dir}/${unique}`);
  }
}

/** A cgroup of our own in a hierarchy that this machine has. */
function makeCgroup(): string {
  const parent = CGROUP_PARENTS.find((dir) => existsSync(`${dir}/cgroup.procs`));
  if (parent === undefined) throw new Error('neither cgroup v2 nor the pids controller of v1');
  const dir = `${parent}/${unique}/t${++counter}`;
  mkdirSync(dir, { recursive: true });
  return dir;
}

function pidsBelow(dir: string): number[] {
  const own = readFileSync(`${dir}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
  const entries = readdirSync(dir, { withFileTypes: true });
  const inner = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name));
  return [...own, ...inner.flatMap(pidsBelow)];
}

function removeCgroup(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(dir, entry.name));
  }
  rmdirSync(dir);
}

/** A shell that is PID 1 of a pid namespace, in a cgroup of its own: what a sandbox is to us. */
export class Tree {
  readonly cgroup: string = makeCgroup();
  readonly id: string = `tree-${counter}`;
  initPid = 0;
  private readonly child: ChildProcess;
  private readonly lines: string[] = [];

  private constructor(more: readonly string[]) {
    const enter = `echo $$ > ${this.cgroup}/cgroup.procs; exec unshare ${more.join(' ')} --fork --pid --mount --uts --mount-proc --kill-child bash`;
    this.child = spawn('bash', ['-c', enter], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.lines.push(line));
  }

  /** @param more options of unshare(1) */
  static async start(more: readonly string[] = []): Promise<Tree> {
    mkdirSync(scratch, { recursive: true });
    const tree = new Tree(more);
    cleanups.push(() => tree.end());
    await tree.run('true');
    tree.initPid = tree.hostPids().find((pid) => levelsOf(pid) === 2) ?? 0;
    return tree;
  }

  hostPids(): number[] {
    return readFileSync(`${this.cgroup}/cgroup.procs`, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(Number);
  }

  type(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  /** Runs a line in the shell; resolves with its output once it is done. */
  async run(line: string): Promise<string[]> {
    const mark = `done-${++counter}`;
    const from = this.lines.length;
    this.type(`${line}\necho ${mark}`);
    await until(`"${line}" ends`, () => this.lines.includes(mark));
    return this.lines.slice(from, this.lines.indexOf(mark));
  }

  async end(): Promise<void> {
    // A group is busy until the last of those that were killed is gone, which takes its time.
    await until(`${this.cgroup} is removed`, () => {
      for (const pid of pidsBelow(this.cgroup)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // it ended by itself
        }
      }
      try {
        removeCgroup(this.cgroup);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
        throw error;
      }
    });
  }
}

/** An observer and the timelines that it writes. */
export class Lab {
  readonly timelines: Map<string, Timeline> = new Map();
  readonly bodies: Map<string, EventBody[]> = new Map();
  readonly observer: Observer;
  status: ObserverStatus | null = null;

  private constructor(source: 'auto' | 'scan') {
    this.observer = new Observer({
      name: `${unique}-${++counter}`,
      mountDir: join(scratch, 'tracefs'),
      source,
      onEvents: (id, bodies) => this.take(id, bodies),
      onStatus: (status) => {
        this.status = status;
      },
    });
  }

  static async start(source: 'auto' | 'scan' = 'auto'): Promise<Lab> {
    const lab = new Lab(source);
    cleanups.push(() => lab.observer.stop());
    await lab.observer.start();
    return lab;
  }

  /** Called for each batch before it is folded. */
  onBatch: (id: string, bodies: readonly EventBody[]) => void = () => {};

  async watch(tree: Tree): Promise<void> {
    await this.observer.watch({ id: tree.id, initPid: tree.initPid, cgroupDirs: [tree.cgroup] });
  }

  state(tree: Tree): State {
    return this.timelines.get(tree.id)!.state;
  }

  processes(tree: Tree): readonly ProcessState[] {
    return processesOf(this.state(tree));
  }

  find(tree: Tree, comm: string): ProcessState | undefined {
    return this.processes(tree).find((process) => process.comm === comm);
  }

  seen(tree: Tree): readonly EventBody[] {
    return this.bodies.get(tree.id) ?? [];
  }

  private take(id: string, bodies: readonly EventBody[]): void {
    this.onBatch(id, bodies);
    let timeline = this.timelines.get(id);
    if (timeline === undefined) {
      timeline = new Timeline();
      this.timelines.set(id, timeline);
    }
    timeline.append(bodies);
    const all = this.bodies.get(id) ?? [];
    all.push(...bodies);
    this.bodies.set(id, all);
    assertConsistent(timeline.state);
  }
}

function levelsOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return /^NSpid:(.*)$/m.exec(status)?.[1]?.trim().split('\t').length ?? 0;
  } catch {
    return 0;
  }
}

/**
 * What may differ between two honest looks at the same tree: the moment, R against S, and what a
 * zombie had as its root, which nobody can read any more.
 */
export function comparable(state: State): unknown {
  const namespaces = Object.values(state.namespaces).map(({ bornAt, ...rest }) => rest);
  const processes = Object.values(state.processes).map(
    ({ bornAt, state: letter, facts, ...rest }) => ({
      ...rest,
      ...(letter !== 'Z' && { facts }),
      zombie: letter === 'Z',
    }),
  );
  const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1);
  return {
    sandbox: state.sandbox,
    processes: processes.sort(byKey),
    namespaces: namespaces.sort((a, b) => a.inode - b.inode),
    mounts: state.mounts,
  };
}

/** What somebody who comes now sees of a tree, without a trace. */
export async function freshState(tree: Tree): Promise<State> {
  const fresh = await Lab.start('scan');
  await fresh.watch(tree);
  await fresh.observer.stop();
  return fresh.state(tree);
}

/**
 * What was told comes to be, exactly, what a newcomer sees.
 *
 * @param part what is compared
 */
export async function comesToEqualFresh(
  lab: Lab,
  tree: Tree,
  part: (state: State) => unknown = comparable,
): Promise<void> {
  let told: unknown;
  let fresh: unknown;
  await until('the fold equals a fresh scan', async () => {
    told = part(lab.state(tree));
    fresh = part(await freshState(tree));
    return isDeepStrictEqual(told, fresh);
  }).catch(() => {}); // what differs is said below
  expect(told).toEqual(fresh);
}
