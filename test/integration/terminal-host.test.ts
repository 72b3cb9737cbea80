/**
 * The terminal host as a process, with shells of the host on ptys of the host's devpts: everything
 * but the way into a sandbox, which test/integration has elsewhere. Needs root (devpts, control
 * socket) and the built daemon.
 */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dumpScreen } from '../../apps/daemon/dist/terminal-host/testing/screen-dump.js';
import { UnicodeGraphemesAddon } from '../../apps/daemon/dist/terminal-host/unicode-graphemes.js';
import {
  CLOSE,
  encodeAck,
  encodeAttach,
  encodeInput,
  TerminalConnection,
} from '../../packages/protocol/dist/index.js';
import {
  BASH,
  delay,
  openSocket,
  PROMPT_LAST,
  SHELL_ENV,
  startHost,
  textSink,
} from '../bench/terminal/kit.mjs';
import { headless } from './headless.mjs';
import { type Lab, missing, startLab } from './sandbox-lab.js';

const root = process.getuid?.() === 0;
type Host = Awaited<ReturnType<typeof startHost>>;

/** A bound for a flood of some dozen MiB that stands still, not a measure, ms. */
const FLOOD_MS = 45_000;
/** So far behind the reader a liar claims to be, bytes: less than may be in flight. */
const LIE_LAG = 64 * 1024;

let host: Host;
let names = 0;
const nextId = (): string => `t${++names}`;
const connections: TerminalConnection[] = [];

/** A connected text client of a terminal; `cut` ends its socket as a network would. */
async function connect(id: string, size = { cols: 80, rows: 24 }) {
  const sink = textSink();
  let socket = openSocket(host.socketPath, id);
  let first = true;
  const exits: (number | null)[] = [];
  const client = new TerminalConnection({
    connect: () => {
      if (!first) socket = openSocket(host.socketPath, id);
      first = false;
      return socket;
    },
    sink,
    size,
    onExit: (code) => exits.push(code),
  });
  connections.push(client);
  client.start();
  await until(() => client.offset !== null);
  return { client, sink, exits, cut: () => socket.terminate() };
}

/** A client whose sink is an emulator, as on the page. */
async function connectEmulator(id: string, size = { cols: 80, rows: 24 }) {
  const emulator = new headless.Terminal({ allowProposedApi: true, ...size, scrollback: 1000 });
  emulator.loadAddon(new UnicodeGraphemesAddon());
  let socket = openSocket(host.socketPath, id);
  let first = true;
  let offline = false;
  const client = new TerminalConnection({
    connect: () => {
      if (!first) socket = openSocket(offline ? '/nowhere' : host.socketPath, id);
      first = false;
      socket.on('error', () => {});
      return socket;
    },
    sink: {
      write: (bytes, drawn) => emulator.write(bytes, drawn),
      resize: (cols, rows) => emulator.resize(cols, rows),
    },
    size,
  });
  connections.push(client);
  client.start();
  await until(() => client.offset !== null && client.idle);
  return {
    client,
    emulator,
    disconnect: () => {
      offline = true;
      socket.terminate();
    },
    reconnect: async () => {
      offline = false;
      await until(() => client.status.state === 'reconnecting');
      client.retryNow();
      await until(() => client.status.state === 'open');
      await delay(150);
    },
  };
}

