/**
 * What a learner tries in the terminal of the page, and must not get or must not break for
 * others: each its own test. While it happens, the shell of another learner goes on answering.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { detectCgroupLayout, groupPath } from '../../../packages/engine/src/index.js';
import { identityOf, LACK, Lab, named, stateOf, textOf, until } from './lab.js';
import { LESSON, type Learner, Pulse } from './learner.js';

/** Small, so that they are reached soon. */
const LIMITS = { memoryMiB: 192, pids: 100, diskMiB: 48 };
/** The other learner's longest wait for an answer, ms: two CPUs shared with the tests themselves. */
const RESPONSIVE_MS = 2_000;

let lab: Lab;
let learner: Learner;
let neighbour: Learner;
let pulse: Pulse;
let canary: string;

describe.skipIf(LACK !== null)(named('a learner'), () => {
  beforeAll(async () => {
    lab = await Lab.start({
      TERRARIUM_MEMORY: String(LIMITS.memoryMiB),
      TERRARIUM_PIDS: String(LIMITS.pids),
      TERRARIUM_DISK: String(LIMITS.diskMiB),
    });
    neighbour = await lab.learner();
    learner = await lab.learner(LESSON);
    canary = join(lab.folder, 'terrarium-canary');
    writeFileSync(canary, 'of the host\n', { mode: 0o644 });
  });
  afterAll(async () => {
    await lab?.dispose();
  });
  beforeEach(() => {
    pulse = new Pulse(neighbour.shell);
  });
  afterEach(async (context) => {
    const { beats, median, worst } = await pulse.stop();
    console.log(
      `${context.task.name}: the neighbour's shell answered ${beats} times, median ${median} ms, worst ${worst} ms`,
    );
    if (context.task.result?.state === 'fail') console.error(lab.logs());
    expect(worst, 'longest wait of the neighbour, ms').toBeLessThan(RESPONSIVE_MS);
  });

  test('cannot read files of the host', async () => {
    const { output } = await learner.run(
      `ls -di / /proc/1/root/ /proc/self/root/ /proc/$$/cwd/../../../../..; cat ${canary} /proc/1/root${canary} ../../../../../..${canary}; ` +
        `ln -s /proc/1/root${canary} /lab/link; cat /lab/link; mkdir -p /lab/m; mount --bind ${lab.folder} /lab/m; ` +
        `find / /proc/[0-9]*/root/ /proc/[0-9]*/cwd/ -maxdepth 4 -name 'terrarium-canary*' 2>/dev/null; ` +
        `cat /proc/[0-9]*/mountinfo /proc/[0-9]*/environ /proc/[0-9]*/maps 2>/dev/null | tr '\\0' '\\n' | grep -a -e ${lab.folder} -e /home -e ${process.cwd()}; true`,
      30_000,
    );
    const roots = [...output.matchAll(/^\s*(\d+) /gm)].map(([, inode]) => inode);
    expect(new Set(roots).size, output).toBe(1);
    expect(output).not.toContain('of the host');
    expect(output.match(/No such file or directory/g)?.length, output).toBeGreaterThanOrEqual(4);
    expect(output, 'a path of the host').not.toMatch(/^(\/lab|\/proc\/\d+|)\S*terrarium-canary$/m);
    const shadow =
      textOf('/etc/shadow')
        .split('\n')
        .find((line) => line.startsWith('root:')) ?? '-';
    const hash = shadow.split(':')[1] ?? '';
    if (hash.length > 2)
      expect((await learner.run('cat /etc/shadow /proc/1/root/etc/shadow')).output).not.toContain(
        hash,
      );
  });

  test('cannot see or signal processes of other sandboxes or of the host', async () => {
    const mark = `98${Math.floor(Math.random() * 1e6)}`;
    await pulse.stop();
    await neighbour.run(`sleep ${mark} &`);
    await until('the neighbour’s page shows its process', () =>
      neighbour.processes.some(({ comm }) => comm === 'sleep'),
    );
    pulse = new Pulse(neighbour.shell);
    const victims = [
      ...neighbour.processes.map(({ hostPid }) => hostPid),
      ...(['daemon', 'terminal host', 'web', 'observer'] as const).map(
        (part) => lab.pid(part) ?? 0,
      ),
      process.pid,
    ];
    const identities = victims.map(identityOf);
    const seen = await learner.run(
      `cat /proc/[0-9]*/cmdline | tr '\\0' ' '; echo; ps -ef 2>/dev/null || ps`,
    );
    expect(seen.output).not.toContain(mark);
    expect(seen.output).not.toMatch(/\bnode\b|vitest|terrarium-player/);
    // Numbers of the host mean other processes inside, or none: those that exist inside are left alone.
    const { output } = await learner
      .run(
        `for p in ${victims.join(' ')}; do [ -d /proc/$p ] || kill -9 $p; done; kill -9 -1 2>&1; echo`,
        20_000,
      )
      .catch(() => ({ output: '' }));
    expect(output).not.toMatch(/Operation not permitted/); // they are not even there
    expect(victims.map(identityOf)).toEqual(identities);
    expect(victims.map(stateOf)).not.toContain('Z');
  });

  test('cannot mount a block device or make a device node, not even as root of a namespace of its own', async () => {
    const disks = readdirSync('/sys/block').map((name) =>
      textOf(`/sys/block/${name}/dev`).trim().replace(':', ' '),
    );
    expect(
      (await learner.run('mkdir -p /lab/m && mount -t tmpfs none /lab/m')).status,
      'what is allowed',
    ).toBe(0);
    const nodes = [
      'b 8 0',
      ...disks.slice(0, 4).map((disk) => `b ${disk}`),
      'c 1 1',
      'c 1 2',
      'c 10 237',
    ];
    const mounts = [
      'ext4',
      'xfs',
      'btrfs',
      'vfat',
      'iso9660',
      'squashfs',
      'devtmpfs',
      'debugfs',
      'tracefs',
      'securityfs',
      'bpf',
    ];
    await refused([
      ...nodes.flatMap((node) => [
        `mknod /root/node ${node}`,
        `mknod /lab/m/node ${node}`,
        `mknod /dev/node ${node}`,
      ]),
      ...nodes.map(
        (node) =>
          `unshare --user --map-root-user --mount sh -c 'mount -t tmpfs t /mnt && mknod /mnt/node ${node}'`,
      ),
      ...mounts.map((type) => `mount -t ${type} /dev/vda /lab/m`),
      'mount --bind /proc/1/root/dev/vda /lab/m',
      'cat /dev/mem',
      'cat /dev/kmsg',
    ]);
    const { output } = await learner.run(
      'find / -xdev -type b; find /dev -type b; find /dev -maxdepth 1 -type c; umount /lab/m',
    );
    expect(output.split('\n').sort()).toEqual(
      ['full', 'null', 'random', 'tty', 'urandom', 'zero'].map((name) => `/dev/${name}`),
    );
  });

  test('cannot load or remove a module, or name the program that does', async () => {
    const modules = () =>
      textOf('/proc/modules')
        .split('\n')
        .map((line) => line.split(' ')[0])
        .sort();
    const before = [modules(), textOf('/proc/sys/kernel/modprobe')];
    await learner.run('head -c 65536 /dev/zero > /lab/x.ko');
    const first = modules().find(Boolean) ?? 'loop';
    await refused([
      'busybox insmod /lab/x.ko',
      `busybox rmmod ${first}`,
      'unshare --user --map-root-user busybox insmod /lab/x.ko',
      'echo /lab/evil > /proc/sys/kernel/modprobe',
      'echo /lab/evil > /proc/sys/kernel/core_pattern',
      'echo /lab/evil > /sys/kernel/uevent_helper',
      'echo 1 > /proc/sys/kernel/modules_disabled',
    ]);
    expect([modules(), textOf('/proc/sys/kernel/modprobe')]).toEqual(before);
  });

  test('cannot write sysctls of the host', async () => {
    const hostValues = () =>
      new Map(
        SHARED_SYSCTLS.flatMap((path) => filesBelow(path)).map((path) => [path, textOf(path)]),
      );
    const before = hostValues();
    // Everything is written back as it is, then numbers one higher; what the kernel takes is told.
    const { output } = await learner.run(
      `tried=0; for f in $(find /proc/sys -type f); do v=; read -r v < $f; n=\${v%%[!0-9]*}; n=\${n#\${n%%[1-9]*}}; ` +
        `for w in "\${v:-1}" $((\${n:-0}+1)); do tried=$((tried+1)); echo "$w" > $f && echo "$f"; done; done 2>/dev/null; echo tried $tried`,
      60_000,
    );
    const tried = Number(/tried (\d+)$/.exec(output)?.[1]);
    expect(tried, output.slice(-200)).toBeGreaterThan(500);
    const taken = [...new Set(output.split('\n').filter((line) => line.startsWith('/proc/sys/')))];
    console.log(`${tried} writes to sysctls; the kernel took those of ${taken.length} files`);
    const foreign = taken.filter((path) => !OWN_SYSCTL.test(path));
    expect(foreign, 'sysctls that are not of a namespace').toEqual([]);
    expect(taken.length, 'own sysctls, so that the attempts are known to work').toBeGreaterThan(3);
    const after = hostValues();
    const changed = [...before].filter(
      ([path, value]) =>
        after.get(path) !== value &&
        !VOLATILE_SYSCTL.test(path) &&
        !isAnybodysSwitch(path, value, after.get(path)),
    );
    expect(
      changed.map(([path, value]) => `${path}: ${value.trim()} → ${after.get(path)?.trim()}`),
    ).toEqual([]);
    await refused([
      'echo h > /proc/sysrq-trigger',
      'echo 3 > /proc/sys/vm/drop_caches',
      'sysctl -w kernel.panic=1',
    ]);
  }, 90_000);

  test('cannot raise a limit of its own, whichever file it writes', async () => {
    const before = limitsOfSandbox();
    expect(
      [...before.keys()].some((path) => /pids\.max$/.test(path)),
      [...before.keys()].join(' '),
    ).toBe(true);
    const values = [
      '-1',
      'max',
      '9223372036854771712',
      '1000000',
      '0-63',
      'a *:* rwm',
      'b *:* rwm',
      '1',
    ];
    const { output } = await learner.run(
      `find /sys/fs/cgroup -type f | grep -v -e procs -e tasks -e threads | while read f; do for v in ${values.map((value) => `"${value}"`).join(' ')}; do echo "$v" > $f && echo "took $f $v"; done; done 2>/dev/null; echo end`,
      60_000,
    );
    expect(output).toMatch(/end$/);
    const after = limitsOfSandbox();
    const changed = [...before].filter(([path, value]) => after.get(path) !== value);
    expect(changed.map(([path, value]) => `${path}: ${value} → ${after.get(path)}`)).toEqual([]);
    const pidsFile = detectCgroupLayout().kind === 'v2' ? 'pids.max' : 'pids/pids.max';
    await refused([
      `chmod 666 /sys/fs/cgroup/${pidsFile}`,
      `unshare --user --map-root-user sh -c 'echo max > /sys/fs/cgroup/${pidsFile}'`,
      `ls -d /sys/fs/cgroup/../${lab.instance} /sys/fs/cgroup/pids/../../${lab.instance}`,
      'test -n "$(find /sys/fs/cgroup -name release_agent)"',
      'ulimit -Hn 1000000',
      'ulimit -Hs unlimited',
      'echo -1000 > /proc/self/oom_score_adj',
      'renice -n -20 $$',
      'echo 100000 > /proc/sys/user/max_user_namespaces',
      'mount -o remount,size=10g /dev/shm',
      'mount -o remount,size=10g /lab',
      'mount -o remount,size=10g /',
    ]);
    // A group below may say what it likes: the one above counts.
    const below = await learner.run(
      'for d in /sys/fs/cgroup/memory /sys/fs/cgroup; do [ -f $d/cgroup.procs ] && mkdir $d/big && break; done; ' +
        'for f in memory.limit_in_bytes memory.max; do echo 4294967296 > $d/big/$f; done 2>/dev/null; ' +
        "sh -c 'echo $$ > '$d'/big/cgroup.procs; exec tail /dev/zero'; echo status $?; rmdir $d/big",
      60_000,
    );
    expect(below.output).toMatch(/status 137/);
  }, 120_000);

  test('fills its processes: the limit holds, and the shell works again when they are gone', async () => {
    const most = watchPids();
    const { output } = await learner.run(
      "busybox sh -c 'i=0; while [ $i -lt 400 ]; do sleep 1000 & i=$((i+1)); done; echo all'",
      30_000,
    );
    expect(output).not.toMatch(/^all$/m);
    expect(most()).toBeGreaterThan(LIMITS.pids * 0.9);
    expect(most()).toBeLessThanOrEqual(LIMITS.pids);
    const { output: after } = await learner.run('kill -9 -1; true', 10_000);
    expect(after).not.toMatch(/not permitted/);
    await until('the processes are gone', () => Number(textOf(pidsFileOfSandbox())) < 10);
    expect(await learner.run('command ls /bin/sh')).toEqual({ output: '/bin/sh', status: 0 });
  }, 60_000);

  test('sets off a fork bomb: others come and work meanwhile, and Reset step ends it', async () => {
    const most = watchPids();
    learner.shell.terminal.type('bomb() { bomb | bomb & }; bomb\r');
    await until('the bomb is at its limit', () => most() >= LIMITS.pids - 2, 20_000);
    const began = performance.now();
    const newcomer = await lab.learner();
    const arrival = performance.now() - began;
    expect((await newcomer.run('echo hello')).output).toBe('hello');
    newcomer.leave();
    expect(most()).toBeLessThanOrEqual(LIMITS.pids);
    const took = await learner.reset();
    console.log(
      `fork bomb: ${most()} processes at most; a newcomer at the prompt after ${Math.round(arrival)} ms; reset ${Math.round(took)} ms`,
    );
    expect(await learner.run('command ls /bin/sh')).toEqual({ output: '/bin/sh', status: 0 });
    await until('the page sees the new sandbox', () => learner.page.state.sandbox !== null, 20_000);
    expect(Number(textOf(pidsFileOfSandbox()))).toBeLessThan(10);
  }, 90_000);

  test('fills its disk: ENOSPC, no more of the host’s memory than its share, and room again after rm', async () => {
    const { output, status } = await learner.run(
      'for f in /root/big /lab/big /tmp/big /run/big /var/big /dev/shm/big; do dd if=/dev/zero of=$f bs=1M count=1024 || echo full; done; ls -l /root/big',
      60_000,
    );
    const taken = memoryOfSandbox('used');
    expect(status).toBe(0);
    expect(output.match(/No space left on device/g)?.length).toBe(6);
    // /dev/shm is a tmpfs of its own; both are counted to the sandbox's memory.
    expect(taken, 'MiB that the sandbox is charged for').toBeGreaterThan(LIMITS.diskMiB);
    expect(memoryOfSandbox('most')).toBeLessThanOrEqual(LIMITS.memoryMiB);
    const again = await learner.run(
      'rm -f /root/big /lab/big /tmp/big /run/big /var/big /dev/shm/big; head -c 8388608 /dev/zero > /root/small && rm /root/small && echo room',
    );
    expect(again.output).toBe('room');
    const many = await learner.run(
      "mkdir /lab/many && cd /lab/many && busybox sh -c 'i=0; while :; do : > $i || break; i=$((i+1)); done'; cd /; rm -r /lab/many && echo gone",
      60_000,
    );
    expect(many.output).toMatch(/No space left on device[\s\S]*gone$/);
    console.log(`disk full: ${Math.round(taken)} MiB of memory`);
  }, 120_000);

  test('eats memory: its own process is killed, and nobody else’s', async () => {
    const parts = (['daemon', 'terminal host', 'web', 'observer'] as const).map((part) =>
      identityOf(lab.pid(part) ?? 0),
    );
    const shell = await learner.run('echo $$');
    const { status } = await learner.run('tail /dev/zero', 60_000);
    const most = memoryOfSandbox('most');
    console.log(`memory hog: status ${status}, ${Math.round(most)} MiB at most`);
    expect(most).toBeGreaterThan(LIMITS.memoryMiB * 0.9);
    expect(most).toBeLessThanOrEqual(LIMITS.memoryMiB);
    expect(status).toBe(137);
    expect(await learner.run('echo $$')).toEqual(shell);
    expect(
      (['daemon', 'terminal host', 'web', 'observer'] as const).map((part) =>
        identityOf(lab.pid(part) ?? 0),
      ),
    ).toEqual(parts);
    // A tmpfs of the learner's own is no process that could be killed: Reset helps.
    learner.shell.terminal.type(
      'mkdir -p /lab/t; mount -t tmpfs -o size=10g none /lab/t; while :; do dd if=/dev/zero bs=1M count=64 >> /lab/t/x; done\r',
    );
    await until('the memory is full', () => memoryOfSandbox('used') > LIMITS.memoryMiB - 8, 30_000);
    const took = await learner.reset();
    console.log(`memory full of a tmpfs: reset ${Math.round(took)} ms`);
    expect((await learner.run('echo hello')).output).toBe('hello');
  }, 120_000);
});

