/**
 * The one stepper of a learner's session: opens plans, steps, keeps every page of the session up to
 * date, and ends with the sandbox. Lives in the daemon; a page that reloads finds it where it was.
 */
import {
  type ExecTarget,
  type FactsContext,
  kernelCapture,
  landmarkOf,
  readProcess,
  type StepEvent,
  StepSession,
  viewerInSandbox,
} from '@terrarium/engine';
import type {
  StepperClientMessage,
  StepperRecord,
  StepperServerMessage,
  StepperState,
  StepperWhat,
} from '@terrarium/protocol';
import type { Log } from '../log.js';
import type { SandboxInfo } from '../ports.js';
import { Serial } from '../serial.js';
import { ContainerSource } from './container-source.js';
import { ExecSource } from './exec-source.js';
import {
  type PlanSource,
  type PreparedPlan,
  type StepperKit,
  StepperRefused,
} from './plan-source.js';
import { factsOf, outcomeOf, positionOf, recordOf, tapeOf } from './wire.js';

/** What a stepper works with. */
export interface SessionStepperDeps {
  /** null: this daemon has no player that could step (tests) */
  readonly kit: StepperKit | null;
  readonly session: string;
  /** the session's sandbox, while it runs */
  readonly sandbox: () => SandboxInfo | null;
  /** to every page of the session */
  readonly send: (message: StepperServerMessage) => void;
  readonly log: Log;
}

/** Steps that come fast are told together, ms: the eye does not follow more. */
const NEWS_MS = 40;

/** Opens that may wait for each other: a page that clicks on and on gets a refusal. */
const MOST_PENDING = 4;

/** Single steps that may wait for each other: a key that is held down comes thirty times a second. */
const MOST_STEPS = 3;

/** What is open. */
interface Open {
  readonly id: string;
  readonly what: StepperWhat;
  readonly prepared: PreparedPlan;
  readonly session: StepSession;
  /** what the tables of facts are held against */
  readonly context: FactsContext;
  /** pages know of it; what came before is in what they were told */
  told: boolean;
  /** several steps are being made */
  running: boolean;
  /** records that no page has been told of */
  news: StepperRecord[];
}

/** @see the file's header */
export class SessionStepper {
  readonly #deps: SessionStepperDeps;
  readonly #sources: Readonly<Record<StepperWhat['kind'], PlanSource>>;
  readonly #serial = new Serial();
  #open: Open | null = null;
  #opened = 0;
  #steps = 0;
  #timer: NodeJS.Timeout | null = null;
  /** the sandbox takes everything with it: what its groups held need not be taken back */
  #sandboxGoes = false;