async function until(condition: () => boolean, ms = 10_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${condition}`);
    await delay(5);
  }
}

/** A bare socket's fate: its close code. */
function closeCode(socket: ReturnType<typeof openSocket>): Promise<number> {
  return new Promise((resolve) => socket.on('close', (code: number) => resolve(code)));
}

function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

describe.skipIf(!root)(`terminal host${!root ? ` (missing: root)` : ''}`, () => {
  beforeAll(async () => {
    host = await startHost({ maxTerminals: 40 });
  });
  afterAll(async () => {
    for (const connection of connections) connection.close();
    await host?.stop();
  });

  it('echoes what is typed, on a terminal of its own', async () => {
    const id = nextId();
    const { pts } = await host.open(id);
    const { client, sink } = await connect(id);
    await sink.until('$ ');
    client.input('tty\r');
    await sink.until(`/dev/pts/${pts}\r\n`);
  });

  it('makes the shell see the size, also a later one', async () => {
    const id = nextId();
    await host.open(id);
    const { client, sink } = await connect(id, { cols: 101, rows: 31 });
    await sink.until('$ ');
    client.input('stty size\r');
    await sink.until('31 101\r\n');
    client.resize(77, 22);
    await delay(100);
    client.input('stty size\r');
    await sink.until('22 77\r\n');
  });

  it('carries wide characters whose bytes come apart', async () => {
    const id = nextId();
    await host.open(id);
    const { client, sink } = await connect(id);
    await sink.until('$ ');
    client.input("printf '\\xe6'; sleep 0.05; printf '\\x97\\xa5|%s|\\n' 한글👍\r");
    await sink.until('日|한글👍|\r\n');
    for (const byte of Buffer.from('echo ü日x\r')) client.input(Uint8Array.of(byte));
    await sink.until('\rü日x\r\n');
  });

  it('loses no byte of fast output at the end of a shell, fifty times', async () => {
    const script = "head -c 20000 /dev/zero | tr '\\0' x; printf END";
    for (let run = 0; run < 50; run++) {
      const id = nextId();
      const opened = host.open(id, { args: ['bash', '-c', script] });
      await opened;
      const { sink, exits, client } = await connect(id, { cols: 80, rows: 24 });
      await until(() => exits.length > 0);
      // A client that came late has seen a screen; the ring says how much there was.
      expect(exits).toEqual([0]);
      expect(sink.text.endsWith('END') || sink.text.includes('END')).toBe(true);
      client.close();
      await host.client.closeTerminal(id);
    }
  });

  it('loses no byte to a client that was there all the time, fifty times', async () => {
    for (let run = 0; run < 50; run++) {
      const id = nextId();
      const script = "read; head -c 20000 /dev/zero | tr '\\0' x; printf END";
      await host.open(id, { args: ['bash', '-c', script] });
      const { sink, exits, client } = await connect(id);
      const before = sink.bytes;
      client.input('\r');
      await until(() => exits.length > 0);
      expect(sink.bytes - before).toBe(20_000 + '\r\nEND'.length);
      client.close();
      await host.client.closeTerminal(id);
    }
  });

  it('tells the exit code, and restarts a shell under the same clients', async () => {
    const id = nextId();
    await host.open(id);
    const { client, sink, exits } = await connect(id);
    await sink.until('$ ');
    client.input('exit 7\r');
    await until(() => exits.length === 1);
    expect((await host.client.terminals()).find((one) => one.id === id)).toMatchObject({
      state: 'ended',
      exitCode: 7,
    });
    const late = await connect(id);
    await until(() => late.exits.length === 1);
    await host.client.restartTerminal(id);
    await until(() => exits.length === 2);
    expect(exits).toEqual([7, null]);
    await sink.until('$ ');
    client.input('echo again\r');
    await sink.until('again\r\n');
    late.client.close();
  });

  it('draws the same screen for two clients, and for one that comes later', async () => {
    const id = nextId();
    await host.open(id);
    const one = await connectEmulator(id);
    const two = await connectEmulator(id);
    one.client.input(
      "for i in $(seq 60); do printf '\\e[3%dm%d 日本 👍\\e[m\\n' $((i%8)) $i; done\r",
    );
    two.client.input('echo from two\r');
    await delay(400);
    const three = await connectEmulator(id);
    await until(() => one.client.idle && two.client.idle && three.client.idle);
    expect(dumpScreen(two.emulator)).toEqual(dumpScreen(one.emulator));
    expect(dumpScreen(three.emulator)).toEqual(dumpScreen(one.emulator));
  });

  it.each([
    ['inside the ring', 'seq 500'],
    ['outside the ring', 'seq 80000'],
    [
      'into a full-screen program',
      'printf "\\e[?1049h\\e[2;10r\\e[31;44m\\e[2J\\e[5;5Hfull 日本\\e[?25l"; sleep 0.3; seq 30',
    ],
  ])(
    'gives a client that comes back %s the screen of one that never left',
    async (_name, command) => {
      const id = nextId();
      await host.open(id);
      const stays = await connectEmulator(id);
      const leaves = await connectEmulator(id);
      await until(() => stays.client.idle && leaves.client.idle);
      leaves.disconnect();
      stays.client.input(`${command}; echo don''e\r`);
      await until(() => text(stays.emulator).includes('done'));
      await delay(100);
      await leaves.reconnect();
      await until(() => stays.client.idle && leaves.client.idle);
      expect(dumpScreen(leaves.emulator)).toEqual(dumpScreen(stays.emulator));
    },
  );

  it('answers terminal queries once, whoever looks', async () => {
    const id = nextId();
    await host.open(id);
    const one = await connect(id);
    await connect(id);
    await one.sink.until('$ ');
    one.client.input(
      'IFS= read -rs -d R -p $\'\\e[3;5H\\e[6n\' a; printf \'%q\\n\' "$a"; read -t 0.3 -n 1 b; echo "[$b]"\r',
    );
    await one.sink.until("$'\\E[3;5'");
    await one.sink.until('[]');
  });

  it('holds its memory while a client reads nothing for four seconds of a flood', async () => {
    const id = nextId();
    await host.open(id);
    const healthy = nextId();
    await host.open(healthy);
    const other = await connect(healthy);
    const socket = openSocket(host.socketPath, id);
    await new Promise((resolve) => socket.on('open', resolve));
    socket.send(encodeAttach(null, null));
    await delay(200);
    const before = rssOf(host.pid);
    socket.send(encodeInput(Buffer.from('yes\r')));
    await delay(50);
    socket.pause();
    let most = 0;
    for (let i = 0; i < 40; i++) {
      most = Math.max(most, rssOf(host.pid));
      await delay(100);
    }
    // Nobody else is held up meanwhile.
    other.client.input('echo alive\r');
    await other.sink.until('alive\r\n', 1000);
    expect((most - before) / 2 ** 20).toBeLessThan(24);
    socket.terminate();
    await host.client.closeTerminal(id);
  });

  it('holds its memory for a client that acknowledges without reading', async () => {
    const id = nextId();
    await host.open(id);
    const reader = await connect(id); // keeps the shell going
    const flowed = (): number => reader.sink.bytes / 2 ** 20;
    reader.client.input('yes\r');
    // By then the host's own heap has grown to what a flood takes, whoever reads.
    await until(() => flowed() > 24, FLOOD_MS);
    const socket = openSocket(host.socketPath, id);
    const closed = closeCode(socket);
    await new Promise((resolve) => socket.on('open', resolve));
    socket.send(encodeAttach(null, null));
    await new Promise((resolve) => socket.once('message', resolve));
    const [before, from] = [rssOf(host.pid), flowed()];
    socket.pause();
    // What the reader has drawn long since was sent to the liar, too, if it was sent anything.
    const liar = setInterval(() => {
      socket.send(encodeAck((reader.client.offset ?? 0) - LIE_LAG));
    }, 20);
    await until(() => flowed() > from + 48, FLOOD_MS);
    clearInterval(liar);
    expect((rssOf(host.pid) - before) / 2 ** 20).toBeLessThan(24);
    // It was sent no more than its socket takes, so its word was found to be a lie.
    socket.resume();
    expect(await closed).toBe(1007);
    reader.client.input('\x03');
    await reader.sink.until('^C');
    socket.terminate();
    await host.client.closeTerminal(id);
  });

  it('lets Ctrl-C through a flood that nobody reads any more', async () => {
    const id = nextId();
    await host.open(id);
    const { client, sink } = await connect(id);
    await sink.until('$ ');
    client.input('yes\r');
    await until(() => sink.bytes > 1_000_000);
    client.input('\x03');
    await sink.until('^C');
    await sink.until(PROMPT_LAST);
  });

  it('lets Ctrl-C through a full input queue', async () => {
    const id = nextId();
    await host.open(id);
    const { client, sink } = await connect(id);
    await sink.until('$ ');
    client.input('sleep 100\r');
    await delay(100);
    for (let i = 0; i < 10; i++) client.input('x'.repeat(30_000));
    await delay(100);
    client.input('\x03');
    await sink.until('^C', 2000);
    await sink.until(PROMPT_LAST, 2000);
  });

  it('refuses a wrong token, no token, and a terminal that is not there', async () => {
    const id = nextId();
    await host.open(id);
    expect(await closeCode(openSocket(host.socketPath, id, 'wrong'))).toBe(CLOSE.unauthorized);
    expect(await closeCode(openSocket(host.socketPath, 'nowhere'))).toBe(CLOSE.terminalGone);
  });

  it.each([
    ['text', 'hello', 1007],
    ['an unknown frame', Buffer.of(0x77), 1007],
    ['input before attach', Buffer.from(encodeInput(Buffer.of(65))), 1007],
    ['an empty frame', Buffer.alloc(0), 1007],
    ['too much', Buffer.alloc(1024 * 1024 + 1), 1009],
  ])('closes a client that sends %s, and it alone', async (_name, data, code) => {
    const id = nextId();
    await host.open(id);
    const good = await connect(id);
    const socket = openSocket(host.socketPath, id);
    socket.on('open', () => socket.send(data));
    socket.on('error', () => {});
    expect(await closeCode(socket)).toBe(code);
    good.client.input('echo well\r');
    await good.sink.until('well\r\n');
  });

  it('stays responsive while 10,000 garbage messages come', async () => {
    const id = nextId();
    await host.open(id);
    const good = await connect(id);
    await good.sink.until('$ ');
    const socket = openSocket(host.socketPath, id);
    socket.on('error', () => {});
    const closed = closeCode(socket);
    socket.on('open', () => {
      socket.send(encodeAttach(null, null));
      for (let i = 0; i < 10_000; i++) socket.send(encodeInput(Buffer.alloc(0)));
    });
    expect(await closed).toBe(CLOSE.tooManyMessages);
    good.client.input('echo well\r');
    await good.sink.until('well\r\n', 1000);
  });

  it('closes what a closed terminal had, and says so', async () => {
    const id = nextId();
    const { hostPid } = await host.open(id);
    const socket = openSocket(host.socketPath, id);
    socket.on('open', () => socket.send(encodeAttach(null, null)));
    const closed = closeCode(socket);
    await delay(50);
    await host.client.closeTerminal(id);
    expect(await closed).toBe(CLOSE.terminalGone);
    await until(() => !existsSync(`/proc/${hostPid}/exe`));
  });

  it('refuses unknown sandboxes, ids in use, malformed requests', async () => {
    await expect(host.open(nextId(), { sandbox: 'nobody' })).rejects.toMatchObject({
      code: 'sandbox.not-found',
    });
    const id = nextId();
    await host.open(id);
    await expect(host.open(id)).rejects.toMatchObject({ code: 'terminal.exists' });
    await expect(host.open(nextId(), { cols: 0 })).rejects.toMatchObject({
      code: 'request.malformed',
    });
    await expect(host.open(nextId(), { args: ['/no/such/program'] })).resolves.toMatchObject({
      state: 'running', // setsid(1) runs; it says 127 itself
    });
    await expect(
      host.client.registerSandbox('wrong', {
        initPid: process.pid,
        initStartTime: 1,
        exec: null,
      }),
    ).rejects.toMatchObject({ code: 'sandbox.refused' });
  });
});

describe.skipIf(!root)(`terminal host on its own${!root ? ` (missing: root)` : ''}`, () => {
  it('limits the terminals of a sandbox', async () => {
    const small = await startHost({ maxTerminals: 2 });
    try {
      await small.open('a');
      await small.open('b');
      await expect(small.open('c')).rejects.toMatchObject({ code: 'terminal.limit' });
      await small.client.closeTerminal('a');
      await small.open('c');
    } finally {
      await small.stop();
    }
  });

  it('keeps its shells when the process that started it is killed', async () => {
    const kit = new URL('../bench/terminal/kit.mjs', import.meta.url);
    const script = `
      import { startHost } from ${JSON.stringify(kit.href)};
      const host = await startHost();
      const { hostPid } = await host.open('t');
      console.log(JSON.stringify({ run: host.run, pid: host.pid, hostPid }));
      setInterval(() => {}, 1000);
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const line = await new Promise<string>((resolve) =>
      parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    const { run, pid, hostPid } = JSON.parse(line) as { run: string; pid: number; hostPid: number };
    process.kill(-parent.pid!, 'SIGKILL'); // its whole process group, as a terminal's Ctrl-C would
    await new Promise((resolve) => parent.once('exit', resolve));
    await delay(200);
    const { ensureTerminalHost } = await import('../../apps/daemon/dist/terminal-host/index.js');
    const found = await ensureTerminalHost({ run, launcher: 'host' });
    expect(found.started).toBe(false);
    expect(found.status.pid).toBe(pid);
    expect(found.status.terminals).toMatchObject([{ id: 't', state: 'running', hostPid }]);
    process.kill(hostPid, 0);
    await found.client.shutdown();
    found.client.close();
    await until(() => !existsSync(`/proc/${pid}/exe`) && !existsSync(`/proc/${hostPid}/exe`));
    rmSync(run, { recursive: true });
  });

  it('is alone in its directory', async () => {
    const first = await startHost();
    try {
      const main = new URL('../../apps/daemon/dist/terminal-host/main.js', import.meta.url)
        .pathname;
      const second = spawn(process.execPath, [main, '--run', first.run, '--launcher', 'host']);
      expect(await new Promise((resolve) => second.once('exit', resolve))).toBe(75);
      await first.open('still-there', { args: BASH, env: SHELL_ENV });
    } finally {
      await first.stop();
    }
  });
});

