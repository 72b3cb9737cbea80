/** Doubles of the parts that touch the kernel: they keep books instead, and fail when told to. */
import type { Lesson, Step } from '@terrarium/lesson';
import type { TerminalInfo } from '@terrarium/protocol';
import type { EventBody, NamespaceKind, ProcessState } from '@terrarium/timeline';
import type { HostedSandbox, Observer, Sandboxes, SandboxInfo, Terminals } from '../ports.js';

const MIB = 1024 * 1024;

export class FakeSandboxes implements Sandboxes {
  readonly limits = {
    memoryBytes: 512 * MIB,
    pids: 256,
    cpuPercent: 100,
    diskBytes: 256 * MIB,
  };
  readonly reduced = [];
  readonly alive = new Map<string, SandboxInfo>();
  readonly calls: string[] = [];
  /** the next create fails with this */
  failure: Error | null = null;
  #gone: (id: string) => void = () => {};
  #nextPid = 5000;

  async create(id: string): Promise<SandboxInfo> {
    this.calls.push(`create ${id}`);
    if (this.failure !== null) throw this.failure;
    const info = { id, initPid: this.#nextPid++, initStartTime: 1, cgroups: [] };
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

  onGone(listener: (id: string) => void): void {
    this.#gone = listener;
  }

  /** As if a learner killed its init. */
  die(id: string): void {
    this.alive.delete(id);
    this.#gone(id);
  }

  async close(): Promise<void> {}
}

export class FakeTerminals implements Terminals {
  readonly hosted = new Map<string, TerminalInfo[]>();
  readonly typed: string[] = [];
  readonly calls: string[] = [];
  #changed: (sandbox: string, terminals: readonly TerminalInfo[]) => void = () => {};
  #nextId = 1;

  async connect(): Promise<void> {}
  disconnect(): void {}
  async shutdown(): Promise<void> {
    this.hosted.clear();
  }

  async list(): Promise<readonly HostedSandbox[]> {
    return [...this.hosted].map(([sandbox, terminals]) => ({ sandbox, terminals }));
  }

  async register(sandbox: SandboxInfo, tokenHashes: readonly string[]): Promise<void> {
    this.calls.push(`register ${sandbox.id} ${tokenHashes.length}`);
    this.hosted.set(sandbox.id, []);
  }

  async open(
    sandbox: string,
    size: { cols: number; rows: number },
    id?: string,
  ): Promise<TerminalInfo> {
    const list = this.hosted.get(sandbox);
    if (list === undefined) throw new Error(`sandbox ${sandbox} is not registered`);
    this.calls.push(`open ${sandbox} ${size.cols}x${size.rows} ${id ?? 'new'}`);
    const terminal: TerminalInfo = {
      id: id ?? `t${this.#nextId++}`,
      pts: list.length,
      state: 'running',
      exitCode: null,
    };
    list.push(terminal);
    return terminal;
  }

  async close(sandbox: string, terminal: string): Promise<void> {
    const list = this.hosted.get(sandbox) ?? [];
    this.hosted.set(
      sandbox,
      list.filter(({ id }) => id !== terminal),
    );
  }

  async forget(sandbox: string): Promise<void> {
    this.calls.push(`forget ${sandbox}`);
    this.hosted.delete(sandbox);
    // The real host tells of the end of each shell.
    this.#changed(sandbox, []);
  }

  async type(sandbox: string, terminal: string, text: string): Promise<void> {
    this.typed.push(`${sandbox} ${terminal} ${text}`);
  }

  onChange(listener: (sandbox: string, terminals: readonly TerminalInfo[]) => void): void {
    this.#changed = listener;
  }

  /** As if a shell ended. */
  end(sandbox: string, terminal: string, exitCode: number): void {
    const list = (this.hosted.get(sandbox) ?? []).map((one) =>
      one.id === terminal ? { ...one, state: 'ended' as const, exitCode } : one,
    );
    this.hosted.set(sandbox, list);
    this.#changed(sandbox, list);
  }
}

/** Says at once what the real one says first: the sandbox and its init. */
export class FakeObserver implements Observer {
  readonly watched = new Set<string>();
  #batch: (sandbox: string, events: readonly EventBody[]) => void = () => {};

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  watch(sandbox: SandboxInfo): void {
    this.watched.add(sandbox.id);
    queueMicrotask(() => this.emit(sandbox.id, firstWords(sandbox)));
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
