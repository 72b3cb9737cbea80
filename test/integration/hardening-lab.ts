/**
 * What the suites of attacks, mutations and injected failures share: containers run straight from
 * their plans, so that a plan can be changed as data before it runs. The runtime's side is a mount
 * namespace of its own whose mounts are all shared, as systemd has them, and whose processes have
 * supplementary groups and a leaked fd: what a container must not get is there to be got.
 * Needs root. Everything is below one directory of /tmp and one cgroup.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  type ContainerPlanInput,
  containerPlan,
  groupPath,
  type HostFacts,
  killGroup,
  livingProcesses,
  prepareParents,
  probeHostFacts,
  removeGroup,
} from '../../packages/engine/src/index.js';
import type { RuntimeConfig } from '../../packages/spec/src/index.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  type Block,
  type Call,
  CLONE,
  flagged,
  type Plan,
  PlanBuilder,
  type PlanResult,
  type PlanStep,
  type ProcessName,
  ResidentPlayer,
  type RunOptions,
  struct,
} from '../../packages/syscall/src/index.js';

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));

/** Why the tests cannot run here; null when they can. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'root';
  return BUSYBOX === undefined ? 'a static busybox (apt-get install busybox-static)' : null;
}

/** Groups that the runtime's processes have, and no container may have. */
export const RUNTIME_GROUPS = [4242, 4243];

/** What `Lab.start` knows of a container. */
export interface Started {
  readonly id: string;
  /** host pid of the container's first process */
  readonly pid: number;
  /** resolves with its wait status */
  readonly ended: Promise<number>;
  readonly result: PlanResult;
  /** what it has written so far */
  output(): string;
  /** Kills what is left of it and removes its cgroups. */
  remove(): Promise<void>;
}

/** Player, root file system and a machine with shared mounts. */
export class HardeningLab {
  readonly directory: string;
  readonly player: ResidentPlayer;
  readonly facts: HostFacts;
  /** root file system of the containers; each test file has its own */
  readonly rootfs: string;
  readonly parent: string;
  readonly #machine: ChildProcess;
  #count = 0;

  static async open(name: string): Promise<HardeningLab> {
    const directory = mkdtempSync(`/tmp/terrarium-${name}-`);
    chmodSync(directory, 0o755);
    const machine = await sharedMachine();
    const player = await ResidentPlayer.start({ binary: buildPlayer() });
    return new HardeningLab(directory, player, machine);
  }

  private constructor(directory: string, player: ResidentPlayer, machine: ChildProcess) {
    this.directory = directory;
    this.player = player;
    this.#machine = machine;
    this.facts = probeHostFacts();
    this.rootfs = join(directory, 'rootfs');
    makeRootfs(this.rootfs);
    this.parent = `/${directory.slice('/tmp/'.length)}`;
    prepareParents(this.facts.cgroups, this.parent);
  }

  /** pid in whose mount namespace the runtime's side lives */
  get machinePid(): number {
    return this.#machine.pid ?? 0;
  }

  /** All mounts of the machine with shared mounts, and those of this one that are of this lab. */
  mounts(): string {
    const here = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    const own = here.filter((line) => line.includes(this.directory));
    return [readFileSync(`/proc/${this.machinePid}/mountinfo`, 'utf8'), ...own].join('\n');
  }

  /** The plan of a config, with the runtime's side moved to the machine with shared mounts. */
  plan(config: RuntimeConfig, more: Partial<ContainerPlanInput> = {}): Plan {
    const id = more.id ?? this.nextId();
    const linux = { ...config.linux, cgroupsPath: `${this.parent}/${id}` };
    const { plan } = containerPlan({
      id,
      config: { ...config, linux },
      bundle: this.directory,
      facts: this.facts,
      ...more,
    });
    return this.onMachine(plan);
  }

  nextId(): string {
    this.#count += 1;
    return `c${this.#count}`;
  }

