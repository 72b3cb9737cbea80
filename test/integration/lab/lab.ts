/**
 * A whole lab for these tests: `npm start` on temporary folders and a port of its own, learners
 * who come through the web process as the page does, and what the host still holds of it all.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CLAIMS_DIRECTORY, instanceOf } from '../../../packages/engine/src/index.js';
import { startLab } from '../../bench/lab.mjs';
import { join as enter, Learner as Page } from '../../bench/learner.mjs';
import { family } from '../../bench/processes.mjs';
import { type Learner, learnerOf } from './learner.js';

/** Why these tests cannot run here; null when they can. */
export const LACK = process.getuid?.() === 0 ? null : 'root';

/** A suite's name, which says what is missing when it is skipped. */
export const named = (name: string): string =>
  LACK === null ? name : `${name} (missing: ${LACK})`;

/** A started lab. */
export class Lab {
  readonly instance: string;
  readonly learners: Learner[] = [];
  readonly #lab: Awaited<ReturnType<typeof startLab>>;
  readonly #tracefs: string;
  readonly #claims = new Set(filesBelow(CLAIMS_DIRECTORY));
  readonly #links = new Set(listed('/sys/class/net'));
  /** every namespace that a sandbox of this lab was seen in, and that is not the host's */
  readonly #namespaces = new Set<string>();
  readonly #hostNamespaces = namespacesOf('self');

