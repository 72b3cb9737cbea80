/**
 * One terminal: a pty with its shell, the ring of its output, its mirror, and the clients that
 * look at it. Outlives clients, shells (restart) and the daemon.
 *
 * Flow: output goes into the ring, and from there to every client as far as its credit reaches.
 * The pty is read as long as at least one client keeps up; one that does not is dropped to a
 * restored screen later and holds up nobody. With no client, output is read at a walking pace.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { exitCodeOf } from '@terrarium/engine';
import { encodeSize } from '@terrarium/protocol';
import type { RunningShell, ShellLauncher, ShellRequest } from './launcher.js';
import type { Mirror, Mirrors, RestoredScreen } from './mirrors.js';
import { OutputRing } from './output-ring.js';
import { Pty } from './pty.js';
import { RunningCommands, type ShellMark, type StartMark } from './shell-marks.js';
import type { TerminalClient } from './terminal-client.js';
import { waitsForInput } from './waits-for-input.js';

/** After a first chunk, which goes out at once, output is gathered this long. */
const BATCH_MS = 4;
/** … or up to this much. */
const BATCH_BYTES = 64 * 1024;
/** The mirror may be behind by this much; less than the ring, so that its screen can be continued. */
const MIRROR_HIGH = 384 * 1024;
const MIRROR_LOW = 192 * 1024;
/** In a flood the mirror gets this much at once: the more, the more of it leaves no trace (flood.ts). */
const MIRROR_BATCH = 192 * 1024;
/** Plain output waits this long for the mirror, so that its thread does not race the next key. */
const MIRROR_IDLE_MS = 50;
/** What may hold a program's question, which may not wait. */
const ESC = 0x1b;
/** With more than this since the last look, output is a flood, and the mirror gets it in bulk. */
const FLOOD_BYTES = 512;
/** With nobody looking, this much is read in each period: 1.25 MB/s cost 5 % of a core. */
const UNATTENDED_BYTES = 64 * 1024;
const UNATTENDED_MS = 50;
/** What Ctrl-C has flushed from the kernel's buffers is on the mirror's screen by then. */
const INTERRUPT_SETTLE_MS = 8;
/** A client with less than this in flight sees the answer to Ctrl-C soon enough without help. */
const INTERRUPT_BACKLOG = 64 * 1024;
const CTRL_C = 0x03;
/** Between two looks at whether a shell waits for a line that is to be typed for the learner. */
const TYPE_POLL_MS = 20;
/** Then it is typed in any case. A shell is at its prompt in 50 ms, on a busy machine in a second. */
const TYPE_WAIT_MS = 3000;
/** Input longer than this is a paste, in which 0x03 is no request to hurry. */
const KEYSTROKE_BYTES = 16;

/** What a terminal is made of; kept for restarts. */
export interface TerminalSpec {
  readonly id: string;
  readonly sandbox: string;
  /** sha256 of the session's token, hex */
  readonly sessionTokenHash: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

export type TerminalState =
  | { readonly state: 'starting' }
  | { readonly state: 'running'; readonly hostPid: number }
  | { readonly state: 'ended'; readonly exitCode: number };

/** Where a shell is to run. */
export interface ShellPlace {
  readonly devptsFd: number;
  readonly launcher: ShellLauncher;
  readonly sandbox: ShellRequest['sandbox'];
}

/** Whom a terminal tells. */
export interface TerminalEvents {
  /** its shell ended */
  onEnd(terminal: Terminal): void;
  /** a shell on it begins a command line, or is done with it */
  onMark(terminal: Terminal, mark: ShellMark): void;
}

/** Make it, `start` it, `attach` clients, `close` it. */
export class Terminal {
  readonly spec: TerminalSpec;
  readonly ring: OutputRing;
  readonly #mirrors: Mirrors;
  readonly #events: TerminalEvents;
  readonly #commands = new RunningCommands();
  readonly #clients = new Set<TerminalClient>();
  #mirror: Mirror;
  #pty: Pty | null = null;
  #shell: RunningShell | null = null;
  /** where the output stood when a line was last typed for the learner */
  #typedAt = 0;
  #state: TerminalState = { state: 'starting' };
  /** raised by each start and by close: what belongs to an earlier shell is ignored */
  #generation = 0;
  #cols: number;
  #rows: number;
  /** offset at the last change of size: older output was meant for another width */
  #resizedAt: number;
  #mirrorSent: number;
  #mirrorTaken: number;
  #mirrorBehind = false;
  /** output that the mirror should see soon */
  #mirrorDue = false;
  #mirrorTimer: NodeJS.Timeout | null = null;
  #batchTimer: NodeJS.Timeout | null = null;
  #batched = 0;
  #unattendedRead = 0;
  #unattendedTimer: NodeJS.Timeout | null = null;
  #interruptTimer: NodeJS.Timeout | null = null;