  /** Puts the calls in front that make the runtime's side a worse place than this machine is. */
  onMachine(plan: Plan): Plan {
    const builder = new PlanBuilder('machine', plan.first);
    const purpose = { id: 'test-machine', en: 'test', zh: '测试' };
    const fd = { kind: 'slot' as const, index: plan.slotCount, name: 'machine' };
    const call = (syscall: string, args: Parameters<PlanBuilder['call']>[1]['args'], store = fd) =>
      builder.call(plan.first, { syscall, args, purpose, store });
    const unused = { ...fd, index: plan.slotCount + 1 };
    const groups = struct(RUNTIME_GROUPS.map((group) => [group, 4] as const));
    call('openat', [-100, `/proc/${this.machinePid}/ns/mnt`, 0]);
    call('setns', [fd, flagged(CLONE, 'CLONE_NEWNS')], unused);
    call('close', [fd], unused);
    call('setgroups', [RUNTIME_GROUPS.length, groups], unused);
    call('openat', [-100, '/', 0], unused); // without O_CLOEXEC, and never closed
    const before = builder.build().processes[plan.first] ?? [];
    const own = plan.processes[plan.first] ?? [];
    return {
      ...plan,
      processes: { ...plan.processes, [plan.first]: [...before, ...own] },
      slotCount: plan.slotCount + 2,
    };
  }

  /** Runs a plan of this lab; its output goes to a file. @throws PlanError; what it made is gone then */
  async start(id: string, makePlan: (out: number) => Plan, options: RunOptions = {}) {
    const file = join(this.directory, `${id}.out`);
    const out = openSync(file, 'w');
    const pids: number[] = [];
    try {
      const plan = makePlan(out);
      const run = this.player.run(plan, {
        batched: true,
        ...options,
        onStarted: (process, pid) => {
          pids.push(pid);
          options.onStarted?.(process, pid);
        },
      });
      const result = await run.done;
      return this.#started(id, file, result);
    } catch (error) {
      await Promise.all(pids.map((pid) => exitOf(this.player, pid)));
      await this.#remove(id);
      throw error;
    } finally {
      closeSync(out);
    }
  }

  #started(id: string, file: string, result: PlanResult): Started {
    const pid = result.hostPids['init'] ?? 0;
    let alive = true;
    const ended = exitOf(this.player, pid).finally(() => {
      alive = false;
    });
    return {
      id,
      pid,
      ended,
      result,
      output: () => readFileSync(file, 'utf8'),
      remove: async () => {
        await killGroup(this.facts.cgroups, this.#group(id));
        if (alive) killIfThere(pid); // a broken plan may have put it elsewhere
        await ended;
        await this.#remove(id);
      },
    };
  }

  /** Runs a config's program to its end. @returns what it wrote and its exit code */
  async run(
    config: RuntimeConfig,
    more: Partial<ContainerPlanInput> = {},
    change: (plan: Plan) => Plan = (plan) => plan,
  ): Promise<{ output: string; code: number }> {
    const id = this.nextId();
    const started = await this.start(id, (out) =>
      change(this.plan(config, { id, stdio: outputTo(out), ...more })),
    );
    const status = await started.ended;
    await started.remove();
    return { output: started.output(), code: (status >> 8) & 0xff };
  }

  /** What a container left: processes and groups of its cgroup. */
  leftovers(id: string): string[] {
    const group = this.#group(id);
    return [
      ...livingProcesses(this.facts.cgroups, group).map((pid) => `process ${pid}`),
      ...this.facts.cgroups.hierarchies
        .map((one) => groupPath(one, group))
        .filter((path) => existsSync(path)),
    ];
  }

