/**
 * Each operation of the lifecycle, each transition and each wrong order, on the real kernel. Needs
 * root and a static busybox.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ContainerError, detectCgroupLayout } from '../../packages/engine/src/index.js';
import type { RuntimeConfig } from '../../packages/spec/src/index.js';
import {
  type ContainerLab,
  holdings,
  missing,
  startContainerLab,
  textOf,
} from './container-lab.js';

const reason = missing();
const title = `lifecycle${reason === null ? '' : ` (missing: ${reason})`}`;

/** Ends by itself on SIGTERM with 7, and says when it can. */
const LOOP = ['/bin/sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.02; done'];

describe.skipIf(reason !== null)(title, () => {
  let lab: ContainerLab;
  beforeAll(async () => {
    lab = await startContainerLab('lifecycle');
  });
  afterEach(async () => {
    for (const { id } of lab.engine.list()) await lab.engine.delete(id, { force: true });
  });
  afterAll(async () => {
    await lab.close();
    expect(holdings(lab)).toEqual([]);
  });

  const create = (id: string, args: string[], config: RuntimeConfig = lab.config(args)) =>
    lab.engine.create({ id, bundle: lab.directory, config, stdio: 'pipe' });

  /** Creates and starts; resolves when the program has written its first line. */
  async function running(id: string, args = LOOP): Promise<void> {
    const { streams } = await create(id, args);
    await lab.engine.start(id);
    await new Promise((resolve) => streams?.stdout.once('data', resolve));
  }

  /** Code and sentence of a refusal. */
  async function refusal(action: Promise<unknown>): Promise<string> {
    const error = await action.then(
      () => new Error('it was not refused'),
      (problem: unknown) => problem,
    );
    if (error instanceof ContainerError) return `${error.code}: ${error.message}`;
    throw error;
  }

  test('create, start, wait, delete: the states in between, and nothing afterwards', async () => {
    const { engine } = lab;
    const { pid } = await create('one', ['/bin/true']);
    expect(engine.state('one')).toEqual({
      ociVersion: '1.3.0',
      id: 'one',
      status: 'created',
      pid,
      bundle: lab.directory,
    });
    expect(await engine.start('one')).toEqual([]);
    expect(await engine.wait('one')).toEqual({ exitCode: 0, signal: null });
    expect(engine.state('one')).toEqual({
      ociVersion: '1.3.0',
      id: 'one',
      status: 'stopped',
      bundle: lab.directory,
    });
    expect(await engine.delete('one')).toEqual([]);
    expect(readdirSync(lab.root)).toEqual([]);
    expect(groupsOf('one')).toEqual([]);
  });

  test.each<[string[], { exitCode: number; signal: number | null }]>([
    [['/bin/true'], { exitCode: 0, signal: null }],
    [['/bin/false'], { exitCode: 1, signal: null }],
    [['/bin/sh', '-c', 'exit 255'], { exitCode: 255, signal: null }],
    [['sh', '-c', 'exit 3'], { exitCode: 3, signal: null }],
  ])('%j ends as %j', async (args, exit) => {
    await create('one', args);
    await lab.engine.start('one');
    expect(await lab.engine.wait('one')).toEqual(exit);
  });

  test.each<[string, string[], number, string]>([
    [
      'no such file',
      ['/no/such'],
      127,
      'execve("/no/such", ["/no/such"], /* 2 vars */): ENOENT (no such file or directory)',
    ],
    [
      'nowhere along PATH',
      ['nope'],
      127,
      'execve("/bin/nope", ["nope"], /* 2 vars */): ENOENT (no such file or directory)',
    ],
    [
      'a directory',
      ['/etc'],
      126,
      'execve("/etc", ["/etc"], /* 2 vars */): EACCES (permission denied)',
    ],
    ['not a program', ['/etc/text'], 126, 'ENOEXEC (exec format error)'],
  ])(
    'a program that cannot be executed (%s): start says so',
    async (_name, args, exitCode, sentence) => {
      writeFileSync(join(lab.rootfs, 'etc/text'), 'just text\n', { mode: 0o755 });
      await create('one', args);
      const error = await lab.engine.start('one').catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(ContainerError);
      expect(error).toMatchObject({ code: 'program', exitCode });
      expect((error as Error).message).toContain('start container one: ');
      expect((error as Error).message).toContain(sentence);
      expect(lab.engine.state('one').status).toBe('stopped');
      expect((await lab.engine.wait('one')).exitCode).toBe(exitCode);
      await lab.engine.delete('one');
    },
  );

  test('wrong orders: one sentence each', async () => {
    const { engine } = lab;
    const said: string[] = [];
    const note = async (action: Promise<unknown>) => said.push(await refusal(action));
    await note(engine.start('one'));
    await note(Promise.resolve().then(() => engine.state('one')));
    await create('one', LOOP);
    await note(create('one', LOOP));
    await note(engine.pause('one'));
    await note(engine.resume('one'));
    await note(engine.delete('one'));
    await engine.start('one');
    await note(engine.start('one'));
    await note(engine.resume('one'));
    await note(engine.delete('one'));
    await engine.pause('one');
    await note(engine.pause('one'));
    await note(engine.start('one'));
    await note(engine.exec('one', { process: lab.config(['true']).process! }));
    await engine.resume('one');
    await engine.kill('one', 'KILL');
    await engine.wait('one');
    await note(engine.start('one'));
    await note(engine.kill('one'));
    await note(engine.pause('one'));
    await note(engine.update('one', { pids: { limit: 3 } }));
    await note(engine.exec('one', { process: lab.config(['true']).process! }));
    await engine.delete('one');
    await note(engine.delete('one'));
    await note(engine.wait('one'));
    expect(said).toEqual([
      'not-found: start container one: there is no such container',
      'not-found: state of container one: there is no such container',
      'exists: create container one: a container of that name exists',
      'wrong-state: pause container one: it is created',
      'wrong-state: resume container one: it is created',
      'wrong-state: delete container one: it is created: kill it first, or delete it with force',
      'wrong-state: start container one: it is running, not created',
      'wrong-state: resume container one: it is running',
      'wrong-state: delete container one: it is running: kill it first, or delete it with force',
      'wrong-state: pause container one: it is paused',
      'wrong-state: start container one: it is paused, not created',
      'wrong-state: exec in container one: it is paused',
      'wrong-state: start container one: it is stopped, not created',
      'wrong-state: kill container one: it is stopped',
      'wrong-state: pause container one: it is stopped',
      'wrong-state: update container one: it is stopped',
      'wrong-state: exec in container one: it is stopped',
      'not-found: delete container one: there is no such container',
      'not-found: wait for container one: there is no such container',
    ]);
    expect(readdirSync(lab.root)).toEqual([]);
  });

  test('ids that are no names are refused, by force or not', async () => {
    for (const id of ['', '..', '.', 'a/b', '.hidden', 'a b', 'x'.repeat(129)]) {
      expect(await refusal(create(id, LOOP)), id).toMatch(/^not-found: create container/);
      expect(await refusal(lab.engine.delete(id, { force: true })), id).toMatch(/^not-found/);
    }
    expect(readdirSync(lab.root)).toEqual([]);
  });

  test('start of a container whose init was killed says that it ended before', async () => {
    await create('one', LOOP);
    await lab.engine.kill('one', 'KILL');
    await lab.engine.wait('one');
    expect(await refusal(lab.engine.start('one'))).toBe(
      'wrong-state: start container one: init ended before start',
    );
  });

  test('init is PID 1: from inside nothing ends it that it does not handle; from outside, SIGKILL', async () => {
    const { engine } = lab;
    await running('one', [
      '/bin/sh',
      '-c',
      'sleep 1000 & echo ready; while :; do sleep 0.02; done',
    ]);
    const { process } = lab.config([
      '/bin/sh',
      '-c',
      'kill -TERM 1; kill -KILL 1; kill -USR1 1; exit 0',
    ]);
    const { exited } = await engine.exec('one', { process: process! });
    expect(await exited).toEqual({ exitCode: 0, signal: null });
    expect(engine.state('one').status).toBe('running');
    // From outside too, only what it handles, as PID 1 has no default actions.
    await engine.kill('one', 'USR1');
    expect(engine.state('one').status).toBe('running');
    const pids = engine.ps('one').map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    await engine.kill('one', 'SIGKILL');
    expect(await engine.wait('one')).toEqual({ exitCode: 137, signal: 9 });
    await expect
      .poll(() => pids.filter((pid) => existsSync(`/proc/${pid}`)), { timeout: 30_000 })
      .toEqual([]);
  });

  test.each(['SIGTERM', 'TERM', 'term', '15', 15])(
    'kill by %j reaches the handler of init',
    async (signal) => {
      await running('one');
      await lab.engine.kill('one', signal);
      expect(await lab.engine.wait('one')).toEqual({ exitCode: 7, signal: null });
    },
  );

  test('kill refuses what is no signal, and sends nothing', async () => {
    await running('one');
    for (const signal of ['NOPE', 0, 65, '-9', 1.5]) {
      expect(await refusal(lab.engine.kill('one', signal))).toContain(
        `there is no signal ${JSON.stringify(signal)}`,
      );
    }
    expect(lab.engine.state('one').status).toBe('running');
  });

  test('kill of all reaches those who are not init, also when they share the host’s pid namespace', async () => {
    const { engine } = lab;
    const config = lab.config([
      '/bin/sh',
      '-c',
      'trap : USR1; sleep 1000 & sleep 1000 & echo ready; wait; wait; wait; read x',
    ]);
    config.linux = { namespaces: [{ type: 'mount' }, { type: 'uts' }] };
    config.mounts = [{ destination: '/proc', type: 'bind', source: '/proc', options: ['rbind'] }];
    const { streams } = await create('one', [], config);
    await engine.start('one');
    await new Promise((resolve) => streams?.stdout.once('data', resolve));
    await expect.poll(() => engine.ps('one').length, { timeout: 30_000 }).toBe(3);
    await engine.kill('one', 'USR1', { all: true }); // the two children have no handler
    await expect.poll(() => engine.ps('one').length, { timeout: 30_000 }).toBeLessThan(3);
    await engine.kill('one', 'KILL', { all: true });
    expect(engine.ps('one')).toEqual([]);
    expect(engine.state('one').status).toBe('stopped');
  });

  test('pause really stops, resume goes on; SIGKILL ends a paused one', async () => {
    const { engine } = lab;
    await running('one', [
      '/bin/sh',
      '-c',
      'echo ready; i=0; while :; do i=$((i+1)); echo $i > /tmp/count; done',
    ]);
    const cpu = () => engine.stats('one').cpu?.usageMicros ?? 0;
    await engine.pause('one');
    expect(engine.state('one').status).toBe('paused');
    const before = cpu();
    const switches = switchesOf(engine.state('one').pid ?? 0);
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(switchesOf(engine.state('one').pid ?? 0)).toBe(switches);
    expect(cpu()).toBe(before);
    await engine.resume('one');
    expect(engine.state('one').status).toBe('running');
    await expect.poll(cpu, { timeout: 30_000 }).toBeGreaterThan(before);
    await engine.pause('one');
    await engine.kill('one', 'KILL');
    expect(await engine.wait('one')).toEqual({ exitCode: 137, signal: 9 });
    await engine.delete('one');
  });

  test('delete by force takes a created, a running and a paused one', async () => {
    const { engine } = lab;
    await create('created', LOOP);
    await running('running');
    await running('paused');
    await engine.pause('paused');
    for (const id of ['created', 'running', 'paused']) await engine.delete(id, { force: true });
    expect(engine.list()).toEqual([]);
    await engine.delete('running', { force: true }); // quiet about one that is gone
    expect(readdirSync(lab.root)).toEqual([]);
  });

  test('update changes limits of a running one, all or none, and the config on disk', async () => {
    const { engine } = lab;
    await running('one');
    await engine.update('one', { pids: { limit: 33 }, memory: { limit: 64 << 20 } });
    expect(engine.stats('one')).toMatchObject({
      pids: { limit: 33 },
      memory: { limitBytes: 64 << 20 },
    });
    expect(engine.record('one').config.linux?.resources).toMatchObject({
      pids: { limit: 33 },
      memory: { limit: 64 << 20 },
    });
    const bad = engine.update('one', { pids: { limit: 44 }, network: { classID: 1 } });
    expect(await refusal(bad)).toMatch(
      /^config: update container one: .*linux\.resources\.network/,
    );
    expect(engine.stats('one').pids?.limit).toBe(33);
  });

  test('list, ps and stats tell of what there is', async () => {
    const { engine } = lab;
    await create('a', LOOP);
    await running('b', ['/bin/sh', '-c', 'sleep 1000 & echo ready; wait']);
    expect(engine.list().map((row) => ('state' in row ? [row.id, row.state.status] : row))).toEqual(
      [
        ['a', 'created'],
        ['b', 'running'],
      ],
    );
    // The shell says that it is ready when it has forked: the child may not have exec'ed yet.
    await expect.poll(() => engine.ps('b')[1]?.name, { timeout: 30_000 }).toBe('sleep');
    const rows = engine.ps('b');
    expect(rows.map(({ containerPid }) => containerPid)).toEqual([1, 2]);
    expect(rows[1]).toMatchObject({ name: 'sleep', commandLine: 'sleep 1000', uid: 0 });
    expect(engine.stats('b').pids?.current).toBe(2);
  });

  test.each<[string, Partial<RuntimeConfig>]>([
    [
      'a mount that the kernel refuses',
      { mounts: [{ destination: '/x', type: 'nosuchfs', source: 'x' }] },
    ],
    ['a root that is not there', { root: { path: '/no/such/root' } }],
    [
      'a namespace that is not there',
      {
        linux: {
          namespaces: [{ type: 'mount' }, { type: 'uts' }, { type: 'network', path: '/no/such' }],
        },
      },
    ],
  ])('create that fails half-way (%s) leaves nothing', async (_name, changes) => {
    const message = await refusal(create('one', LOOP, { ...lab.config(LOOP), ...changes }));
    expect(message).toMatch(/^kernel: create container one: /);
    expect(readdirSync(lab.root)).toEqual([]);
    expect(groupsOf('one')).toEqual([]);
    await running('one'); // and the name is free
  });

  test('a config that is refused by name makes nothing at all', async () => {
    const config = lab.config(LOOP);
    config.linux = { ...config.linux, intelRdt: {} };
    const message = await refusal(create('one', LOOP, config));
    expect(message).toMatch(/^config: create container one: linux\.intelRdt/);
    expect(readdirSync(lab.root)).toEqual([]);
  });

  test('a cgroup that is another’s is refused and left alone', async () => {
    const { engine } = lab;
    await running('one');
    const { group } = engine.record('one');
    const config = lab.config(LOOP);
    config.linux = { ...config.linux, cgroupsPath: group };
    expect(await refusal(create('two', LOOP, config))).toMatch(
      /^busy: create container two: the cgroup .* exists/,
    );
    expect(engine.state('one').status).toBe('running');
  });

  test('a cgroupsPath of its own, below parents that do not exist', async () => {
    const config = lab.config(LOOP);
    const path = `/${lab.instance}/deep/er/one`;
    config.linux = { ...config.linux, cgroupsPath: path };
    await create('one', LOOP, config);
    expect(lab.engine.record('one').group).toBe(path);
    await lab.engine.delete('one', { force: true });
  });

  test('run does it all in one, and leaves nothing whatever happens', async () => {
    const { engine } = lab;
    const input = { id: 'one', bundle: lab.directory };
    const said: string[] = [];
    const exit = await engine.run({
      ...input,
      config: lab.config(['/bin/sh', '-c', 'echo hello; exit 6']),
      stdio: 'pipe',
      onCreated: ({ streams }) => streams?.stdout.on('data', (chunk) => said.push(String(chunk))),
    });
    expect(exit).toEqual({ exitCode: 6, signal: null, hookFailures: [] });
    expect(said.join('')).toBe('hello\n');
    const failed = engine.run({ ...input, config: lab.config(['/no/such']) });
    await expect(failed).rejects.toMatchObject({ code: 'program', exitCode: 127 });
    expect(readdirSync(lab.root)).toEqual([]);
    await engine.run({ ...input, config: lab.config(['/bin/true']), keep: true });
    expect(engine.state('one').status).toBe('stopped');
  });

  test('twenty creates at once, each with its own end', async () => {
    const { engine } = lab;
    const ids = Array.from({ length: 20 }, (_, index) => `many-${index}`);
    await Promise.all(ids.map((id, index) => create(id, ['/bin/sh', '-c', `exit ${index}`])));
    await Promise.all(ids.map((id) => engine.start(id)));
    const exits = await Promise.all(ids.map((id) => engine.wait(id)));
    expect(exits.map(({ exitCode }) => exitCode)).toEqual(ids.map((_, index) => index));
    await Promise.all(ids.map((id) => engine.delete(id)));
    expect(readdirSync(lab.root)).toEqual([]);
  });

  test('calls on one container are taken in order', async () => {
    const { engine } = lab;
    const answers = await Promise.allSettled([
      create('one', LOOP),
      engine.start('one'),
      engine.pause('one'),
      engine.resume('one'),
      engine.kill('one', 'KILL', { all: true }),
      engine.delete('one', { force: true }),
      engine.start('one'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array<string>(6).fill('fulfilled'),
      'rejected',
    ]);
  });

  test('output of a program that ends at once is not lost', async () => {
    const { streams } = await create('one', [
      '/bin/sh',
      '-c',
      'echo out; echo err >&2; cat; exit 4',
    ]);
    await lab.engine.start('one');
    streams?.stdin.end('typed\n');
    expect(await lab.engine.wait('one')).toMatchObject({ exitCode: 4 });
    await lab.engine.delete('one');
    expect(await textOf(streams?.stdout)).toBe('out\ntyped\n');
    expect(await textOf(streams?.stderr)).toBe('err\n');
  });
});

function groupsOf(name: string): string[] {
  return detectCgroupLayout().hierarchies.flatMap(({ mountPoint }) =>
    readdirSync(mountPoint, { recursive: false })
      .map((group) => join(mountPoint, String(group), name))
      .filter((path) => path.includes('lifecycle') && existsSync(path)),
  );
}

/** Voluntary and forced switches of a process: who stands still makes none. */
function switchesOf(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (status.match(/ctxt_switches:\t\d+/g) ?? []).join(' ');
}
