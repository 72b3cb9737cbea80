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
import { EMPTY_STATE, fold, type State, type TimelineEvent } from '@terrarium/timeline';
import { withNews } from '../stepper/news';

/** What the strip at the bottom reaches back to, ms. */
export const RECENT_MS = 60_000;
/** A fork bomb makes thousands of events a second; more marks than pixels say nothing. */
const RECENT_EVENTS = 1500;

type Welcome = Extract<ServerMessage, { type: 'welcome' }>;
type SandboxMessage = Extract<ServerMessage, { type: 'sandbox' }>;

/** A sentence that the page shows until it is dismissed. */
export interface Notice {
  readonly id: number;
  readonly text: string;
}

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
  /** the newest events, of the last minute and not too many */
  readonly recent: readonly TimelineEvent[];
  /** null until the daemon has said how the lesson's steps stand */
  readonly steps: readonly StepStatus[] | null;
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
  recent: [],
  steps: null,
  terminals: [],
  stepper: null,
  notices: [],
};

/** What the store needs of its surroundings; tests pass their own. */
export interface LabStoreOptions {
  readonly connect: () => SocketLike;
  readonly lesson: string | null;
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
  readonly #listeners = new Set<() => void>();
  readonly #opening = new Map<number, (terminal: string | null) => void>();
  #lab: Lab = START;
  #pending: ServerMessage[] = [];
  #scheduled = false;
  #requests = 0;
  #noticeIds = 0;

  constructor(options: LabStoreOptions) {
    this.#schedule = options.schedule ?? nextFrame;
    this.#now = options.now ?? Date.now;
    this.#lesson = options.lesson;
    this.#lab = { ...START, sandbox: { ...START.sandbox, since: this.#now() } };
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

  #receive(message: ServerMessage): void {
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
      lab = { ...lab, state: fold(lab.state, events), recent: addRecent(lab.recent, events) };
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
      case 'welcome':
        // A daemon that has one open says so next.
        return { ...lab, welcome: message, terminals: message.terminals, stepper: null };
      case 'sandbox': {
        const { status } = message;
        const since = status === lab.sandbox.status ? lab.sandbox.since : this.#now();
        return { ...lab, sandbox: { status, message: message.message ?? null, since } };
      }
      case 'snapshot':
        return { ...lab, state: message.state, hasState: true };
      case 'steps':
        return message.lesson === this.#lesson ? { ...lab, steps: message.steps } : lab;
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

function addRecent(
  recent: readonly TimelineEvent[],
  events: readonly TimelineEvent[],
): readonly TimelineEvent[] {
  const newest = events.at(-1)?.t ?? 0;
  return [...recent, ...events.slice(-RECENT_EVENTS)]
    .filter(({ t }) => t > newest - RECENT_MS)
    .slice(-RECENT_EVENTS);
}

/** A hidden tab draws no frames: there a slow timer keeps the state from piling up. */
function nextFrame(action: () => void): void {
  if (document.hidden) setTimeout(action, 250);
  else requestAnimationFrame(action);
}