  private constructor(lab: Awaited<ReturnType<typeof startLab>>) {
    this.#lab = lab;
    this.instance = instanceOf(lab.state);
    this.#tracefs = join(lab.folder, 'tracefs');
    // Instances live on when nobody has tracefs mounted; then only a mount of our own shows them.
    if (existsSync('/sys/kernel/tracing/instances') || existsSync(this.#tracefs)) return;
    mkdirSync(this.#tracefs);
    spawnSync('mount', ['-t', 'tracefs', 'tracefs', this.#tracefs]);
  }

  /** @param earlier one that was ended: the new one goes on with its state and port */
  static async start(env: Record<string, string> = {}, earlier?: Lab): Promise<Lab> {
    return new Lab(
      await startLab(
        env,
        earlier === undefined ? {} : { folder: earlier.folder, port: earlier.port },
      ),
    );
  }

  get url(): string {
    return this.#lab.url;
  }
  get origin(): string {
    return this.#lab.origin;
  }
  get token(): string {
    return this.#lab.token ?? '';
  }
  get port(): number {
    return this.#lab.port;
  }
  get run(): string {
    return this.#lab.run;
  }
  get state(): string {
    return this.#lab.state;
  }
  get folder(): string {
    return this.#lab.folder;
  }
  /** milliseconds from the start to the ready line */
  get readyMs(): number {
    return this.#lab.readyMs;
  }
  /** what the supervisor printed */
  get said(): string {
    return this.#lab.said();
  }

  /** Pid of a part that lives now; null when it does not. */
  pid(part: 'daemon' | 'terminal host' | 'web' | 'observer'): number | null {
    const script = {
      daemon: 'apps/daemon/dist/main.js',
      'terminal host': `terminal-host/main.js --run ${this.run} `,
      web: `apps/web/dist/server/main.js`,
      observer: `observer-process.js ${this.instance} `,
    }[part];
    const isOfUs = new Set<number>(family(this.#lab.pid));
    const anywhere = part === 'terminal host' || part === 'observer';
    const candidates = pids().filter((pid) => anywhere || isOfUs.has(pid));
    return (
      candidates.find((pid) => `${commandOf(pid)} `.includes(script) && stateOf(pid) !== 'Z') ??
      null
    );
  }

  /** The daemon's own report, through the web process; null when it does not answer. */
  async health(): Promise<{ sandboxes: number; pages: number } | null> {
    const answer = await fetch(`${this.origin}/api/health`).catch(() => null);
    return answer?.status === 200 ? await answer.json() : null;
  }

  /** Resolves when the daemon answers through the web process. */
  async answers(timeoutMs = 15_000): Promise<void> {
    await until('the daemon answers', () => this.health(), timeoutMs, 50);
  }

  /** A learner at a prompt: a new one, or the one of that cookie. */
  async learner(lesson: string | null = null, cookie?: string): Promise<Learner> {
    const page = new Page(this.#lab, cookie ?? (await enter(this.#lab)), lesson, PATIENCE);
    const learner = await learnerOf(page.start());
    this.learners.push(learner);
    this.note(learner);
    return learner;
  }

  /** A second page of a learner: the same cookie, an own socket. */
  page(learner: Learner, lesson: string | null = null): InstanceType<typeof Page> {
    return new Page(this.#lab, learner.page.cookie, lesson, PATIENCE).start();
  }

  /** Remembers the namespaces of the learner's sandbox, nested ones too: none of them may stay. */
  note(learner: Learner): void {
    for (const { hostPid } of learner.processes) {
      for (const namespace of namespacesOf(String(hostPid))) {
        if (!this.#hostNamespaces.has(namespace)) this.#namespaces.add(namespace);
      }
    }
  }

  /** How many namespaces were noted. */
  get noted(): number {
    return this.#namespaces.size;
  }

  /** A stop by signal; the learners go first unless they shall see it. @returns exit status */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    for (const learner of this.learners) learner.leave();
    return this.#lab.end(signal);
  }

  /** A stop while the pages are open, as a person leaves them. */
  async stopWithPages(signal: NodeJS.Signals): Promise<{ code: number | null; ms: number }> {
    const began = performance.now();
    const code = await this.#lab.end(signal);
    return { code, ms: performance.now() - began };
  }

  /** Ends it, whatever the test did, and removes its files. */
  async dispose(): Promise<void> {
    await this.end();
    if (this.leftovers().length > 0) await this.#sweep();
    spawnSync('umount', [this.#tracefs]);
    this.#lab.remove();
  }

  /** Only after a failure, which the test has told: the next test and the host start clean. */
  async #sweep(): Promise<void> {
    await until('its processes are gone', () => {
      for (const pid of this.#processes()) killQuietly(pid);
      return this.#processes().length === 0;
    }).catch(() => {});
    const instances = this.#tracing();
    const groups = this.#groups().flatMap((group) => foldersBelow(group));
    for (const directory of [...instances, ...groups]) spawnSync('rmdir', [directory]);
    for (const line of this.#mounts()) spawnSync('umount', ['--lazy', line.split(' ')[4] ?? '']);
    for (const path of this.#idRanges()) rmSync(path, { force: true });
  }

  /** What the host holds of sandboxes; empty while there are none. */
  ofSandboxes(): string[] {
    const used = new Set(namespacesInUse(this.instance, this.folder));
    return [
      ...this.#groups().flatMap((group) =>
        listedFolders(group).map((name) => `cgroup ${group}/${name}`),
      ),
      ...this.#processesInGroups().map((pid) => `process ${pid} ${commandOf(pid)}`),
      ...[...this.#namespaces].filter((one) => used.has(one)).map((one) => `namespace ${one}`),
      ...this.#mounts()
        .filter((line) => !line.includes(`${this.run}/`))
        .map((line) => `mount ${line}`),
      ...listed('/sys/class/net')
        .filter((name) => !this.#links.has(name))
        .map((name) => `link ${name}`),
      ...listed(join(this.state, 'sandboxes')).map((name) => `record ${name}`),
      ...listed(join(this.state, 'shifted-images')).map((name) => `image ${name}`),
      ...this.#idRanges().map((path) => `id range ${path}`),
    ];
  }

  /** What the host holds of this lab; empty after a clean stop. */
  leftovers(): string[] {
    return [
      ...this.ofSandboxes(),
      ...this.#mounts().map((line) => `mount ${line}`),
      ...this.#groups().map((group) => `cgroup ${group}`),
      ...this.#processes().map((pid) => `process ${pid} ${commandOf(pid)}`),
      ...this.#tracing().map((path) => `tracing instance ${path}`),
      ...readFileSync('/proc/net/unix', 'utf8')
        .split('\n')
        .filter((line) => line.includes(this.folder))
        .map((line) => `socket ${line.split(' ').at(-1)}`),
      ...filesBelow(this.run).map((path) => `file ${path}`),
      ...listed('/dev/shm')
        .filter((name) => name.startsWith('terrarium-output-'))
        .map((name) => `file /dev/shm/${name}`),
    ];
  }

  /** The tails of the logs, for a failed test. */
  logs(): string {
    const files = [
      join(this.state, 'logs/daemon.log'),
      join(this.state, 'logs/web.log'),
      join(this.run, 'terminals.log'),
    ];
    return [
      `supervisor: ${this.said}`,
      ...files.map(
        (file) => `${file}: ${existsSync(file) ? readFileSync(file, 'utf8').slice(-3000) : 'none'}`,
      ),
    ].join('\n');
  }

  #mounts(): string[] {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.folder) || line.includes(this.instance))
      .filter((line) => !line.includes(`${this.#tracefs} `));
  }

  #groups(): string[] {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => / - cgroup2? /.test(line))
      .map((line) => join(line.split(' ')[4] ?? '', this.instance))
      .filter((path) => existsSync(path));
  }

  #idRanges(): string[] {
    // One without an owner can be given back by nobody.
    return filesBelow(CLAIMS_DIRECTORY).filter((path) => {
      const isNobodys = statSync(path, { throwIfNoEntry: false })?.size === 0;
      return textOf(path).includes(this.state) || (isNobodys && !this.#claims.has(path));
    });
  }

  #tracing(): string[] {
    return ['/sys/kernel/tracing', this.#tracefs]
      .flatMap((directory) => filesBelow(join(directory, 'instances')))
      .filter((path) => path.includes(`-${this.instance}`));
  }

  /** Members of the sandboxes' cgroups, zombies too. */
  #processesInGroups(): number[] {
    return pids().filter((pid) => textOf(`/proc/${pid}/cgroup`).includes(`/${this.instance}/`));
  }

  #processes(): number[] {
    // Named on the command line, or told by the environment: RUN is below the folder.
    const own = pids().filter(
      (pid) =>
        pid !== process.pid &&
        (commandOf(pid).includes(this.folder) ||
          textOf(`/proc/${pid}/environ`).includes(`=${this.folder}/`)),
    );
    return [...new Set([...own, ...this.#processesInGroups()])];
  }
}

/** These tests wait for a reconnect more often than a person does. */
const PATIENCE = {
  timers: {
    set: (action: () => void, ms: number): unknown =>
      setTimeout(action, ms > 10_000 ? ms : Math.min(ms, 200)),
    clear: (timer: unknown): void => clearTimeout(timer as NodeJS.Timeout),
  },
};

/** Resident memory of a process, MiB. */
export function residentMiB(pid: number | null): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** Waits for a condition, never for a time. @returns milliseconds that it took */
export async function until(
  what: string,
  condition: () => unknown,
  timeoutMs = 15_000,
  pollMs = 5,
): Promise<number> {
  const began = performance.now();
  while (!(await condition())) {
    if (performance.now() - began > timeoutMs)
      throw new Error(`waited ${timeoutMs} ms until ${what}`);
    await delay(pollMs);
  }
  return performance.now() - began;
}

/** What is still there when `look` has had its chance to become empty. */
export async function remaining(look: () => string[], timeoutMs = 5_000): Promise<string[]> {
  await until('nothing is left', () => look().length === 0, timeoutMs).catch(() => {});
  return look();
}

/** Pids of all processes of the host. */
export function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A process's command line; '' when it has ended. */
export function commandOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** The letter of ps(1), or undefined when there is no such process. */
export function stateOf(pid: number): string | undefined {
  return /^State:\s+(\S)/m.exec(textOf(`/proc/${pid}/status`))?.[1];
}

/** A process as pid and start time: what no later process of the same number is. */
export function identityOf(pid: number): string {
  const stat = textOf(`/proc/${pid}/stat`);
  return `${pid}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'ended'}`;
}

function namespacesOf(pid: string): Set<string> {
  return new Set(
    listed(`/proc/${pid}/ns`)
      .map((kind) => linkOf(`/proc/${pid}/ns/${kind}`))
      .filter(Boolean),
  );
}

/**
 * Namespaces that a process is in, holds by a file descriptor, or has bound to a file. Numbers are
 * given out again at once, so other labs on this host are left out.
 */
function* namespacesInUse(instance: string, folder: string): Generator<string> {
  for (const pid of pids()) {
    if (isOfAnotherLab(pid, instance, folder)) continue;
    yield* namespacesOf(String(pid));
    for (const fd of listed(`/proc/${pid}/fd`)) {
      const target = linkOf(`/proc/${pid}/fd/${fd}`);
      if (/^(cgroup|ipc|mnt|net|pid|time|user|uts):\[/.test(target)) yield target;
    }
    for (const [, target = ''] of textOf(`/proc/${pid}/mountinfo`).matchAll(
      / (\w+:\[\d+\]) .* - nsfs /g,
    )) {
      yield target;
    }
  }
}

function isOfAnotherLab(pid: number, instance: string, folder: string): boolean {
  const group = /\/(terrarium[^/\n]*)\//.exec(textOf(`/proc/${pid}/cgroup`))?.[1];
  if (group !== undefined) return group !== instance;
  const command = commandOf(pid);
  const isPart = /apps\/(daemon|web)\/dist|terrarium-player|scripts\/start|vitest|chrom/.test(
    command,
  );
  return isPart && !command.includes(folder) && !command.includes(instance);
}

export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // ended or removed between the listing and the reading
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // as above
  }
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // as above
  }
}

function listedFolders(directory: string): string[] {
  return listed(directory).filter((name) =>
    statSync(join(directory, name), { throwIfNoEntry: false })?.isDirectory(),
  );
}

function filesBelow(directory: string): string[] {
  return listed(directory).map((name) => join(directory, name));
}

/** Folders of a tree, the deepest first. */
function foldersBelow(directory: string): string[] {
  const below = listedFolders(directory).flatMap((name) => foldersBelow(join(directory, name)));
  return [...below, directory];
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it ended meanwhile
  }
}
