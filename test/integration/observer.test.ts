/**
 * The observer on the real kernel: what it tells of a tree of processes, and how it heals. See
 * observer-lab.ts for the trees; observe-*.test.ts for each kind of object.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ObserverClient } from '../../packages/observer/src/index.js';
import {
  type EventBody,
  membersOf,
  mountsOf,
  type ProcessState,
  processesOf,
  type State,
  Timeline,
} from '../../packages/timeline/src/index.js';
import {
  cleanUp,
  cleanups,
  comesToEqualFresh,
  Lab,
  root,
  scratch,
  Tree,
  unique,
} from './observer-lab.js';
import { patient, SLOWNESS, until } from './patience.js';
import { missing, startLab } from './sandbox-lab.js';

if (!root) console.warn('observer: skipped, these tests need root');

function percentile(sorted: readonly number[], fraction: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

describe.skipIf(!root)(`observer${!root ? ` (missing: root)` : ''}`, () => {
  let reduced = '';

  beforeAll(async () => {
    const lab = await Lab.start();
    if (lab.status?.source !== 'trace') reduced = lab.status?.reason ?? 'no trace';
    await lab.observer.stop();
    if (reduced !== '') console.warn(`observer: only scans here: ${reduced}`);
  });

  afterEach(cleanUp);

  test('begins with the sandbox, its eight namespaces, its mounts and its processes', async () => {
    const tree = await Tree.start();
    tree.type('sleep 60');
    await until('sleep is there', () => tree.hostPids().length === 3);
    const lab = await Lab.start();
    await lab.watch(tree);
    const state = lab.state(tree);
    expect(lab.seen(tree)[0]?.type).toBe('sandbox.start');
    expect(Object.values(state.namespaces).filter((ns) => ns.ofSandbox)).toHaveLength(8);
    expect(state.namespaces[state.sandbox!.namespaces.net]?.ofHost).toBe(true);
    expect(state.namespaces[state.sandbox!.namespaces.pid]?.ofHost).toBe(false);
    const [init, sleep] = lab.processes(tree);
    expect(init).toMatchObject({ hostPid: tree.initPid, parent: null, comm: 'bash', cgroup: '/' });
    expect(init?.pids).toEqual([tree.initPid, 1]);
    expect(sleep).toMatchObject({ comm: 'sleep', args: ['sleep', '60'], parent: init?.key });
    const proc = mountsOf(state, state.sandbox!.namespaces.mnt).filter(
      (m) => m.mountPoint === '/proc',
    );
    expect(proc.at(-1)?.procPidNs).toBe(state.sandbox!.namespaces.pid);
  });

  test('tells fork, exec with its arguments, and exit, with the pid on every level', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    const [output] = await tree.run(`bash -c 'echo $$; exec sleep 0.2'`);
    await until('its exit is told', () =>
      lab.seen(tree).some((body) => body.type === 'process.exit'),
    );
    const fork = lab
      .seen(tree)
      .filter((body) => body.type === 'process.fork')
      .at(-1);
    expect(fork?.process.pids).toEqual([fork?.process.hostPid, Number(output)]);
    const execs = lab.seen(tree).filter((body) => body.type === 'process.exec');
    expect(execs.at(-1)).toMatchObject({ comm: 'sleep', args: ['sleep', '0.2'] });
    expect(lab.processes(tree)).toHaveLength(1);
  });

  const lacksSpeed = reduced !== '' ? 'tracefs' : SLOWNESS > 1 ? 'a machine at full speed' : null;
  test.skipIf(lacksSpeed !== null)(
    `does not miss commands that live a millisecond${lacksSpeed === null ? '' : ` (missing: ${lacksSpeed})`}`,
    async () => {
      const tree = await Tree.start();
      const lab = await Lab.start();
      await lab.watch(tree);
      const pids = await tree.run('for i in 1 2 3 4 5 6 7 8 9 10; do sh -c "echo \\$\\$"; done');
      await until(
        'all exits are told',
        () => lab.seen(tree).filter((body) => body.type === 'process.exit').length === 10,
      );
      const forked = lab
        .seen(tree)
        .flatMap((body) => (body.type === 'process.fork' ? [body.process] : []));
      expect(forked.slice(1).map((process) => String(process.pids.at(-1)))).toEqual(pids);
      expect(lab.seen(tree).filter((body) => body.type === 'process.exec')).toHaveLength(10);
    },
  );

  test('places nested namespaces: parent, owner, pids, and which pids a new /proc shows', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    tree.type('unshare --user --map-root-user --fork --pid --mount-proc sleep 60');
    await until('sleep has its map', () => lab.find(tree, 'sleep')?.uid.inside === 0);
    const sleep = lab.find(tree, 'sleep')!;
    const state = lab.state(tree);
    expect(sleep.pids).toHaveLength(3);
    expect(sleep.pids.at(-1)).toBe(1);
    expect(state.namespaces[sleep.namespaces.pid]).toMatchObject({
      parent: state.sandbox!.namespaces.pid,
      owner: sleep.namespaces.user,
      ofSandbox: false,
    });
    expect(state.namespaces[sleep.namespaces.user]?.parent).toBe(state.sandbox!.namespaces.user);
    expect(membersOf(state, sleep.namespaces.user).map((p) => p.comm)).toEqual([
      'unshare',
      'sleep',
    ]);
    const shown = (): number | undefined =>
      mountsOf(lab.state(tree), sleep.namespaces.mnt)
        .filter((mount) => mount.mountPoint === '/proc')
        .at(-1)?.procPidNs;
    await until('the nested /proc shows the nested pids', () => shown() === sleep.namespaces.pid);
  });

  test('shows a zombie until it is reaped, with its wait status', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    tree.type(`perl -e 'if (!fork) { exit 7 } sleep 1; wait; sleep 1'`);
    const zombie = (): ProcessState | undefined =>
      lab.processes(tree).find((process) => process.state === 'Z');
    await until('a zombie is there', () => zombie() !== undefined);
    expect(zombie()).toMatchObject({ comm: 'perl', args: [] });
    const { key } = zombie()!;
    await until('it is reaped', () => zombie() === undefined);
    expect(lab.seen(tree)).toContainEqual({ type: 'process.exit', key, waitStatus: 7 << 8 });
  });

  test('gives orphans to the init of their pid namespace', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    await tree.run('sh -c "sleep 60 & exit"');
    const init = lab.processes(tree)[0]!;
    await until('init has the orphan', () => lab.find(tree, 'sleep')?.parent === init.key);
    await until('their parent is gone', () => lab.processes(tree).length === 2);
  });

  test('follows a move into a child cgroup', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    await tree
      .run(`sleep 60 & mkdir ${tree.cgroup}/inner; echo $! > ${tree.cgroup}/inner/cgroup.procs`)
      .catch(() => {});
    await until('sleep is told', () => lab.find(tree, 'sleep') !== undefined);
    const sleep = lab.find(tree, 'sleep')!;
    const { execFileSync } = await import('node:child_process');
    execFileSync('sh', ['-c', `echo ${sleep.hostPid} > ${tree.cgroup}/inner/cgroup.procs`]);
    await until('the move is told', () => lab.find(tree, 'sleep')?.cgroup === '/inner');
  });

  test('keeps a namespace that only a bind mount or an fd holds, and says which', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    const uts = (): number[] =>
      Object.values(lab.state(tree).namespaces)
        .filter((ns) => ns.kind === 'uts')
        .map((ns) => ns.inode);
    const own = uts();
    await tree.run(`touch ${scratch}/held; unshare --uts=${scratch}/held true`);
    const held = (): number | undefined => uts().find((inode) => !own.includes(inode));
    await until(
      'the mount holds it',
      () => lab.state(tree).namespaces[held() ?? 0]?.holders.length === 1,
    );
    const inode = held()!;
    expect(lab.state(tree).namespaces[inode]?.holders[0]).toMatchObject({
      by: 'mount',
      path: `${scratch}/held`,
    });
    // The command that made it is a member until the observer has seen it end.
    await until('nobody is inside', () => membersOf(lab.state(tree), inode).length === 0);
    await tree.run(`exec 9<${scratch}/held; umount --lazy ${scratch}/held`);
    await until(
      'the fd holds it',
      () => lab.state(tree).namespaces[inode]?.holders[0]?.by === 'fd',
    );
    await tree.run('exec 9<&-; unshare --uts true');
    await until('it is gone', () => held() === undefined);
  });

  test('shows a process that joins once it is in the pid namespace, and no other', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    const join = (...command: string[]): ChildProcess => {
      const script = `echo $$ > ${tree.cgroup}/cgroup.procs; exec ${command.join(' ')}`;
      return spawn('bash', ['-c', script], { stdio: 'ignore' });
    };
    const outside = join('sleep', '60');
    const inside = join('nsenter', `--target=${tree.initPid}`, '--pid', '--mount', 'sleep', '61');
    await until('the joined sleep is there', () => lab.find(tree, 'sleep') !== undefined);
    const joined = lab.find(tree, 'sleep')!;
    await until('its arguments are told', () => lab.find(tree, 'sleep')?.args[1] === '61');
    expect(joined.parent).toBeNull();
    process.kill(joined.hostPid);
    await until('it is gone', () => lab.find(tree, 'sleep') === undefined);
    await delay(1200); // a whole scan
    expect(lab.processes(tree).map((process) => process.comm)).toEqual(['bash']);
    expect(
      lab.seen(tree).some((body) => 'process' in body && body.process.hostPid === outside.pid),
    ).toBe(false);
    outside.kill();
    await until('both are gone', () => tree.hostPids().length === 2);
    expect(inside.signalCode).not.toBeNull();
  });

  test.skipIf(reduced !== '')(
    `follows what a joined process forks${reduced !== '' ? ` (missing: tracefs)` : ''}`,
    async () => {
      const tree = await Tree.start();
      const lab = await Lab.start();
      await lab.watch(tree);
      const misses: number[] = [];
      for (let i = 0; i < 10; i++) {
        const enter = `nsenter --target=${tree.initPid} --pid --mount`;
        const script = `echo $$ > ${tree.cgroup}/cgroup.procs; exec ${enter} sh -c "sh -c 'sleep 0.3${i}'; true"`;
        const joined = spawn('bash', ['-c', script], { stdio: 'ignore' });
        await once(joined, 'exit');
        await delay(100);
        const sleeps = lab
          .seen(tree)
          .filter((body) => body.type === 'process.exec' && body.args[1] === `0.3${i}`);
        if (sleeps.length !== 1) misses.push(i);
      }
      // Who sends processes here is learnt from the first; from then on they are seen from birth.
      expect(misses.filter((i) => i > 0)).toEqual([]);
      expect(lab.processes(tree)).toHaveLength(1);
    },
  );

  test('never mixes two trees', async () => {
    const [a, b] = [await Tree.start(), await Tree.start()];
    const lab = await Lab.start();
    await lab.watch(a);
    await lab.watch(b);
    const busy = (name: string): string =>
      `for i in $(seq 60); do bash -c 'exec -a ${name} sleep 0.01' & done; wait`;
    await Promise.all([a.run(busy('of-a')), b.run(busy('of-b'))]);
    await delay(200);
    for (const [mine, other, foreign] of [
      [a, b, 'of-b'],
      [b, a, 'of-a'],
    ] as const) {
      const inodes = lab.state(other).sandbox!.namespaces;
      for (const body of lab.seen(mine)) {
        if (body.type === 'process.fork') expect(body.process.namespaces.pid).not.toBe(inodes.pid);
        if (body.type === 'process.exec') expect(body.args).not.toContain(foreign);
      }
      expect(lab.processes(mine)).toHaveLength(1);
    }
  });

  test.skipIf(reduced !== '')(
    `is not fooled by names that look like lines of the trace${reduced !== '' ? ` (missing: tracefs)` : ''}`,
    async () => {
      const [a, b] = [await Tree.start(), await Tree.start()];
      const lab = await Lab.start();
      await lab.watch(a);
      await lab.watch(b);
      b.type('sleep 60');
      await until('sleep is there', () => lab.find(b, 'sleep') !== undefined);
      const victim = lab.find(b, 'sleep')!.hostPid;
      const forged = `x-${victim}   (  ${victim}) [000] .....  1.000000: sched_process_exec: filename=forged pid=${victim} old_pid=${victim}`;
      const dir = mkdtempSync(join(scratch, 'names-'));
      await a.run(
        `cp /bin/true $'${dir}/a\\n${forged.replaceAll('/', '_')}\\n'; cd ${dir}; ./a*; cd /`,
      );
      await a.run(`perl -e '$0 = "x\\ny: z=1"; system("true"); sleep 0.1'`);
      await delay(100);
      expect(lab.find(b, 'sleep')?.args).toEqual(['sleep', '60']);
      expect(lab.seen(b).some((body) => JSON.stringify(body).includes('forged'))).toBe(false);
      expect(lab.processes(a)).toHaveLength(1);
      rmSync(dir, { recursive: true });
    },
  );

  const storm = `perl -e 'for (1..1000) { my $p = fork; if (!$p) { if ($_ % 20 == 0) { sleep 60 } exit 0 } } while (wait != -1 && ++$n < 950) {} sleep 60' &`;

  test('after a storm of 1,000 forks the state equals a fresh scan', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    const begin = Date.now();
    await tree.run(storm);
    await until(
      '50 sleepers, their parent and init are left',
      () => lab.processes(tree).length === 52,
    );
    const took = Date.now() - begin;
    const forks = lab.seen(tree).filter((body) => body.type === 'process.fork').length;
    console.info(`storm: ${forks} forks told, settled after ${took} ms`);
    await comesToEqualFresh(lab, tree);
  });

  test.skipIf(reduced !== '')(
    `heals events that the kernel had to drop${reduced !== '' ? ` (missing: tracefs)` : ''}`,
    async () => {
      const tree = await Tree.start();
      const lab = await Lab.start();
      await lab.watch(tree);
      const done = join(scratch, 'storms-over');
      for (let i = 0; i < 8; i++) tree.type(`${storm} sleep 0.8; kill -9 %%; wait; pkill -9 perl`);
      tree.type(`${storm} sleep 0.5; touch ${done}`);
      // The observer is in this process: while that stands still, nobody reads the trace.
      const cell = new Int32Array(new SharedArrayBuffer(4));
      const deadline = Date.now() + patient(60_000);
      while (!existsSync(done) && Date.now() < deadline) Atomics.wait(cell, 0, 0, 50);
      await until('the survivors are left', () => lab.processes(tree).length === 52);
      await comesToEqualFresh(lab, tree);
      const forks = lab.seen(tree).filter((body) => body.type === 'process.fork').length;
      expect(forks).toBeLessThan(9_000); // else nothing was dropped, and nothing healed
    },
  );

  test.skipIf(lacksSpeed !== null)(
    `tells of an exec within milliseconds${lacksSpeed === null ? '' : ` (missing: ${lacksSpeed})`}`,
    async () => {
      const tree = await Tree.start();
      const lab = await Lab.start();
      await lab.watch(tree);
      const times: number[] = [];
      for (let i = 0; i < 60; i++) {
        const told = new Promise<number>((resolve) => {
          lab.onBatch = (_, bodies) => {
            if (bodies.some((body) => body.type === 'process.fork')) resolve(performance.now());
          };
        });
        const begin = performance.now();
        tree.type('sleep 0.01');
        times.push((await told) - begin);
        await delay(30);
      }
      times.sort((a, b) => a - b);
      const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)];
      console.info(`command typed → fork told: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
      expect(p50).toBeLessThan(20);
    },
  );

  test('without a trace it scans, says so, and sees what lives half a second', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start('scan');
    expect(lab.status).toEqual({ source: 'scan', reason: 'asked not to trace' });
    await lab.watch(tree);
    tree.type('unshare --fork --pid --mount-proc sleep 2');
    await until('sleep is there', () => lab.find(tree, 'sleep')?.pids.length === 3);
    await until('it is gone', () => lab.find(tree, 'sleep') === undefined);
    await until(
      'no other namespace is left',
      () => Object.keys(lab.state(tree).namespaces).length === 8,
    );
  });

  test('unwatch ends the stream', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    lab.observer.unwatch(tree.id);
    const length = lab.seen(tree).length;
    expect(lab.seen(tree).at(-1)).toEqual({ type: 'sandbox.end', id: tree.id });
    await tree.run('/bin/true');
    await delay(100);
    expect(lab.seen(tree)).toHaveLength(length);
  });

  test('the death of init ends every process and namespace', async () => {
    const tree = await Tree.start();
    const lab = await Lab.start();
    await lab.watch(tree);
    await tree.run('sleep 60 & sleep 60 &');
    process.kill(tree.initPid, 'SIGKILL');
    await until('all is gone', () => Object.keys(lab.state(tree).namespaces).length === 0);
    expect(lab.processes(tree)).toEqual([]);
    expect(lab.state(tree).mounts).toEqual({});
  });

  test('refuses to watch what is not there', async () => {
    const lab = await Lab.start('scan');
    const target = {
      id: 'x',
      initPid: 2 ** 22 + 1,
      cgroupDirs: ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'],
    };
    await expect(lab.observer.watch(target)).rejects.toThrow('is not running');
    await expect(
      lab.observer.watch({ ...target, initPid: process.pid, cgroupDirs: ['/tmp'] }),
    ).rejects.toThrow('/tmp: not on a cgroup file system');
  });
});

describe.skipIf(missing() !== null)(
  `observer of a real sandbox${missing() !== null ? ` (missing: ${missing()})` : ''}`,
  () => {
    afterEach(cleanUp);

    test('shows its own world, its commands, and never the player that starts them', async () => {
      const sandboxes = await startLab('observer');
      cleanups.push(() => sandboxes.close());
      const lab = await Lab.start();
      const { initPid, cgroups } = await sandboxes.engine.create({ id: 'seen' });
      const begin = performance.now();
      await lab.observer.watch({ id: 'seen', initPid, cgroupDirs: cgroups });
      console.info(
        `first picture and trace set up in ${(performance.now() - begin).toFixed(0)} ms`,
      );
      const state = (): State => lab.timelines.get('seen')!.state;
      const { sandbox, namespaces } = state();
      expect(Object.values(namespaces).every((ns) => ns.ofSandbox && !ns.ofHost)).toBe(true);
      for (const ns of Object.values(namespaces)) {
        expect(ns.owner).toBe(ns.kind === 'user' ? null : sandbox!.namespaces.user);
        expect(ns.parent).toBeNull();
      }
      const mounts = mountsOf(state(), sandbox!.namespaces.mnt);
      expect(mounts.find((mount) => mount.mountPoint === '/proc')?.procPidNs).toBe(
        sandbox!.namespaces.pid,
      );
      expect(mounts.find((mount) => mount.mountPoint === '/')?.fsType).toBe('overlay');
      // Two, as the first teaches who starts commands here: it ends when it has been seen.
      const first = sandboxes.sh('seen', 'while [ ! -e /tmp/seen ]; do sleep 0.1; done');
      await until('the first command runs', () => processesOf(state()).length > 1);
      await sandboxes.sh('seen', 'touch /tmp/seen');
      await first;
      const { output } = await sandboxes.sh('seen', 'echo $$; sleep 0.4');
      await until('both are gone', () => processesOf(state()).length === 1);
      const bodies = lab.bodies.get('seen') ?? [];
      const isSleep = (body: EventBody): boolean =>
        body.type === 'process.exec' && body.args[1] === '0.4';
      await until('the exec of sleep is told', () => bodies.some(isSleep));
      const forked = bodies.flatMap((body) => (body.type === 'process.fork' ? [body.process] : []));
      const shell = forked.find((process) => String(process.pids.at(-1)) === output.trim());
      expect(shell?.uid).toMatchObject({ inside: 0 });
      expect(shell?.uid.outside).toBeGreaterThan(65535);
      expect(forked.map((process) => process.comm)).not.toContain('player');
      await sandboxes.engine.delete('seen');
      await until('all namespaces are gone', () => Object.keys(state().namespaces).length === 0);
    });
  },
);

const entry = join(import.meta.dirname, '../../apps/daemon/dist/observer-process.js');

describe.skipIf(!root || !existsSync(entry))(
  `observer process${!root || !existsSync(entry) ? ` (missing: root or the build)` : ''}`,
  () => {
    afterEach(cleanUp);

    const mountDir = join(scratch, 'process-tracefs');
    const tracefs = (): string | null =>
      [mountDir, '/sys/kernel/tracing'].find((dir) => existsSync(`${dir}/instances`)) ?? null;
    const instances = (name: string): string[] =>
      readdirSync(`${tracefs()}/instances`).filter((entry) =>
        entry.startsWith(`terrarium-${name}`),
      );

    async function startClient(name: string) {
      const timelines = new Map<string, Timeline>();
      const problems: string[] = [];
      const client = new ObserverClient({
        entry,
        name,
        mountDir,
        onEvents: (id, bodies) => {
          const timeline = timelines.get(id) ?? new Timeline();
          timelines.set(id, timeline);
          timeline.append(bodies);
        },
        onProblem: (message) => problems.push(message),
      });
      cleanups.push(() => client.stop());
      const status = await client.start();
      const pid = childrenOf(process.pid).find((child) => cmdline(child).includes(name)) ?? 0;
      return { client, timelines, problems, status, pid };
    }

    function childrenOf(pid: number): number[] {
      return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number);
    }

    function cmdline(pid: number): string[] {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    }

    test('survives kill -9: watches again, and leaves nothing after a stop', async () => {
      const tree = await Tree.start();
      const name = `${unique}-kill`;
      const { client, timelines, problems, status, pid } = await startClient(name);
      client.watch({ id: tree.id, initPid: tree.initPid, cgroupDirs: [tree.cgroup] });
      await until('the first picture came', () => timelines.get(tree.id)?.state.sandbox != null);
      const seq = timelines.get(tree.id)!.seq;
      process.kill(pid, 'SIGKILL');
      await until('the second picture came', () => timelines.get(tree.id)!.seq > seq);
      expect(problems).toEqual(['observer process ended with SIGKILL']);
      tree.type('sleep 60');
      const comms = (): string[] => processesOf(timelines.get(tree.id)!.state).map((p) => p.comm);
      await until('sleep is there', () => comms().includes('sleep'));
      if (status.source === 'trace') expect(instances(name)).toHaveLength(2);
      await client.stop();
      if (tracefs() !== null) expect(instances(name)).toEqual([]);
      expect(existsSync(`${mountDir}/instances`)).toBe(false);
    });
  },
);
