/**
 * The tape of system calls on the real kernel: trees made by unshare(1) stand for sandboxes, what
 * they do is typed into a shell, and each call must be on the tape of its own tree, with its
 * arguments as they were. Needs root and BPF; leaves no process, no cgroup and no program behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Observer } from '../../packages/observer/src/index.js';
import { syscallNumber } from '../../packages/syscall/src/index.js';
import {
  type EventBody,
  type ProcessState,
  type SyscallState,
  Timeline,
} from '../../packages/timeline/src/index.js';
import { patient, until } from './patience.js';

const root = process.getuid?.() === 0;
if (!root) console.warn('observe-calls: skipped, these tests need root');
const unique = `ctest-${process.pid}`;
const scratch = root ? mkdtempSync(join(tmpdir(), 'observe-calls-')) : '';
const cleanups: (() => Promise<void> | void)[] = [];
let counter = 0;

const PIDS = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((dir) =>
  existsSync(`${dir}/cgroup.procs`),
);

/** A shell that is PID 1 of a pid namespace, in a cgroup of its own. */
class Tree {
  readonly id = `calls-${++counter}`;
  readonly cgroup = `${PIDS}/${unique}-${counter}`;
  private readonly shell: ChildProcess;
  private readonly lines: string[] = [];

  private constructor() {
    mkdirSync(this.cgroup);
    const enter = `echo $$ > ${this.cgroup}/cgroup.procs; cd /; exec unshare --fork --pid --mount --uts --mount-proc --kill-child bash --norc`;
    this.shell = spawn('bash', ['-c', enter], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C', SECRET: 'not for the tape' },
    });
    createInterface({ input: this.shell.stdout! }).on('line', (line) => this.lines.push(line));
  }

  static async start(): Promise<Tree> {
    const tree = new Tree();
    cleanups.push(() => tree.end());
    await tree.run('true');
    return tree;
  }

  get initPid(): number {
    const inner = this.pids().find((pid) =>
      /^NSpid:\t\d+\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
    );
    if (inner === undefined) throw new Error('no init');
    return inner;
  }

  pids(): number[] {
    return readFileSync(`${this.cgroup}/cgroup.procs`, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(Number);
  }

  /** Runs a line; resolves with its output once it is done. */
  async run(line: string): Promise<string[]> {
    const mark = `done-${++counter}`;
    const from = this.lines.length;
    this.shell.stdin!.write(`${line}\necho ${mark}\n`);
    await until(`"${line}" ends`, () => this.lines.includes(mark));
    return this.lines.slice(from, this.lines.indexOf(mark));
  }

  async end(): Promise<void> {
    const gone = this.shell.exitCode === null ? once(this.shell, 'exit') : null;
    for (const pid of this.pids()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it ended by itself
      }
    }
    await gone;
    await until('the cgroup is empty', () => this.pids().length === 0);
    rmdirSync(this.cgroup);
  }
}

class Lab {
  readonly timelines = new Map<string, Timeline>();
  readonly observer = new Observer({
    name: `${unique}-${++counter}`,
    mountDir: join(scratch, 'tracefs'),
    onEvents: (id, bodies) => this.take(id, bodies),
  });
  readonly calls = new Map<string, SyscallState[]>();
  readonly notes = new Map<string, EventBody[]>();
  readonly births = new Map<string, ProcessState[]>();

  static async start(): Promise<Lab> {
    const lab = new Lab();
    cleanups.push(() => lab.observer.stop());
    await lab.observer.start();
    return lab;
  }

  async watch(tree: Tree): Promise<void> {
    await this.observer.watch({ id: tree.id, initPid: tree.initPid, cgroupDirs: [tree.cgroup] });
  }

  of(tree: Tree): readonly SyscallState[] {
    return this.calls.get(tree.id) ?? [];
  }

  /** Every process that was born, by key. */
  forks(tree: Tree): Map<string, ProcessState> {
    return new Map(this.births.get(tree.id)?.map((process) => [process.key, process]));
  }

