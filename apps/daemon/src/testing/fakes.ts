/** Doubles of the parts that touch the kernel: they keep books instead, and fail when told to. */
import { type Fence, FileError } from '@terrarium/engine';
import type { Lesson, Step } from '@terrarium/lesson';
import type { TerminalInfo } from '@terrarium/protocol';
import type { EventBody, NamespaceKind, ProcessState } from '@terrarium/timeline';
import type { FenceReader } from '../fence.js';
import type { SandboxFiles } from '../files.js';
import type {
  HostedSandbox,
  Observer,
  Sandboxes,
  SandboxInfo,
  TerminalMark,
  TerminalRequest,
  Terminals,
} from '../ports.js';

export class FakeSandboxes implements Sandboxes {
  readonly reduced = [];
  readonly shell = ['/bin/sh'];
  readonly stepper = null;
  /** host pids that are said to be of the sandbox */
  readonly members = new Set<number>();
  readonly fence: FenceReader = async (sandbox, pid) => {
    const hostPid = pid ?? sandbox.initPid;
    const isOwn = hostPid === sandbox.initPid || this.members.has(hostPid);
    return isOwn ? ({ pid: hostPid, command: 'fake', entries: [] } as unknown as Fence) : null;
  };
  /** texts of files by `SANDBOX PATH` */
  readonly texts = new Map<string, string>();
  /** every question about a file waits for this */
  filesWait: Promise<void> = Promise.resolve();
  readonly files: SandboxFiles = {
    read: async (sandbox, path) => {
      await this.filesWait;
      const text = this.texts.get(`${sandbox.id} ${path}`);
      if (text === undefined) throw new FileError('read', path, 'ENOENT', 'ENOENT (no such file)');
      const mtime = String(text.length);
      return { kind: 'file', path, text, size: text.length, mtime, mode: 0o644, kernel: null };
    },
    write: async (sandbox, path, text, expected) => {
      const old = this.texts.get(`${sandbox.id} ${path}`);
      if (typeof expected === 'object' && expected.mtime !== String(old?.length)) {
        throw new FileError('write', path, 'changed', 'it was changed since it was opened');
      }
      this.texts.set(`${sandbox.id} ${path}`, text);
      return { path, size: text.length, mtime: String(text.length) };
    },
    archive: async (sandbox) => {
      await this.filesWait;
      return Buffer.from(JSON.stringify({ archiveOf: sandbox.id }));
    },
  };
  readonly alive = new Map<string, SandboxInfo>();
  readonly calls: string[] = [];
  /** the next create fails with this */
  failure: Error | null = null;
  /** how long a create takes, ms */
  slow = 0;
  #gone: (sandbox: SandboxInfo) => void = () => {};
  #nextPid = 5000;

  async create(id: string): Promise<SandboxInfo> {
    this.calls.push(`create ${id}`);
    if (this.failure !== null) throw this.failure;
    if (this.slow > 0) await new Promise((resolve) => setTimeout(resolve, this.slow));
    const info = fakeSandbox(id, this.#nextPid++);
    this.alive.set(id, info);
    return info;
  }

  async adopt(): Promise<readonly SandboxInfo[]> {
    return [...this.alive.values()];
  }

  async remove(id: string): Promise<void> {
    this.calls.push(`remove ${id}`);
    this.alive.delete(id);
  }

  onGone(listener: (sandbox: SandboxInfo) => void): void {
    this.#gone = listener;
  }

  /** As if a learner killed its init. */
  die(id: string): void {
    const info = this.alive.get(id);
    if (info === undefined) return;
    this.alive.delete(id);
    this.#gone(info);
  }

  async close(): Promise<void> {}
}

/** A sandbox as the engine would have made it. */
export function fakeSandbox(id: string, initPid: number): SandboxInfo {
  return { id, initPid, initStartTime: 1, cgroups: [], exec: null };
}

interface FakeHosted {
  readonly initPid: number;
  terminals: TerminalInfo[];
}

export class FakeTerminals implements Terminals {
  readonly hosted = new Map<string, FakeHosted>();
  readonly typed: string[] = [];
  readonly calls: string[] = [];
  #changed: (sandbox: string, terminal: TerminalInfo) => void = () => {};
  #restarted: () => void = () => {};
  /** as if a shell printed a mark */
  mark: (sandbox: string, mark: TerminalMark) => void = () => {};

  async connect(): Promise<void> {}
  async shutdown(): Promise<void> {
    this.hosted.clear();
  }

  async list(): Promise<readonly HostedSandbox[]> {
    return [...this.hosted].map(([sandbox, { initPid, terminals }]) => ({
      sandbox,
      initPid,
      initStartTime: 1,
      terminals,
    }));
  }

  async register(sandbox: SandboxInfo): Promise<void> {
    this.calls.push(`register ${sandbox.id}`);
    const terminals = this.hosted.get(sandbox.id)?.terminals ?? [];
    this.hosted.set(sandbox.id, { initPid: sandbox.initPid, terminals });
  }

  async open(request: TerminalRequest): Promise<TerminalInfo> {
    this.calls.push(`open ${request.id} ${request.cols}x${request.rows}`);
    return this.#start(request);
  }

  async restart(request: TerminalRequest): Promise<TerminalInfo> {
    this.calls.push(`restart ${request.id}`);
    return this.#start(request);
  }

