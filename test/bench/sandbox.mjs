/**
 * What a sandbox costs: the time from asking for one to the first prompt, beside podman on the
 * same root file system and beside util-linux by hand; and what thirty idle ones cost.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { currentImage } from '../../scripts/setup/images.mjs';
import { readSettings } from '../../scripts/setup/paths.mjs';
import { startLab } from './lab.mjs';
import { join, Learner, learnerAtPrompt } from './learner.mjs';
import { cpuSeconds, family, findProcesses, pssMiB } from './processes.mjs';
import { row } from './statistics.mjs';

const WARM_UP = 6; // rounds not counted: caches and compiled code, ours and the peers'
const ROUNDS = 24;
const PROMPT = /[#$] /;
const PODMAN_IMAGE = 'localhost/terrarium-base:bench';

/** Time until a command on a terminal of its own prints a prompt; then it is ended. */
function commandToPrompt(command) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn('script', ['-qfec', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let text = '';
    let took = 0;
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (took > 0 || !PROMPT.test(text)) return;
      took = performance.now() - started;
      child.stdin.write('exit\n');
    });
    child.once('exit', () =>
      took > 0 ? resolve(took) : reject(new Error(`${command}: no prompt: ${text.slice(-300)}`)),
    );
  });
}

/**
 * Ours as the page does it, through the web process: from the moment that the daemon says
 * `sandbox: starting` (nothing of it exists then) to the first prompt on the terminal's socket.
 */
async function oursToPrompt(lab) {
  const learner = new Learner(lab, await join(lab)).start();
  await learner.until((_, message) => message?.type === 'sandbox', 'the sandbox to start');
  const started = performance.now();
  await learner.until((l) => l.terminals.some((t) => t.state === 'running'), 'the first terminal');
  const terminal = learner.terminal(learner.terminals[0].id);
  await terminal.until(PROMPT);
  const took = performance.now() - started;
  terminal.connection.close();
  learner.stop();
  return took;
}

/**
 * podman on an image of the same root file system, with the first runtime that works here (crun refuses
 * hybrid cgroups). No systemd here, so cgroupfs; no CAP_SYS_RESOURCE, so no raised rlimits; no
 * network, which would only cost it more.
 */
function podmanCommand(image, storage) {
  const imported = spawnSync('sh', [
    '-c',
    `tar -C ${image} -cf - . | podman --root ${storage} import -q - ${PODMAN_IMAGE}`,
  ]);
  if (imported.status !== 0) return null;
  for (const runtime of ['crun', 'runc']) {
    const common = `podman --root ${storage} --runtime ${runtime} --cgroup-manager cgroupfs run --rm --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024`;
    const tried = spawnSync('sh', ['-c', `${common} ${PODMAN_IMAGE} true`], {
      stdio: 'ignore',
    });
    if (tried.status === 0)
      return { name: `podman with ${runtime}`, command: `${common} -it ${PODMAN_IMAGE} bash` };
  }
  return null;
}

/** The peers that this machine has, as commands that end in a shell on the same image. */
function peers(image, storage) {
  const podman = podmanCommand(image, storage);
  if (podman === null)
    console.log('  no podman that runs here (Debian packages podman and runc): left out');
  return {
    ...(podman && { [podman.name]: podman.command }),
    'unshare by hand': `unshare --fork --pid --mount --uts --ipc --net --cgroup --time --mount-proc chroot ${image} bash`,
  };
}

async function sandboxToPrompt() {
  const { settings } = readSettings([]);
  const image = currentImage(settings.TERRARIUM_IMAGES).path;
  const storage = fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-podman-'));
  const lab = await startLab({ TERRARIUM_SESSIONS: '100' });
  const commands = peers(image, storage);
  const ours = [];
  const theirs = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  try {
    for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
      const keep = round >= WARM_UP;
      const took = await oursToPrompt(lab);
      if (keep) ours.push(took);
      for (const [name, command] of Object.entries(commands)) {
        const sample = await commandToPrompt(command);
        if (keep) theirs[name].push(sample);
      }
    }
  } finally {
    await lab.stop();
    spawnSync('podman', ['--root', storage, 'rmi', '-af'], { stdio: 'ignore' });
    fs.rmSync(storage, { recursive: true, force: true });
  }
  return row(
    'sandbox-to-prompt',
    'ms',
    ours,
    theirs,
    'sandbox: starting → first prompt on the terminal, through the web process',
  );
}

async function sandboxIdle() {
  const COUNT = 30;
  const SECONDS = 20;
  const lab = await startLab();
  const learners = [];
  try {
    const parts = () =>
      [...family(lab.pid), ...findProcesses(lab.run), ...terminalHost(lab)].filter(
        (pid, index, all) => all.indexOf(pid) === index,
      );
    const memory = (pids) => pids.reduce((sum, pid) => sum + pssMiB(pid), 0);
    const before = memory(parts());
    for (let i = 0; i < COUNT; i += 1) learners.push(await learnerAtPrompt(lab));
    await sleep(3_000); // start-up work settles
    const sandboxes = learners.flatMap(({ learner }) =>
      Object.values(learner.state.processes).map((process) => process.hostPid),
    );
    const watched = () => [...new Set([...parts(), ...sandboxes])];
    const pids = watched();
    const cpu = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const samples = [];
    for (let round = 0; round < 4; round += 1) {
      const start = cpu();
      const at = performance.now();
      await sleep((SECONDS * 1000) / 4);
      samples.push(((cpu() - start) / ((performance.now() - at) / 1000)) * 100);
    }
    const after = memory(watched());
    return row(
      'sandbox-idle',
      '% of one core',
      samples,
      {},
      `${COUNT} sandboxes with a shell and a page's sockets each; ${((after - before) / COUNT).toFixed(1)} MiB (PSS) each: ${(memory(sandboxes) / COUNT).toFixed(1)} in the sandbox, the rest in the lab's own processes`,
    );
  } finally {
    for (const { learner, terminal } of learners) {
      terminal.connection.close();
      learner.stop();
    }
    await lab.stop();
  }
}

/** The terminal host is detached: found by the run folder that it was told. */
function terminalHost(lab) {
  return findProcesses('terminal-host/main.js').filter((pid) =>
    fs.readFileSync(`/proc/${pid}/environ`, 'utf8').includes(lab.run),
  );
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const SANDBOX_BENCHES = [
  { names: ['sandbox-to-prompt'], run: async () => [await sandboxToPrompt()] },
  { names: ['sandbox-idle'], run: async () => [await sandboxIdle()] },
];