  constructor(deps: SessionStepperDeps) {
    this.#deps = deps;
    const container = new ContainerSource();
    this.#sources = {
      container,
      bundle: container,
      config: container,
      exec: new ExecSource(),
    };
  }

  /** Does what a page asks for. @throws StepperRefused with a sentence for the learner */
  async handle(message: StepperClientMessage): Promise<void> {
    switch (message.type) {
      case 'stepper.open':
        if (this.#serial.pending >= MOST_PENDING)
          throw new StepperRefused('still opening the last one');
        await this.#serial.run(() => this.#replace(message.what));
        return;
      case 'stepper.step':
        await this.#stepping(({ session }) => session.step(message.process), false);
        return;
      case 'stepper.runTo':
        await this.#stepping(({ session }) => session.runTo(message.process, message.index), true);
        return;
      case 'stepper.runAll':
        await this.#stepping(({ session }) => session.runAll(), true);
        return;
      case 'stepper.pause':
        this.#open?.session.pause();
        return;
      case 'stepper.abort':
        await this.#serial.run(() => this.#abort());
        return;
      case 'stepper.close':
        await this.#serial.run(() => this.#close());
        return;
    }
  }

  /** Everything, for a page that comes (back). */
  message(): StepperServerMessage {
    return { type: 'stepper', stepper: this.#open === null ? null : this.#stateOf(this.#open) };
  }

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** The sandbox goes, or is replaced: so does the stepper. */
  async sandboxGone(): Promise<void> {
    if (this.#open === null && this.#serial.pending === 0) return;
    this.#sandboxGoes = true;
    try {
      await this.#serial.run(() => this.#close());
    } finally {
      this.#sandboxGoes = false;
    }
  }

  async #replace(what: StepperWhat): Promise<void> {
    await this.#close();
    const { kit, sandbox } = this.#deps;
    const info = sandbox();
    if (kit === null || info === null) throw new StepperRefused('the sandbox is not ready yet');
    const target = info.exec as ExecTarget;
    const prepared = await this.#sources[what.kind].prepare(target, what);
    const open = this.#begin(kit, target, what, prepared);
    await open.session.ready;
    open.told = true;
    this.#deps.send(this.message());
  }

  #begin(kit: StepperKit, target: ExecTarget, what: StepperWhat, prepared: PreparedPlan): Open {
    const landmarks = [
      landmarkOf(target.initPid, { en: "your sandbox's", zh: '你的沙箱的' }),
      landmarkOf(process.pid, { en: "the host's", zh: '宿主机的' }),
    ];
    const viewer = viewerInSandbox(target.initPid, target.cgroupsPath);
    const session = new StepSession({
      player: kit.player,
      plan: prepared.plan,
      capture: kernelCapture(kit.player, kit.cgroups),
      landmarks,
      viewer,
      undo: async () => {
        if (!this.#sandboxGoes) await prepared.undo();
      },
      onEvent: (event) => this.#heard(session, event),
    });
    const id = `${Date.now().toString(36)}-${++this.#opened}`;
    const context = { usual: readProcess(target.initPid), landmarks, viewer };
    const fresh = { told: false, running: false, news: [] };
    const open: Open = { id, what, prepared, session, context, ...fresh };
    this.#open = open;
    return open;
  }

  async #stepping(act: (open: Open) => Promise<void>, many: boolean): Promise<void> {
    const open = this.#open;
    if (open === null) throw new StepperRefused('nothing is open to step through');
    // A second key press while several steps are made would queue up behind them.
    if (open.running || open.session.outcome !== null || this.#steps >= MOST_STEPS) return;
    open.running = many;
    this.#steps += 1;
    try {
      await act(open);
    } catch (error) {
      throw new StepperRefused((error as Error).message);
    } finally {
      this.#steps -= 1;
      open.running = false;
      this.#tell(open);
    }
  }

  async #abort(): Promise<void> {
    const open = this.#open;
    if (open === null) return;
    await open.session.abort();
    this.#tell(open);
  }

  /** Puts it away with all that it made. */
  async #close(): Promise<void> {
    const open = this.#open;
    if (open === null) return;
    const leftovers = await open.session.end();
    if (leftovers.length > 0) {
      this.#deps.log.error({ session: this.#deps.session, leftovers }, 'stepper left something');
    }
    this.#open = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#deps.send({ type: 'stepper', stepper: null });
  }

  // ---- telling ----

  #heard(session: StepSession, event: StepEvent): void {
    const open = this.#open;
    // Before the first message there is nothing that news could add to.
    if (open === null || open.session !== session || !open.told) return;
    if (event.type === 'call') open.news.push(recordOf(event.record));
    if (event.type === 'ended') {
      const { session: of } = this.#deps;
      this.#deps.log.info({ session: of, step: 'stepper', outcome: event.outcome.kind }, 'stepped');
    }
    this.#timer ??= setTimeout(() => this.#tell(open), NEWS_MS);
  }

  #tell(open: Open): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (open !== this.#open) return;
    const records = open.news;
    open.news = [];
    this.#deps.send({
      type: 'stepper.news',
      id: open.id,
      records,
      progress: this.#progressOf(open),
    });
  }

  #progressOf({ session, context, running }: Open) {
    const { state } = session;
    return {
      positions: session.positions.map((position) => positionOf(position, state)),
      next: session.next(),
      running,
      facts: factsOf(state, context),
      outcome: outcomeOf(session.outcome),
    };
  }

  #stateOf(open: Open): StepperState {
    const { id, what, prepared, session } = open;
    open.news = []; // they are among the records below
    return {
      id,
      what,
      title: prepared.title,
      ...tapeOf(prepared.plan),
      records: session.records.map(recordOf),
      ...this.#progressOf(open),
    };
  }
}