/** Runs each line; all must be refused by the kernel, none for want of a program. */
async function refused(lines: readonly string[]): Promise<void> {
  const { output } = await learner.run(
    `${lines.map((line, number) => `( ${line} ) > /dev/null 2> /tmp/said; echo "$? ${number} $(head -n 1 /tmp/said)"`).join('\n')}\ntrue`,
    60_000,
  );
  const answers = output.split('\n').map((line) => /^(\d+) (\d+) ?(.*)$/.exec(line));
  const wrong = answers.flatMap((answer) => {
    const [, status, number, said = ''] = answer ?? [];
    const line = lines[Number(number)];
    const isRefused =
      status !== '0' && status !== '127' && !/usage|not found|invalid option/i.test(said);
    return isRefused ? [] : [`${line}: status ${status}: ${said}`];
  });
  expect(wrong, 'not refused').toEqual([]);
  expect(answers, output).toHaveLength(lines.length);
}

function sandboxId(): string {
  return learner.page.state.sandbox.id;
}

/** The directories on the host of the sandbox's groups. */
function groupsOfSandbox(): string[] {
  return detectCgroupLayout()
    .hierarchies.map((hierarchy) => groupPath(hierarchy, `/${lab.instance}/${sandboxId()}`))
    .filter((directory) => existsSync(directory));
}

