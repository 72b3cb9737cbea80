/**
 * What a learner tries, and must not get: each its own test. A learner is the sandbox's root, with
 * a full shell. Needs root and gcc; two sandboxes of its own instance.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectCgroupLayout } from '../../packages/engine/src/index.js';
import { hasDebianImage, type Lab, missing, startLab, until } from './sandbox-lab.js';

const MIB = 1024 * 1024;
const LIMITS = { memoryBytes: 128 * MIB, pids: 64, diskBytes: 32 * MIB, diskInodes: 2000 };

const lack = missing();
if (lack !== null) console.warn(`fence: skipped, this needs ${lack}`);
const debian = lack === null && hasDebianImage();
const x64 = process.arch === 'x64';

let lab: Lab;
let secret: string;
beforeAll(async () => {
  if (lack !== null) return;
  lab = await startLab('fence', { limits: LIMITS });
  await lab.engine.adopt();
  const source = fileURLToPath(new URL('fence-attempts.c', import.meta.url));
  const program = join(lab.directory, 'attempt');
  execFileSync('gcc', ['-static', '-O1', '-Wall', '-Werror', '-o', program, source]);
  for (const id of ['learner', 'neighbour']) {
    await lab.engine.create({ id });
    copyFileSync(program, `${lab.root(id)}/lab/attempt`);
    chmodSync(`${lab.root(id)}/lab/attempt`, 0o755);
  }
  secret = `/tmp/terrarium-secret-${process.pid}`;
  writeFileSync(secret, 'of the host', { mode: 0o644 });
});
afterAll(async () => {
  await lab?.close();
  if (secret !== undefined) rmSync(secret, { force: true });
});

/** Answers of the kernel to attempts, by name: an errno, or `done`. */
async function attempt(...names: string[]): Promise<Record<string, string>> {
  const { output } = await lab.engine.runInSandbox('learner', ['/lab/attempt', ...names]);
  return Object.fromEntries(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}

async function sh(script: string): Promise<{ exitCode: number; output: string }> {
  return lab.sh('learner', script);
}

/** The lab is still there for a new shell. */
async function expectResponsive(): Promise<void> {
  expect(await sh('echo alive')).toEqual({ exitCode: 0, output: 'alive\n' });
  expect(await lab.sh('neighbour', 'echo alive')).toEqual({ exitCode: 0, output: 'alive\n' });
}

const memoryLimit = () =>
  detectCgroupLayout().kind === 'v2' ? 'memory.max' : 'memory/memory.limit_in_bytes';
const pidsLimit = () => (detectCgroupLayout().kind === 'v2' ? 'pids.max' : 'pids/pids.max');

describe.skipIf(lack !== null)(
  `a learner cannot${lack !== null ? ` (missing: ${lack})` : ''}`,
  () => {
    test('read files of the host', async () => {
      const tries = [
        secret,
        `/proc/1/root${secret}`,
        `/proc/self/root/../..${secret}`,
        '/etc/shadow-',
        lab.directory,
      ];
      for (const path of tries) expect((await sh(`cat ${path}`)).exitCode, path).not.toBe(0);
      expect((await attempt('open_by_handle_at'))['open_by_handle_at']).toBe('EPERM');
    });

    test('walk out by chroot or pivot_root', async () => {
      const script = `mkdir -p /lab/c && cd / && busybox chroot /lab/c /lab/attempt; cd ../../../..; cat .${secret}`;
      expect((await sh(script)).output).not.toContain('of the host');
    });

    test('mount a block device, or the host’s file systems', async () => {
      expect((await attempt('mount-block'))['mount-block']).toMatch(/EPERM|ENOENT|EACCES|ENOTBLK/);
      for (const type of ['ext4', 'debugfs', 'tracefs', 'securityfs', 'devtmpfs']) {
        const { exitCode, output } = await sh(
          `mkdir -p /lab/m && busybox mount -t ${type} x /lab/m`,
        );
        expect(exitCode, `${type}: ${output}`).not.toBe(0);
      }
    });

    test('make a device node', async () => {
      expect(await attempt('mknod-block', 'mknod-char', 'mknod-whiteout')).toEqual({
        'mknod-block': 'EPERM',
        'mknod-char': 'EPERM',
        'mknod-whiteout': 'done', // overlay needs it
      });
    });

    test('load or remove a kernel module, or another kernel', async () => {
      expect(
        await attempt('init_module', 'finit_module', 'delete_module', 'kexec_load', 'reboot'),
      ).toEqual({
        init_module: 'EPERM',
        finit_module: 'EPERM',
        delete_module: 'EPERM',
        kexec_load: 'EPERM',
        reboot: 'EPERM',
      });
    });

    test('win those back in a nested user namespace', async () => {
      expect(await attempt('nested-init_module')).toEqual({ 'nested-init_module': 'EPERM' });
      expect(await attempt('nested-clock_settime')).toEqual({ 'nested-clock_settime': 'EPERM' });
    });

    test('set the clock', async () => {
      expect(await attempt('clock_settime', 'settimeofday')).toEqual({
        clock_settime: 'EPERM',
        settimeofday: 'EPERM',
      });
    });

    test('use kernel interfaces that concern all', async () => {
      expect(
        await attempt(
          'bpf',
          'perf_event_open',
          'userfaultfd',
          'io_uring_setup',
          'keyctl',
          'add_key',
          'swapon',
          'acct',
          'quotactl',
          'syslog',
          'AF_VSOCK',
          'AF_ALG',
        ),
      ).toEqual({
        bpf: 'EPERM',
        perf_event_open: 'EPERM',
        userfaultfd: 'EPERM',
        io_uring_setup: 'ENOSYS',
        keyctl: 'ENOSYS',
        add_key: 'ENOSYS',
        swapon: 'EPERM',
        acct: 'EPERM',
        quotactl: 'EPERM',
        syslog: 'EPERM',
        AF_VSOCK: 'EPERM',
        AF_ALG: 'EPERM',
      });
    });

    test('type into a terminal by TIOCSTI, with or without high bits', async () => {
      expect(await attempt('TIOCSTI', 'TIOCSTI-high-bits')).toEqual({
        TIOCSTI: 'EPERM',
        'TIOCSTI-high-bits': 'EPERM',
      });
    });

    test.skipIf(!x64)(
      `go around the filter by the x32 or i386 calls${!x64 ? ` (missing: x86_64)` : ''}`,
      async () => {
        expect((await attempt('x32'))['x32']).toBe('ENOSYS');
        const { exitCode } = await lab.engine.runInSandbox('learner', ['/lab/attempt', 'i386']);
        expect(exitCode).toBe(128 + 31); // SIGSYS
      },
    );

    test('write sysctls of the host', async () => {
      for (const key of [
        'kernel/core_pattern',
        'kernel/pid_max',
        'kernel/panic',
        'vm/drop_caches',
        'fs/file-max',
      ]) {
        const before = key === 'vm/drop_caches' ? '' : readFileSync(`/proc/sys/${key}`, 'utf8');
        const { exitCode } = await sh(`echo 1 > /proc/sys/${key}`);
        expect(exitCode, key).not.toBe(0);
        if (before !== '') expect(readFileSync(`/proc/sys/${key}`, 'utf8')).toBe(before);
      }
      expect((await sh('echo h > /proc/sysrq-trigger')).exitCode).not.toBe(0);
    });

    test('read the kernel’s memory or its log', async () => {
      for (const path of [
        '/proc/kcore',
        '/proc/kmsg',
        '/dev/mem',
        '/dev/kmsg',
        '/sys/kernel/debug/x',
      ]) {
        expect((await sh(`head -c 1 ${path}`)).exitCode, path).not.toBe(0);
      }
    });

    test('raise their own limits', async () => {
      const groups = '/sys/fs/cgroup';
      expect((await sh(`echo 999999999999 > ${groups}/${memoryLimit()}`)).exitCode).not.toBe(0);
      expect((await sh(`echo max > ${groups}/${pidsLimit()}`)).exitCode).not.toBe(0);
      expect((await sh(`chmod 777 ${groups}/${pidsLimit()}`)).exitCode).not.toBe(0);
      expect(await attempt('raise-nofile', 'remount-disk')).toEqual({
        'raise-nofile': 'EPERM',
        'remount-disk': 'EPERM',
      });
      expect((await sh('echo 100000 > /proc/sys/user/max_net_namespaces')).exitCode).not.toBe(0);
    });

    test('leave their cgroup, or see those of others', async () => {
      const { output } = await sh('find /sys/fs/cgroup -name neighbour -o -name "terrarium*"');
      expect(output).toBe('');
      const layout = detectCgroupLayout();
      for (const { version, controllers } of layout.hierarchies) {
        const type = version === 2 ? 'cgroup2' : `cgroup -o ${controllers.join(',')}`;
        const script = `mkdir -p /lab/g && busybox mount -t ${type} g /lab/g && ls -d /lab/g/terrarium*; busybox umount /lab/g`;
        expect((await sh(script)).output).not.toMatch(/^\/lab\/g\/terrarium/m);
      }
    });

    test('see or signal processes of the host or of another sandbox', async () => {
      const neighbour = lab.engine.list().find(({ id }) => id === 'neighbour')!.initPid;
      expect((await sh(`kill -0 ${neighbour}`)).exitCode).not.toBe(0);
      const { output } = await sh('cat /proc/[0-9]*/comm');
      expect(output).not.toMatch(/node|vitest|terrarium-playe/);
      expect((await attempt('ptrace-init'))['ptrace-init']).toMatch(/EPERM|done/);
      await expectResponsive();
    });

    test('end their PID 1 from inside', async () => {
      await sh('kill -9 1; kill -TERM 1; kill -SEGV 1');
      await expectResponsive();
    });

    test('reach the host’s network', async () => {
      const { output } = await sh(
        "cat /proc/net/route /proc/net/dev | cut -d: -f1 | grep -c '^ *[ev]'; true",
      );
      expect(output.trim()).toBe('0');
    });
  },
);

describe.skipIf(lack !== null)(
  `a learner is contained${lack !== null ? ` (missing: ${lack})` : ''}`,
  () => {
    test('with a fork bomb: the pids limit holds it, and delete ends it', async () => {
      await lab.engine.create({ id: 'bomb' });
      await lab.engine.exec('bomb', { args: ['sh', '-c', 'f() { f | f & }; f; sleep 1000'] });
      const group = lab.engine
        .list()
        .find(({ id }) => id === 'bomb')!
        .cgroups.find((path) => {
          return path.includes('/pids/') || detectCgroupLayout().kind === 'v2';
        })!;
      // The kernel counts refused forks: a bomb may be over before anyone looks at its size. It
      // counts in the group that has the limit, and before Linux 6.11 in the forking one's.
      const refused = () =>
        ['.', ...readdirSync(group)]
          .map((name) => join(group, name, 'pids.events'))
          .filter((file) => existsSync(file))
          .map((file) => Number(/^max (\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]))
          .reduce((sum, count) => sum + count, 0);
      let most = 0;
      await until('the kernel refuses a fork', () => {
        most = Math.max(most, Number(readFileSync(join(group, 'pids.current'), 'utf8')));
        return refused() > 0;
      });
      expect(most).toBeLessThanOrEqual(LIMITS.pids + 1);
      await expectResponsive();
      await lab.engine.delete('bomb');
    });

    test('when filling the disk: ENOSPC, and memory is not exhausted', async () => {
      const { output } = await sh(
        'dd if=/dev/zero of=/root/big bs=1M count=200 2>&1; dd if=/dev/zero of=/lab/big bs=1M count=200 2>&1; ls -l /root/big',
      );
      expect(output).toMatch(/No space left/);
      expect(statSync(`${lab.root('learner')}/root/big`).size).toBeLessThanOrEqual(
        LIMITS.diskBytes,
      );
      await sh('rm -f /root/big /lab/big');
      await expectResponsive();
    });

    test('when using up the inodes', async () => {
      const { output } = await sh(
        'mkdir /lab/many; cd /lab/many; i=0; while [ $i -lt 3000 ]; do : > $i || break; i=$((i+1)); done 2>&1; echo; echo made $i',
      );
      expect(output).toMatch(/No space left/);
      await sh('rm -rf /lab/many');
      await expectResponsive();
    });

    test('when using up the memory: their process is killed, PID 1 lives', async () => {
      const { output } = await sh(
        'busybox mount -t tmpfs -o size=1g t /mnt; dd if=/dev/zero of=/mnt/x bs=1M count=500 2>&1; echo status $?',
      );
      expect(output).not.toMatch(/status 0/);
      await sh('busybox umount /mnt');
      await expectResponsive();
    });

    test.skipIf(!debian)(
      `when making namespaces without end${!debian ? ` (missing: the Debian image)` : ''}`,
      async () => {
        const { output } = await sh(
          'i=0; mkdir -p /lab/ns; while [ $i -lt 600 ]; do touch /lab/ns/$i; unshare --uts=/lab/ns/$i true 2>&1 || break; i=$((i+1)); done; echo made $i',
        );
        expect(output).toMatch(/No space left|made 5\d\d/);
        await expectResponsive();
      },
    );

    test('the host lists no file or mount of theirs', () => {
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('lowerdir=lower');
      expect(readdirSync('/tmp')).not.toContain('upper');
    });
  },
);
