/**
 * Everything the page knows about the learner's lab, in one store: the connection, the folded
 * kernel state, steps, terminals. React reads it through `useLab`; messages are folded once per
 * animation frame, however many come.
 */
import {
  type ClientMessage,
  LiveClient,
  type LiveStatus,
  type LocalText,
  type ServerMessage,
  type SocketLike,
  type StepperState,
  type StepStatus,
  type TerminalInfo,
} from '@terrarium/protocol';
import {
  EMPTY_STATE,
  fold,
  History,
  type LessonRecord,
  type State,
  type TimelineEvent,
} from '@terrarium/timeline';
import type { FetchedPast } from '../past/fetch-past';
import { withNews } from '../stepper/news';
import { pacedFrames } from './pace';

type Welcome = Extract<ServerMessage, { type: 'welcome' }>;
type SandboxMessage = Extract<ServerMessage, { type: 'sandbox' }>;

/** A sentence that the page shows until it is dismissed. */
export interface Notice {
  readonly id: number;
  readonly text: string;
}

/** A moment that is looked at instead of the present. */
export interface PastMoment {
  /** number of the newest event in it */
  readonly seq: number;
  readonly state: State;
}

/** How far back the page reaches: to its own opening, or to all that the daemon remembers. */
export type Recall = 'own' | 'loading' | 'whole' | 'failed';

/** What the page knows at one moment. Replaced as a whole; unchanged parts are the same objects. */
export interface Lab {
  readonly connection: LiveStatus;
  /** true from the first successful connection on: later losses are "reconnecting" */
  readonly everConnected: boolean;
  readonly welcome: Welcome | null;
  readonly sandbox: {
    readonly status: SandboxMessage['status'];
    readonly message: LocalText | null;
    /** milliseconds since the epoch, by this browser's clock */
    readonly since: number;
  };
  readonly state: State;
  /** a snapshot has been folded */
  readonly hasState: boolean;
  /** everything since the page was opened, or longer (`recall`); grows, and `state` is its end */
  readonly history: History;
  readonly recall: Recall;
  /** null while the page shows the present */
  readonly past: PastMoment | null;
  /** null until the daemon has said how the lesson's steps stand */
  readonly steps: readonly StepStatus[] | null;
  /** the page's lesson, when its files have changed since the page was drawn */
  readonly lesson: { readonly id: string } | null;
  readonly terminals: readonly TerminalInfo[];
  /** what is being stepped through, if anything is */
  readonly stepper: StepperState | null;
  readonly notices: readonly Notice[];
}

const START: Lab = {
  connection: { state: 'connecting' },
  everConnected: false,
  welcome: null,
  sandbox: { status: 'starting', message: null, since: 0 },
  state: EMPTY_STATE,
  hasState: false,
  history: new History(),
  recall: 'own',
  past: null,
  steps: null,
  lesson: null,
  terminals: [],
  stepper: null,
  notices: [],
};

/** What the store needs of its surroundings; tests pass their own. */
export interface LabStoreOptions {
  readonly connect: () => SocketLike;
  readonly lesson: string | null;
  /** gets what the daemon remembers; without it the page's past begins with the page */
  readonly fetchPast?: () => Promise<FetchedPast>;
  /** runs the action soon, at most once a frame */
  readonly schedule?: (action: () => void) => void;
  readonly now?: () => number;
}

/** The store. Make it once per page, `start` it, `stop` it when the page goes. */
export class LabStore {
  readonly #client: LiveClient;
  readonly #schedule: (action: () => void) => void;
  readonly #now: () => number;
  readonly #lesson: string | null;
  readonly #fetchPast: (() => Promise<FetchedPast>) | null;
  readonly #listeners = new Set<() => void>();
  readonly #opening = new Map<number, (terminal: string | null) => void>();
  #lab: Lab = START;
  #pending: ServerMessage[] = [];
  #scheduled = false;
  #requests = 0;
  #noticeIds = 0;
  readonly #lessonRecords: LessonRecord[] = [];
  #recalling: Promise<void> | null = null;
  #clockOffset: number | null = null;

