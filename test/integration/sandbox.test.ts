/**
 * Sandboxes on the real kernel: what a learner finds inside, what the host sees, and that nothing
 * is left. Needs root; makes sandboxes of its own instance and removes them.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BOUNDING_SET,
  detectCgroupLayout,
  SandboxEngine,
} from '../../packages/engine/src/index.js';
import {
  CAPABILITIES,
  getWindowSize,
  mount,
  NAMESPACE_KINDS,
  openPtyPeer,
  ResidentPlayer,
  setWindowSize,
  umount2,
  unlockPty,
} from '../../packages/syscall/src/index.js';
import {
  hasDebianImage,
  hostHoldings,
  type Lab,
  missing,
  namespaceFdsOf,
  namespacesInUse,
  processesOfRange,
  startLab,
  until,
} from './sandbox-lab.js';

const lack = missing();
if (lack !== null) console.warn(`sandbox: skipped, this needs ${lack}`);
const debian = lack === null && hasDebianImage();

let lab: Lab;
beforeAll(async () => {
  if (lack !== null) return;
  lab = await startLab('sandbox');
  await lab.engine.adopt();
  await lab.engine.create({ id: 'one' });
});
afterAll(async () => {
  await lab?.close();
});

/** Runs a script in sandbox `one`; fails the test on a non-zero exit. */
async function inside(script: string): Promise<string> {
  const { exitCode, output } = await lab.sh('one', script);
  expect(exitCode, output).toBe(0);
  return output.trim();
}

describe.skipIf(lack !== null)(
  `inside a sandbox${lack !== null ? ` (missing: ${lack})` : ''}`,
  () => {
    test('all eight namespaces differ from the host’s', async () => {
      const names = NAMESPACE_KINDS.map(({ proc }) => proc);
      const output = await inside(
        `for k in ${names.join(' ')}; do readlink /proc/self/ns/$k; done`,
      );
      const theirs = output.split('\n');
      const ours = namespacesInUse();
      expect(theirs).toHaveLength(8);
      for (const [index, kind] of names.entries()) {
        expect(theirs[index]).toMatch(new RegExp(`^${kind}:\\[\\d+\\]$`));
      }
      const mine = NAMESPACE_KINDS.map(({ proc }) => readlinkSync(`/proc/self/ns/${proc}`));
      expect(theirs.filter((one) => mine.includes(one))).toEqual([]);
      expect(theirs.every((one) => ours.has(one))).toBe(true);
    });

    test('PID 1 is init, and its namespaces can be looked at', async () => {
      expect(await inside('cat /proc/1/comm')).toBe('init');
      expect(await inside('readlink /proc/1/ns/pid')).toBe(
        await inside('readlink /proc/self/ns/pid'),
      );
    });

    test('root is uid 0 inside and an unprivileged id outside', async () => {
      expect(await inside('id -u')).toBe('0');
      const sandbox = one();
      const status = readFileSync(`/proc/${sandbox.initPid}/status`, 'utf8');
      expect(status).toMatch(new RegExp(`^Uid:\\t${sandbox.idBase}\\t${sandbox.idBase}\\t`, 'm'));
      expect(await inside("tr -s ' ' < /proc/self/uid_map")).toBe(`0 ${sandbox.idBase} 65536`);
    });

    test('the image’s files and new files belong to root', async () => {
      expect(await inside("stat -c '%u %g' /bin/sh /")).toBe('0 0\n0 0');
      expect(await inside("touch /new && stat -c '%u %g' /new && rm /new")).toBe('0 0');
    });

    test('only harmless devices exist, and they work', async () => {
      const nodes = await inside(
        'cd /dev && for n in *; do [ ! -L $n ] && { [ -c $n ] || [ -b $n ]; } && echo $n; done; true',
      );
      expect(nodes.split('\n').sort()).toEqual([
        'full',
        'null',
        'random',
        'tty',
        'urandom',
        'zero',
      ]);
      expect(await inside('head -c 4 /dev/zero | wc -c; echo x > /dev/null')).toBe('4');
      expect(await inside('echo x > /dev/full 2>&1; echo $?')).not.toBe('0');
    });

    test('lo is up and nothing else is there', async () => {
      expect(await inside("sed -n '3,$p' /proc/net/dev | cut -d: -f1 | tr -d ' '")).toBe('lo');
      expect(Number(await inside('cat /sys/class/net/lo/flags')) & 1).toBe(1);
    });

    test('hostname, hosts and resolv.conf are its own', async () => {
      expect(await inside('hostname')).toBe('terrarium');
      expect(await inside('cat /etc/hostname')).toBe('terrarium');
      expect(await inside('cat /etc/hosts')).toContain('localhost terrarium');
      expect(readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()).not.toBe('terrarium');
    });

    test('a program has no file open but the standard three', async () => {
      const { output } = await lab.engine.runInSandbox('one', ['ls', '/proc/self/fd']);
      expect(output).toBe('0\n1\n2\n3\n'); // 3 is the directory that ls reads
      expect(await inside('ls /proc/1/fd | wc -l')).toBe('0');
    });

    test('bounding set and seccomp hold for init and for every program', async () => {
      const mask = BOUNDING_SET.reduce(
        (bits, name) => bits | (1n << BigInt(CAPABILITIES[name as keyof typeof CAPABILITIES])),
        0n,
      );
      for (const pid of ['1', 'self']) {
        const status = await inside(`cat /proc/${pid}/status`);
        expect(BigInt(`0x${/^CapBnd:\t(\w+)/m.exec(status)?.[1]}`)).toBe(mask);
        expect(BigInt(`0x${/^CapEff:\t(\w+)/m.exec(status)?.[1]}`)).toBe(mask);
        expect(status).toMatch(/^Seccomp:\t2$/m);
        expect(status).toMatch(/^NoNewPrivs:\t0$/m);
      }
    });

    test('no path of the host shows in the mount table', async () => {
      const mounts = await inside('cat /proc/self/mountinfo');
      expect(mounts).not.toContain(lab.directory);
      expect(mounts).not.toContain('/var/lib');
      expect(mounts.split('\n').every((line) => !line.includes(' ext4 '))).toBe(true);
    });

    test('init reaps orphans', async () => {
      await inside('(sh -c "sleep 0.05" &) ; sleep 0.2');
      expect(await inside("grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l")).toBe('0');
    });
  },
);

