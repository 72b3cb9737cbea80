/**
 * What watching costs: one full comparison of a thousand processes with the kernel, beside the
 * commands that a person would use; and the daemon's processor time while thirty learners fork.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Observer } from '../../packages/observer/dist/index.js';
import { startLab } from './lab.mjs';
import { learnerAtPrompt } from './learner.mjs';
import { cpuSeconds, family, findProcesses } from './processes.mjs';
import { row } from './statistics.mjs';

const PROCESSES = 1000;
const ROUNDS = 15;
const WARM_UP = 3;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A pid namespace with that many sleepers, in a cgroup of its own. */
async function crowd() {
  const parent = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((dir) =>
    fs.existsSync(`${dir}/cgroup.procs`),
  );
  const cgroup = `${parent}/terrarium-bench-${process.pid}`;
  fs.mkdirSync(cgroup);
  const sleepers = `for (2..${PROCESSES}) { if (!fork) { sleep 600; exit } } sleep 600`;
  const enter = `echo $$ > ${cgroup}/cgroup.procs; exec unshare --fork --pid --mount --mount-proc --kill-child perl -e '${sleepers}'`;
  const child = spawn('bash', ['-c', enter], { stdio: 'ignore' });
  const pids = () =>
    fs.readFileSync(`${cgroup}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
  while (pids().length < PROCESSES + 1) await sleep(20);
  const initPid = pids().find((pid) =>
    /^NSpid:\t\d+\t1$/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8')),
  );
  const end = async () => {
    child.kill('SIGKILL'); // and by --kill-child, init with all that are in its pid namespace
    while (pids().length > 0) await sleep(20);
    fs.rmdirSync(cgroup);
  };
  return { cgroup, initPid, end };
}

const PEERS = {
  ps: ['ps', '-eo', 'pid,ppid,pgid,tty,stat,uid,pidns,mntns,netns,utsns,ipcns,userns,comm,args'],
  lsns: ['lsns', '--output-all'],
  pstree: ['pstree', '-p', '-S'],
};

async function scan() {
  const { cgroup, initPid, end } = await crowd();
  const mountDir = fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-bench-'));
  const observer = new Observer({ name: 'bench', mountDir, source: 'scan', onEvents: () => {} });
  const peers = Object.entries(PEERS).filter(
    ([, [program]]) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0,
  );
  const ours = [];
  const theirs = Object.fromEntries(peers.map(([name]) => [name, []]));
  const timed = (run) => {
    const started = performance.now();
    run();
    return performance.now() - started;
  };
  try {
    await observer.watch({ id: 'crowd', initPid, cgroupDirs: [cgroup] });
    for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
      const took = timed(() => observer.rescan('crowd'));
      if (round >= WARM_UP) ours.push(took);
      for (const [name, [program, ...args]] of peers) {
        const sample = timed(() => spawnSync(program, args, { stdio: 'ignore' }));
        if (round >= WARM_UP) theirs[name].push(sample);
      }
    }
  } finally {
    await observer.stop();
    await end();
    fs.rmSync(mountDir, { recursive: true, force: true });
  }
  return row(
    'scan-1000',
    'ms',
    ours,
    theirs,
    `everything of ${PROCESSES} processes compared with the kernel: stat, status, arguments, root, directory, eight namespaces, held fds, mounts, cgroups; the peers print the whole machine's, and start anew each time`,
  );
}

/**
 * Twenty forks a second, each with an exec, reaped at once: by the clock, so that what a fork itself
 * takes is not added. Behind by a second it gives up the rest; perl-base has no Time::HiRes.
 */
const FORKING = `perl -e 'sub now { open my $f, "<", "/proc/uptime"; (split " ", <$f>)[0] } my $at = now; while (1) { if (!fork) { exec "/bin/true" } wait; $at += 0.05; my $left = $at - now; if ($left > 0) { select undef, undef, undef, $left } elsif ($left < -1) { $at = now } }'`;

/** @returns how many forks the pages were told of since */
function countForks(learners) {
  let forks = 0;
  for (const { learner } of learners) {
    learner.waiters.add((message) => {
      if (message?.type !== 'events') return;
      for (const event of message.events) if (event.type === 'process.fork') forks += 1;
    });
  }
  return () => forks;
}

async function busy() {
  const COUNT = 30;
  const ROUND_MS = 5_000;
  const lab = await startLab();
  const learners = [];
  try {
    for (let i = 0; i < COUNT; i += 1) learners.push(await learnerAtPrompt(lab));
    for (const { terminal } of learners) terminal.type(`${FORKING}\n`);
    await sleep(3_000);
    const observer = findProcesses('observer-process').filter((pid) =>
      family(lab.pid).includes(pid),
    );
    const daemon = findProcesses('daemon').filter(
      (pid) => family(lab.pid).includes(pid) && !observer.includes(pid),
    );
    const groups = {
      daemon: daemon.filter((pid) => family(pid).some((one) => observer.includes(one))).slice(-1),
      observer,
      readers: observer.flatMap((pid) => family(pid).filter((one) => one !== pid)),
    };
    const cpu = () =>
      Object.values(groups).map((pids) => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0));
    const seen = () => learners.reduce((sum, { learner }) => sum + learner.state.seq, 0);
    const samples = [];
    const parts = Object.keys(groups).map(() => []);
    const forked = countForks(learners);
    const events = seen();
    const began = performance.now();
    for (let round = 0; round < 4; round += 1) {
      const [start, at] = [cpu(), performance.now()];
      await sleep(ROUND_MS);
      const seconds = (performance.now() - at) / 1000;
      const shares = cpu().map((value, i) => ((value - start[i]) / seconds) * 100);
      samples.push(shares.reduce((a, b) => a + b));
      for (const [i, share] of shares.entries()) parts[i].push(share);
    }
    const seconds = (performance.now() - began) / 1000;
    const rate = (seen() - events) / seconds;
    const forks = forked() / seconds;
    const mean = (values) => (values.reduce((a, b) => a + b) / values.length).toFixed(1);
    const split = Object.keys(groups).map((name, i) => `${name} ${mean(parts[i])}`);
    return row(
      'observer-busy',
      '% of one core',
      samples,
      {},
      `${COUNT} sandboxes with a page's sockets each, every one told to fork 20 times a second: ${forks.toFixed(0)} forks a second of ${COUNT * 20} came; ${split.join(', ')}; ${rate.toFixed(0)} events a second reach the pages`,
    );
  } finally {
    for (const { learner, terminal } of learners) {
      terminal.connection.close();
      learner.stop();
    }
    await lab.stop();
  }
}

export const OBSERVER_BENCHES = [
  { names: ['scan-1000'], run: async () => [await scan()] },
  { names: ['observer-busy'], run: async () => [await busy()] },
];