function pidsFileOfSandbox(): string {
  return (
    groupsOfSandbox()
      .map((group) => join(group, 'pids.current'))
      .find((path) => existsSync(path)) ?? ''
  );
}

/** Memory that the sandbox is charged for now, or was at most, MiB. */
function memoryOfSandbox(which: 'used' | 'most'): number {
  const names = {
    used: ['memory.usage_in_bytes', 'memory.current'],
    most: ['memory.max_usage_in_bytes', 'memory.peak'],
  }[which];
  const file = groupsOfSandbox()
    .flatMap((group) => names.map((name) => join(group, name)))
    .find((path) => existsSync(path));
  return Number(textOf(file ?? '')) / 2 ** 20;
}

/** Every limit as the host reads it; figures that change by themselves are left out. */
function limitsOfSandbox(): Map<string, string> {
  const figure =
    /procs|tasks|threads|stat|usage|current|failcnt|events|pressure|peak|slabinfo|freezing|effective|memory_pressure|\.numa|load|max_usage|controllers|type$|kill$/;
  return new Map(
    groupsOfSandbox().flatMap((group) =>
      readdirSync(group, { withFileTypes: true })
        .filter((entry) => entry.isFile() && !figure.test(entry.name))
        .map((entry) => join(group, entry.name))
        .map((path) => [path, textOf(path)] as const),
    ),
  );
}

