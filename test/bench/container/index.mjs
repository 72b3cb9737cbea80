/**
 * What a container costs: in-process create, start, wait and delete by ContainerEngine, beside the
 * least that a program can do (native/bare-container.c) and beside crun and runc, on the same bundle.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { row } from '../statistics.mjs';
import { fullConfig, makeBundle, trueConfig } from './bundle.mjs';
import { runtimesFor, startSampler } from './peers.mjs';

const WARM_UP = 10; // rounds not counted: caches and compiled code
const ROUNDS = Number(process.env['TERRARIUM_BENCH_ROUNDS'] ?? 60);
const PARALLEL = { containers: 500, batch: 50 };

/** Engine and player of the built packages, with state in the bundle's folder. */
async function startEngine(bundle) {
  const { ContainerEngine } = await import('../../../packages/engine/dist/index.js');
  const { ResidentPlayer } = await import('../../../packages/syscall/dist/index.js');
  const player = await ResidentPlayer.start();
  const instance = `terrarium-bench-${process.pid}`;
  const engine = await ContainerEngine.open({
    player,
    root: path.join(bundle.states, 'state'),
    instance,
  });
  let count = 0;
  return {
    player,
    engine,
    async run(config) {
      count += 1;
      const id = `b${count}`;
      const started = performance.now();
      const created = await engine.create({ id, bundle: bundle.folder, config });
      await engine.start(id);
      const { exitCode } = await engine.wait(id);
      created.console?.close?.();
      await engine.delete(id);
      const took = performance.now() - started;
      if (exitCode !== 0) throw new Error(`/bin/true ended with ${exitCode}`);
      return took;
    },
    async close() {
      await engine.close();
      await player.close();
    },
  };
}

/** A program started as a process, until its end. */
function processTime(command, args) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (status) => {
      const took = performance.now() - started;
      if (status === 0) resolve(took);
      else reject(new Error(`${command} ended with ${status}`));
    });
  });
}

/** Interleaved, so that what disturbs the machine disturbs all. */
async function interleaved(ours, peers) {
  const samples = {
    ours: [],
    peers: Object.fromEntries(Object.keys(peers).map((name) => [name, []])),
  };
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const took = await ours();
    if (round >= WARM_UP) samples.ours.push(took);
    for (const [name, run] of Object.entries(peers)) {
      const sample = await run();
      if (round >= WARM_UP) samples.peers[name].push(sample);
    }
  }
  return samples;
}

async function containerTrue() {
  return withEngine(async (bundle, lab) => {
    const config = trueConfig(bundle.rootfs);
    const bare = () => processTime(bundle.bare, [bundle.rootfs, '/bin/true']);
    const { ours, peers } = await interleaved(() => lab.run(config), {
      'bare clone3 + pivot_root in C': bare,
    });
    const init = await initMemory(bundle, lab);
    return row(
      'container-true',
      'ms',
      ours,
      peers,
      `create, start, wait, delete in process; ${init}`,
    );
  });
}

/** What a container's first process holds while it waits for start, and the player's file. */
async function initMemory(bundle, { engine }) {
  const { PLAYER_BINARY } = await import('../../../packages/syscall/dist/index.js');
  await engine.create({ id: 'memory', bundle: bundle.folder, config: trueConfig(bundle.rootfs) });
  const { pid } = engine.state('memory');
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
  await engine.delete('memory', { force: true });
  return `player ${(fs.statSync(PLAYER_BINARY).size / 1024).toFixed(0)} KiB; init before execve: RSS ${kib(status, 'VmRSS')} KiB, PSS ${kib(rollup, 'Pss')} KiB`;
}

async function containerFull() {
  return withEngine(async (bundle, lab) => {
    const sampler = await startSampler();
    try {
      const config = fullConfig(bundle.rootfs);
      const runtimes = await runtimesFor(config, bundle, sampler, true);
      const timed = (command) => async () => (await sampler.run([command()], true)).each[0];
      const peers = Object.fromEntries(
        Object.entries(runtimes).map(([name, command]) => [name, timed(command)]),
      );
      const samples = await interleaved(() => lab.run(config), peers);
      return row(
        'container-full',
        'ms',
        samples.ours,
        samples.peers,
        'eight namespaces, id maps, cgroups with limits, overlay root, masks, devices, capabilities, seccomp, console',
      );
    } finally {
      await sampler.close();
    }
  });
}

async function containerParallel() {
  return withEngine(async (bundle, lab) => {
    const sampler = await startSampler();
    try {
      const config = fullConfig(bundle.rootfs, { terminal: false });
      const runtimes = await runtimesFor(config, bundle, sampler, false);
      const batches = PARALLEL.containers / PARALLEL.batch;
      const perSecond = (ms) => (PARALLEL.batch / ms) * 1000;
      const ours = [];
      const theirs = Object.fromEntries(Object.keys(runtimes).map((name) => [name, []]));
      await lab.run(config);
      for (let batch = 0; batch < batches; batch += 1) {
        const started = performance.now();
        await Promise.all(Array.from({ length: PARALLEL.batch }, () => lab.run(config)));
        ours.push(perSecond(performance.now() - started));
        for (const [name, command] of Object.entries(runtimes)) {
          const commands = Array.from({ length: PARALLEL.batch }, command);
          theirs[name].push(perSecond((await sampler.run(commands)).ms));
        }
      }
      return row(
        'container-parallel',
        'containers/s',
        ours,
        theirs,
        `${PARALLEL.containers} containers in batches of ${PARALLEL.batch}, full config without console; a ratio above 1 is faster`,
      );
    } finally {
      await sampler.close();
    }
  });
}

async function withEngine(measure) {
  const bundle = makeBundle();
  const lab = await startEngine(bundle);
  try {
    return await measure(bundle, lab);
  } finally {
    await lab.close();
    await bundle.remove();
  }
}

export const CONTAINER_BENCHES = [
  { names: ['container-true'], run: async () => [await containerTrue()] },
  { names: ['container-full'], run: async () => [await containerFull()] },
  { names: ['container-parallel'], run: async () => [await containerParallel()] },
];