  #group(id: string): string {
    return `${this.parent}/${id}`;
  }

  async #remove(id: string): Promise<void> {
    await removeGroup(this.facts.cgroups, this.#group(id));
  }

  async close(): Promise<void> {
    await this.player.close();
    this.#machine.kill('SIGKILL');
    await once(this.#machine, 'exit');
    await killGroup(this.facts.cgroups, this.parent);
    await removeGroup(this.facts.cgroups, this.parent);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * A process in a mount namespace where every mount is shared; nothing reaches this machine's. What
 * others have mounted for a while is taken out, so that its end changes nothing here.
 */
async function sharedMachine(): Promise<ChildProcess> {
  const script = `
    grep -oE ' /(tmp|run)/[^ ]+ ' /proc/self/mountinfo | tac | while read -r path; do
      umount -l "$path"
    done
    mount --make-rshared /
    echo
    exec sleep infinity`;
  const arguments_ = ['--mount', '--propagation', 'private', 'sh', '-c', script];
  const child = spawn('unshare', arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

function makeRootfs(rootfs: string): void {
  mkdirSync(join(rootfs, 'bin'), { recursive: true });
  for (const name of ['dev', 'etc', 'proc', 'sys', 'rw', 'ro', 'data'])
    mkdirSync(join(rootfs, name));
  mkdirSync(join(rootfs, 'tmp'));
  chmodSync(join(rootfs, 'tmp'), 0o1777);
  writeFileSync(join(rootfs, 'etc/place'), 'container\n');
  copyFileSync(BUSYBOX ?? '', join(rootfs, 'bin/busybox'));
  const list = execFileSync(join(rootfs, 'bin/busybox'), ['--list'], { encoding: 'utf8' });
  for (const applet of list.trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(rootfs, 'bin', applet));
  }
}

/** Standard output and error to an fd of this process. */
export function outputTo(fd: number): NonNullable<ContainerPlanInput['stdio']> {
  const file = { ownerPid: process.pid, fd };
  return { stdin: null, stdout: file, stderr: file };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: reaped already, its end is on its way to us
  }
}

/** The wait status of a process of the player, when it ends. */
export function exitOf(player: ResidentPlayer, hostPid: number): Promise<number> {
  return new Promise((resolve) => player.onExit(hostPid, resolve));
}

export { until } from './patience.js';

// ---- plans changed as data ----

/** Replaces the steps of one process; the list's first index counts from the sound plan. */
export function edited(
  plan: Plan,
  process: ProcessName,
  edit: (steps: readonly PlanStep[]) => readonly PlanStep[],
): Plan {
  return {
    ...plan,
    processes: { ...plan.processes, [process]: edit(plan.processes[process] ?? []) },
  };
}

/** A step of that purpose and, where given, of that system call. */
export function isStep(id: string, syscall?: string): (step: PlanStep) => step is Call {
  return (step): step is Call =>
    step.kind === 'call' &&
    step.purpose.id === id &&
    (syscall === undefined || step.syscall === syscall);
}

/** Takes all matching steps out of every process. @throws Error when there is none: the test is stale */
export function without(plan: Plan, match: (step: PlanStep) => boolean): Plan {
  return mapped(plan, match, () => []);
}

/** Changes all matching steps of every process. @throws Error when there is none */
export function mapped(
  plan: Plan,
  match: (step: PlanStep) => boolean,
  change: (step: Call) => readonly PlanStep[],
): Plan {
  let found = 0;
  const processes = Object.entries(plan.processes).map(([name, steps]) => [
    name,
    steps.flatMap((step) => {
      if (step.kind !== 'call' || !match(step)) return [step];
      found += 1;
      return change(step);
    }),
  ]);
  if (found === 0) throw new Error('the plan has no such step');
  return { ...plan, processes: Object.fromEntries(processes) };
}

/** The same step with one argument replaced. */
export function withArgument(step: Call, index: number, value: number | bigint | Block): Call {
  const argument =
    typeof value === 'object'
      ? { kind: 'block' as const, block: value }
      : { kind: 'number' as const, value: BigInt(value) };
  return { ...callOf(step), args: step.args.map((old, at) => (at === index ? argument : old)) };
}

/** A step without its getter, which a spread would call for nothing. */
export function callOf(step: Call): Call {
  return { ...step };
}

/** Inode and kind of all namespaces of a process, by name. */
export function namespacesOf(pid: number | 'self'): Record<string, string> {
  return Object.fromEntries(
    readdirSync(`/proc/${pid}/ns`)
      .filter((name) => !name.endsWith('_for_children'))
      .map((name) => [name, readlinkSync(`/proc/${pid}/ns/${name}`)]),
  );
}
