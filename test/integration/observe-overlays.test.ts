/**
 * The layers of overlays on the real kernel, without the engine: a shell in namespaces and a cgroup
 * of its own stands for a sandbox, its layers lie on a tmpfs that it mounts. Needs root; ends every
 * process, and its mounts go with its mount namespace.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Observer } from '../../packages/observer/src/index.js';
import {
  type EventBody,
  type LayerEntry,
  type OverlayState,
  type State,
  Timeline,
} from '../../packages/timeline/src/index.js';
import { patient, until } from './patience.js';
import {
  hasDebianImage,
  missing as sandboxMissing,
  startLab as startSandboxes,
} from './sandbox-lab.js';

const root = process.getuid?.() === 0;
const overlays = readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n');
const lacks = !root ? 'root' : !overlays ? 'overlay' : null;
/** Since Linux 6.6 an overlay tells which directory is its upper layer, whatever became of its name. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const tellsUpper = major > 6 || (major === 6 && minor >= 6);
const noHandles = tellsUpper ? '' : ' (missing: file handles of overlays, Linux 6.6)';
const scratch = lacks === null ? mkdtempSync(join(tmpdir(), 'overlays-test-')) : '';
const unique = `ovtest-${process.pid}`;
const cleanups: (() => Promise<void> | void)[] = [];
let counter = 0;

/** A shell that is PID 1 of a pid namespace, with a tmpfs of its own on `dir`. */
class Shell {
  readonly id = `shell-${++counter}`;
  readonly dir = join(scratch, this.id);
  readonly cgroup: string;
  initPid = 0;
  private readonly child: ChildProcess;
  private readonly lines: string[] = [];

  private constructor() {
    const parent = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((one) =>
      existsSync(`${one}/cgroup.procs`),
    );
    this.cgroup = `${parent}/${unique}-${counter}`;
    mkdirSync(this.cgroup);
    mkdirSync(this.dir);
    const enter = `echo $$ > ${this.cgroup}/cgroup.procs; exec unshare --fork --pid --mount --mount-proc --kill-child bash`;
    this.child = spawn('bash', ['-c', enter], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.lines.push(line));
  }

  static async start(): Promise<Shell> {
    const shell = new Shell();
    cleanups.push(() => shell.end());
    await shell.run(`mount -t tmpfs layers ${shell.dir}; cd ${shell.dir}; mkdir a b c u w m`);
    shell.initPid = Number(
      readFileSync(`${shell.cgroup}/cgroup.procs`, 'utf8')
        .split('\n')
        .find((pid) => /NSpid:.*\t1$/m.test(statusOf(pid))),
    );
    return shell;
  }

  /** Runs a line; resolves with what it wrote. */
  async run(line: string): Promise<string[]> {
    const mark = `done-${++counter}`;
    const from = this.lines.length;
    this.child.stdin!.write(`${line}\necho ${mark}\n`);
    await until(`"${line}" ends`, () => this.lines.includes(mark, from));
    return this.lines.slice(from, this.lines.indexOf(mark, from));
  }

  /** Mounts A, B on top of it, and an empty upper layer. */
  async overlay(at = 'm'): Promise<void> {
    await this.run(
      `mount -t overlay demo -o lowerdir=$PWD/b:$PWD/a,upperdir=$PWD/u,workdir=$PWD/w $PWD/${at}`,
    );
  }

  async end(): Promise<void> {
    const procs = (): string[] =>
      readFileSync(`${this.cgroup}/cgroup.procs`, 'utf8').split('\n').filter(Boolean);
    await until('every process of the shell has ended', () => {
      for (const pid of procs()) {
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          // it ended by itself
        }
      }
      return procs().length === 0;
    });
    rmdirSync(this.cgroup);
  }
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** An observer with the timeline of one sandbox. */
class Watcher {
  readonly timeline = new Timeline();
  readonly bodies: EventBody[] = [];
  private readonly observer: Observer;

  private constructor(source: 'auto' | 'scan') {
    this.observer = new Observer({
      name: `${unique}-${++counter}`,
      mountDir: join(scratch, 'tracefs'),
      source,
      onEvents: (_id, bodies) => {
        this.timeline.append(bodies);
        this.bodies.push(...bodies);
      },
    });
  }

