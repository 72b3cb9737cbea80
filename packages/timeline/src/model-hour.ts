/**
 * One hour of a learner's work as events: the model that seek, sizes of recordings and attribution
 * are measured on. Not exported from the package's index: for tests and benchmarks.
 *
 * Assumed: 200 commands in two terminals. Of each ten commands seven start one program, one is a
 * pipeline of three, one unshares every kind of namespace and copies 30 mounts for a shell in it,
 * and one mounts, works and unmounts. A background job is left every 25 commands. Six times the
 * hour a loop forks 1,000 programs, and 300 mounts come and go once. Each process is forked,
 * moved to its group, exec'ed, perhaps a zombie, and gone, as the observer tells it.
 */
import type { EventBody, TimelineEvent } from './events.js';
import { utf8 } from './recording/platform.js';
import type { TerminalRecord } from './recording/records.js';
import {
  random,
  SANDBOX_NAMESPACES,
  sampleMount,
  sampleNamespace,
  sampleProcess,
} from './sample.js';
import { NAMESPACE_KINDS, type NamespaceKind, type ProcessState } from './state.js';

/** How much of everything; the defaults are one hour of normal work. */
export interface ModelOptions {
  readonly seed?: number;
  readonly commands?: number;
  readonly bursts?: number;
  readonly forksPerBurst?: number;
  readonly mounts?: number;
  /** programs that go on in the background from the start: 1,000 make every state large */
  readonly background?: number;
}

const HOUR_MS = 3_600_000;
const T0 = 1_780_000_000_000;
const COPIED_MOUNTS = 30;
const PROGRAMS = ['ls', 'cat', 'ps', 'id', 'sleep', 'mount', 'lsns', 'head', 'grep', 'readlink'];

/** The events of an hour, numbered from 1, in the order in which a daemon would have them. */
export function modelHour(options: ModelOptions = {}): readonly TimelineEvent[] {
  return new Model(options).run();
}

class Model {
  private readonly options: Required<ModelOptions>;
  private readonly events: TimelineEvent[] = [];
  private readonly next: () => number;
  private t = T0;
  private pid = 5000;
  private inode = 4_026_533_000;
  private mountId = 500;
  private commands = 0;
  private readonly shells: ProcessState[] = [];

  constructor(options: ModelOptions) {
    this.options = {
      ...{ seed: 1, commands: 200, bursts: 6, forksPerBurst: 1000, mounts: 300, background: 0 },
      ...options,
    };
    this.next = random(this.options.seed);
  }

  run(): readonly TimelineEvent[] {
    this.start();
    const { commands, bursts } = this.options;
    for (let n = 1; n <= commands; n++) {
      this.t = Math.max(this.t, T0 + Math.floor((n / (commands + 1)) * HOUR_MS));
      this.command(n);
      if (n % Math.ceil(commands / (bursts + 1)) === 0) this.burst();
      if (n === commands >> 1) this.manyMounts();
    }
    return this.events;
  }

  private emit(body: EventBody): void {
    this.events.push({ ...body, seq: this.events.length + 1, t: this.t });
  }

  private start(): void {
    this.emit({
      type: 'sandbox.start',
      sandbox: {
        id: 'model',
        init: '1001:1001',
        namespaces: SANDBOX_NAMESPACES,
        kernelRelease: '6.1.0',
      },
    });
    for (const kind of NAMESPACE_KINDS) {
      const namespace = sampleNamespace(kind, SANDBOX_NAMESPACES[kind], { bornAt: T0 });
      this.emit({ type: 'namespace.appear', namespace });
    }
    this.emit({ type: 'process.fork', process: sampleProcess(1001, { comm: 'init', bornAt: T0 }) });
    for (let i = 0; i < COPIED_MOUNTS; i++) this.mount(SANDBOX_NAMESPACES.mnt, `/at/${i}`);
    for (let i = 0; i < 2; i++) {
      const shell = sampleProcess(this.pid++, { terminal: i, bornAt: T0 });
      this.shells.push(shell);
      this.emit({ type: 'process.fork', process: shell });
      this.emit({ type: 'terminal.open', terminal: `t${i}`, pts: i });
    }
    for (let i = 0; i < this.options.background; i++) this.program('1001:1001', 'sleep');
  }

  /** One command line with its processes. */
  private command(n: number): void {
    const shell = this.shells[this.next() < 0.7 ? 0 : 1]!;
    const end = this.begin(shell, `command ${n}`);
    const kind = n % 10;
    if (kind === 3) this.pipeline(shell);
    else if (kind === 5) this.unshare(shell);
    else if (kind === 7) this.mountAndUnmount(shell);
    else this.exit(this.program(shell.key, PROGRAMS[n % PROGRAMS.length]!));
    if (n % 25 === 0) this.program(shell.key, 'sleep');
    end();
  }

  private begin(shell: ProcessState, line: string): () => void {
    this.commands += 1;
    const id = `c${this.commands}`;
    const terminal = `t${shell.terminal}`;
    const [process, processGroup] = [shell.key, null];
    this.emit({ type: 'command.start', id, terminal, line, process, processGroup });
    return () => {
      this.t += 2;
      this.emit({ type: 'command.end', id, exitCode: 0 });
    };
  }

