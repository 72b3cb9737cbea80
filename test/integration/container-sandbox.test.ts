/**
 * Containers inside a learner's sandbox: the whole lifecycle, confined as everything there, and
 * gone with the sandbox. Needs root and an image.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ContainerConsole,
  ContainerEngine,
  type ExecTarget,
  inheritProcess,
} from '../../packages/engine/src/index.js';
import type { ProcessConfig, RuntimeConfig } from '../../packages/spec/src/index.js';
import { textOf } from './container-lab.js';
import { hostHoldings, type Lab, missing, startLab } from './sandbox-lab.js';

const reason = missing();
const APPLETS = 'sh true sleep ps id cat ls grep hostname tty mkdir';
const SET_UP = `mkdir -p /c/bin /c/proc /c/dev /c/sys /c/tmp && b=$(command -v busybox) && cp "$b" /c/bin/busybox && for a in ${APPLETS}; do ln -s busybox /c/bin/$a; done`;
const LOOP = ['/bin/sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.02; done'];

describe.skipIf(reason !== null)(
  `containers in a sandbox${reason === null ? '' : ` (missing: ${reason})`}`,
  () => {
    let lab: Lab;
    let engine: ContainerEngine;
    let sandbox: ExecTarget;
    let before: string[];
    beforeAll(async () => {
      lab = await startLab('inner');
      before = hostHoldings(lab);
      engine = await ContainerEngine.open({
        player: lab.player,
        root: join(lab.directory, 'containers'),
        facts: lab.engine.facts,
        instance: `${lab.engine.instance}-inner`,
      });
      await prepare();
    });
    afterEach(async () => {
      for (const { id } of engine.list()) await engine.delete(id, { force: true });
    });
    afterAll(async () => {
      await engine.close();
      for (const { id } of lab.engine.list()) await lab.engine.delete(id);
      expect(hostHoldings(lab)).toEqual(before);
      await lab.close();
    });

    async function prepare(): Promise<void> {
      await lab.engine.create({ id: 'box' });
      const { exitCode, output } = await lab.sh('box', SET_UP);
      if (exitCode !== 0) throw new Error(output);
      sandbox = lab.engine.execTarget('box');
    }

    function config(
      args: string[],
      user = false,
      process: Partial<ProcessConfig> = {},
    ): RuntimeConfig {
      const map = [{ containerID: 0, hostID: 1000, size: 1000 }];
      const kinds = [
        'pid',
        'mount',
        'ipc',
        'uts',
        'network',
        'cgroup',
        ...(user ? ['user'] : []),
      ] as const;
      return {
        ociVersion: '1.3.0',
        root: { path: '/c', readonly: true },
        hostname: 'inner',
        process: { user: { uid: 0, gid: 0 }, args, cwd: '/', env: ['PATH=/bin'], ...process },
        mounts: [
          { destination: '/proc', type: 'proc', source: 'proc' },
          { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
          {
            destination: '/dev/pts',
            type: 'devpts',
            source: 'devpts',
            options: ['newinstance', 'ptmxmode=0666'],
          },
        ],
        linux: {
          namespaces: kinds.map((type) => ({ type: type as 'pid' })),
          ...(user ? { uidMappings: map, gidMappings: map } : {}),
        },
      };
    }
    const create = (id: string, own: RuntimeConfig) =>
      engine.create({ id, bundle: '/', config: own, sandbox, stdio: 'pipe' });

    async function running(id: string, own: RuntimeConfig) {
      const { streams } = await create(id, own);
      await engine.start(id);
      await new Promise((resolve) => streams?.stdout.once('data', resolve));
    }

    async function output(id: string, args: string[]) {
      const process = inheritProcess(engine.record(id).config.process!, { args });
      const { streams, exited } = await engine.exec(id, { process, stdio: 'pipe' });
      const text = (await textOf(streams?.stdout)) + (await textOf(streams?.stderr));
      return { text, ...(await exited) };
    }

    test.each([false, true])(
      'the whole lifecycle (user namespace of its own: %s)',
      async (user) => {
        await running('one', config(LOOP, user));
        const { pid } = engine.state('one');
        const sandboxUsers = readFileSync(`/proc/${sandbox.initPid}/uid_map`, 'utf8');
        expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8') === sandboxUsers).toBe(!user);
        const seen = await output('one', [
          '/bin/sh',
          '-c',
          'id -u; hostname; cat /proc/self/cgroup; exit 3',
        ]);
        expect(seen.exitCode).toBe(3);
        expect(seen.text).toMatch(/^0\ninner\n/);
        expect(
          seen.text
            .trim()
            .split('\n')
            .slice(2)
            .every((line) => line.endsWith(':/')),
        ).toBe(true);
        await engine.pause('one');
        expect(engine.state('one').status).toBe('paused');
        await engine.resume('one');
        await engine.update('one', { pids: { limit: 9 } });
        expect(engine.stats('one').pids?.limit).toBe(9);
        await engine.kill('one', 'TERM');
        expect(await engine.wait('one')).toEqual({ exitCode: 7, signal: null });
        await engine.delete('one');
        const { output: left } = await lab.sh('box', 'find /sys/fs/cgroup -name one');
        expect(left).toBe('');
      },
    );

    test('an absolute symlink as the source of a bind is the sandbox’s, not the host’s', async () => {
      // A directory on the host, a file in the sandbox: what is mounted on must be a file.
      const { exitCode } = await lab.sh(
        'box',
        `echo inside > ${lab.directory} && ln -sf ${lab.directory} /lab/link`,
      );
      expect(exitCode).toBe(0);
      const own = config(['/bin/cat', '/tmp/bound']);
      const bind = { destination: '/tmp/bound', type: 'bind', source: '/lab/link' };
      const mounts = [...(own.mounts ?? []), { ...bind, options: ['bind'] }];
      const { streams } = await engine.create({
        id: 'linked',
        bundle: '/c',
        config: { ...own, mounts },
        sandbox,
        stdio: 'pipe',
      });
      const said = textOf(streams?.stdout);
      await engine.start('linked');
      expect(await said).toBe('inside\n');
    });

    test('the sandbox’s filter and bounding set stay in force, for exec too', async () => {
      await running('one', config(LOOP, true));
      const { text } = await output('one', [
        '/bin/sh',
        '-c',
        'grep -E "Seccomp:|CapBnd" /proc/self/status',
      ]);
      expect(text).toContain('Seccomp:\t2');
      const bounding = BigInt(`0x${/CapBnd:\t([0-9a-f]+)/.exec(text)?.[1] ?? 'f'.repeat(16)}`);
      const { output: own } = await lab.sh('box', 'grep CapBnd /proc/self/status');
      const ofSandbox = BigInt(`0x${/([0-9a-f]{16})/.exec(own)?.[1] ?? '0'}`);
      expect(bounding & ~ofSandbox).toBe(0n);
    });

    test('an exec has a terminal in the container’s devpts', async () => {
      await running('one', config(LOOP));
      const process = inheritProcess(engine.record('one').config.process!, {
        args: ['/bin/tty'],
        terminal: true,
      });
      const { consoleFd, exited } = await engine.exec('one', { process });
      let text = '';
      const console = new ContainerConsole(consoleFd ?? -1, (bytes) => {
        text += Buffer.from(bytes).toString();
      });
      expect((await exited).exitCode).toBe(0);
      await console.ended;
      expect(text).toBe('/dev/pts/0\r\n');
    });

    test('a program that is not there: start says so', async () => {
      await create('one', config(['/nope']));
      await expect(engine.start('one')).rejects.toMatchObject({ code: 'program', exitCode: 127 });
    });

    test('hooks of the runtime run in the sandbox, not on the host', async () => {
      const sh = (script: string) => ({
        path: '/bin/sh',
        args: ['sh', '-c', script],
        env: ['PATH=/bin:/usr/bin'],
      });
      const own = config(['/bin/true']);
      own.hooks = {
        createRuntime: [sh('hostname > /hook.log; cat >> /hook.log')],
        poststop: [sh('echo gone >> /hook.log')],
      };
      await create('one', own);
      await engine.delete('one', { force: true });
      const { output: log } = await lab.sh('box', 'cat /hook.log');
      expect(log).toMatch(
        /^terrarium\n\{"ociVersion":"1\.3\.0","id":"one","status":"creating".*\}(\n)?gone\n$/,
      );
    });

    test('device rules are refused by name', async () => {
      const own = config(LOOP);
      own.linux = { ...own.linux, resources: { devices: [{ allow: false }] } };
      await expect(create('one', own)).rejects.toMatchObject({ code: 'config' });
      expect(readdirSync(join(lab.directory, 'containers'))).toEqual([]);
    });

    test('a container dies with its sandbox; its state becomes stopped and can be deleted', async () => {
      await running('one', config(LOOP, true));
      await create('two', config(LOOP));
      await lab.engine.delete('box');
      expect((await engine.wait('one')).signal).toBe(9);
      expect(engine.list().map((row) => ('state' in row ? row.state.status : 'error'))).toEqual([
        'stopped',
        'stopped',
      ]);
      await expect(engine.start('two')).rejects.toThrow('init ended before start');
      await engine.delete('one');
      await engine.delete('two');
      expect(readdirSync(join(lab.directory, 'containers'))).toEqual([]);
      await prepare();
    });
  },
);