describe.skipIf(lack !== null)(`a learner can${lack !== null ? ` (missing: ${lack})` : ''}`, () => {
  test('mount proc and tmpfs', async () => {
    await inside(
      'mkdir -p /lab/p /lab/t && busybox mount -t proc proc /lab/p && busybox mount -t tmpfs t /lab/t',
    );
    expect(
      await inside('cat /lab/p/1/comm && touch /lab/t/x && busybox umount /lab/p /lab/t'),
    ).toBe('init');
  });

  test('mount an overlay whose upper directory is below /lab', async () => {
    await inside('mkdir -p /lab/o/l/d /lab/o/u /lab/o/w /lab/o/m && echo low > /lab/o/l/d/f');
    await inside(
      'cd /lab/o && busybox mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m && rm m/d/f',
    );
    expect(await inside('cd /lab/o && [ -c u/d/f ] && cat l/d/f; busybox umount m')).toBe('low');
  });

  test('remove a directory of the image, and put a file in its place', async () => {
    const directory = debian ? '/usr/share/doc' : '/bin';
    const probe = debian ? directory : '/usr';
    await inside(
      `rm -r ${probe} 2>&1 || true; [ ! -e ${probe} ] && mkdir ${probe} && rmdir ${probe}`,
    );
    await lab.engine.delete('one');
    await lab.engine.create({ id: 'one' });
    expect(await inside(`[ -d ${probe} ] && echo back`)).toBe('back');
  });

  test('make child cgroups with limits of their own, and enter them', async () => {
    const layout = detectCgroupLayout();
    if (layout.kind === 'v2') {
      await inside('mkdir /sys/fs/cgroup/c && echo 10 > /sys/fs/cgroup/c/pids.max');
      expect(
        await inside('echo $$ > /sys/fs/cgroup/c/cgroup.procs && cat /proc/self/cgroup'),
      ).toContain('0::/c');
      return;
    }
    await inside('mkdir /sys/fs/cgroup/pids/c && echo 10 > /sys/fs/cgroup/pids/c/pids.max');
    expect(
      await inside('echo $$ > /sys/fs/cgroup/pids/c/tasks && cat /proc/self/cgroup'),
    ).toContain('pids:/c');
    await inside(
      'mkdir -p /lab/cg && busybox mount -t cgroup -o memory m /lab/cg && mkdir /lab/cg/c',
    );
    await inside(
      'echo 64M > /lab/cg/c/memory.limit_in_bytes && rmdir /lab/cg/c && busybox umount /lab/cg',
    );
  });

  test('see its own cgroup as the root', async () => {
    const lines = (await inside('cat /proc/self/cgroup')).split('\n');
    expect(lines.every((line) => /:\/(init)?$/.test(line))).toBe(true);
  });

  test.skipIf(!debian)(
    `unshare every namespace again${!debian ? ` (missing: the Debian image)` : ''}`,
    async () => {
      const script =
        'readlink /proc/self/ns/user; cat /proc/self/status | grep NSpid; hostname nested && hostname';
      const output = await inside(`unshare -UrmuinpCTf --mount-proc sh -c "${script}"`);
      expect(output).toMatch(/user:\[\d+\]\nNSpid:\t\d+\nnested/);
      expect(await inside('hostname')).toBe('terrarium');
    },
  );

  test.skipIf(!debian)(
    `trace its own processes${!debian ? ` (missing: the Debian image)` : ''}`,
    async () => {
      expect(await inside('strace -f -e trace=execve true 2>&1')).toContain(
        'execve("/usr/bin/true"',
      );
    },
  );

  test.skipIf(!debian)(
    `join the namespaces of its init${!debian ? ` (missing: the Debian image)` : ''}`,
    async () => {
      expect(await inside('nsenter -t 1 -m -u -i -n -p -C cat /proc/1/comm')).toBe('init');
    },
  );
});

