/**
 * Hooks on the real kernel: their order, where each runs, what it gets, and what becomes of a
 * container when one fails. Needs root and a static busybox.
 */
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RuntimeConfig } from '../../packages/spec/src/index.js';
import { type ContainerLab, holdings, missing, startContainerLab } from './container-lab.js';

const reason = missing();
const MOMENTS = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const;
type Moment = (typeof MOMENTS)[number];

/** One run of a hook as it told of itself. */
interface Told {
  readonly moment: string;
  readonly mnt: string;
  readonly pid: string;
  readonly cwd: string;
  readonly env: string;
  readonly state: { id: string; status: string; pid?: number; bundle: string; ociVersion: string };
}

describe.skipIf(reason !== null)(`hooks${reason === null ? '' : ` (missing: ${reason})`}`, () => {
  let lab: ContainerLab;
  beforeAll(async () => {
    lab = await startContainerLab('hooks');
    // The root file system, shown to hooks inside too: where they write what they saw.
    const script = [
      '#!/bin/busybox sh',
      'moment=$1; code=$2; out=$3',
      'read -r state',
      'b="/bin/busybox"; [ -x $b ] || b="$BUSYBOX"',
      'echo "{\\"moment\\":\\"$moment\\",\\"mnt\\":\\"$($b readlink /proc/self/ns/mnt)\\",\\"pid\\":\\"$($b readlink /proc/self/ns/pid)\\",\\"cwd\\":\\"$PWD\\",\\"env\\":\\"$X\\",\\"state\\":$state}" >> $out',
      'echo "complaint of $moment" >&2',
      'exit $code',
    ];
    writeFileSync(join(lab.rootfs, 'bin/hook'), script.join('\n'), { mode: 0o755 });
  });
  beforeEach(() => rmSync(log(), { force: true }));
  afterEach(async () => {
    for (const { id } of lab.engine.list()) await lab.engine.delete(id, { force: true });
  });
  afterAll(async () => {
    await lab.close();
    expect(holdings(lab)).toEqual([]);
  });

  const log = () => join(lab.rootfs, 'tmp/log');
  const told = (): Told[] => {
    try {
      return readFileSync(log(), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Told);
    } catch {
      return [];
    }
  };

  /** Inside the container the root file system is the root; everybody else sees it at its place. */
  function hook(moment: Moment, code = 0) {
    const base = moment === 'startContainer' ? '' : lab.rootfs;
    return {
      path: `${base}/bin/busybox`,
      args: ['sh', `${base}/bin/hook`, moment, String(code), `${base}/tmp/log`],
      env: ['X=y', `BUSYBOX=${lab.rootfs}/bin/busybox`],
    };
  }

  function config(failing?: Moment): RuntimeConfig {
    const hooks = Object.fromEntries(
      MOMENTS.map((moment) => [moment, [hook(moment, moment === failing ? 3 : 0)]]),
    );
    return { ...lab.config(['/bin/sleep', '1000'], { root: { path: lab.rootfs } }), hooks };
  }
  const create = (failing?: Moment) =>
    lab.engine.create({ id: 'one', bundle: lab.directory, config: config(failing) });

  test('each at its moment, in its namespaces, with the state on standard input', async () => {
    const { engine } = lab;
    const { pid } = await create();
    expect(told().map(({ moment }) => moment)).toEqual([
      'prestart',
      'createRuntime',
      'createContainer',
    ]);
    expect(await engine.start('one')).toEqual([]);
    const container = readlinkSync(`/proc/${pid}/ns/mnt`);
    const containerPids = readlinkSync(`/proc/${pid}/ns/pid`);
    await engine.kill('one', 'KILL');
    await engine.wait('one');
    expect(await engine.delete('one')).toEqual([]);
    const runtime = readlinkSync('/proc/self/ns/mnt');
    const state = { ociVersion: '1.3.0', id: 'one', bundle: lab.directory };
    const inside = { mnt: container, pid: containerPids, cwd: '/', env: 'y' };
    const outside = {
      mnt: runtime,
      pid: readlinkSync('/proc/self/ns/pid'),
      cwd: lab.directory,
      env: 'y',
    };
    expect(told()).toEqual([
      { moment: 'prestart', ...outside, state: { ...state, status: 'creating', pid } },
      { moment: 'createRuntime', ...outside, state: { ...state, status: 'creating', pid } },
      { moment: 'createContainer', ...inside, state: { ...state, status: 'creating', pid } },
      { moment: 'startContainer', ...inside, state: { ...state, status: 'created', pid } },
      { moment: 'poststart', ...outside, state: { ...state, status: 'running', pid } },
      { moment: 'poststop', ...outside, state: { ...state, status: 'stopped' } },
    ]);
  });

  test('several of one moment run in order; env is exactly what the config says', async () => {
    const changed = config();
    const script = `read -r s; echo "{\\"moment\\":\\"$1\\",\\"env\\":\\"$(/bin/busybox env | /bin/busybox wc -l)\\"}" >> ${log()}`;
    const own = (name: string) => ({
      path: `${lab.rootfs}/bin/busybox`,
      args: [
        'sh',
        '-c',
        script.replaceAll('/bin/busybox', `${lab.rootfs}/bin/busybox`),
        'sh',
        name,
      ],
    });
    await lab.engine.create({
      id: 'one',
      bundle: lab.directory,
      config: { ...changed, hooks: { createRuntime: [own('first'), own('second'), own('third')] } },
    });
    expect(told().map(({ moment }) => moment)).toEqual(['first', 'second', 'third']);
  });

  test.each<[Moment, Moment[]]>([
    ['prestart', ['prestart', 'poststop']],
    ['createRuntime', ['prestart', 'createRuntime', 'poststop']],
    ['createContainer', ['prestart', 'createRuntime', 'createContainer', 'poststop']],
  ])('a failing %s hook fails create, which is undone', async (moment, order) => {
    await expect(create(moment)).rejects.toMatchObject({
      code: 'hook',
      message: `${moment} hook ${lab.rootfs}/bin/busybox of container one: it ended with 3: complaint of ${moment}`,
    });
    expect(told().map((one) => one.moment)).toEqual(order);
    expect(readdirSync(lab.root)).toEqual([]);
  });

  test('a failing startContainer hook fails start; the program never runs', async () => {
    await create('startContainer');
    await expect(lab.engine.start('one')).rejects.toMatchObject({ code: 'hook' });
    expect(lab.engine.state('one').status).toBe('stopped');
    await lab.engine.delete('one');
    expect(told().map(({ moment }) => moment)).toEqual([
      'prestart',
      'createRuntime',
      'createContainer',
      'startContainer',
      'poststop',
    ]);
  });

  test.each<[Moment]>([['poststart'], ['poststop']])(
    'a failing %s hook is told, and nothing else',
    async (moment) => {
      await create(moment);
      const started = await lab.engine.start('one');
      expect(lab.engine.state('one').status).toBe('running');
      const deleted = await lab.engine.delete('one', { force: true });
      const failures = moment === 'poststart' ? started : deleted;
      expect(failures.map(({ message }) => message)).toEqual([
        `${moment} hook ${lab.rootfs}/bin/busybox of container one: it ended with 3: complaint of ${moment}`,
      ]);
      expect([...started, ...deleted]).toHaveLength(1);
    },
  );

  test('a hook that takes too long is killed, and has failed', async () => {
    const changed = {
      ...config(),
      hooks: {
        createRuntime: [{ path: `${lab.rootfs}/bin/busybox`, args: ['sleep', '1000'], timeout: 1 }],
      },
    };
    const created = lab.engine.create({ id: 'one', bundle: lab.directory, config: changed });
    await expect(created).rejects.toThrow('it did not end within 1 s');
    expect(readdirSync(lab.root)).toEqual([]);
  });

  test('a hook that is not there has failed', async () => {
    const changed = { ...config(), hooks: { prestart: [{ path: '/no/such/hook' }] } };
    const created = lab.engine.create({ id: 'one', bundle: lab.directory, config: changed });
    await expect(created).rejects.toThrow('prestart hook /no/such/hook of container one: ');
    expect(readdirSync(lab.root)).toEqual([]);
  });

  test('a hook that reads nothing and writes much keeps nobody waiting', async () => {
    const args = ['sh', '-c', `${lab.rootfs}/bin/busybox dd if=/dev/zero bs=1024 count=1024`];
    const changed = {
      ...config(),
      hooks: { createContainer: [{ path: `${lab.rootfs}/bin/busybox`, args }] },
    };
    await lab.engine.create({ id: 'one', bundle: lab.directory, config: changed });
    expect(lab.engine.state('one').status).toBe('created');
  });
});
