/**
 * Drives containers at random until it is killed: the child process of container-random.test.ts.
 * Host root. Prints a line for each operation that was answered; `BAD …` for an answer that no
 * caller should get. Its one argument is JSON: { root, instance, seed, config, clean }.
 */
import { ContainerEngine, ContainerError } from '../../../packages/engine/dist/index.js';
import { ResidentPlayer } from '../../../packages/syscall/dist/index.js';
import { randomFrom } from './random.mjs';

/** Ids that operations fight for, and how many operations are under way at a time. */
const IDS = ['one', 'two', 'three', 'four', 'five', 'six'];
const WORKERS = 4;
/** An operation that takes longer is stuck; a busy machine may need seconds. */
const STUCK_MS = 60_000;
/** Answers that are right when the state is another one by the time they run. */
const EXPECTED = new Set(['exists', 'not-found', 'wrong-state']);

const { root, instance, seed, config, clean } = JSON.parse(process.argv[2] ?? '{}');
const random = randomFrom(seed);
const player = await ResidentPlayer.start();
console.log(`player ${player.pid}`);
const engine = await ContainerEngine.open({ player, root, instance });

const recovery = await engine.recover();
for (const error of recovery.stuck) console.log(`BAD recover: ${error.message}`);
for (const row of engine.list()) if ('error' in row) console.log(`BAD list: ${row.error.message}`);

/** The same with programs of the host to wait for, before and after all is mounted. */
const hook = { path: '/bin/true' };
const hooks = { createRuntime: [hook], createContainer: [hook], poststop: [hook] };
const hooked = { ...config, hooks };

const OPERATIONS = {
  create: (id) => engine.create({ id, bundle: root, config: random(4) === 0 ? hooked : config }),
  start: (id) => engine.start(id),
  exec: (id) => execute(id, { ...config.process, args: ['/bin/true'] }),
  execShell: (id) =>
    execute(id, { ...config.process, args: ['/bin/sh', '-c', 'sleep 60 & exit 3'] }),
  execTerminal: (id) => execute(id, { ...config.process, terminal: true, args: ['/bin/true'] }),
  pause: (id) => engine.pause(id),
  resume: (id) => engine.resume(id),
  update: (id) => engine.update(id, { pids: { limit: 20 + random(100) } }),
  kill: (id) => engine.kill(id, ['SIGTERM', 'SIGKILL', 'SIGUSR1', 'SIGWINCH'][random(4)]),
  killAll: (id) => engine.kill(id, ['SIGKILL', 'SIGTERM', 'SIGWINCH'][random(3)], { all: true }),
  delete: (id) => engine.delete(id),
  deleteForce: (id) => engine.delete(id, { force: true }),
  state: async (id) => engine.state(id),
  list: async () => engine.list(),
  ps: async (id) => engine.ps(id),
};

/** What can be done in each state; the state may be another one by then. */
const SENSIBLE = {
  none: ['create'],
  creating: ['state', 'start'],
  created: ['start', 'start', 'exec', 'kill', 'deleteForce'],
  running: [
    'exec',
    'exec',
    'execShell',
    'execTerminal',
    'pause',
    'update',
    'update',
    'kill',
    'killAll',
    'ps',
    'deleteForce',
  ],
  paused: ['resume', 'resume', 'update', 'kill', 'killAll', 'deleteForce'],
  stopped: ['delete', 'delete', 'deleteForce', 'state'],
};

/** Mostly what can be done, sometimes anything. */
function choose(id) {
  if (random(5) === 0) return pick(Object.keys(OPERATIONS));
  return pick(SENSIBLE[statusOf(id)]);
}

function statusOf(id) {
  try {
    return engine.state(id).status;
  } catch (error) {
    if (error instanceof ContainerError && error.code === 'not-found') return 'none';
    throw error;
  }
}

function pick(list) {
  return list[random(list.length)];
}

async function execute(id, process) {
  const { exited, consoleFd } = await engine.exec(id, { process });
  if (consoleFd !== null) (await import('node:fs')).closeSync(consoleFd);
  exited.catch(() => {});
}

async function perform(name, id) {
  const stuck = setTimeout(() => console.log(`BAD ${name} ${id}: no answer`), STUCK_MS);
  try {
    await OPERATIONS[name](id);
    console.log(`${name} ${id}`);
  } catch (error) {
    const isExpected = error instanceof ContainerError && EXPECTED.has(error.code);
    console.log(isExpected ? `${name} ${id}: ${error.code}` : `BAD ${name} ${id}: ${error.stack}`);
  } finally {
    clearTimeout(stuck);
  }
}

async function work() {
  for (;;) {
    const id = pick(IDS);
    await perform(choose(id), id);
  }
}

if (clean) {
  for (const { id } of engine.list()) await engine.delete(id, { force: true });
  await engine.close();
  await player.close();
  console.log('clean');
} else {
  await Promise.all(Array.from({ length: WORKERS }, work));
}