  /** fork, setpgid, exec: as three events. */
  private program(
    parent: string,
    comm: string,
    namespaces: ProcessState['namespaces'] = SANDBOX_NAMESPACES,
    group?: number,
  ): ProcessState {
    this.t += 1;
    const pid = this.pid++;
    const process = sampleProcess(pid, {
      ...{ parent, namespaces, terminal: 0, bornAt: this.t, processGroup: this.shells[0]!.hostPid },
    });
    this.emit({ type: 'process.fork', process });
    this.emit({ type: 'process.change', key: process.key, change: { processGroup: group ?? pid } });
    const args = [comm, '--some', `/a/file/${Math.floor(this.next() * 1000)}`];
    this.emit({ type: 'process.exec', key: process.key, comm, args });
    return process;
  }

  private exit({ key }: ProcessState): void {
    this.t += 1 + Math.floor(this.next() * 20);
    if (this.next() < 0.2) {
      this.emit({ type: 'process.change', key, change: { state: 'Z', args: [] } });
    }
    this.emit({ type: 'process.exit', key, waitStatus: 0 });
  }

  private pipeline(shell: ProcessState): void {
    const leader = this.program(shell.key, 'cat');
    const rest = ['grep', 'wc'].map((comm) =>
      this.program(shell.key, comm, SANDBOX_NAMESPACES, leader.hostPid),
    );
    for (const process of [leader, ...rest]) this.exit(process);
  }

  private unshare(shell: ProcessState): void {
    const outer = this.program(shell.key, 'unshare');
    const namespaces: Record<NamespaceKind, number> = { ...SANDBOX_NAMESPACES };
    for (const kind of NAMESPACE_KINDS) {
      namespaces[kind] = this.inode++;
      const nests = kind === 'pid' || kind === 'user';
      const parent = nests ? SANDBOX_NAMESPACES[kind] : null;
      const fields = { parent, owner: SANDBOX_NAMESPACES.user, bornAt: this.t };
      this.emit({
        type: 'namespace.appear',
        namespace: sampleNamespace(kind, namespaces[kind], fields),
      });
    }
    const inner = this.program(outer.key, 'bash', namespaces);
    for (let i = 0; i < COPIED_MOUNTS; i++) this.mount(namespaces.mnt, `/at/${i}`);
    for (let i = 0; i < 3; i++) this.exit(this.program(inner.key, 'ps', namespaces));
    this.exit(inner);
    this.emit({ type: 'mount.forget', mountNs: namespaces.mnt });
    for (const kind of NAMESPACE_KINDS) {
      this.emit({ type: 'namespace.vanish', inode: namespaces[kind] });
    }
    this.exit(outer);
  }

  private mountAndUnmount(shell: ProcessState): void {
    const program = this.program(shell.key, 'mount');
    const mountId = this.mount(SANDBOX_NAMESPACES.mnt, '/mnt', program.key);
    this.exit(program);
    const other = this.program(shell.key, 'umount');
    const mountNs = SANDBOX_NAMESPACES.mnt;
    this.emit({ type: 'mount.detach', mountNs, mountId, actor: other.key });
    this.exit(other);
  }

  private mount(mountNs: number, mountPoint: string, actor?: string): number {
    const mountId = this.mountId++;
    const mount = sampleMount(mountId, mountPoint);
    this.emit({ type: 'mount.attach', mountNs, mount, ...(actor !== undefined && { actor }) });
    return mountId;
  }

  /** A shell loop: hundreds live at once at its height. */
  private burst(): void {
    const shell = this.shells[0]!;
    const end = this.begin(shell, 'for i in $(seq 1000); do /bin/true & done; wait');
    const living: ProcessState[] = [];
    for (let i = 0; i < this.options.forksPerBurst; i++) {
      living.push(this.program(shell.key, 'true'));
      if (living.length > 300) this.exit(living.shift()!);
    }
    for (const process of living) this.exit(process);
    end();
  }

  private manyMounts(): void {
    const end = this.begin(this.shells[0]!, 'for i in $(seq 300); do mount -t tmpfs none /m/$i');
    const mountNs = SANDBOX_NAMESPACES.mnt;
    const ids: number[] = [];
    for (let i = 0; i < this.options.mounts; i++) {
      const program = this.program(this.shells[0]!.key, 'mount');
      ids.push(this.mount(mountNs, `/m/${i}`, program.key));
      this.exit(program);
    }
    for (const mountId of ids) this.emit({ type: 'mount.detach', mountNs, mountId });
    end();
  }
}

const WORDS =
  'root /proc/self/ns tmpfs rw,relatime 4026532801 overlay bash 0:00 drwxr-xr-x /mnt'.split(' ');

/** What the terminals print meanwhile: a prompt, the line, and 24 lines of a listing a command. */
export function modelTerminals(events: readonly TimelineEvent[], seed = 1): TerminalRecord[] {
  const next = random(seed);
  const pick = () => WORDS[Math.floor(next() * WORDS.length)]!;
  const row = () => `${Array.from({ length: 8 }, pick).join(' ')} ${Math.floor(next() * 1e5)}\r\n`;
  const terminals = new Map<string, string>();
  return events.flatMap((event): TerminalRecord[] => {
    if (event.type !== 'command.start' && event.type !== 'command.end') return [];
    if (event.type === 'command.start') terminals.set(event.id, event.terminal);
    const terminal = terminals.get(event.id) ?? 't0';
    const text =
      event.type === 'command.start'
        ? `${event.line}\r\n`
        : `${Array.from({ length: 24 }, row).join('')}root@terrarium:~# `;
    return [{ type: 'terminal.output', t: event.t, terminal, bytes: utf8(text) }];
  });
}