  async close(terminal: string): Promise<void> {
    for (const sandbox of this.hosted.values()) {
      sandbox.terminals = sandbox.terminals.filter(({ id }) => id !== terminal);
    }
  }

  async forget(sandbox: string): Promise<void> {
    this.calls.push(`forget ${sandbox}`);
    this.hosted.delete(sandbox);
  }

  /** while there is a promise, shells wait for a line when it has resolved */
  starting: Promise<void> | null = null;
  async ready(): Promise<void> {
    await this.starting;
  }

  async type(terminal: string, text: string): Promise<void> {
    this.typed.push(`${terminal} ${text}`);
  }

  onChange(listener: (sandbox: string, terminal: TerminalInfo) => void): void {
    this.#changed = listener;
  }

  onMark(listener: (sandbox: string, mark: TerminalMark) => void): void {
    this.mark = listener;
  }

  onRestart(listener: () => void): void {
    this.#restarted = listener;
  }

  /** As if a shell ended. */
  end(sandbox: string, terminal: string, exitCode: number): void {
    const hosted = this.hosted.get(sandbox);
    const before = hosted?.terminals.find(({ id }) => id === terminal);
    if (hosted === undefined || before === undefined) return;
    const ended: TerminalInfo = { ...before, state: 'ended', exitCode };
    hosted.terminals = hosted.terminals.map((one) => (one === before ? ended : one));
    this.#changed(sandbox, ended);
  }

  /** As if the host was killed and stands again. */
  crash(): void {
    this.hosted.clear();
    this.#restarted();
  }

  #start({ id, sandbox }: TerminalRequest): TerminalInfo {
    const hosted = this.hosted.get(sandbox);
    if (hosted === undefined) throw new Error(`sandbox ${sandbox} is not registered`);
    hosted.terminals = hosted.terminals.filter((one) => one.id !== id);
    const terminal: TerminalInfo = {
      id,
      pts: hosted.terminals.length,
      state: 'running',
      exitCode: null,
    };
    hosted.terminals.push(terminal);
    return terminal;
  }
}

/** Says at once what the real one says first: the sandbox and its init. */
export class FakeObserver implements Observer {
  readonly watched = new Set<string>();
  /** true: says nothing by itself */
  silent = false;
  #batch: (sandbox: string, events: readonly EventBody[]) => void = () => {};

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  watch(sandbox: SandboxInfo): void {
    this.watched.add(sandbox.id);
    if (!this.silent) queueMicrotask(() => this.emit(sandbox.id, firstWords(sandbox)));
  }

  viewers(): void {}

  /** while there is a promise, a sandbox is traced when it has resolved */
  settling: Promise<void> | null = null;
  async settled(): Promise<void> {
    await this.settling;
  }

  /** sandboxes whose calls are on the tape */
  readonly traced = new Set<string>();

  trace(id: string, on: boolean): void {
    if (on) this.traced.add(id);
    else this.traced.delete(id);
  }

  unwatch(id: string): void {
    this.watched.delete(id);
  }

  onBatch(listener: (sandbox: string, events: readonly EventBody[]) => void): void {
    this.#batch = listener;
  }

  emit(sandbox: string, events: readonly EventBody[]): void {
    this.#batch(sandbox, events);
  }
}

const NAMESPACES: Readonly<Record<NamespaceKind, number>> = {
  pid: 1,
  mnt: 2,
  net: 3,
  uts: 4,
  ipc: 5,
  user: 6,
  cgroup: 7,
  time: 8,
};

/** A process of a fake sandbox. */
export function fakeProcess(hostPid: number, comm: string, parent: string | null): ProcessState {
  return {
    key: `${hostPid}:1`,
    hostPid,
    startTime: 1,
    parent,
    pids: [hostPid, 1],
    comm,
    args: [comm],
    state: 'S',
    uid: { outside: 100_000, inside: 0 },
    namespaces: NAMESPACES,
    cgroup: '/',
    terminal: null,
    processGroup: hostPid,
    bornAt: 0,
  };
}

export function firstWords(sandbox: SandboxInfo): EventBody[] {
  const init = fakeProcess(sandbox.initPid, 'init', null);
  return [
    {
      type: 'sandbox.start',
      sandbox: { id: sandbox.id, init: init.key, namespaces: NAMESPACES, kernelRelease: '6.1' },
    },
    { type: 'process.fork', process: init },
  ];
}

function text(en: string) {
  return { en, zh: en };
}

/** A step that is green while a process of that name runs. */
export function fakeStep(id: string, comm: string, more: Partial<Step> = {}): Step {
  return {
    id,
    title: text(id),
    prose: text(''),
    view: 'processes',
    look: text(''),
    commands: [],
    check: {
      clauses: [
        {
          id: 'runs',
          message: text(`no ${comm} runs`),
          exists: { process: 'p' },
          where: [{ field: 'p.comm', equals: comm }],
        },
      ],
    },
    once: false,
    hint: text(''),
    solution: [],
    wrong: [],
    setup: [],
    breakIt: false,
    ...more,
  };
}

export function fakeLesson(steps: readonly Step[], id = 'containers/01'): Lesson {
  return {
    id,
    course: 'containers',
    number: '01',
    slug: 'fake',
    title: text('Fake'),
    summary: text(''),
    objectives: [],
    minutes: 1,
    requires: [],
    introduction: text(''),
    steps,
    deeper: [],
  };
}