const lacking = missing();

describe.skipIf(lacking !== null)(
  `terminals in a sandbox${lacking !== null ? ` (missing: ${lacking})` : ''}`,
  () => {
    let lab: Lab;
    let inside: Host;

    beforeAll(async () => {
      lab = await startLab('terminals');
      inside = await startHost({ launcher: 'sandbox' });
    });
    afterAll(async () => {
      await inside?.stop();
      await lab?.close();
    });

    /** A fresh sandbox, registered as the daemon does it. */
    async function register(id: string): Promise<void> {
      const { initPid, initStartTime } = await lab.engine.create({ id });
      await inside.client.registerSandbox(id, {
        initPid,
        initStartTime,
        exec: lab.engine.execTarget(id),
      });
    }

    async function look(id: string) {
      const sink = textSink();
      const exits: (number | null)[] = [];
      const client = new TerminalConnection({
        connect: () => openSocket(inside.socketPath, id),
        sink,
        onExit: (code) => exits.push(code),
      });
      connections.push(client);
      client.start();
      await until(() => client.offset !== null);
      return { client, sink, exits };
    }

    const SHELL = { args: ['sh', '-i'], env: { PS1: '$ ' }, cwd: '/' };

    it("have the sandbox's own terminal, root and process numbers", async () => {
      await register('one');
      const { pts } = await inside.open('one-1', { sandbox: 'one', ...SHELL });
      expect(pts).toBe(0);
      const { client, sink } = await look('one-1');
      await sink.until('$ ');
      client.input('tty; ls /dev/pts; echo pid $$ of $(cat /proc/1/comm)\r');
      await sink.until('\n/dev/pts/0\r\n');
      await sink.until(/pid \d+ of \S/);
      await inside.open('one-2', { sandbox: 'one', ...SHELL });
      client.input('ls /dev/pts\r');
      await sink.until(/0 +1 +ptmx/);
    });

    it('answer Ctrl-C, and tell the exit code', async () => {
      await register('two');
      await inside.open('two-1', { sandbox: 'two', ...SHELL });
      const { client, sink, exits } = await look('two-1');
      await sink.until('$ ');
      client.input('sleep 100\r');
      await delay(300);
      client.input('\x03');
      await sink.until(/\^C\s+\$ /);
      client.input('exit 9\r');
      await until(() => exits.length === 1);
      expect(exits).toEqual([9]);
    });

    it('go on in the next sandbox of the same name', async () => {
      await register('three');
      await inside.open('three-1', { sandbox: 'three', ...SHELL });
      const { client, sink } = await look('three-1');
      await sink.until('$ ');
      client.input('touch /old; ls /\r');
      await sink.until('old');
      await lab.engine.delete('three');
      await register('three');
      await inside.client.restartTerminal('three-1');
      await sink.until('$ ');
      client.input('ls /old; tty\r');
      await sink.until('No such file');
      await sink.until('/dev/pts/0');
    });

    it('cannot be led to another devpts by what the learner mounts', async () => {
      await register('four');
      await lab.sh('four', 'mount -t tmpfs none /dev/pts && ln -s / /dev/pts/ptmx');
      const { pts } = await inside.open('four-1', { sandbox: 'four', ...SHELL });
      expect(pts).toBe(0);
      const { client, sink } = await look('four-1');
      await sink.until('$ ');
      client.input('echo still $((40+2))\r');
      await sink.until('still 42');
    });
  },
);

/** What stands on an emulator's screen. */
function text(emulator: {
  buffer: {
    active: {
      length: number;
      getLine(y: number): { translateToString(trim: boolean): string } | undefined;
    };
  };
}): string {
  const { active } = emulator.buffer;
  return Array.from({ length: active.length }, (_, y) =>
    active.getLine(y)?.translateToString(true),
  ).join('\n');
}
