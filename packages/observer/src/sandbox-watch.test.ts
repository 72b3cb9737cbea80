import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { assertConsistent, type EventBody, type State, Timeline } from '@terrarium/timeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ForkHint } from './processes/tracked.js';
import { SandboxWatch } from './sandbox-watch.js';
import { OWN, TestProc } from './test-proc.js';

const INIT = 2001;
const SHELL = 2002;

let fake: TestProc;
let watch: SandboxWatch;
let timeline: Timeline;
let bodies: EventBody[];

beforeEach(() => {
  fake = new TestProc();
  fake.put({ pid: 900, parentPid: 1, comm: 'player', exe: '/player', cgroup: '/', pids: [900] });
  fake.put({ pid: INIT, parentPid: 900, comm: 'init', exe: '/player' });
  watch = new SandboxWatch(
    fake.machine,
    { id: 's1', initPid: INIT, cgroupDirs: [fake.cgroupDir] },
    fake.place,
  );
  timeline = new Timeline();
  bodies = [];
  watch.scan('full');
  shellJoins();
  drain();
});

afterEach(() => fake.remove());

function shellJoins(): void {
  fake.put({ pid: SHELL, parentPid: 900, comm: 'bash', tty: 34816 });
  watch.scan('full');
}

/** Folds what came out; returns it. */
function drain(): EventBody[] {
  watch.tick(fake.time);
  const drained = [...watch.drain()];
  bodies.push(...drained);
  timeline.append(drained);
  assertConsistent(timeline.state);
  return drained;
}

function pass(milliseconds: number): EventBody[] {
  fake.time += milliseconds;
  return drain();
}

function state(): State {
  return timeline.state;
}

function fork(child: number, more: Partial<ForkHint> = {}): ForkHint {
  return {
    child,
    caller: SHELL,
    byThread: false,
    flags: 0x120_0000,
    seconds: child / 100, // the fakes start at tick PID
    visiblePid: child - 1000,
    ...more,
  };
}

const key = (pid: number): string => `${pid}:${pid}`;

