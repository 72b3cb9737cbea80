/**
 * A whole daemon of its own for the integration tests: dist/main.js as a child, on temporary RUN
 * and STATE, with a base image of busybox alone. Also a learner: the typed live client plus
 * terminals, as the page has them, without a browser. And what the host holds, to compare.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import {
  decodeHostFrame,
  encodeAck,
  encodeAttach,
  encodeInput,
  LiveClient,
  type LiveStatus,
  type ServerMessage,
  type TerminalInfo,
} from '../../packages/protocol/src/index.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  EMPTY_STATE,
  fold,
  type ProcessState,
  type State,
} from '../../packages/timeline/src/index.js';
import { until } from './patience.js';

const MAIN = fileURLToPath(new URL('../../apps/daemon/dist/main.js', import.meta.url));

/** Why these tests cannot run here; null when they can. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'root';
  if (busybox() === null) return '/bin/busybox, statically linked';
  if (!existsSync(MAIN)) return 'apps/daemon/dist (npx tsc -b)';
  return null;
}

function busybox(): string | null {
  return ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path)) ?? null;
}

/** One daemon, which may be killed and started again. */
export class DaemonLab {
  readonly directory: string = mkdtempSync('/tmp/terrarium-daemon-');
  readonly run: string = join(this.directory, 'run');
  readonly state: string = join(this.directory, 'state');
  readonly #env: Readonly<Record<string, string>>;
  readonly learners: Learner[] = [];
  child: ChildProcess | null = null;
  log = '';

  constructor(env: Readonly<Record<string, string>> = {}) {
    buildPlayer();
    this.#env = env;
    makeBusyboxImage(join(this.directory, 'image'));
  }

  /** The name that the engine gives everything of this daemon on the host. */
  get instance(): string {
    return `terrarium-${createHash('sha256').update(this.state).digest('hex').slice(0, 8)}`;
  }

  /** Starts the daemon; resolves when it answers. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...process.env,
        TERRARIUM_RUN: this.run,
        TERRARIUM_STATE: this.state,
        TERRARIUM_BASE_IMAGE: join(this.directory, 'image'),
        TERRARIUM_LESSONS: join(this.directory, 'lessons'),
        ...this.#env,
      },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    this.child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.log += chunk;
    });
    await until('the daemon answers', async () => {
      if (child.exitCode !== null) throw new Error(`the daemon ended:\n${this.log}`);
      return (await this.http('GET', '/api/health').catch(() => null))?.status === 200;
    });
  }

  /** kill -9; resolves when it is gone. */
  async crash(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** A clean stop. @returns the exit status */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    return this.#end(signal);
  }

  /** Ends everything, whatever the test did, and removes the files. */
  async dispose(): Promise<void> {
    for (const learner of this.learners) learner.leave();
    if (this.#running) await this.stop();
    // Only a test that failed half-way leaves these. A daemon knows best how to tidy up.
    if (this.groups().some((group) => listed(group.slice('cgroup '.length)).length > 0)) {
      await this.start();
      await this.stop();
    }
    for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #running(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child === null) throw new Error('the daemon is not running');
    if (!this.#running) return child.exitCode;
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return ended;
  }

  /** Host pids of this daemon's own processes: terminal host, observer. */
  processes(): number[] {
    return pids().filter((pid) => pid !== process.pid && commandOf(pid).includes(this.run));
  }

  async http(method: string, path: string, body?: object, cookie?: string): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          socketPath: join(this.run, 'daemon.sock'),
          method,
          path,
          headers: {
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
            ...(cookie === undefined ? {} : { cookie }),
          },
        },
        (answer) => {
          let received = '';
          answer.on('data', (chunk) => {
            received += chunk;
          });
          answer.on('end', () => {
            resolve({ status: answer.statusCode ?? 0, body: JSON.parse(received) });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }

  /** A new learner, who stands before a running shell. */
  async learner(lesson: string | null = null): Promise<Learner> {
    const accessToken = readFileSync(join(this.state, 'access-token'), 'utf8').trim();
    const { body } = await this.http('POST', '/sessions', { accessToken });
    const learner = new Learner(this, `terrarium_session=${body['sessionToken']}`, lesson);
    this.learners.push(learner);
    await learner.ready();
    return learner;
  }

  /** Everything of this daemon that the kernel or the file system may still hold. */
  leftovers(): string[] {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.directory) || line.includes(this.instance));
    const claims = '/run/terrarium-id-ranges';
    return [
      ...mounts.map((line) => `mount ${line}`),
      ...this.groups(),
      ...this.processes().map((pid) => `process ${pid} ${commandOf(pid)}`),
      ...listed(this.run).map((name) => `run ${name}`),
      ...listed(join(this.state, 'sandboxes')).map((name) => `record ${name}`),
      ...listed(claims)
        .filter((name) => readFileSync(join(claims, name), 'utf8').includes(this.state))
        .map((name) => `id range ${name}`),
      ...['/sys/kernel/tracing/instances', '/sys/kernel/debug/tracing/instances']
        .flatMap(listed)
        .filter((name) => name.includes(this.instance))
        .map((name) => `tracefs ${name}`),
    ];
  }

  /** cgroups of this daemon, in any hierarchy. */
  groups(): string[] {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => / - cgroup2? /.test(line))
      .map((line) => join(line.split(' ')[4] ?? '', this.instance))
      .filter((path) => existsSync(path))
      .map((path) => `cgroup ${path}`);
  }
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** One learner with one page. */
export class Learner {
  readonly cookie: string;
  readonly messages: ServerMessage[] = [];
  readonly statuses: LiveStatus[] = [];
  readonly client: LiveClient;
  state: State = EMPTY_STATE;
  terminals: readonly TerminalInfo[] = [];
  sandbox = 'none';
  /** snapshots received, to tell a resumed connection from a new one */
  snapshots = 0;
  readonly #run: string;
  readonly #consoles = new Map<string, Console>();

