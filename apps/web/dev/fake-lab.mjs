/**
 * A lab without a kernel, for looking at the page and for its tests: serves daemon.sock and
 * terminals.sock in TERRARIUM_RUN with the views' demo state, the real lesson 01 and terminals
 * that run nothing. `node apps/web/dev/fake-lab.mjs`, then the web process on the same RUN.
 * Needs `tsc -b` first. Never part of what learners get.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lessonDirs, loadLesson } from '@terrarium/lesson/load';
import {
  decodeClientFrame,
  encodeExit,
  encodeOutput,
  encodeRestore,
  encodeSize,
} from '@terrarium/protocol';
import { Timeline } from '@terrarium/timeline';
import { DEMO_STATE, demoProcess } from '@terrarium/views';
import { WebSocketServer } from 'ws';

const RUN = process.env['TERRARIUM_RUN'] ?? '/tmp/terrarium-fake';
const TOKEN = 'fake-token-of-the-fake-lab';
const SESSION = 'fakefakefakefakefakefakefakefakefakefakefak';
const lessons = lessonDirs(fileURLToPath(new URL('../../../lessons', import.meta.url))).map(
  loadLesson,
);

mkdirSync(RUN, { recursive: true });
const utf8 = new TextEncoder();

// --- the learner's lab ---------------------------------------------------------------------
const timeline = new Timeline({ start: { ...DEMO_STATE, t: Date.now() } });
const terminals = [{ id: 't1', pts: 0, state: 'running', exitCode: null }];
const steps = new Map(lessons.map((lesson) => [lesson.id, lesson.steps.map(firstStatus)]));
const pages = new Set();
let nextPid = 4800;

function firstStatus(step) {
  return {
    step: step.id,
    passed: false,
    clauses: step.check.clauses.map(({ id, message }) => ({ id, passed: false, message })),
    prediction: null,
    helpUsed: [],
    firstPassedAt: null,
  };
}

function broadcast(message) {
  const text = JSON.stringify(message);
  for (const page of pages) page.send(text);
}
timeline.subscribe((events) => broadcast({ type: 'events', events }));

/** Passes the first step that is not passed yet, as if the kernel had shown it. */
function passNext(lessonId) {
  const list = steps.get(lessonId);
  const status = list?.find((one) => !one.passed);
  if (status === undefined) return;
  status.passed = true;
  status.firstPassedAt = Date.now();
  for (const clause of status.clauses) clause.passed = true;
  if (status.prediction !== null) {
    const step = lessons
      .find(({ id }) => id === lessonId)
      .steps.find(({ id }) => id === status.step);
    status.prediction.actual = step.predict.kind === 'number' ? '2' : step.predict.choices[1].id;
    status.prediction.correct = status.prediction.answer === status.prediction.actual;
  }
  timeline.append([{ type: 'check', lesson: lessonId, step: status.step, passed: true }]);
  broadcast({ type: 'steps', lesson: lessonId, steps: list });
}

/** What typing a line does to the pretended kernel. */
function execute(line) {
  if (line === '') return '';
  const parent = Object.values(timeline.state.processes).find(({ comm }) => comm === 'bash');
  const pid = nextPid++;
  const process = demoProcess(pid, {
    comm: line.split(' ')[0].slice(0, 15),
    args: line.split(' '),
    parent: parent?.key ?? null,
    pids: [pid, pid - 4700],
    terminal: 0,
    bornAt: Date.now(),
    state: 'S',
  });
  timeline.append([
    { type: 'process.fork', process: { ...process, comm: 'bash', args: ['-bash'] } },
  ]);
  timeline.append([
    { type: 'process.exec', key: process.key, comm: process.comm, args: process.args },
  ]);
  if (!line.endsWith('&')) {
    setTimeout(
      () => timeline.append([{ type: 'process.exit', key: process.key, waitStatus: 0 }]),
      900,
    );
  }
  for (const id of steps.keys()) setTimeout(() => passNext(id), 400);
  return line.endsWith('&')
    ? `[1] ${pid - 4700}\r\n`
    : `${line.split(' ')[0]}: the fake lab runs nothing\r\n`;
}

// --- daemon.sock ---------------------------------------------------------------------------
const daemon = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    if (request.url === '/api/lessons') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ lessons: lessons.map(({ id }) => ({ id, requires: [] })) }));
      return;
    }
    const ok = request.url === '/sessions' && JSON.parse(body || '{}').token === TOKEN;
    response.writeHead(ok ? 201 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(ok ? { session: SESSION } : { error: { message: 'wrong token' } }));
  });
});
const live = new WebSocketServer({ server: daemon });
live.on('connection', (socket) => {
  socket.on('message', (data) => receive(socket, JSON.parse(String(data))));
  socket.on('close', () => pages.delete(socket));
});