  static async of(
    shell: { id: string; initPid: number; cgroup: string },
    source: 'auto' | 'scan' = 'auto',
  ): Promise<Watcher> {
    const watcher = new Watcher(source);
    cleanups.push(() => watcher.observer.stop());
    await watcher.observer.start();
    const { id, initPid, cgroup } = shell;
    await watcher.observer.watch({ id, initPid, cgroupDirs: [cgroup] });
    return watcher;
  }

  get state(): State {
    return this.timeline.state;
  }

  /** Those of this test: the machine may have others. */
  overlays(dir: string): readonly OverlayState[] {
    return Object.values(this.state.overlays ?? {}).filter((one) =>
      one.layers.some((layer) => layer.dir.startsWith(dir)),
    );
  }

  async overlay(dir: string): Promise<OverlayState> {
    return until('the overlay appears', () => this.overlays(dir)[0]);
  }

  upper(dir: string): Readonly<Record<string, LayerEntry>> {
    return this.overlays(dir)[0]?.layers[0]?.entries ?? {};
  }

  /** Waits until the upper layer's entry is so. */
  async comes(
    dir: string,
    path: string,
    wanted: (entry: LayerEntry) => boolean,
  ): Promise<LayerEntry> {
    return until(`${path} is so, not ${JSON.stringify(this.upper(dir)[path])}`, () => {
      const entry = this.upper(dir)[path];
      return entry !== undefined && wanted(entry) ? entry : undefined;
    });
  }

  changesOf(path: string): readonly Extract<EventBody, { type: 'overlay.change' }>[] {
    return this.bodies.filter(
      (body): body is Extract<EventBody, { type: 'overlay.change' }> =>
        body.type === 'overlay.change' && path in body.entries,
    );
  }

  get traces(): boolean {
    return this.observer.status.source === 'trace';
  }

  /** What ran in a process, which may have ended since. */
  nameOf(key: string | undefined): string | undefined {
    const exec = this.bodies.findLast((body) => body.type === 'process.exec' && body.key === key);
    return exec?.type === 'process.exec' ? exec.comm : undefined;
  }

  async stop(): Promise<void> {
    await this.observer.stop();
  }
}

/** What two honest looks agree in: who copied what when is known to the first alone. */
function comparable(overlays: readonly OverlayState[]): unknown {
  return overlays.map(({ bornAt: _, copying: __, layers, ...rest }) => ({
    ...rest,
    layers: layers.map(({ entries, ...layer }) => ({
      ...layer,
      entries:
        entries === null
          ? null
          : Object.fromEntries(
              Object.entries(entries).map(([path, { kind, size, opaque }]) => [
                path,
                { kind, size, opaque: opaque ?? false },
              ]),
            ),
    })),
  }));
}

async function freshOverlays(shell: Shell): Promise<readonly OverlayState[]> {
  const fresh = await Watcher.of(shell, 'scan');
  const found = fresh.overlays(shell.dir);
  await fresh.stop();
  return found;
}

/** The fold comes to equal what a new observer finds. */
async function agrees(watcher: Watcher, shell: Shell): Promise<void> {
  const fresh = comparable(await freshOverlays(shell));
  const text = JSON.stringify(fresh);
  await until('the fold equals a fresh scan', () => {
    return JSON.stringify(sorted(comparable(watcher.overlays(shell.dir)))) === text ||
      JSON.stringify(sorted(comparable(watcher.overlays(shell.dir)))) ===
        JSON.stringify(sorted(fresh))
      ? true
      : undefined;
  }).catch(() => {});
  expect(comparable(watcher.overlays(shell.dir))).toEqual(fresh);
}