  constructor(lab: DaemonLab, cookie: string, lesson: string | null) {
    this.cookie = cookie;
    this.#run = lab.run;
    this.client = new LiveClient({
      lesson,
      connect: () => {
        const socket = new WebSocket(`ws+unix:${join(lab.run, 'daemon.sock')}:/api/live`, {
          headers: { cookie },
        });
        return socket as never;
      },
      onMessage: (message) => this.#receive(message),
      onStatus: (status) => this.statuses.push(status),
      onInvalid: (problem, text) => {
        throw new Error(`${problem}: ${text.slice(0, 500)}`);
      },
    });
    this.client.start();
  }

  /** Waits for a running sandbox, a state and a terminal. */
  async ready(): Promise<void> {
    await until('sandbox, state and terminal', () => {
      return this.sandbox === 'running' && this.state.sandbox !== null && this.terminals.length > 0;
    });
  }

  get processes(): ProcessState[] {
    return Object.values(this.state.processes);
  }

  /** A connected terminal; the first one unless told otherwise. */
  console(id: string = this.terminals[0]?.id ?? ''): Console {
    const known = this.#consoles.get(id);
    if (known !== undefined && !known.closed) return known;
    const made = new Console(this.#run, id, this.cookie);
    this.#consoles.set(id, made);
    return made;
  }

  leave(): void {
    this.client.close();
    for (const console of this.#consoles.values()) console.close();
  }

  #receive(message: ServerMessage): void {
    this.messages.push(message);
    if (message.type === 'snapshot') {
      this.snapshots += 1;
      this.state = message.state;
    } else if (message.type === 'events') this.state = fold(this.state, message.events);
    else if (message.type === 'sandbox') this.sandbox = message.status;
    else if (message.type === 'welcome' || message.type === 'terminals') {
      this.terminals = message.terminals;
    }
  }
}

/** One terminal's WebSocket, drawing nothing, acknowledging everything. */
export class Console {
  output = '';
  closed = false;
  /** the screen has been drawn: what comes now is new */
  attached = false;
  readonly #socket: WebSocket;
  readonly #opened: Promise<void>;

  constructor(run: string, id: string, cookie: string) {
    const url = `ws+unix:${join(run, 'terminals.sock')}:/api/terminals/${id}`;
    this.#socket = new WebSocket(url, { headers: { cookie } });
    this.#socket.binaryType = 'nodebuffer';
    let offset = 0;
    this.#opened = new Promise((resolve, reject) => {
      this.#socket.once('open', () => {
        this.#socket.send(encodeAttach(null, { cols: 80, rows: 24 }));
        resolve();
      });
      this.#socket.once('error', reject);
    });
    this.#opened.catch(() => {});
    this.#socket.on('close', () => {
      this.closed = true;
    });
    this.#socket.on('message', (data: Buffer) => {
      const frame = decodeHostFrame(data);
      if (frame.type === 'resume' || frame.type === 'restore') {
        offset = frame.offset;
        this.attached = true;
      }
      if (frame.type === 'restore') this.output = Buffer.from(frame.bytes).toString();
      if (frame.type === 'output') {
        offset += frame.bytes.length;
        this.output += Buffer.from(frame.bytes).toString();
        this.#socket.send(encodeAck(offset));
      }
    });
  }

  async type(text: string): Promise<void> {
    await this.#opened;
    this.#socket.send(encodeInput(Buffer.from(text)));
  }

  /** Runs a line and gives back what it printed. */
  async run(line: string): Promise<string> {
    const mark = `done-${Math.random().toString(36).slice(2)}`;
    await until('the terminal is attached', () => this.attached);
    const from = this.output.length;
    // The mark is put together by the shell, so that its echo does not look like its answer.
    await this.type(`${line}\necho "${mark.slice(0, 6)}""${mark.slice(6)}"\n`);
    await until(`${line} ends`, () => this.output.slice(from).includes(mark));
    const said = this.output.slice(from);
    const text = said.slice(0, said.indexOf(mark)).replaceAll('\r', '');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
    const lines = text.replaceAll(/\x1b\[[0-9;?]*[a-zA-Z]/g, '').split('\n');
    // Without what was typed, which comes back after a prompt or before it.
    const isEcho = (one: string) => one === '' || one.startsWith('#') || one.includes(line);
    return lines.filter((one) => !isEcho(one) && !one.startsWith('echo "done')).join('\n');
  }

  close(): void {
    this.#socket.terminate();
  }
}

function makeBusyboxImage(image: string): void {
  for (const name of ['bin', 'etc', 'root', 'usr', 'images', 'var']) {
    mkdirSync(join(image, name), { recursive: true });
  }
  const binary = join(image, 'bin/busybox');
  copyFileSync(busybox() ?? '', binary);
  for (const applet of execFileSync(binary, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(image, 'bin', applet));
  }
  writeFileSync(join(image, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(image, 'etc/profile'), "PS1='# '\n");
}

/** Pids of all processes of the host. */
export function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A process's command line, or '' when it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** A namespace that a process is in, as /proc spells it, or null. */
export function namespaceOf(pid: number, kind: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return null;
  }
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

export { until } from './patience.js';