function receive(socket, message) {
  const send = (answer) => socket.send(JSON.stringify(answer));
  switch (message.type) {
    case 'hello': {
      send({
        type: 'welcome',
        version: 1,
        epoch: 'fake',
        session: 'fake',
        limits: {
          memoryBytes: 512 * 2 ** 20,
          pids: 512,
          cpuPercent: 100,
          diskBytes: 256 * 2 ** 20,
          terminals: 8,
        },
        terminals,
        settings: {},
        finished: {},
        reduced: [],
      });
      const delay = Number(process.env['FAKE_START_MS'] ?? 0);
      send({ type: 'sandbox', status: delay > 0 ? 'starting' : 'running' });
      const begin = () => {
        pages.add(socket);
        send({ type: 'sandbox', status: 'running' });
        send({ type: 'snapshot', state: timeline.state });
        if (message.lesson !== null)
          send({ type: 'steps', lesson: message.lesson, steps: steps.get(message.lesson) });
      };
      if (delay > 0) setTimeout(begin, delay);
      else begin();
      return;
    }
    case 'terminal.open': {
      const pts = Math.max(-1, ...terminals.map((one) => one.pts)) + 1;
      const id = `t${pts + 1}-${Date.now() % 1000}`;
      terminals.push({ id, pts, state: 'running', exitCode: null });
      broadcast({ type: 'terminals', terminals });
      send({ type: 'terminal.opened', request: message.request, terminal: id });
      return;
    }
    case 'terminal.close': {
      terminals.splice(
        terminals.findIndex(({ id }) => id === message.terminal),
        1,
      );
      broadcast({ type: 'terminals', terminals });
      return;
    }
    case 'step.predict': {
      const list = steps.get(message.lesson);
      list.find(({ step }) => step === message.step).prediction = {
        answer: message.answer,
        actual: null,
        correct: null,
      };
      broadcast({ type: 'steps', lesson: message.lesson, steps: list });
      return;
    }
    case 'step.reset': {
      broadcast({ type: 'sandbox', status: 'resetting' });
      setTimeout(() => broadcast({ type: 'sandbox', status: 'running' }), 1500);
      return;
    }
    case 'ping':
      send({ type: 'pong', sent: message.sent, t: Date.now() });
      return;
    default:
  }
}

// --- terminals.sock ------------------------------------------------------------------------
const PROMPT = '\x1b[32mroot@terrarium\x1b[0m:\x1b[34m~\x1b[0m# ';
const shells = new Map();
const terminalServer = createServer((_request, response) => response.writeHead(404).end());
const sockets = new WebSocketServer({ server: terminalServer });
sockets.on('connection', (socket, request) => {
  const id = decodeURIComponent(request.url.split('/').at(-1));
  const shell = shells.get(id) ?? { screen: PROMPT, line: '' };
  shells.set(id, shell);
  const write = (text) => {
    shell.screen += text;
    socket.send(encodeOutput(utf8.encode(text)));
  };
  socket.on('message', (data) => {
    const frame = decodeClientFrame(new Uint8Array(data));
    if (frame.type === 'attach') {
      if (frame.size !== null) socket.send(encodeSize(frame.size.cols, frame.size.rows));
      socket.send(encodeRestore(1000, utf8.encode(shell.screen)));
    } else if (frame.type === 'resize') {
      socket.send(encodeSize(frame.cols, frame.rows));
    } else if (frame.type === 'input') {
      for (const char of new TextDecoder().decode(frame.bytes)) typed(char);
    }
  });
  function typed(char) {
    if (char === '\r') {
      const line = shell.line.trim();
      shell.line = '';
      write('\r\n');
      if (line === 'exit') {
        socket.send(encodeExit(0));
        return;
      }
      write(`${execute(line)}${PROMPT}`);
    } else if (char === '\x7f') {
      if (shell.line !== '') write('\b \b');
      shell.line = shell.line.slice(0, -1);
    } else if (char === '\x15') {
      write('\b \b'.repeat(shell.line.length));
      shell.line = '';
    } else if (char >= ' ') {
      shell.line += char;
      write(char);
    }
  }
});

for (const [server, name] of [
  [daemon, 'daemon.sock'],
  [terminalServer, 'terminals.sock'],
]) {
  const path = join(RUN, name);
  rmSync(path, { force: true });
  server.listen(path);
}
console.log(`fake lab on ${RUN}; open /?token=${TOKEN}`);