describe.skipIf(lack !== null)(`exec${lack !== null ? ` (missing: ${lack})` : ''}`, () => {
  test('gives exit codes and output', async () => {
    expect(await lab.sh('one', 'echo out; echo err >&2; exit 7')).toEqual({
      exitCode: 7,
      output: 'out\nerr\n',
    });
    expect((await lab.sh('one', 'kill -9 $$')).exitCode).toBe(137);
  });

  test('sets environment, directory and user', async () => {
    const result = await lab.engine.runInSandbox('one', ['sh', '-c', 'echo $GREETING $PWD $HOME'], {
      cwd: '/tmp',
      env: { GREETING: 'hello' },
    });
    expect(result.output.trim()).toBe('hello /tmp /root');
  });

  test('names the call when the program does not exist', async () => {
    await expect(lab.engine.exec('one', { args: ['/no/such'] })).rejects.toThrow(/execve.*ENOENT/s);
    await expect(lab.engine.exec('one', { args: ['no-such'] })).rejects.toThrow(/execve.*ENOENT/s);
  });

  test('gives a controlling terminal of the sandbox’s own devpts', async () => {
    const master = openSync(`${lab.root('one')}/dev/pts/ptmx`, 'r+');
    unlockPty(master);
    const slave = openPtyPeer(master);
    setWindowSize(master, { cols: 91, rows: 33 });
    expect(getWindowSize(slave)).toEqual({ cols: 91, rows: 33 });
    const { exited, hostPid } = await lab.engine.exec('one', {
      args: ['sh', '-c', 'tty; stty size; cat'],
      terminal: { ownerPid: process.pid, slaveFd: slave },
    });
    let text = '';
    const buffer = Buffer.alloc(4096);
    while (!text.includes('33 91')) text += buffer.toString('utf8', 0, readSync(master, buffer));
    expect(text).toMatch(/^\/dev\/pts\/\d+\r\n/);
    expect(hostPid).toBeGreaterThan(0);
    // A shell forgets a Ctrl-C that meets a child which ends by itself: so only once cat answers.
    writeSync(master, 'there\r');
    while (!text.includes('there\r\nthere'))
      text += buffer.toString('utf8', 0, readSync(master, buffer));
    writeSync(master, '\x03'); // Ctrl-C reaches the foreground group through the line discipline
    expect((await exited) & 0x7f).toBe(2);
    closeSync(slave);
    closeSync(master);
  });
});