  /** As the timeline of a page would have it. */
  state(tree: Tree): Timeline['state'] {
    return this.timelines.get(tree.id)!.state;
  }

  private take(id: string, bodies: readonly EventBody[]): void {
    const timeline = this.timelines.get(id) ?? new Timeline();
    this.timelines.set(id, timeline);
    timeline.append(bodies);
    for (const body of bodies) {
      if (body.type === 'syscall') this.calls.set(id, [...(this.calls.get(id) ?? []), body.call]);
      if (body.type === 'process.fork') {
        this.births.set(id, [...(this.births.get(id) ?? []), body.process]);
      }
      if (body.type === 'syscall.tracing')
        this.notes.set(id, [...(this.notes.get(id) ?? []), body]);
    }
  }
}

/** A call as one line: `mount("none", "/mnt", …) = 0`. */
function spelled({ name, args, result, errno }: SyscallState): string {
  return `${name}(${args.join(', ')}) = ${errno ?? result ?? '?'}`;
}

/** A call that no tool makes as we want it: perl's syscall. */
function raw(name: string, ...args: readonly string[]): string {
  // No literals: perl insists on being able to write to what it passes.
  return `perl -e 'my @a = (${args.join(', ')}); syscall(${syscallNumber(name)}, @a)'`;
}

const clone3 = raw('clone3', 'pack("Q11", 0x04000000, 0, 0, 0, 17)', '88');
const AS_NOBODY = 'setpriv --reuid 65534 --regid 65534 --clear-groups';

/** What is typed, and the call that must be on the tape. */
const ROWS: readonly { line: string; call: string | RegExp }[] = [
  { line: 'unshare --uts true', call: 'unshare(CLONE_NEWUTS) = 0' },
  { line: 'unshare --net --ipc true', call: 'unshare(CLONE_NEWIPC|CLONE_NEWNET) = 0' },
  { line: `${AS_NOBODY} unshare --uts true`, call: 'unshare(CLONE_NEWUTS) = EPERM' },
  {
    line: 'mount -t tmpfs -o size=1m,mode=700 jar /mnt',
    call: 'mount("jar", "/mnt", "tmpfs", 0, "size=1m,mode=700") = 0',
  },
  { line: 'mkdir /mnt/a', call: /^mkdir\("\/mnt\/a", 0777\) = 0$/ },
  { line: 'mkdir /mnt/a', call: /^mkdir\("\/mnt\/a", 0777\) = EEXIST$/ },
  { line: 'mount --bind /etc /mnt/a', call: /^mount\("\/etc", "\/mnt\/a", .*MS_BIND, NULL\) = 0$/ },
  {
    line: raw('mount', '0', '"/mnt/a"', '0', '0x1021', '0'),
    call: 'mount(NULL, "/mnt/a", NULL, MS_RDONLY|MS_REMOUNT|MS_BIND, NULL) = 0',
  },
  {
    line: 'mount --make-rshared /mnt',
    call: /^mount\(.*"\/mnt", .*MS_REC\|MS_SHARED, NULL\) = 0$/,
  },
  {
    line: raw('mount', '"jar"', '"/nowhere"', '"tmpfs"', '0', '0'),
    call: 'mount("jar", "/nowhere", "tmpfs", 0, NULL) = ENOENT',
  },
  { line: raw('umount2', '"/etc"', '2'), call: 'umount2("/etc", MNT_DETACH) = EINVAL' },
  { line: raw('umount2', '"/mnt/a"', '2'), call: 'umount2("/mnt/a", MNT_DETACH) = 0' },
  {
    line: raw('pivot_root', '"/mnt"', '"/etc"'),
    call: /^pivot_root\("\/mnt", "\/etc"\) = (EINVAL|EBUSY)$/,
  },
  { line: 'chroot /nowhere sh', call: 'chroot("/nowhere") = ENOENT' },
  { line: 'chroot / true', call: 'chroot("/") = 0' },
  { line: 'nsenter --uts=/proc/self/ns/uts true', call: /^setns\(\d+, CLONE_NEWUTS\) = 0$/ },
  { line: clone3, call: /^clone3\(\{flags=CLONE_NEWUTS, exit_signal=SIGCHLD\}, 88\) = \d+$/ },
  { line: 'hostname jar', call: 'sethostname("jar", 3) = 0' },
  { line: `${AS_NOBODY} hostname other`, call: 'sethostname("other", 5) = EPERM' },
  {
    line: 'mknod /mnt/null c 1 3',
    call: /^mknod(at)?\((AT_FDCWD, )?"\/mnt\/null", 020666, makedev\(1, 3\)\) = 0$/,
  },
  {
    line: 'ln -s null /mnt/link',
    call: /^symlink(at)?\("null", (AT_FDCWD, )?"\/mnt\/link"\) = 0$/,
  },
  { line: 'cd /mnt', call: 'chdir("/mnt") = 0' },
  { line: 'sleep 60 & kill -TERM $!; wait', call: /^kill\(\d+, SIGTERM\) = 0$/ },
  { line: 'kill -0 999999', call: 'kill(999999, 0) = ESRCH' },
  { line: 'setpriv --no-new-privs true', call: /^prctl\(PR_SET_NO_NEW_PRIVS, 1\) = 0$/ },
  { line: 'setpriv --reuid 65534 --clear-groups true', call: 'setresuid(65534, 65534, 65534) = 0' },
  {
    line: '/bin/echo one two',
    call: /^execve\("\/bin\/echo", \["\/bin\/echo", "one", "two"\], 0x[0-9a-f]+\) = 0$/,
  },
  { line: 'sh -c "exit 7"', call: 'exit_group(7) = ?' },
  {
    line: raw('mkdir', '"/mnt/" . ("x" x 500)', '0'),
    call: /^mkdir\("\/mnt\/x{378}"\.\.\., 0+\) = ENAMETOOLONG$/,
  },
  { line: raw('chdir', '1'), call: /^chdir\(0x1\) = EFAULT$/ },
];