describe('SandboxWatch', () => {
  it('begins with the sandbox and the processes in order, parents first', () => {
    expect(bodies[0]).toMatchObject({ type: 'sandbox.start', sandbox: { init: key(INIT) } });
    expect(Object.keys(state().processes)).toEqual([key(INIT), key(SHELL)]);
    expect(state().processes[key(SHELL)]).toMatchObject({
      parent: null,
      pids: [SHELL, 1002],
      uid: { outside: 100000, inside: 0 },
      terminal: 0,
      cgroup: '/',
    });
    expect(Object.values(state().namespaces).every((ns) => ns.ofSandbox)).toBe(true);
    expect(Object.keys(state().mounts[OWN.mnt] ?? {})).toEqual(['1', '2']);
    expect(state().mounts[OWN.mnt]?.['2']?.procPidNs).toBe(OWN.pid);
  });

  it('emits nothing when a scan finds nothing new', () => {
    watch.scan('full');
    expect(pass(100)).toEqual([]);
  });

  it('follows a fork and an exec that are still there', () => {
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'bash' });
    watch.onFork(fork(2010));
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'sleep', args: ['sleep', '9'] });
    watch.onRename(2010, 'sleep');
    watch.onExec(2010, '/usr/bin/sleep', 20);
    expect(drain().map((body) => body.type)).toEqual(['process.fork', 'process.exec']);
    expect(state().processes[key(2010)]).toMatchObject({
      parent: key(SHELL),
      comm: 'sleep',
      args: ['sleep', '9'],
      pids: [2010, 1010],
    });
    expect(pass(100)).toEqual([]);
  });

  it('tells of a process that was gone before it could be read', () => {
    watch.onFork(fork(2010));
    watch.onRename(2010, 'true');
    watch.onExec(2010, '/bin/true', 20);
    watch.onExit(2010);
    const told = drain();
    expect(told).toMatchObject([
      { type: 'process.fork', process: { key: key(2010), pids: [2010, 1010], parent: key(SHELL) } },
      {
        type: 'process.exec',
        key: key(2010),
        comm: 'true',
        args: ['/bin/true'],
        at: expect.any(Number),
      },
      { type: 'process.exit', key: key(2010), waitStatus: null },
    ]);
  });

  it('takes a file that belongs to a later process of the same number for nothing', () => {
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'other', startTime: 9000 });
    watch.onFork(fork(2010));
    expect(state().processes).not.toHaveProperty('2010:9000');
    expect(drain()).toMatchObject([{ type: 'process.fork', process: { key: key(2010) } }]);
  });

  it('does not believe arguments of a process that has gone on to the next program', () => {
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'bash' });
    watch.onFork(fork(2010));
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'sh', args: ['sh', '-c', 'x'] });
    watch.onExec(2010, '/usr/bin/unshare', 20);
    expect(drain().at(-1)).toMatchObject({ comm: 'unshare', args: ['/usr/bin/unshare'] });
    watch.onExec(2010, '/bin/sh', 20);
    expect(drain().at(-1)).toMatchObject({ comm: 'sh', args: ['sh', '-c', 'x'] });
  });

  it('notices an exec whose event was lost', () => {
    fake.put({ pid: SHELL, parentPid: 900, comm: 'less', args: ['less', 'x'], tty: 34816 });
    watch.scan('stat');
    expect(drain()).toEqual([
      { type: 'process.change', key: key(SHELL), change: { comm: 'less', args: ['less', 'x'] } },
    ]);
  });

  it('reads the namespaces of a child that was cloned into new ones', () => {
    const namespaces = { ...OWN, pid: 5101, mnt: 5102 };
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'bash', pids: [2010, 1010, 1], namespaces });
    watch.onFork(fork(2010, { flags: 0x2002_0000 }));
    drain();
    expect(state().processes[key(2010)]?.namespaces).toEqual(namespaces);
    expect(state().namespaces[5101]).toMatchObject({ parent: OWN.pid, owner: OWN.user });
    expect(state().mounts[5102]).toBeUndefined();
    pass(20); // the delay in which a script's mount calls gather
    expect(Object.keys(state().mounts[5102] ?? {})).toHaveLength(2);
  });

  it('reads the namespaces after unshare, and forgets them with their last member', () => {
    const namespaces = { ...OWN, net: 5103 };
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'bash' });
    watch.onFork(fork(2010));
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'bash', namespaces });
    watch.onCall(2010, 'unshare');
    drain();
    expect(state().namespaces[5103]?.kind).toBe('net');
    fake.drop(2010);
    watch.onExit(2010);
    drain();
    expect(state().namespaces[5103]).toBeDefined(); // someone may hold it: decided a moment later
    pass(30);
    expect(state().namespaces[5103]).toBeUndefined();
  });

  it('keeps a namespace that an fd or a bind mount holds', () => {
    const namespaces = { ...OWN, net: 5103 };
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'bash', namespaces });
    watch.onFork(fork(2010, { flags: 0x4000_0000 }));
    fake.openFd(SHELL, 9, 'net:[5103]');
    fake.drop(2010);
    watch.onExit(2010);
    drain();
    pass(30);
    expect(state().namespaces[5103]?.holders).toEqual([{ by: 'fd', process: key(SHELL), fd: 9 }]);
    fake.put({ pid: SHELL, parentPid: 900, comm: 'bash', tty: 34816 }); // the fd is closed
    fake.mountinfo(SHELL, '9 1 0:4 net:[5103] /run/held rw - nsfs nsfs rw\n');
    fake.mountinfo(INIT, '9 1 0:4 net:[5103] /run/held rw - nsfs nsfs rw\n');
    watch.mountsChanged(1, 1, 'mount');
    drain();
    pass(20);
    pass(15); // a call that had happened by then may be told late
    watch.scanHolders();
    drain();
    expect(state().namespaces[5103]?.holders).toEqual([
      { by: 'mount', mountNs: OWN.mnt, path: '/run/held' },
    ]);
    fake.mountinfo(INIT, '');
    watch.mountsChanged(1, 1, 'mount');
    drain();
    pass(20);
    pass(15);
    pass(30);
    expect(state().namespaces[5103]).toBeUndefined();
  });

  it('takes a zombie out of its namespaces, whose numbers the kernel gives to others', () => {
    const namespaces = { ...OWN, net: 6001 };
    watch.onFork(fork(2010, { flags: 0x4000_0000 }));
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'sh', namespaces });
    watch.scan('full');
    drain();
    expect(state().namespaces[6001]?.kind).toBe('net');
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'sh', state: 'Z', namespaces });
    watch.onExit(2010);
    pass(2);
    pass(10);
    pass(40);
    expect(state().processes[key(2010)]).toMatchObject({ state: 'Z', namespaces: OWN });
    expect(state().namespaces[6001]).toBeUndefined();
    fake.put({ pid: 2011, parentPid: SHELL, comm: 'sh', namespaces: { ...OWN, uts: 6001 } });
    watch.scan('full');
    drain();
    expect(state().namespaces[6001]?.kind).toBe('uts');
  });

  it('does not believe that a process on its way out is in a namespace that has become another', () => {
    const gone = { ...OWN, uts: 6001 };
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'true', namespaces: gone });
    watch.scan('full');
    drain();
    // Its links cannot be read any more, but it is no zombie yet.
    for (const kind of Object.keys(OWN)) rmSync(join(fake.root, '2010/ns', kind));
    fake.put({ pid: 2011, parentPid: SHELL, comm: 'sh', namespaces: { ...OWN, ipc: 6001 } });
    watch.onFork(fork(2011, { flags: 0x800_0000 }));
    drain();
    expect(state().namespaces[6001]?.kind).toBe('ipc');
    expect(state().processes[key(2010)]?.namespaces).toEqual(OWN);
  });

  it('shows a zombie that stays, with its wait status, and its end', () => {
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'sh' });
    watch.onFork(fork(2010));
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'sh', state: 'Z', waitStatus: 256 });
    watch.onExit(2010);
    drain();
    expect(state().processes[key(2010)]?.state).not.toBe('Z'); // most are reaped within 10 ms
    pass(2);
    pass(10);
    expect(state().processes[key(2010)]).toMatchObject({ state: 'Z', args: [] });
    watch.scan('full');
    drain();
    expect(state().processes[key(2010)]?.state).toBe('Z'); // no cgroup lists it any more
    fake.drop(2010);
    expect(pass(250)).toEqual([{ type: 'process.exit', key: key(2010), waitStatus: 256 }]);
  });

  it('gives the children of the dead to their new parent before the exit', () => {
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'sh' });
    watch.onFork(fork(2010));
    fake.put({ pid: 2011, parentPid: 2010, comm: 'sleep' });
    watch.onFork(fork(2011, { caller: 2010 }));
    drain();
    fake.put({ pid: 2011, parentPid: INIT, comm: 'sleep' });
    fake.drop(2010);
    watch.onExit(2010);
    expect(drain()).toEqual([
      { type: 'process.change', key: key(2011), change: { parent: key(INIT) } },
      { type: 'process.exit', key: key(2010), waitStatus: null },
    ]);
  });

  it('hides a copy of the launcher until it execs, and a process outside the pid namespace', () => {
    const runner = { pid: 2020, parentPid: 900, comm: 'player', exe: '/player' };
    fake.put(runner);
    const outside = { ...OWN, pid: 4026531836 };
    fake.put({ pid: 2021, parentPid: 900, comm: 'nsenter', namespaces: outside, pids: [2021] });
    expect(watch.onAttach(2020, 8, '/lab/s1', 900)).toBe(true);
    expect(watch.onAttach(2021, 8, '/lab/s1', 900)).toBe(true);
    watch.scan('full');
    expect(drain()).toEqual([]);
    expect(watch.knows(2020)).toBe(true);
    fake.put({ ...runner, comm: 'bash', exe: '/bin/bash' });
    watch.onExec(2020, '/bin/bash', 20);
    expect(drain()).toMatchObject([{ type: 'process.fork', process: { comm: 'bash' } }]);
  });

  it('follows moves in its hierarchy only, and lets go of who leaves', () => {
    expect(watch.onAttach(SHELL, 3, '/lab/s1/a', SHELL)).toBe(false);
    expect(drain()).toEqual([]);
    fake.put({ pid: SHELL, parentPid: 900, comm: 'bash', tty: 34816, cgroup: '/lab/s1/a' });
    watch.onAttach(SHELL, 8, '/lab/s1/a', SHELL);
    drain();
    expect(state().processes[key(SHELL)]?.cgroup).toBe('/a');
    fake.put({ pid: SHELL, parentPid: 900, comm: 'bash', tty: 34816, cgroup: '/' });
    watch.onAttach(SHELL, 8, '/', SHELL);
    drain();
    expect(state().processes[key(SHELL)]).toBeUndefined();
  });

  it('heals what no event told: a birth, a death and a number used again', () => {
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'a' });
    watch.scan('stat');
    drain();
    fake.put({ pid: 2010, parentPid: SHELL, comm: 'b', startTime: 7777 });
    fake.put({ pid: 2011, parentPid: 2010, comm: 'c' });
    watch.scan('stat');
    drain();
    expect(Object.keys(state().processes)).toEqual([key(INIT), key(SHELL), '2010:7777', key(2011)]);
    fake.drop(2010);
    fake.drop(2011);
    watch.scan('stat');
    drain();
    expect(Object.keys(state().processes)).toHaveLength(2);
  });

  it('refuses a sandbox whose init is gone', () => {
    fake.drop(INIT);
    const target = { id: 's1', initPid: INIT, cgroupDirs: [] };
    expect(() => new SandboxWatch(fake.machine, target, fake.place)).toThrow(
      'init 2001 of sandbox s1 is not running',
    );
  });
});
