/**
 * What goes in and out of containers: terminals, pipes, open files; and programs that join a
 * running one, in all or some of its namespaces. Needs root and a static busybox.
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ContainerConsole,
  inheritProcess,
  type NamespaceType,
} from '../../packages/engine/src/index.js';
import type { ProcessConfig } from '../../packages/spec/src/index.js';
import {
  type ContainerLab,
  holdings,
  missing,
  startContainerLab,
  textOf,
} from './container-lab.js';

const reason = missing();
const LOOP = ['/bin/sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.02; done'];

describe.skipIf(reason !== null)(
  `container files${reason === null ? '' : ` (missing: ${reason})`}`,
  () => {
    let lab: ContainerLab;
    beforeAll(async () => {
      lab = await startContainerLab('io');
    });
    afterEach(async () => {
      for (const { id } of lab.engine.list()) await lab.engine.delete(id, { force: true });
    });
    afterAll(async () => {
      await lab.close();
      expect(holdings(lab)).toEqual([]);
    });

    async function running(id = 'one', changes: Parameters<ContainerLab['config']>[1] = {}) {
      const config = lab.config(LOOP, changes);
      const { streams } = await lab.engine.create({
        id,
        bundle: lab.directory,
        config,
        stdio: 'pipe',
      });
      await lab.engine.start(id);
      await new Promise((resolve) => streams?.stdout.once('data', resolve));
      return config;
    }

    /** Runs a program in the container to its end. */
    async function output(
      args: string[],
      changes: Partial<ProcessConfig> = {},
      namespaces?: NamespaceType[],
    ) {
      const own = lab.engine.record('one').config.process!;
      const handle = await lab.engine.exec('one', {
        process: inheritProcess(own, { args, ...changes }),
        stdio: 'pipe',
        ...(namespaces === undefined ? {} : { namespaces }),
      });
      const [out, err] = await Promise.all([
        textOf(handle.streams?.stdout),
        textOf(handle.streams?.stderr),
      ]);
      return { out, err, ...(await handle.exited) };
    }

    describe('terminal', () => {
      async function terminal(args: string[]) {
        const config = lab.config(args, {
          process: { terminal: true, consoleSize: { height: 17, width: 71 } },
        });
        const { consoleFd } = await lab.engine.create({ id: 'one', bundle: lab.directory, config });
        let text = '';
        const console = new ContainerConsole(consoleFd ?? -1, (bytes) => {
          text += Buffer.from(bytes).toString();
        });
        return { console, text: () => text };
      }

      test('lies in the container’s own devpts, is its controlling terminal and /dev/console', async () => {
        const { console, text } = await terminal([
          '/bin/sh',
          '-c',
          'tty; stty size; readlink /proc/self/fd/2; echo to-console > /dev/console; echo to-tty > /dev/tty',
        ]);
        await lab.engine.start('one');
        expect((await lab.engine.wait('one')).exitCode).toBe(0);
        await console.ended;
        expect(text().split('\r\n')).toEqual([
          '/dev/pts/0',
          '17 71',
          '/dev/pts/0',
          'to-console',
          'to-tty',
          '',
        ]);
      });

      test('takes input, resizes with SIGWINCH, turns Ctrl-C into SIGINT', async () => {
        const { console, text } = await terminal([
          '/bin/sh',
          '-c',
          'trap "stty size" WINCH; trap "echo int; exit 9" INT; echo ready; read line; echo "got $line"; while :; do sleep 0.02; done',
        ]);
        await lab.engine.start('one');
        const until = (part: string) => expect.poll(text, { timeout: 30_000 }).toContain(part);
        await until('ready');
        console.write('hello\n');
        await until('got hello');
        console.resize(100, 40);
        await until('40 100');
        console.write('\x03');
        expect(await lab.engine.wait('one')).toEqual({ exitCode: 9, signal: null });
        await console.ended;
        expect(text()).toContain('int');
      });

      test('every byte arrives, also those written just before the end', async () => {
        const { console, text } = await terminal([
          '/bin/sh',
          '-c',
          'i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo line $i; done',
        ]);
        await lab.engine.start('one');
        await lab.engine.wait('one');
        await console.ended;
        const lines = text().trimEnd().split('\r\n');
        expect(lines).toHaveLength(4000);
        expect(lines.at(-1)).toBe('line 4000');
      });

      test('an exec has one of its own, beside init’s', async () => {
        await running();
        const process = inheritProcess(lab.engine.record('one').config.process!, {
          args: ['/bin/sh', '-c', 'tty; stty size; read line; echo "got $line"; exit 5'],
          terminal: true,
          consoleSize: { height: 5, width: 9 },
        });
        const { consoleFd, exited } = await lab.engine.exec('one', { process });
        let text = '';
        const console = new ContainerConsole(consoleFd ?? -1, (bytes) => {
          text += Buffer.from(bytes).toString();
        });
        console.write('typed\n');
        expect(await exited).toEqual({ exitCode: 5, signal: null });
        await console.ended;
        expect(text).toContain('/dev/pts/0');
        expect(text).toContain('5 9');
        expect(text).toContain('got typed');
      });
    });

    test('without stdio the three files are the null device, and nothing else is open', async () => {
      const config = lab.config(['/bin/sleep', '1000']);
      const { pid } = await lab.engine.create({ id: 'one', bundle: lab.directory, config });
      await lab.engine.start('one');
      expect(openFiles(pid)).toEqual(['0 /dev/null', '1 /dev/null', '2 /dev/null']);
    });

    test('files of another process become stdin, stdout and fds 3 and 4; nothing else is open', async () => {
      writeFileSync(join(lab.directory, 'in'), 'from a file\n');
      const files = ['in', 'out', 'three', 'four'].map((name) =>
        openSync(join(lab.directory, name), name === 'in' ? 'r' : 'w+'),
      );
      const own = (index: number) => ({ ownerPid: process.pid, fd: files[index] ?? -1 });
      const config = lab.config(['/bin/sh', '-c', 'cat; echo 3 >&3; echo 4 >&4; exec sleep 1000']);
      await lab.engine.create({
        id: 'one',
        bundle: lab.directory,
        config,
        stdio: { stdin: own(0), stdout: own(1), stderr: null },
        preserveFds: [own(2), own(3)],
      });
      await lab.engine.start('one');
      const pid = lab.engine.state('one').pid ?? 0;
      const read = (name: string) => readFileSync(join(lab.directory, name), 'utf8');
      await expect.poll(() => read('four'), { timeout: 30_000 }).toBe('4\n');
      expect(read('three')).toBe('3\n');
      expect(read('out')).toBe('from a file\n');
      expect(openFiles(pid)).toEqual([
        `0 ${lab.directory}/in`,
        `1 ${lab.directory}/out`,
        '2 /dev/null',
        `3 ${lab.directory}/three`,
        `4 ${lab.directory}/four`,
      ]);
      for (const fd of files) closeSync(fd);
    });

    test('the start that fails tells so although files are preserved', async () => {
      const file = openSync(join(lab.directory, 'kept'), 'w+');
      const own = { ownerPid: process.pid, fd: file };
      const config = lab.config(['/no/such']);
      await lab.engine.create({
        id: 'one',
        bundle: lab.directory,
        config,
        preserveFds: [own, own, own, own],
      });
      await expect(lab.engine.start('one')).rejects.toMatchObject({
        code: 'program',
        exitCode: 127,
      });
      expect(readFileSync(join(lab.directory, 'kept'))).toHaveLength(0);
      closeSync(file);
    });

    test('pid files hold the pid as the host numbers it', async () => {
      const file = join(lab.directory, 'pid');
      const config = lab.config(LOOP);
      const { pid } = await lab.engine.create({
        id: 'one',
        bundle: lab.directory,
        config,
        pidFile: file,
      });
      expect(readFileSync(file, 'utf8')).toBe(String(pid));
      await lab.engine.start('one');
      const process = inheritProcess(config.process!, { args: ['/bin/sleep', '1000'] });
      const handle = await lab.engine.exec('one', { process, pidFile: file });
      expect(readFileSync(file, 'utf8')).toBe(String(handle.pid));
      expect(readlinkSync(`/proc/${handle.pid}/exe`)).toMatch(/busybox$/);
      handle.kill(9);
      expect(await handle.exited).toEqual({ exitCode: 137, signal: 9 });
    });

    describe('exec', () => {
      test('is in init’s namespaces and groups, and no fd of ours is open', async () => {
        await running();
        const init = lab.engine.state('one').pid ?? 0;
        const handle = await lab.engine.exec('one', {
          process: inheritProcess(lab.engine.record('one').config.process!, {
            args: ['/bin/sleep', '1000'],
          }),
        });
        for (const kind of ['pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup', 'user', 'time']) {
          const [own, inits] = [handle.pid, init].map((pid) =>
            readlinkSync(`/proc/${pid}/ns/${kind}`),
          );
          expect(own).toBe(inits);
        }
        const groups = (pid: number) => readFileSync(`/proc/${pid}/cgroup`, 'utf8');
        expect(groups(handle.pid)).toBe(groups(init));
        expect(readlinkSync(`/proc/${handle.pid}/root`)).toBe(readlinkSync(`/proc/${init}/root`));
        expect(openFiles(handle.pid)).toEqual(['0 /dev/null', '1 /dev/null', '2 /dev/null']);
      });

      test('is counted and limited with the container', async () => {
        await running();
        const handle = await lab.engine.exec('one', {
          process: inheritProcess(lab.engine.record('one').config.process!, {
            args: ['/bin/sleep', '1000'],
          }),
        });
        expect(lab.engine.ps('one').map(({ pid }) => pid)).toContain(handle.pid);
        await lab.engine.kill('one', 'KILL');
        expect(await handle.exited).toEqual({ exitCode: 137, signal: 9 });
      });

      test.each<[NamespaceType[], string]>([
        [['uts', 'mount'], 'box'],
        [['pid', 'mount'], 'host'],
      ])('joins only %j', async (namespaces, name) => {
        await running();
        const { out } = await output(['/bin/sh', '-c', 'hostname; echo $$'], {}, namespaces);
        const [hostname = '', pid = ''] = out.split('\n');
        expect(hostname === 'box').toBe(name === 'box');
        expect(Number(pid) < 100).toBe(namespaces.includes('pid'));
      });

      test('is the user that it says, with its capabilities, limits, directory and environment', async () => {
        await running();
        const { out } = await output(
          [
            '/bin/sh',
            '-c',
            'id -u; id -g; id -G; umask; pwd; echo $X; ulimit -n; grep -E "Cap(Eff|Bnd|Amb)|NoNewPrivs" /proc/self/status',
          ],
          {
            user: { uid: 12, gid: 34, additionalGids: [56], umask: 0o077 },
            cwd: '/tmp',
            env: ['X=y', 'PATH=/bin'],
            rlimits: [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 88 }],
            noNewPrivileges: true,
            capabilities: {
              bounding: ['CAP_KILL'],
              effective: ['CAP_KILL'],
              permitted: ['CAP_KILL'],
              inheritable: ['CAP_KILL'],
              ambient: ['CAP_KILL'],
            },
          },
        );
        expect(out.split('\n')).toEqual([
          '12',
          '34',
          '34 56',
          '0077',
          '/tmp',
          'y',
          '77',
          'CapEff:\t0000000000000020',
          'CapBnd:\t0000000000000020',
          'CapAmb:\t0000000000000020',
          'NoNewPrivs:\t1',
          '',
        ]);
      });

      test('is under the container’s seccomp filter', async () => {
        const base = lab.config(LOOP);
        await running('one', {
          linux: {
            ...base.linux,
            seccomp: {
              defaultAction: 'SCMP_ACT_ALLOW',
              syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
            },
          },
        });
        const { err, exitCode } = await output(['/bin/mkdir', '/tmp/x']);
        expect(exitCode).toBe(1);
        expect(err).toContain('Operation not permitted');
      });

      test('enters a user namespace as its root', async () => {
        const base = lab.config(LOOP);
        const map = [{ containerID: 0, hostID: 400_000, size: 1000 }];
        await running('one', {
          linux: {
            namespaces: [...(base.linux?.namespaces ?? []), { type: 'user' }],
            uidMappings: map,
            gidMappings: map,
          },
        });
        const { out } = await output(['/bin/sh', '-c', 'id -u; readlink /proc/self/ns/user']);
        const init = lab.engine.state('one').pid ?? 0;
        expect(out).toBe(`0\n${readlinkSync(`/proc/${init}/ns/user`)}\n`);
        expect(lab.engine.ps('one')[0]?.uid).toBe(400_000);
      });

      test('enters a container that has no mount namespace, by its root directory', async () => {
        await running('one', {
          linux: { namespaces: [{ type: 'uts' }] },
          mounts: [],
          root: { path: lab.rootfs },
        });
        const { out } = await output(['/bin/ls', '/']);
        expect(out.split('\n')).toContain('bin');
        expect(out).not.toContain('usr');
      });

      test.each<[string[], number]>([
        [['/no/such'], 127],
        [['nope'], 127],
        [['/proc'], 126],
      ])('%j cannot be executed: %i', async (args, exitCode) => {
        await running();
        await expect(output(args)).rejects.toMatchObject({
          name: 'ContainerError',
          code: 'program',
          exitCode,
        });
        expect(lab.engine.state('one').status).toBe('running');
      });

      test('refuses by name what it cannot do', async () => {
        await running();
        await expect(
          output(['/bin/true'], { apparmorProfile: 'docker-default' }),
        ).rejects.toMatchObject({
          code: 'config',
          message:
            'exec in container one: process.apparmorProfile: AppArmor profiles are not supported',
        });
      });

      test('works in a container that is created and not started', async () => {
        await lab.engine.create({ id: 'one', bundle: lab.directory, config: lab.config(LOOP) });
        expect(await output(['/bin/sh', '-c', 'echo inside; exit 3'])).toMatchObject({
          out: 'inside\n',
          exitCode: 3,
        });
        expect(lab.engine.state('one').status).toBe('created');
      });
    });
  },
);

/** fd and file of each open file of a process, as the host sees them. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map(
    (fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`,
  );
}