/** Keys of every record in order, so that texts can be compared. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const rows = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(rows.map(([key, one]) => [key, sorted(one)]));
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(() => {
  if (scratch !== '') rmSync(scratch, { recursive: true, force: true });
});

const suffix = lacks === null ? '' : ` (missing: ${lacks})`;

describe.skipIf(lacks !== null)(`overlays${suffix}`, { timeout: patient(60_000) }, () => {
  test('A + B = C: two lower layers, an upper one, and what each of them holds', async () => {
    const shell = await Shell.start();
    await shell.run('echo from-a > a/x; echo a > a/y; echo from-b > b/x; mkdir b/d; ln -s x b/l');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    const overlay = await watcher.overlay(shell.dir);
    const { dir } = shell;
    expect(overlay).toMatchObject({ workDir: `${dir}/w`, ofSandbox: false });
    expect(overlay.layers.map((layer) => [layer.role, layer.dir, layer.entries])).toEqual([
      ['upper', `${dir}/u`, {}],
      [
        'lower',
        `${dir}/b`,
        {
          d: { kind: 'directory', size: 0 },
          l: { kind: 'symlink', size: 1 },
          x: { kind: 'file', size: 7 },
        },
      ],
      ['lower', `${dir}/a`, { x: { kind: 'file', size: 7 }, y: { kind: 'file', size: 2 } }],
    ]);
    await agrees(watcher, shell);
  });

  test('says who mounted it, and who unmounted it', async () => {
    const shell = await Shell.start();
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    // A machine may have overlays of its own, which are in the shell's mount namespace, too.
    const { key } = await watcher.overlay(shell.dir);
    await shell.run('umount m');
    await until('the overlay vanishes', () => watcher.overlays(shell.dir).length === 0);
    const acted = watcher.bodies.filter(
      (body) =>
        (body.type === 'overlay.appear' && body.overlay.key === key) ||
        (body.type === 'overlay.vanish' && body.key === key),
    );
    expect(acted.map(({ type }) => type)).toEqual(['overlay.appear', 'overlay.vanish']);
    const names = acted.map(({ actor }) => watcher.nameOf(actor));
    expect(names).toEqual(watcher.traces ? ['mount', 'umount'] : [undefined, undefined]);
  });

  test('a small file is copied up when it is written to', async () => {
    const shell = await Shell.start();
    await shell.run('echo lower > a/motd');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    await watcher.overlay(shell.dir);
    await shell.run('echo more >> m/motd');
    const entry = await watcher.comes(shell.dir, 'motd', ({ size }) => size === 11);
    expect(entry).toMatchObject({ kind: 'file', came: 'copy-up' });
    expect(entry.copiedIn).toBeGreaterThanOrEqual(0);
    const [change] = watcher.changesOf('motd');
    expect(watcher.state.processes[change?.actor ?? '']?.hostPid).toBe(shell.initPid);
    expect(watcher.overlays(shell.dir)[0]?.layers[2]?.entries).toHaveProperty('motd');
  });

  test('a file of 32 MB is seen on its way, and its time is measured', async () => {
    const shell = await Shell.start();
    await shell.run('head -c 32M /dev/zero > a/big');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    await watcher.overlay(shell.dir);
    await shell.run('chmod 600 m/big');
    const entry = await watcher.comes(shell.dir, 'big', ({ size }) => size === 32 << 20);
    expect(entry).toMatchObject({ kind: 'file', came: 'copy-up' });
    expect(entry.copiedIn).toBeGreaterThan(0);
    await until('nothing is under way', () => {
      return watcher.overlays(shell.dir)[0]?.copying === undefined;
    });
  });

  test('what is removed leaves a whiteout, what is made again takes its place', async () => {
    const shell = await Shell.start();
    await shell.run('echo 1 > a/gone; mkdir b/dir; echo 2 > b/dir/inner');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    await watcher.overlay(shell.dir);
    await shell.run('rm m/gone');
    const hole = await watcher.comes(shell.dir, 'gone', ({ kind }) => kind === 'whiteout');
    expect(hole).toEqual({ kind: 'whiteout', size: 0 });
    await shell.run('rm -r m/dir');
    await watcher.comes(shell.dir, 'dir', ({ kind }) => kind === 'whiteout');
    await shell.run('mkdir m/dir; echo 3 > m/gone');
    const again = await watcher.comes(shell.dir, 'dir', ({ kind }) => kind === 'directory');
    expect(again).toMatchObject({ opaque: true, came: 'created' });
    const file = await watcher.comes(shell.dir, 'gone', ({ kind }) => kind === 'file');
    expect(file.came).toBe('created');
    await agrees(watcher, shell);
  });

  test('directories are made, filled, renamed and removed', async () => {
    const shell = await Shell.start();
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    await watcher.overlay(shell.dir);
    await shell.run('mkdir -p m/one/two; echo 1 > m/one/two/f; echo 2 > m/one/g');
    await watcher.comes(shell.dir, 'one/two/f', ({ size }) => size === 2);
    await shell.run('mv m/one m/uno');
    const moved = await watcher.comes(shell.dir, 'uno', () => true);
    expect(moved.came).toBe('renamed');
    await watcher.comes(shell.dir, 'uno/two/f', () => true);
    expect(Object.keys(watcher.upper(shell.dir))).not.toContain('one/two/f');
    // Its directories are still known by their handles.
    await shell.run('echo 3 > m/uno/two/late');
    await watcher.comes(shell.dir, 'uno/two/late', ({ size }) => size === 2);
    await shell.run('rm -r m/uno');
    await until('all is gone', () => Object.keys(watcher.upper(shell.dir)).length === 0);
    await agrees(watcher, shell);
  });

  test('a lower directory that is written into is copied up with what was touched', async () => {
    const shell = await Shell.start();
    await shell.run('mkdir -p a/etc/deep; echo 1 > a/etc/deep/f; echo 2 > a/etc/g');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    await watcher.overlay(shell.dir);
    await shell.run('echo more >> m/etc/deep/f');
    await watcher.comes(shell.dir, 'etc/deep/f', ({ came }) => came === 'copy-up');
    expect(watcher.upper(shell.dir)['etc']).toMatchObject({ kind: 'directory', came: 'copy-up' });
    expect(watcher.upper(shell.dir)['etc/g']).toBeUndefined();
    await agrees(watcher, shell);
  });

  test('a second overlay on the same device number is another one', async () => {
    const shell = await Shell.start();
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    const first = await watcher.overlay(shell.dir);
    await shell.run('mkdir u2 w2; echo 1 > u2/mine; umount m');
    await shell.run(
      'mount -t overlay demo -o lowerdir=$PWD/a,upperdir=$PWD/u2,workdir=$PWD/w2 $PWD/m',
    );
    await watcher.comes(shell.dir, 'mine', () => true);
    expect(watcher.overlays(shell.dir)).toHaveLength(1);
    expect(watcher.overlays(shell.dir)[0]?.layers).toHaveLength(2);
    expect(first.layers).toHaveLength(3);
  });

  test('a remount to read-only and back changes nothing of it', async () => {
    const shell = await Shell.start();
    await shell.run('echo 1 > a/f');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    await watcher.overlay(shell.dir);
    await shell.run('mount -o remount,ro m; mount -o remount,rw m; rm m/f');
    await watcher.comes(shell.dir, 'f', ({ kind }) => kind === 'whiteout');
    const ended = watcher.bodies.filter((body) => body.type === 'overlay.vanish');
    expect(ended).toEqual([]);
  });

  test('read-only: lower layers alone, and no work directory', async () => {
    const shell = await Shell.start();
    await shell.run('echo 1 > a/f; mount -t overlay ro -o lowerdir=$PWD/b:$PWD/a $PWD/m');
    const watcher = await Watcher.of(shell);
    const overlay = await watcher.overlay(shell.dir);
    expect(overlay.workDir).toBeNull();
    expect(overlay.layers.map(({ role }) => role)).toEqual(['lower', 'lower']);
    await agrees(watcher, shell);
  });

  test('an overlay whose lower layer is an overlay', async () => {
    const shell = await Shell.start();
    await shell.run('echo 1 > a/base');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    await shell.run(
      'mkdir u2 w2 m2; mount -t overlay top -o lowerdir=$PWD/m,upperdir=$PWD/u2,workdir=$PWD/w2 $PWD/m2',
    );
    await until('both appear', () => watcher.overlays(shell.dir).length === 2);
    await shell.run('echo top >> m2/base');
    const top = (): OverlayState | undefined =>
      watcher.overlays(shell.dir).find(({ workDir }) => workDir === `${shell.dir}/w2`);
    await until('it is copied up into the upper one', () => {
      return top()?.layers[0]?.entries?.['base']?.came === 'copy-up' || undefined;
    });
    expect(top()?.layers[1]?.entries?.['base']).toMatchObject({ kind: 'file' });
    expect(watcher.upper(shell.dir)['base']).toBeUndefined();
    await agrees(watcher, shell);
  });

  test('a symbolic link of the learner leads nowhere outside', async () => {
    const shell = await Shell.start();
    await shell.run('mkdir a/inside; ln -s /etc a/out; echo 1 > a/inside/f');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    const overlay = await watcher.overlay(shell.dir);
    const lower = overlay.layers[2]?.entries ?? {};
    expect(Object.keys(lower)).toEqual(['inside', 'inside/f', 'out']);
    expect(lower['out']).toMatchObject({ kind: 'symlink' });
  });

  test.skipIf(!tellsUpper)(
    `layers are found by what they are, when their names have changed${noHandles}`,
    async () => {
      const shell = await Shell.start();
      await shell.run('echo 1 > a/f');
      await shell.overlay();
      await shell.run('mv u elsewhere; mkdir u; echo decoy > u/decoy');
      const watcher = await Watcher.of(shell);
      await watcher.overlay(shell.dir);
      await shell.run('rm m/f');
      await watcher.comes(shell.dir, 'f', ({ kind }) => kind === 'whiteout');
      expect(watcher.upper(shell.dir)['decoy']).toBeUndefined();
    },
  );

  test('being watched makes no umount busy', async () => {
    const shell = await Shell.start();
    const watcher = await Watcher.of(shell);
    await shell.run('mkdir t; mount -t tmpfs inner t; mkdir t/l t/u t/w t/m; echo 1 > t/l/f');
    await shell.run('mount -t overlay o -o lowerdir=t/l,upperdir=t/u,workdir=t/w t/m');
    await until('it appears', () => {
      return Object.values(watcher.state.overlays ?? {}).some(({ workDir }) => workDir === 't/w');
    });
    await shell.run('echo 2 >> t/m/f');
    await until('the copy-up is told', () => watcher.changesOf('f').length > 0 || undefined);
    expect(await shell.run('umount t/m 2>&1; umount t 2>&1; echo $?')).toEqual(['0']);
    await until('it vanishes', () => {
      return !Object.values(watcher.state.overlays ?? {}).some(({ workDir }) => workDir === 't/w');
    });
  });

  test('beyond a thousand entries the rest is counted', async () => {
    const shell = await Shell.start();
    await shell.run('mkdir a/many; for i in $(seq 1100); do : > a/many/f$i; done');
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    const overlay = await watcher.overlay(shell.dir);
    const layer = overlay.layers[2];
    expect(Object.keys(layer?.entries ?? {})).toHaveLength(1000);
    expect(layer?.more).toBe(101);
    await shell.run('mkdir m/up; for i in $(seq 1100); do : > m/up/g$i; done');
    await until('the upper layer is cut off, too', () => {
      return watcher.overlays(shell.dir)[0]?.layers[0]?.more === 101 || undefined;
    });
    await agrees(watcher, shell);
    await shell.run('rm -r m/up');
    await until('all is gone', () => Object.keys(watcher.upper(shell.dir)).length === 0);
    expect(watcher.overlays(shell.dir)[0]?.layers[0]?.more).toBe(0);
  });

  test('500 files copied up: the fold equals a fresh scan, in few events', async () => {
    const shell = await Shell.start();
    await shell.run(
      'for d in $(seq 10); do mkdir a/d$d; for i in $(seq 50); do echo $i > a/d$d/f$i; done; done',
    );
    const watcher = await Watcher.of(shell);
    await shell.overlay();
    await watcher.overlay(shell.dir);
    await shell.run('chmod -R g+w m');
    await until('all are up', () => {
      return Object.keys(watcher.upper(shell.dir)).length === 510 || undefined;
    });
    const entries = Object.values(watcher.upper(shell.dir));
    expect(entries.every(({ came }) => came === 'copy-up')).toBe(true);
    const changes = watcher.bodies.filter(({ type }) => type === 'overlay.change');
    expect(changes.length).toBeLessThan(100);
    await shell.run(
      'rm -r m/d1 m/d2; mv m/d3/f1 m/d4/moved; for i in $(seq 50); do echo x > m/n$i; done',
    );
    await watcher.comes(shell.dir, 'n50', ({ size }) => size === 2);
    await agrees(watcher, shell);
  });

  test('without events it is found by looking', async () => {
    const shell = await Shell.start();
    await shell.run('echo 1 > a/f');
    const watcher = await Watcher.of(shell, 'scan');
    await shell.overlay();
    await watcher.overlay(shell.dir);
    await shell.run('rm m/f; echo 1 > m/n');
    await watcher.comes(shell.dir, 'f', ({ kind }) => kind === 'whiteout');
    await watcher.comes(shell.dir, 'n', ({ kind }) => kind === 'file');
  });

  const noSandbox = sandboxMissing();
  const inSandbox = noSandbox === null ? '' : ` (missing: ${noSandbox})`;

  describe.skipIf(noSandbox !== null)(`in a sandbox${inSandbox}`, () => {
    /** A sandbox that is watched, and a shell line in it. */
    async function sandbox(): Promise<{ watcher: Watcher; sh: (line: string) => Promise<void> }> {
      const lab = await startSandboxes('overlays');
      cleanups.push(() => lab.close());
      const { id, initPid } = await lab.engine.create({ id: `ov${process.pid}-${++counter}` });
      const cgroups = readFileSync(`/proc/${initPid}/cgroup`, 'utf8');
      const v1 = /:pids:(.*)$/m.exec(cgroups)?.[1];
      const v2 = `/sys/fs/cgroup${/^0::(.*)$/m.exec(cgroups)?.[1]}`;
      const cgroup = v1 === undefined ? v2 : `/sys/fs/cgroup/pids${v1}`;
      const watcher = await Watcher.of({ id, initPid, cgroup });
      const sh = async (line: string): Promise<void> => {
        expect(await lab.sh(id, line)).toMatchObject({ exitCode: 0 });
      };
      return { watcher, sh };
    }

    test.skipIf(!tellsUpper)(
      `its own root: the upper layer is listed, the image is not${noHandles}`,
      async () => {
        const { watcher, sh } = await sandbox();
        const own = (): OverlayState | undefined =>
          Object.values(watcher.state.overlays ?? {}).find(({ ofSandbox }) => ofSandbox);
        await until('its root is seen', () => own());
        expect(own()?.layers.map(({ role, entries }) => [role, entries === null])).toEqual([
          ['upper', false],
          ['lower', true],
        ]);
        await sh('echo 1 > /etc/new-here; rm /etc/hostname');
        await until('what it wrote is in the upper layer', () => {
          return own()?.layers[0]?.entries?.['etc/new-here'];
        });
        const file = hasDebianImage() ? 'etc/passwd' : 'bin/busybox';
        await sh(`chmod 700 /${file}`);
        const copied = await until('a copy-up', () => own()?.layers[0]?.entries?.[file]);
        expect(copied.came).toBe('copy-up');
      },
    );

    test('an overlay of the learner, which may not write trusted marks', async () => {
      const { watcher, sh } = await sandbox();
      await sh('cd /lab; mkdir -p a/etc u w m; echo 1 > a/etc/motd; echo 2 > a/gone');
      await sh('mount -t overlay o -o lowerdir=/lab/a,upperdir=/lab/u,workdir=/lab/w /lab/m');
      await watcher.overlay('/lab');
      await sh('echo 3 >> /lab/m/etc/motd');
      // Its directory may be listed before the event of the file in it is read.
      const motd = await watcher.comes('/lab', 'etc/motd', ({ came }) => came !== undefined);
      expect(motd).toMatchObject({ size: 4, came: 'copy-up' });
      expect(watcher.upper('/lab')['etc']?.came).toBe('copy-up');
      await sh('rm /lab/m/gone');
      await watcher.comes('/lab', 'gone', ({ kind }) => kind === 'whiteout');
      await sh('echo 4 > /lab/m/gone; mkdir -p /lab/m/n/o; echo 5 > /lab/m/n/o/p');
      expect((await watcher.comes('/lab', 'gone', ({ kind }) => kind === 'file')).came).toBe(
        'created',
      );
      expect((await watcher.comes('/lab', 'n/o/p', () => true)).came).toBe('created');
    });
  });
});