  constructor(
    spec: TerminalSpec,
    size: { cols: number; rows: number },
    mirrors: Mirrors,
    events: TerminalEvents,
  ) {
    this.spec = spec;
    this.#cols = size.cols;
    this.#rows = size.rows;
    this.#mirrors = mirrors;
    this.#events = events;
    // Random: an offset of an earlier host, or of another terminal of this name, must not fit.
    this.ring = new OutputRing(Math.floor(Math.random() * 2 ** 32) * 2 ** 16);
    this.#resizedAt = this.#mirrorSent = this.#mirrorTaken = this.#typedAt = this.ring.end;
    this.#mirror = this.#newMirror();
  }

  get state(): TerminalState {
    return this.#state;
  }

  get cols(): number {
    return this.#cols;
  }

  get rows(): number {
    return this.#rows;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Commands that its shells have begun and not ended, as they told. */
  get commands(): readonly StartMark[] {
    return this.#commands.running;
  }

  /** What `tty` prints inside is /dev/pts/ and this; -1 before the first start. */
  get pts(): number {
    return this.#pty?.pts ?? -1;
  }

  /** Opens a pty in the sandbox and a shell on it. @throws SyscallError, or what the launcher throws */
  async start(place: ShellPlace): Promise<void> {
    const generation = ++this.#generation;
    const pty = Pty.open(place.devptsFd, this.#cols, this.#rows, {
      onOutput: (bytes) => {
        if (generation === this.#generation) this.#onOutput(bytes);
      },
      onInputRoom: () => {
        for (const client of this.#clients) client.resumeInput();
      },
    });
    this.#pty = pty;
    this.#updateFlow();
    let shell: RunningShell;
    try {
      shell = await place.launcher.launch({
        sandbox: place.sandbox,
        slaveFd: pty.slaveFd,
        args: this.spec.args,
        env: this.spec.env,
        cwd: this.spec.cwd,
      });
    } catch (error) {
      pty.close();
      throw error;
    }
    if (generation !== this.#generation) {
      shell.kill();
      return;
    }
    this.#shell = shell;
    this.#state = { state: 'running', hostPid: shell.hostPid };
    void shell.exited.then((waitStatus) => {
      if (generation === this.#generation) this.#ended(waitStatus);
    });
  }

  /** Ends the shell and starts another in `place`; the clients stay and see an empty screen. */
  async restart(place: ShellPlace): Promise<void> {
    this.#endShell();
    this.#state = { state: 'starting' };
    this.ring.clear();
    this.#mirror.dispose();
    this.#resizedAt = this.#mirrorSent = this.#mirrorTaken = this.ring.end;
    this.#mirror = this.#newMirror();
    for (const client of this.#clients) client.redraw();
    await this.start(place);
  }

  /** Ends the shell; the clients are told that the terminal is gone. */
  close(): void {
    this.#endShell();
    this.#mirror.dispose();
    if (this.#batchTimer !== null) clearTimeout(this.#batchTimer);
    if (this.#mirrorTimer !== null) clearTimeout(this.#mirrorTimer);
    if (this.#unattendedTimer !== null) clearTimeout(this.#unattendedTimer);
    if (this.#interruptTimer !== null) clearTimeout(this.#interruptTimer);
    for (const client of this.#clients) client.gone();
    this.#clients.clear();
  }

  addClient(client: TerminalClient): void {
    this.#clients.add(client);
  }

  removeClient(client: TerminalClient): void {
    this.#clients.delete(client);
    this.#updateFlow();
  }

  /** True when the bytes from `offset` on continue what a client of this size has drawn. */
  canResume(offset: number): boolean {
    return offset >= this.ring.start && offset <= this.ring.end && offset >= this.#resizedAt;
  }

  /** Types into the shell. @returns false when the sender should pause */
  input(bytes: Uint8Array): boolean {
    const pty = this.#pty;
    if (pty === null) return true;
    pty.write(bytes);
    if (bytes.length <= KEYSTROKE_BYTES && bytes.includes(CTRL_C)) this.#hurry();
    return !pty.inputFull;
  }

  /**
   * Types a line for the learner, once what runs there waits for it: after the prompt of a shell
   * that was just started, after the output of the line before. Who types nothing only waits.
   */
  async type(bytes: Uint8Array): Promise<void> {
    // Ctrl-C and the like are for a program that runs, not for one that waits.
    if (bytes.length !== 1 || bytes[0]! >= 0x20) await this.#readyForInput();
    if (bytes.length === 0) return;
    this.#typedAt = this.ring.end;
    this.input(bytes);
  }

  async #readyForInput(): Promise<void> {
    const deadline = performance.now() + TYPE_WAIT_MS;
    let seen = this.ring.end;
    while (performance.now() < deadline && this.#state.state === 'running') {
      await delay(TYPE_POLL_MS);
      const end = this.ring.end;
      // The echo of the line before, or a first prompt, and then silence.
      const quiet = end === seen && end > this.#typedAt;
      if (quiet && waitsForInput(this.#state.hostPid)) return;
      seen = end;
    }
  }

  /** Changes the size, for the program and for everybody who looks. */
  resize(cols: number, rows: number): void {
    if (cols === this.#cols && rows === this.#rows) return;
    this.#cols = cols;
    this.#rows = rows;
    this.#pumpAll();
    this.#feedMirror();
    this.#mirror.resize(cols, rows);
    this.#resizedAt = this.ring.end;
    for (const client of this.#clients) client.resized(this.sizeFrame());
    this.#pty?.resize(cols, rows);
  }

  sizeFrame(): Uint8Array {
    return encodeSize(this.#cols, this.#rows);
  }

  /** The screen as it is now. Never resolves when the terminal is restarted or closed meanwhile. */
  restore(): Promise<RestoredScreen> {
    this.#feedMirror();
    return this.#mirror.restore();
  }

  /** A client attached, acknowledged, or fell behind: the pty may be read, or must not. */
  clientChanged(): void {
    this.#updateFlow();
  }

  #newMirror(): Mirror {
    const mirror = this.#mirrors.create(this.#cols, this.#rows, this.ring.end, {
      onTaken: (offset) => {
        if (mirror !== this.#mirror) return;
        this.#mirrorTaken = offset;
        this.#updateFlow();
      },
      onAnswer: (data) => {
        if (mirror === this.#mirror) this.#pty?.write(Buffer.from(data, 'latin1'));
      },
      onMark: (osc) => {
        const mark = mirror === this.#mirror ? this.#commands.take(osc) : null;
        if (mark !== null) this.#events.onMark(this, mark);
      },
    });
    return mirror;
  }

  #onOutput(bytes: Uint8Array): void {
    this.ring.append(bytes);
    this.#batched += bytes.length;
    if (bytes.includes(ESC)) this.#mirrorDue = true;
    if (this.#batchTimer === null) {
      this.#batched = 0;
      this.#pumpAll();
      this.#batchTimer = setTimeout(() => this.#batchEnds(), BATCH_MS);
    } else if (this.#batched >= BATCH_BYTES) {
      this.#batched = 0;
      this.#pumpAll();
    }
    if (this.ring.end - this.#mirrorSent >= MIRROR_BATCH) this.#feedMirror();
    if (this.#countsAsUnattended()) this.#countUnattended(bytes.length);
    this.#updateFlow();
  }

  /** The mirror is fed here, behind the clients: it is never in the way of an echo. */
  #batchEnds(): void {
    this.#batchTimer = null;
    if (this.#mirrorDue && this.#batched < FLOOD_BYTES) this.#feedMirror();
    else this.#mirrorTimer ??= setTimeout(() => this.#feedMirror(), MIRROR_IDLE_MS);
    if (this.#batched === 0) return;
    this.#batched = 0;
    this.#pumpAll();
    this.#batchTimer = setTimeout(() => this.#batchEnds(), BATCH_MS);
  }

  #pumpAll(): void {
    for (const client of this.#clients) client.pump();
  }

  #feedMirror(): void {
    this.#mirrorDue = false;
    if (this.#mirrorTimer !== null) clearTimeout(this.#mirrorTimer);
    this.#mirrorTimer = null;
    const length = this.ring.end - this.#mirrorSent;
    if (length === 0) return;
    const bytes = new Uint8Array(length);
    this.ring.copy(this.#mirrorSent, length, Buffer.from(bytes.buffer), 0);
    this.#mirrorSent = this.ring.end;
    this.#mirror.write(bytes);
  }

  #updateFlow(): void {
    const behind = this.ring.end - this.#mirrorTaken;
    if (behind >= MIRROR_HIGH) this.#mirrorBehind = true;
    else if (behind < MIRROR_LOW) this.#mirrorBehind = false;
    const readable = !this.#mirrorBehind && this.#somebodyKeepsUp();
    if (readable) this.#pty?.resume();
    else this.#pty?.pause();
  }

  #somebodyKeepsUp(): boolean {
    let watching = false;
    for (const client of this.#clients) {
      if (!client.watching) continue;
      if (client.keepsUp) return true;
      watching = true;
    }
    return !watching && this.#unattendedTimer === null;
  }

  #countsAsUnattended(): boolean {
    for (const client of this.#clients) if (client.watching) return false;
    return true;
  }

  #countUnattended(bytes: number): void {
    this.#unattendedRead += bytes;
    if (this.#unattendedRead < UNATTENDED_BYTES || this.#unattendedTimer !== null) return;
    this.#unattendedTimer = setTimeout(() => {
      this.#unattendedTimer = null;
      this.#unattendedRead = 0;
      this.#updateFlow();
    }, UNATTENDED_MS);
  }

  /**
   * After Ctrl-C, a client with a backlog gets the screen as it is instead of the flood that it
   * has not drawn yet: what it holds undrawn it drops when the screen comes.
   */
  #hurry(): void {
    const late = [...this.#clients].filter((client) => client.backlog > INTERRUPT_BACKLOG);
    if (late.length === 0 || this.#interruptTimer !== null) return;
    for (const client of late) client.hold();
    this.#interruptTimer = setTimeout(() => {
      this.#interruptTimer = null;
      for (const client of late) client.redraw();
    }, INTERRUPT_SETTLE_MS);
  }

  #ended(waitStatus: number): void {
    const pty = this.#pty;
    pty?.drain();
    pty?.close();
    this.#shell = null;
    this.#state = { state: 'ended', exitCode: exitCodeOf(waitStatus) };
    this.#feedMirror();
    this.#pumpAll();
    this.#commands.clear();
    this.#events.onEnd(this);
  }

  /** Ends a shell that nobody is to hear the end of. */
  #endShell(): void {
    this.#generation++;
    this.#commands.clear();
    this.#pty?.close(); // hangs the session up
    this.#shell?.kill();
    this.#pty = null;
    this.#shell = null;
  }
}
