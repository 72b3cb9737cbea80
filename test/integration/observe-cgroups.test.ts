/**
 * Cgroups of a sandbox as the observer tells them, on the real kernel: a sandbox of the engine, in
 * which a shell makes groups, writes limits, moves, freezes, and lets the OOM killer come. Needs
 * root. What a file is called is this machine's version of cgroups; what must be seen is the same.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectCgroupLayout, hierarchyWith } from '../../packages/engine/src/index.js';
import { Observer } from '../../packages/observer/src/index.js';
import {
  type CgroupState,
  cgroupIn,
  cgroupsOf,
  type EventBody,
  hierarchiesOf,
  type ProcessState,
  processesOf,
  type State,
  Timeline,
} from '../../packages/timeline/src/index.js';
import { SLOWNESS } from './patience.js';
import { hasDebianImage, type Lab, missing, startLab, until } from './sandbox-lab.js';

const lacks = missing();
const layout = lacks === null ? detectCgroupLayout() : null;
const isV2 = layout?.kind === 'v2';
const hasMemory = layout !== null && hierarchyWith(layout, 'memory') !== undefined;

/** Groups of the stress test; each costs three processes, which an emulated machine starts slowly. */
const MANY = SLOWNESS > 1 ? 60 : 300;

/** Where a controller's groups are inside the sandbox, and how the timeline names their hierarchy. */
const dirOf = (controller: string): string =>
  isV2 ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controller}`;
const hierarchyOf = (controller: string): string => (isV2 ? '' : controller);
/** The group that the sandbox's processes begin in: on v2 a leaf, as inner groups have none. */
let home = '/';

/** An observer with the timeline of one sandbox. */
class Watching {
  readonly timeline = new Timeline();
  readonly bodies: EventBody[] = [];
  readonly observer: Observer;

  constructor(name: string, mountDir: string, source: 'auto' | 'scan' = 'auto') {
    this.observer = new Observer({
      ...{ name: `cgtest-${process.pid}-${name}`, mountDir, source },
      onEvents: (_, bodies) => {
        this.timeline.append(bodies);
        this.bodies.push(...bodies);
      },
    });
  }

  get state(): State {
    return this.timeline.state;
  }

  group(controller: string, path: string): CgroupState | undefined {
    return this.state.cgroups?.[`${hierarchyOf(controller)}:${path}`];
  }

  meters(controller: string, path: string): Readonly<Record<string, string>> {
    return this.state.meters?.[`${hierarchyOf(controller)}:${path}`] ?? {};
  }

  process(args: string): ProcessState | undefined {
    return processesOf(this.state).find((process) => process.args.join(' ') === args);
  }
}

/** What two honest looks at the same groups must agree on. */
function picture(state: State): unknown {
  const groups = hierarchiesOf(state).flatMap((hierarchy) =>
    cgroupsOf(state, hierarchy).map(({ key, files }) => ({ key, files })),
  );
  const members = processesOf(state).map((process) => ({
    key: process.key,
    groups: hierarchiesOf(state).map((hierarchy) => cgroupIn(process, hierarchy)),
  }));
  return { groups, members };
}

const suffix = lacks === null ? '' : ` (missing: ${lacks})`;

describe.skipIf(lacks !== null)(`cgroups observed${suffix}`, () => {
  let lab: Lab;
  let watching: Watching;
  let scratch: string;
  let linesFd = -1;
  let lines = 0;
  let target: { id: string; initPid: number; cgroupDirs: readonly string[] };

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'observe-cgroups-'));
    lab = await startLab('observe-cgroups');
    const { initPid, cgroups } = await lab.engine.create({ id: 'groups' });
    target = { id: 'groups', initPid, cgroupDirs: cgroups };
    watching = new Watching('main', join(scratch, 'tracefs'));
    await watching.observer.start();
    await watching.observer.watch(target);
    watching.observer.setViewers('groups', 1);
    home = processesOf(watching.state)[0]?.cgroup ?? '/';
    await startShell();
    await until('the shell is known', () => processesOf(watching.state).length > 1);
    await sh('true');
  });

  afterAll(async () => {
    await watching?.observer.stop();
    await lab?.close();
    if (linesFd >= 0) closeSync(linesFd);
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  });

  /** One shell for all lines, so that the trace has followed it long before what is asserted. */
  async function startShell(): Promise<void> {
    const fifo = join(scratch, 'lines');
    execFileSync('mkfifo', [fifo]);
    linesFd = openSync(fifo, 'r+'); // both ends: opening one would wait for the other
    const output = openSync(join(scratch, 'output'), 'w');
    const [stdin, stdout] = [linesFd, output].map((fd) => ({ ownerPid: process.pid, fd }));
    const stdio = { stdin: stdin ?? null, stdout: stdout ?? null, stderr: stdout ?? null };
    await lab.engine.exec('groups', { args: ['sh'], stdio });
    closeSync(output);
  }

  async function sh(line: string): Promise<void> {
    const mark = `done-${++lines}`;
    writeSync(linesFd, `${line}\necho ${mark} $?\n`);
    const output = (): string => readFileSync(join(scratch, 'output'), 'utf8');
    const result = await until(
      `"${line}" has ended`,
      () => new RegExp(`^${mark} (\\d+)$`, 'm').exec(output())?.[1],
    );
    if (result !== '0') throw new Error(`${line}: exit ${result}: ${output()}`);
  }

  /** The same sandbox, looked at for the first time. */
  async function freshState(): Promise<State> {
    const fresh = new Watching('fresh', join(scratch, 'tracefs-fresh'), 'scan');
    await fresh.observer.start();
    await fresh.observer.watch(target);
    await fresh.observer.stop();
    return fresh.state;
  }

  async function agreesWithFresh(): Promise<void> {
    let [ours, theirs]: [unknown, unknown] = [null, undefined];
    try {
      await until('the fold equals a fresh scan', async () => {
        theirs = picture(await freshState());
        ours = picture(watching.state);
        return JSON.stringify(ours) === JSON.stringify(theirs);
      });
    } catch {
      expect(ours).toEqual(theirs); // says what differs
    }
  }

  const since = (mark: number): readonly EventBody[] => watching.bodies.slice(mark);

  test('begins with the sandbox’s own group in every hierarchy, with its settings', async () => {
    const expected = target.cgroupDirs.length;
    expect(hierarchiesOf(watching.state)).toHaveLength(expected);
    for (const hierarchy of hierarchiesOf(watching.state)) {
      expect(cgroupsOf(watching.state, hierarchy)[0]?.path).toBe('/');
    }
    expect(watching.group('pids', '/')?.files['pids.max']).toMatch(/^\d+$/);
    await agreesWithFresh();
  });

  test('mkdir, nested mkdir and rmdir are told, each once', async () => {
    const mark = watching.bodies.length;
    await sh(`cd ${dirOf('pids')}; mkdir box; mkdir box/inner; rmdir box/inner`);
    const told = (type: 'cgroup.appear' | 'cgroup.vanish'): string[] =>
      since(mark).flatMap((body) => {
        if (body.type !== type) return [];
        return [body.type === 'cgroup.appear' ? body.cgroup.key : body.key];
      });
    const [box, inner] = [`${hierarchyOf('pids')}:/box`, `${hierarchyOf('pids')}:/box/inner`];
    await until('box is there and inner is gone', () => told('cgroup.vanish').includes(inner));
    await agreesWithFresh();
    expect(told('cgroup.appear')).toEqual([box, inner]);
    expect(told('cgroup.vanish')).toEqual([inner]);
  });

  test('who makes and who moves is told where the trace knows', async () => {
    if (watching.observer.status.source !== 'trace') return;
    // A scan may see a group before its line comes: then nobody is named, never somebody else.
    await until('a group with its maker', async () => {
      const mark = watching.bodies.length;
      await sh(`cd ${dirOf('pids')}; mkdir who; sleep 1000 & echo $! > who/cgroup.procs`);
      await until('who', () => watching.group('pids', '/who') !== undefined);
      const maker = since(mark).find((body) => body.type === 'cgroup.appear');
      const isMkdir = (body: EventBody): boolean =>
        body.type === 'process.exec' && body.comm === 'mkdir';
      const mkdir = await until('the exec of mkdir', () => since(mark).find(isMkdir));
      await until('the member', () =>
        processesOf(watching.state).some((one) => cgroupIn(one, hierarchyOf('pids')) === '/who'),
      );
      const move = since(mark).find((body) => movedTo(body) === '/who');
      await sh(`cd ${dirOf('pids')}; kill $(cat who/cgroup.procs); until rmdir who; do :; done`);
      await until('its end', () => watching.group('pids', '/who') === undefined);
      if (maker?.actor === undefined || move?.type !== 'process.change') return false;
      expect(mkdir).toMatchObject({ key: maker.actor });
      if (move.actor === undefined) return false;
      expect(move.actor).not.toBe(move.key);
      return true;
    });
  });

  /** Where in the hierarchy of pids an event moves a process to. */
  function movedTo(body: EventBody): string | undefined {
    if (body.type !== 'process.change') return undefined;
    return isV2 ? body.change.cgroup : body.change.cgroups?.['pids'];
  }

  test('what is written into a control file is in the state, and told as one change', async () => {
    const mark = watching.bodies.length;
    await sh(`echo 7 > ${dirOf('pids')}/box/pids.max`);
    await until('pids.max is 7', () => watching.group('pids', '/box')?.files['pids.max'] === '7');
    const changes = since(mark).filter((body) => body.type === 'cgroup.change');
    expect(changes).toEqual([
      { type: 'cgroup.change', key: `${hierarchyOf('pids')}:/box`, files: { 'pids.max': '7' } },
    ]);
    await agreesWithFresh();
  });

  test('a member moves in one hierarchy alone; its children are born there', async () => {
    await sh(`sleep 1001 & echo $! > ${dirOf('pids')}/box/cgroup.procs`);
    const moved = await until('sleep 1001 is in box', () => {
      const found = watching.process('sleep 1001');
      return found !== undefined && cgroupIn(found, hierarchyOf('pids')) === '/box' && found;
    });
    for (const hierarchy of hierarchiesOf(watching.state)) {
      expect(cgroupIn(moved, hierarchy)).toBe(hierarchy === hierarchyOf('pids') ? '/box' : home);
    }
    await sh(`sh -c 'echo $$ > ${dirOf('pids')}/box/cgroup.procs; sleep 1002 & true'`);
    const born = await until('sleep 1002', () => watching.process('sleep 1002'));
    expect(cgroupIn(born, hierarchyOf('pids'))).toBe('/box');
    await agreesWithFresh();
  });

  test.skipIf(isV2)(
    `a member moves on in the watched hierarchy and stays where it is in others${isV2 ? ' (missing: cgroup v1)' : ''}`,
    async () => {
      const watched = watching.state.sandbox === null ? '' : hierarchiesWith(watching)[0]!;
      await sh(
        `mkdir /sys/fs/cgroup/${watched}/other; echo $(pidof -s sleep) > /sys/fs/cgroup/${watched}/other/cgroup.procs`,
      );
      const moved = await until('a sleep in the other group', () =>
        processesOf(watching.state).find((one) => cgroupIn(one, watched) === '/other'),
      );
      expect(cgroupIn(moved, 'pids')).toBe('/box');
      expect(cgroupIn(moved, 'memory')).toBe('/');
      await agreesWithFresh();
    },
  );

  test('counters are sampled while somebody looks, and only then', async () => {
    await until(
      'pids.current of box',
      () => watching.meters('pids', '/box')['pids.current'] === '2',
    );
    watching.observer.setViewers('groups', 0);
    const mark = watching.bodies.length;
    watching.observer.rescan('groups');
    watching.observer.rescan('groups');
    expect(since(mark).filter((body) => body.type === 'cgroup.sample')).toEqual([]);
    watching.observer.setViewers('groups', 1);
    await sh('kill $(pidof sleep); wait');
    await until('box is empty', () => watching.meters('pids', '/box')['pids.current'] === '0');
  });

  test('a frozen group says so, and its children with it', async () => {
    const dir = dirOf('freezer');
    const [file, on, off] = isV2
      ? ['cgroup.freeze', '1', '0']
      : ['freezer.state', 'FROZEN', 'THAWED'];
    await sh(
      `mkdir -p ${dir}/cold/inner; sleep 1003 & echo $! > ${dir}/cold/inner/cgroup.procs; echo ${on} > ${dir}/cold/${file}`,
    );
    const shown = (path: string): string | undefined =>
      watching.group('freezer', path)?.files[file];
    await until('cold is frozen', () => shown('/cold') === on);
    if (!isV2) await until('so is what is in it', () => shown('/cold/inner') === on);
    await agreesWithFresh();
    await sh(`echo ${off} > ${dir}/cold/${file}`);
    await until('cold has thawed', () => shown('/cold') === off);
    await sh(
      `kill -9 $(pidof sleep); while [ -n "$(cat ${dir}/cold/inner/cgroup.procs)" ]; do :; done; rmdir ${dir}/cold/inner ${dir}/cold`,
    );
    await until('cold is gone', () => watching.group('freezer', '/cold') === undefined);
  });

  const canOom = hasMemory && hasDebianImage();
  test.skipIf(!canOom)(
    `the victim of the OOM killer is told with its group${canOom ? '' : ' (missing: memory controller or Debian image)'}`,
    async () => {
      const dir = dirOf('memory');
      const limit = isV2 ? 'memory.max' : 'memory.limit_in_bytes';
      const mark = watching.bodies.length;
      await sh(
        `mkdir ${dir}/tight; echo 8M > ${dir}/tight/${limit}; (echo $(exec sh -c 'echo $PPID') > ${dir}/tight/cgroup.procs; exec tail /dev/zero) || true`,
      );
      const kill = await until('the kill', () =>
        since(mark).find((body) => body.type === 'cgroup.oom'),
      );
      expect(kill).toMatchObject({ key: `${hierarchyOf('memory')}:/tight` });
      if (watching.observer.status.source === 'trace') expect(kill).toMatchObject({ comm: 'tail' });
      expect(watching.group('memory', '/tight')?.lastOom).toBeDefined();
      // Two more looks of the healing scan: the counter that it reads was told of already.
      for (let i = 0; i < 3; i++) watching.observer.rescan('groups');
      expect(since(mark).filter((body) => body.type === 'cgroup.oom')).toHaveLength(1);
      await sh(`rmdir ${dir}/tight`);
    },
  );

  test(`${MANY} groups made, written and removed in a row: the fold equals a fresh scan`, async () => {
    const dir = dirOf('pids');
    const mark = watching.bodies.length;
    await sh(
      `cd ${dir}; for i in $(seq ${MANY}); do mkdir g$i; echo $i > g$i/pids.max; done; for i in $(seq 1 2 ${MANY}); do rmdir g$i; done`,
    );
    await agreesWithFresh();
    expect(watching.group('pids', `/g${MANY}`)?.files['pids.max']).toBe(`${MANY}`);
    expect(watching.group('pids', `/g${MANY - 1}`)).toBeUndefined();
    const told = (type: 'cgroup.appear' | 'cgroup.vanish'): string[] =>
      since(mark).flatMap((body) => {
        if (body.type !== type) return [];
        const key = body.type === 'cgroup.appear' ? body.cgroup.key : body.key;
        return /:\/g\d+$/.test(key) ? [key] : [];
      });
    expect(told('cgroup.appear')).toHaveLength(MANY);
    expect(told('cgroup.vanish')).toHaveLength(MANY / 2);
    await sh(
      `cd ${dir}; for i in $(seq 2 2 ${MANY}); do rmdir g$i; done; for i in $(seq ${MANY}); do mkdir h$i; echo 5 > h$i/pids.max; rmdir h$i; done`,
    );
    await agreesWithFresh();
    expect(
      cgroupsOf(watching.state, hierarchyOf('pids')).filter(({ path }) => /^\/[gh]\d/.test(path)),
    ).toEqual([]);
  });

  test('an observer without a trace sees the same, by inotify and scans', async () => {
    const blind = new Watching('blind', join(scratch, 'tracefs-blind'), 'scan');
    await blind.observer.start();
    await blind.observer.watch(target);
    try {
      await sh(
        `mkdir ${dirOf('pids')}/seen; echo 9 > ${dirOf('pids')}/seen/pids.max; sleep 1004 & echo $! > ${dirOf('pids')}/seen/cgroup.procs`,
      );
      await until(
        'the group with its limit',
        () => blind.group('pids', '/seen')?.files['pids.max'] === '9',
      );
      await until('its member', () => {
        const found = blind.process('sleep 1004');
        return found !== undefined && cgroupIn(found, hierarchyOf('pids')) === '/seen';
      });
      await sh('kill $(pidof sleep); wait');
    } finally {
      await blind.observer.stop();
    }
  });

  test('nothing stays open when the watch ends', async () => {
    const before = inotifyWatches();
    expect(before).toBeGreaterThan(0);
    watching.observer.unwatch('groups');
    await until('all watches are gone', () => inotifyWatches() === 0);
  });
});

/** Hierarchies in the order in which the watch takes them: the first is the watched one. */
function hierarchiesWith(watching: Watching): readonly string[] {
  const watched = hierarchiesOf(watching.state);
  const ordered = layout?.hierarchies.map(({ name }) => name) ?? [];
  return ordered.filter((name) => watched.includes(name));
}

/** inotify watches on cgroup directories that this process holds. */
function inotifyWatches(): number {
  const devices = new Set<string>();
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, , device = ''] = line.split(' ');
    const [major = 0, minor = 0] = device.split(':').map(Number);
    if (/ - cgroup2? /.test(line)) devices.add((major * 2 ** 20 + minor).toString(16));
  }
  return inotifyLines().filter((line) => devices.has(/sdev:([0-9a-f]+)/.exec(line)?.[1] ?? ''))
    .length;
}

function inotifyLines(): string[] {
  const lines: string[] = [];
  for (let fd = 0; fd < 256; fd++) {
    try {
      const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
      lines.push(...text.split('\n').filter((line) => line.startsWith('inotify')));
    } catch {
      // not open
    }
  }
  return lines;
}
