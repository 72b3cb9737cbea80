/**
 * Two hundred sandboxes through the whole lab, each made for a learner, used for something that
 * leaves traces, and deleted for idleness: the host holds afterwards what it held before.
 */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LACK, Lab, named, pids, remaining, residentMiB, textOf, until } from './lab.js';

const CYCLES = 200;
/** Sandboxes at a time. */
const WIDTH = 8;

/** What a learner may do that could outlive a sandbox; most need nothing but busybox. */
const USES: readonly string[] = [
  'echo hello > /root/file; cat /root/file',
  'sleep 1000 & sleep 1000 & echo hello',
  '(trap "" TERM INT HUP; exec setsid sleep 1000) & echo hello',
  'mkdir -p /lab/m && mount -t tmpfs none /lab/m && head -c 1048576 /dev/zero > /lab/m/x; echo hello',
  'unshare --mount --uts --ipc --net sleep 1000 & echo hello',
  'unshare --user --map-root-user --pid --fork sleep 1000 & echo hello',
  ': > /lab/ns; unshare --uts=/lab/ns true; echo hello',
  'ip link add v0 type veth peer name v1 2>/dev/null; echo hello',
  'for d in /sys/fs/cgroup/*/; do mkdir $d/mine 2>/dev/null; done; sleep 1000 & for d in /sys/fs/cgroup/*/; do echo $! > $d/mine/cgroup.procs; done 2>/dev/null; echo hello',
  'mkdir /sys/fs/cgroup/freezer/ice 2>/dev/null; sleep 1000 & echo $! > /sys/fs/cgroup/freezer/ice/cgroup.procs && echo FROZEN > /sys/fs/cgroup/freezer/ice/freezer.state; echo hello',
  'head -c 8388608 /dev/urandom > /dev/shm/x; mkfifo /tmp/f; (: < /tmp/f) & echo hello',
];

let lab: Lab;

describe.skipIf(LACK !== null)(named('the whole lab'), () => {
  beforeAll(async () => {
    lab = await Lab.start({
      TERRARIUM_IDLE: '1',
      TERRARIUM_DISK: '32',
      TERRARIUM_MEMORY: '128',
      TERRARIUM_SESSIONS: String(CYCLES), // each is counted until it was idle for a second
    });
  });
  afterAll(async () => {
    await lab?.dispose();
  });

  test(`leaves nothing behind after ${CYCLES} sandboxes made, used and deleted`, async () => {
    await lab.health();
    const before = {
      fds: openFiles(),
      daemon: residentMiB(lab.pid('daemon')),
      terminals: residentMiB(lab.pid('terminal host')),
    };
    const failures: string[] = [];
    let made = 0;
    const began = performance.now();
    const worker = async (): Promise<void> => {
      while (made < CYCLES) {
        const number = made++;
        const learner = await lab.learner();
        const use = USES[number % USES.length] ?? '';
        const { output } = await learner.run(use, 20_000);
        if (!output.endsWith('hello')) failures.push(`${use}: ${output}`);
        lab.note(learner);
        learner.leave();
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, worker));
    const usedMs = performance.now() - began;
    await until(
      'the daemon has no sandbox',
      async () => (await lab.health())?.sandboxes === 0,
      30_000,
    );
    const left = await remaining(() => lab.ofSandboxes());
    const after = {
      fds: openFiles(),
      daemon: residentMiB(lab.pid('daemon')),
      terminals: residentMiB(lab.pid('terminal host')),
    };
    console.log(
      `${made} sandboxes in ${(usedMs / 1000).toFixed(1)} s, ${lab.noted} namespaces; open files ${JSON.stringify(before.fds)} → ${JSON.stringify(after.fds)}; ` +
        `daemon ${before.daemon.toFixed(0)} → ${after.daemon.toFixed(0)} MiB, terminal host ${before.terminals.toFixed(0)} → ${after.terminals.toFixed(0)} MiB`,
    );
    if (left.length > 0) console.error(lab.logs());
    expect(left).toEqual([]);
    expect(failures).toEqual([]);
    // A few, for what is lazily opened once; 200 would be one for each sandbox.
    for (const [part, count] of Object.entries(after.fds)) {
      expect(count - (before.fds[part] ?? 0), `files that ${part} holds open`).toBeLessThan(20);
    }
    expect(await lab.end()).toBe(0);
    expect(await remaining(() => lab.leftovers())).toEqual([]);
  }, 180_000);
});

/** Open files of each part, player included. */
function openFiles(): Record<string, number> {
  const parts = Object.fromEntries(
    (['daemon', 'terminal host', 'web', 'observer'] as const).map((part) => [part, lab.pid(part)]),
  );
  const players = pids().filter((pid) => textOf(`/proc/${pid}/comm`) === 'terrarium-playe\n');
  for (const [index, pid] of players.entries()) {
    const parent = Number(/^PPid:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1]);
    if (Object.values(parts).includes(parent)) parts[`player ${index}`] = pid;
  }
  return Object.fromEntries(Object.entries(parts).map(([part, pid]) => [part, countFiles(pid)]));
}

function countFiles(pid: number | null): number {
  return textOf(`/proc/${pid}/status`) === '' ? 0 : readdirSync(`/proc/${pid}/fd`).length;
}