function tracefsInstances(): string[] {
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(' - tracefs '));
  const dir = mounted?.split(' ')[4];
  return dir === undefined
    ? []
    : readdirSync(`${dir}/instances`).filter((name) => name.includes(unique));
}

/** Programs of BPF that this process holds. */
function programs(): number {
  let found = 0;
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (/^prog_type:/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))) found += 1;
    } catch {
      // closed meanwhile
    }
  }
  return found;
}

afterAll(() => {
  if (root) rmSync(scratch, { recursive: true, force: true });
});

async function whatIsMissing(): Promise<string | null> {
  if (!root) return 'root';
  const lab = await Lab.start();
  const tree = await Tree.start();
  await lab.watch(tree);
  lab.observer.setTracing(tree.id, true);
  const [note] = lab.notes.get(tree.id) ?? [];
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  return note?.type === 'syscall.tracing' && note.on ? null : `BPF, ${JSON.stringify(note)}`;
}

const lacks = await whatIsMissing();

describe.skipIf(lacks !== null)(
  `tape of system calls${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    let lab: Lab;
    let tree: Tree;

    beforeEach(async () => {
      lab = await Lab.start();
      tree = await Tree.start();
      await lab.watch(tree);
      lab.observer.setTracing(tree.id, true);
    });

    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      expect(programs()).toBe(0);
      expect(tracefsInstances()).toEqual([]);
    });

    test(
      `has ${ROWS.length} calls as they were made: arguments, result, errno`,
      async () => {
        for (const { line, call } of ROWS) {
          const from = lab.of(tree).length;
          await tree.run(line);
          const matches = (text: string): boolean =>
            typeof call === 'string' ? text === call : call.test(text);
          const texts = (): string[] => lab.of(tree).slice(from).map(spelled);
          await until(`"${line}" gives ${call}`, () => texts().some(matches)).catch(
            (error: Error) => {
              throw new Error(`${error.message}; there was\n${texts().join('\n')}`);
            },
          );
        }
        expect(lab.state(tree).tracing).toBe(true);
        expect(lab.state(tree).calls?.length).toBeGreaterThan(ROWS.length);
        expect(JSON.stringify(lab.of(tree))).not.toContain('not for the tape');
      },
      patient(120_000),
    );

    test("keeps each tree's calls to itself, and takes nothing of who does not ask", async () => {
      const other = await Tree.start();
      const silent = await Tree.start();
      await lab.watch(other);
      await lab.watch(silent);
      lab.observer.setTracing(other.id, true);
      const both = Array.from({ length: 20 }, (_, index) => index);
      await Promise.all([
        tree.run(both.map((n) => `mkdir /nowhere/tree-${n}`).join('; ')),
        other.run(both.map((n) => `mkdir /nowhere/other-${n}`).join('; ')),
        silent.run(both.map((n) => `mkdir /nowhere/silent-${n}`).join('; ')),
      ]);
      const paths = (of: Tree): string[] =>
        lab.of(of).flatMap(({ name, args }) => (name.startsWith('mkdir') ? args.slice(0, -1) : []));
      const expected = (name: string): string[] => both.map((n) => `"/nowhere/${name}-${n}"`);
      await until(
        'both tapes are full',
        () => paths(tree).length >= 20 && paths(other).length >= 20,
      );
      expect(paths(tree)).toEqual(expected('tree'));
      expect(paths(other)).toEqual(expected('other'));
      expect(lab.of(silent)).toEqual([]);
    });

    test('names the process of each call, even of one that lived a millisecond', async () => {
      const pids = await tree.run("for i in 1 2 3 4 5; do sh -c 'echo $$; exit 3'; done");
      const exits = (): readonly SyscallState[] =>
        lab.of(tree).filter(({ name, args }) => name === 'exit_group' && args[0] === '3');
      await until('five exits', () => exits().length === 5);
      const forks = lab.forks(tree);
      const inside = exits().map(({ process }) => forks.get(process)?.pids.at(-1));
      expect(inside).toEqual(pids.map(Number));
    });

    test('follows a process that joins from outside', async () => {
      const enter = `nsenter -t ${tree.initPid} -p -m -u bash -c 'while read; do mkdir /nowhere/joined; done'`;
      const joined = spawn('bash', ['-c', `echo $$ > ${tree.cgroup}/cgroup.procs; exec ${enter}`], {
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      await until('it has joined', () => [...lab.forks(tree).values()].length > 1);
      // The trace that names processes needs a moment longer to follow than the tape: so again.
      await until('its call', () => {
        joined.stdin.write('\n');
        return lab.of(tree).some(({ args }) => args[0] === '"/nowhere/joined"');
      });
      joined.stdin.end();
      await once(joined, 'exit');
    });

    test('ends when asked to, and when it ends nothing is left of it', async () => {
      expect(programs()).toBeGreaterThan(0);
      lab.observer.setTracing(tree.id, false);
      expect(lab.state(tree).tracing).toBe(false);
      expect(programs()).toBe(0);
      await tree.run('mkdir /nowhere/after');
      lab.observer.setTracing(tree.id, true);
      await tree.run('mkdir /nowhere/again');
      const seen = (path: string): boolean => lab.of(tree).some(({ args }) => args[0] === path);
      await until('the new tape has it', () => seen('"/nowhere/again"'));
      expect(seen('"/nowhere/after"')).toBe(false);
    });

    test('says how many calls it left out of a flood', async () => {
      const chdir = `syscall(${syscallNumber('chdir')}, @a)`;
      await tree.run(`perl -e 'my @a = ("/nowhere"); ${chdir} for 1 .. 20000'`);
      const chdirs = (): number => lab.of(tree).filter(({ name }) => name === 'chdir').length;
      const lost = (): number => lab.state(tree).callsLost ?? 0;
      await until('the note', () => lost() > 0 && chdirs() + lost() >= 20_000);
      expect(chdirs()).toBeLessThan(20_000);
    });

    test('is gone with its sandbox', () => {
      lab.observer.unwatch(tree.id);
      expect(programs()).toBe(0);
    });
  },
);