describe.skipIf(lack !== null)(
  `the life of a sandbox${lack !== null ? ` (missing: ${lack})` : ''}`,
  () => {
    test('delete leaves nothing: no mount, cgroup, namespace, process or id range', async () => {
      const before = hostHoldings(lab);
      await lab.engine.create({ id: 'gone' });
      await lab.engine.exec('gone', { args: ['sleep', '1000'] });
      await lab.sh(
        'gone',
        'mkdir -p /lab/m && busybox mount -t tmpfs t /lab/m; (setsid sleep 1000 &)',
      );
      const { idBase } = lab.engine.list().find(({ id }) => id === 'gone')!;
      expect(hostHoldings(lab)).not.toEqual(before);
      expect(processesOfRange(idBase)).toHaveLength(3);
      await lab.engine.delete('gone');
      expect(hostHoldings(lab)).toEqual(before);
      // A namespace lives by its processes, by a mount or by an fd: of each kind there is none.
      expect(processesOfRange(idBase)).toEqual([]);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(' nsfs ');
      expect(namespaceFdsOf(process.pid)).toEqual([]);
      expect(namespaceFdsOf(lab.player.pid)).toEqual([]);
    });

    test('delete ends processes in a frozen cgroup', async () => {
      await lab.engine.create({ id: 'frozen' });
      const v2 = detectCgroupLayout().kind === 'v2';
      const group = v2 ? '/sys/fs/cgroup/f' : '/sys/fs/cgroup/freezer/f';
      const freeze = v2
        ? `echo 1 > ${group}/cgroup.freeze`
        : `echo FROZEN > ${group}/freezer.state`;
      await lab.sh(
        'frozen',
        `mkdir ${group}; sleep 1000 & echo $! > ${group}/cgroup.procs; ${freeze}`,
      );
      await lab.engine.delete('frozen');
      expect(hostHoldings(lab).join('\n')).not.toContain('frozen');
    });

    test('a creation that fails leaves nothing, and says which call failed', async () => {
      const before = hostHoldings(lab);
      const failing = lab.engine.create({ id: 'failing', limits: { pids: 0 } });
      await expect(failing).rejects.toThrow(/clone3.*EAGAIN/s);
      expect(hostHoldings(lab)).toEqual(before);
    });

    test('what is asked of one id happens in order: create, create (refused), delete, create', async () => {
      const first = lab.engine.create({ id: 'twin' });
      const second = lab.engine.create({ id: 'twin' });
      const removed = lab.engine.delete('twin');
      const third = lab.engine.create({ id: 'twin' });
      await expect(second).rejects.toThrow(/exists already/);
      await removed;
      expect((await third).initPid).not.toBe((await first).initPid);
      await lab.engine.delete('twin');
    });

    test('a killed init is noticed, and what was left is removed', async () => {
      const before = hostHoldings(lab);
      const sandbox = await lab.engine.create({ id: 'killed' });
      const gone: string[] = [];
      lab.engine.onGone((id) => gone.push(id));
      process.kill(sandbox.initPid, 'SIGKILL');
      await until('the engine has noticed', () => gone.includes('killed'));
      expect(hostHoldings(lab)).toEqual(before);
    });

    test('50 create and delete cycles leave nothing', async () => {
      const before = hostHoldings(lab);
      for (let cycle = 0; cycle < 50; cycle++) {
        await lab.engine.create({ id: `cycle-${cycle % 2}` });
        await lab.engine.delete(`cycle-${cycle % 2}`);
      }
      expect(hostHoldings(lab)).toEqual(before);
    });

    test('ten at a time get ranges of their own', async () => {
      const ids = Array.from({ length: 10 }, (_, index) => `many-${index}`);
      const made = await Promise.all(ids.map((id) => lab.engine.create({ id })));
      expect(new Set(made.map(({ idBase }) => idBase)).size).toBe(10);
      await Promise.all(ids.map((id) => lab.engine.delete(id)));
    });
  },
);