/** Watches how many processes the sandbox has. @returns the most so far */
function watchPids(): () => number {
  const file = pidsFileOfSandbox();
  let most = 0;
  const look = (): void => {
    most = Math.max(most, Number(textOf(file)));
  };
  const timer = setInterval(look, 5);
  timer.unref();
  setTimeout(() => clearInterval(timer), 60_000).unref();
  return () => {
    look();
    return most;
  };
}

/** Folders whose sysctls are, but for a few, the whole machine's. */
const SHARED_SYSCTLS = ['/proc/sys/kernel', '/proc/sys/vm', '/proc/sys/fs', '/proc/sys/net'];
/** Sysctls that belong to a namespace: network, IPC, UTS, user; pid_max to the pid namespace since Linux 6.14. */
const OWN_SYSCTL =
  /^\/proc\/sys\/(net\/|fs\/mqueue\/|user\/|kernel\/(hostname|domainname|sem|shm\w*|msg\w*|auto_msgmni|sem_next_id|ns_last_pid|pid_max)$)/;
/** Those that change without anybody writing them. */
const VOLATILE_SYSCTL =
  /random\/|ns_last_pid|dentry-state|file-nr|inode-|inode_|pty\/nr|nr_|conntrack_count|stat_refresh|perf_event|sched_|netdev_rss/;

/**
 * A switch of the whole machine that the kernel lets the root of any network namespace turn on, and
 * nobody turn off again (net/netfilter/nf_hooks_lwtunnel.c: a static key). Whoever may make network
 * namespaces has it, in every container engine; all it does is show tunnelled packets to the hooks.
 */
const ANYBODYS_SWITCH = '/proc/sys/net/netfilter/nf_hooks_lwtunnel';

/** Whether a difference is the one that no fence can keep from a sandbox with a network of its own. */
function isAnybodysSwitch(path: string, before: string, after: string | undefined): boolean {
  return path === ANYBODYS_SWITCH && before.trim() === '0' && after?.trim() === '1';
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