  constructor(options: LabStoreOptions) {
    this.#schedule = options.schedule ?? pacedFrames();
    this.#now = options.now ?? Date.now;
    this.#lesson = options.lesson;
    this.#fetchPast = options.fetchPast ?? null;
    this.#lab = {
      ...START,
      history: new History(),
      sandbox: { ...START.sandbox, since: this.#now() },
    };
    this.#client = new LiveClient({
      connect: options.connect,
      lesson: options.lesson,
      onMessage: (message) => this.#receive(message),
      onStatus: (connection) => this.#connectionChanged(connection),
    });
  }

  /** Connects to the daemon. */
  start(): void {
    this.#client.start();
  }

  /** Ends the connection; `start` begins it again. */
  stop(): void {
    this.#client.close();
  }

  /** The present value; the same object until something changes. */
  readonly get = (): Lab => this.#lab;

  /** What the learner did in the lesson, for a recording. */
  get lessonRecords(): readonly LessonRecord[] {
    return this.#lessonRecords;
  }

  /** Notes which step the page shows from now on. */
  showsStep(step: string): void {
    if (this.#lesson === null || this.#lessonRecords.at(-1)?.step === step) return;
    const t = this.serverTime(this.#now());
    this.#lessonRecords.push({ type: 'lesson.step', t, lesson: this.#lesson, step });
  }

  /** Calls `listener` after each change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Sends a message. @returns false when there is no connection */
  send(message: ClientMessage): boolean {
    return this.#client.send(message);
  }

  /**
   * Opens a terminal.
   *
   * @returns its id, or null when it could not be opened (the reason is shown as a notice)
   */
  openTerminal(cols: number, rows: number): Promise<string | null> {
    this.#requests += 1;
    const request = this.#requests;
    return new Promise((resolve) => {
      if (!this.send({ type: 'terminal.open', request, cols, rows })) {
        resolve(null);
        return;
      }
      this.#opening.set(request, resolve);
    });
  }

  /** Shows a sentence until it is dismissed. */
  notify(text: string): void {
    this.#set({ notices: this.#withNotice(this.#lab, text) });
  }

  dismiss(id: number): void {
    this.#set({ notices: this.#lab.notices.filter((notice) => notice.id !== id) });
  }

  /**
   * Shows a moment of the past instead of the present, which goes on meanwhile; null: the present.
   *
   * @returns false when that moment is not remembered: then nothing changes
   */
  seek(seq: number | null): boolean {
    if (seq === null) {
      if (this.#lab.past !== null) this.#set({ past: null });
      return true;
    }
    const state = this.#lab.history.stateAtSeq(seq);
    if (state === null) return false;
    if (this.#lab.past?.seq !== seq) this.#set({ past: { seq, state } });
    return true;
  }

  /**
   * Reaches back to before the page was opened, as far as the daemon remembers. Fetches once; after
   * a failure it may be asked again.
   */
  recall(): Promise<void> {
    const { recall } = this.#lab;
    if (recall === 'whole' || this.#fetchPast === null) return Promise.resolve();
    this.#recalling ??= this.#recall(this.#fetchPast).finally(() => {
      this.#recalling = null;
    });
    return this.#recalling;
  }

  async #recall(fetchPast: () => Promise<FetchedPast>): Promise<void> {
    this.#set({ recall: 'loading' });
    try {
      const { epoch, history } = await fetchPast();
      const mine = this.#lab.history;
      const isMine = epoch === this.#lab.welcome?.epoch && history.newest.seq >= mine.oldest.seq;
      if (!isMine) throw new Error(`history of epoch ${epoch} does not reach this page's`);
      if (history.newest.seq < mine.newest.seq) {
        history.append(mine.between(history.newest.seq), mine.newest);
      }
      this.#set({ history, recall: 'whole' });
    } catch (error) {
      console.warn('terrarium: no earlier history', error);
      this.#set({ recall: 'failed' });
    }
  }

  /** A time of the events (the server's clock) on this browser's clock. */
  localTime(t: number): number {
    return t + (this.#clockOffset ?? 0);
  }

  /** The reverse. */
  serverTime(t: number): number {
    return t - (this.#clockOffset ?? 0);
  }

  /** An event cannot come before it happens: the quickest one says how the clocks differ. */
  #compareClocks(events: readonly TimelineEvent[]): void {
    const newest = events.at(-1);
    if (newest === undefined) return;
    const offset = this.#now() - newest.t;
    if (this.#clockOffset === null || offset < this.#clockOffset) this.#clockOffset = offset;
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'events') this.#compareClocks(message.events);
    // An answer that somebody waits for need not wait for the next frame.
    if (message.type === 'terminal.opened') this.#settle(message.request, message.terminal);
    if (message.type === 'error' && message.request !== undefined)
      this.#settle(message.request, null);
    this.#pending.push(message);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => this.#flush());
  }

  #settle(request: number, terminal: string | null): void {
    this.#opening.get(request)?.(terminal);
    this.#opening.delete(request);
  }

  #flush(): void {
    this.#scheduled = false;
    const messages = this.#pending;
    this.#pending = [];
    let lab = this.#lab;
    let events: TimelineEvent[] = [];
    // All events between two other messages are folded as one batch.
    const foldEvents = (): void => {
      if (events.length === 0) return;
      const state = fold(lab.state, events);
      lab = { ...lab, state, history: remembered(lab, events, state) };
      events = [];
    };
    for (const message of messages) {
      if (message.type === 'events') {
        for (const event of message.events) events.push(event);
      } else {
        foldEvents();
        lab = this.#apply(lab, message);
      }
    }
    foldEvents();
    this.#replace(lab);
  }

  #apply(lab: Lab, message: Exclude<ServerMessage, { type: 'events' }>): Lab {
    switch (message.type) {
      case 'welcome': {
        // A daemon that has a stepper open says so next.
        const next = { ...lab, welcome: message, terminals: message.terminals, stepper: null };
        // Another numbering: what was remembered has no place in it.
        const isSame = lab.welcome === null || lab.welcome.epoch === message.epoch;
        return isSame ? next : { ...next, history: new History(), recall: 'own', past: null };
      }
      case 'sandbox': {
        const { status } = message;
        const since = status === lab.sandbox.status ? lab.sandbox.since : this.#now();
        return { ...lab, sandbox: { status, message: message.message ?? null, since } };
      }
      case 'snapshot':
        return withSnapshot(lab, message.state);
      case 'steps':
        return message.lesson === this.#lesson ? { ...lab, steps: message.steps } : lab;
      case 'lesson':
        return message.lesson.id === this.#lesson ? { ...lab, lesson: message.lesson } : lab;
      case 'stepper':
        return { ...lab, stepper: message.stepper };
      case 'stepper.news':
        return { ...lab, stepper: withNews(lab.stepper, message) };
      case 'terminals':
        return { ...lab, terminals: message.terminals };
      case 'error':
        return { ...lab, notices: this.#withNotice(lab, message.message) };
      case 'terminal.opened':
      case 'pong':
        return lab;
    }
  }

  /** The newest few; the same sentence is not said twice. */
  #withNotice(lab: Lab, text: string): readonly Notice[] {
    this.#noticeIds += 1;
    const others = lab.notices.filter((notice) => notice.text !== text);
    return [...others.slice(-2), { id: this.#noticeIds, text }];
  }

  #connectionChanged(connection: LiveStatus): void {
    if (connection.state !== 'open' && connection.state !== 'connecting') {
      for (const request of [...this.#opening.keys()]) this.#settle(request, null);
    }
    this.#set({
      connection,
      everConnected: this.#lab.everConnected || connection.state === 'open',
    });
  }

  #set(change: Partial<Lab>): void {
    this.#replace({ ...this.#lab, ...change });
  }

  #replace(lab: Lab): void {
    if (lab === this.#lab) return;
    this.#lab = lab;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The history with a batch in it, of which it may have the first part already. */
function remembered(lab: Lab, events: readonly TimelineEvent[], state: State): History {
  const { history } = lab;
  const fresh = events.filter(({ seq }) => seq > history.newest.seq);
  if (fresh.length === 0) return history;
  if (fresh[0]?.seq === history.newest.seq + 1) {
    history.append(fresh, state);
    return history;
  }
  const anew = new History({ start: lab.state });
  anew.append(events, state);
  return anew;
}

/** After dropped events: what is between is not here any more, but the daemon may still know it. */
function withSnapshot(lab: Lab, state: State): Lab {
  const next = { ...lab, state, hasState: true };
  if (lab.history.newest.seq === state.seq && lab.history.length > 0) return next;
  return { ...next, history: new History({ start: state }), recall: 'own' };
}