describe.skipIf(lack !== null)(
  `an image on a file system without id-mapped mounts${lack !== null ? ` (missing: ${lack})` : ''}`,
  () => {
    test('is copied into the sandbox’s ids, and files belong to root all the same', async () => {
      const directory = mkdtempSync('/tmp/terrarium-shifted-');
      const [lower, merged] = [join(directory, 'lower'), join(directory, 'merged')];
      for (const path of ['lower/bin', 'lower/etc', 'upper', 'work', 'merged']) {
        mkdirSync(join(directory, path), { recursive: true });
      }
      copyFileSync('/bin/busybox', join(lower, 'bin/busybox'));
      symlinkSync('busybox', join(lower, 'bin/sh'));
      writeFileSync(join(lower, 'etc/su'), '', { mode: 0o4755 });
      chmodSync(join(lower, 'etc/su'), 0o4755);
      chownSync(join(lower, 'etc/su'), 7, 8);
      chmodSync(join(lower, 'etc/su'), 0o4755);
      // overlay itself cannot be id-mapped: a host whose images lie on one is such a host
      const layers = `lowerdir=${lower},upperdir=${join(directory, 'upper')},workdir=${join(directory, 'work')}`;
      mount('overlay', merged, 'overlay', 0, layers);
      try {
        const engine = await SandboxEngine.open({
          ...lab.options,
          baseImage: merged,
          instance: `${lab.engine.instance}-shifted`,
          state: join(directory, 'state'),
        });
        await engine.create({ id: 'shifted' });
        const { output } = await engine.runInSandbox('shifted', [
          '/bin/busybox',
          'stat',
          '-c',
          '%u %g %a',
          '/',
          '/bin/busybox',
          '/etc/su',
        ]);
        expect(output).toBe('0 0 755\n0 0 755\n7 8 4755\n');
        await engine.delete('shifted');
        await engine.close();
      } finally {
        umount2(merged);
        rmSync(directory, { recursive: true });
      }
    });
  },
);

describe.skipIf(lack !== null)(`a new engine${lack !== null ? ` (missing: ${lack})` : ''}`, () => {
  test('adopts what lives and removes what is left over', async () => {
    const layout = detectCgroupLayout();
    await lab.engine.create({ id: 'living' });
    await lab.engine.create({ id: 'dead' });
    const records = join(lab.directory, 'sandboxes');
    const living = JSON.parse(readFileSync(join(records, 'living.json'), 'utf8'));
    // What crashes leave: a record before the clone, half a file, groups without any record.
    writeFileSync(
      join(records, 'half.json'),
      JSON.stringify({ ...living, id: 'half', status: 'creating', init: null }),
    );
    writeFileSync(join(records, 'torn.json'), '{"version":1,"id":"to');
    for (const { mountPoint } of layout.hierarchies)
      mkdirSync(join(mountPoint, lab.engine.instance, 'stray'));
    process.kill(lab.engine.list().find(({ id }) => id === 'dead')!.initPid, 'SIGKILL');
    const player = await ResidentPlayer.start();
    const next = await SandboxEngine.open({ ...lab.options, player });
    const { adopted, removed } = await next.adopt();
    expect(adopted.map(({ id }) => id)).toContain('living');
    expect(adopted.map(({ id }) => id)).not.toContain('dead');
    expect(removed).toEqual(expect.arrayContaining(['half', 'torn', 'stray']));
    expect((await next.runInSandbox('living', ['cat', '/proc/1/comm'])).output).toBe('init\n');
    const fresh = await next.create({ id: 'fresh' });
    expect(lab.engine.list().map(({ idBase }) => idBase)).not.toContain(fresh.idBase);
    await next.delete('fresh');
    await next.delete('living');
    await until(
      'the first engine has noticed',
      () => !lab.engine.list().some(({ id }) => id === 'living'),
    );
    await player.close();
    expect(hostHoldings(lab).join('\n')).not.toMatch(/living|dead|half|torn|stray/);
  });
});

function one() {
  return lab.engine.list().find(({ id }) => id === 'one')!;
}
