/**
 * Known attacks on container runtimes, each as a real attempt: by an image, by a config, by a
 * process inside while another container is made or entered. Where it is cheap, the same attempt is
 * shown to succeed against a plan that was weakened as data: so it is the defence that stops it.
 * Needs root, and gcc for what no shell can try.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ContainerPlanInput, containerExecPlan } from '../../packages/engine/src/index.js';
import type { MountConfig, ProcessConfig, RuntimeConfig } from '../../packages/spec/src/index.js';
import {
  bytes,
  type Call,
  cstring,
  openPtyPeer,
  type Plan,
  PlanError,
  unlockPty,
} from '../../packages/syscall/src/index.js';
import {
  callOf,
  edited,
  HardeningLab,
  isStep,
  mapped,
  missing,
  outputTo,
  type Started,
  until,
  without,
} from './hardening-lab.js';

const lack = missing() ?? (existsSync('/usr/bin/gcc') ? null : 'gcc');
if (lack !== null) console.warn(`attacks: skipped, this needs ${lack}`);

const ID_BASE = 1_500_000;
/** what docker and podman give a container's root */
const USUAL = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
];
const MASKED = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/timer_list',
  '/proc/meminfo',
  '/sys/firmware',
];
const READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

interface Wanted {
  readonly args?: string[];
  readonly script?: string;
  readonly user?: boolean;
  readonly capabilities?: readonly string[];
  readonly mounts?: readonly MountConfig[];
  readonly linux?: Partial<NonNullable<RuntimeConfig['linux']>>;
  readonly process?: Partial<ProcessConfig>;
  readonly rootfs?: string;
}

/** A container as others make them, with root inside; `user`: root of a user namespace only. */
function config(wanted: Wanted): RuntimeConfig {
  const { script = 'true', args = ['sh', '-c', script], user = false, mounts = [] } = wanted;
  const capabilities = (wanted.capabilities ?? USUAL).map((name) => `CAP_${name}`);
  const ids = [{ containerID: 0, hostID: ID_BASE, size: 65_536 }];
  const kinds = ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup', ...(user ? ['user'] : [])];
  return {
    ociVersion: '1.3.0',
    root: { path: wanted.rootfs ?? 'rootfs' },
    process: {
      user: { uid: 0, gid: 0 },
      args,
      cwd: '/',
      env: ['PATH=/bin'],
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      ...wanted.process,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro', 'nosuid'] },
      ...mounts,
    ],
    linux: {
      namespaces: kinds.map((type) => ({ type: type as 'pid' })),
      ...(user ? { uidMappings: ids, gidMappings: ids } : {}),
      maskedPaths: MASKED,
      readonlyPaths: READONLY,
      ...wanted.linux,
    },
  };
}

let lab: HardeningLab;
let mounts: string;
let victim: string;
const open: Started[] = [];

/** An image of its own for a test that spoils it. */
function spoiledRootfs(name: string, spoil: (root: string) => void): string {
  const root = join(lab.directory, name);
  execFileSync('cp', ['-a', lab.rootfs, root]);
  spoil(root);
  return root;
}

/** Runs a container to its end; a plan that fails gives its message instead of output. */
async function tried(
  wanted: Wanted,
  change: (plan: Plan) => Plan = (plan) => plan,
  more: Partial<ContainerPlanInput> = {},
): Promise<string> {
  try {
    return (await lab.run(config(wanted), more, change)).output;
  } catch (error) {
    if (error instanceof PlanError) return `refused: ${error.message}`;
    throw error;
  }
}

/** Starts a container that stays until the test ends. */
async function running(wanted: Wanted): Promise<Started> {
  const id = lab.nextId();
  const started = await lab.start(id, (out) =>
    lab.plan(config(wanted), { id, stdio: outputTo(out) }),
  );
  open.push(started);
  return started;
}

/** `name answer` lines. */
function answers(output: string): Record<string, string> {
  const rows = output.split('\n').filter((line) => line.includes(' '));
  return Object.fromEntries(rows.map((line) => line.split(' ') as [string, string]));
}

/** Enters a container and stops before execve, `standing`, until `goOn` or `abort`. */
function enterHalfway(
  container: Started,
  change: (plan: Plan) => Plan = (plan) => plan,
  process: Partial<ProcessConfig> = {},
) {
  const types = (config({}).linux?.namespaces ?? []).map(({ type }) => type);
  const own = config({ args: ['/bin/true'] }).process as ProcessConfig;
  const { plan: sound } = containerExecPlan({
    id: container.id,
    initPid: container.pid,
    namespaces: [...types, ...(hasUserNamespace(container.pid) ? (['user'] as const) : [])],
    rootOfInit: false,
    facts: lab.facts,
    group: `${lab.parent}/${container.id}`,
    process: { ...own, ...process },
    program: { args: ['/bin/true'], env: [] },
  });
  const plan = change(sound);
  let stand = () => {};
  const standing = new Promise<void>((resolve) => {
    stand = resolve;
  });
  const run = lab.player.run(plan, {
    stepped: true,
    onWaiting: (process, index) => {
      const step = plan.processes[process]?.[index];
      if (step?.purpose.id === 'execve') stand();
      else run.step(process);
    },
  });
  const ended = run.done.then(
    () => {},
    () => {}, // whoever wants to know asks run.done
  );
  return { run, standing: Promise.race([standing, ended]), goOn: () => run.step('process') };
}

function hasUserNamespace(pid: number): boolean {
  return !/^ *0 +0 +4294967295/.test(readFileSync(`/proc/${pid}/uid_map`, 'utf8'));
}

describe.skipIf(lack !== null)(`attacks${lack === null ? '' : ` (missing: ${lack})`}`, () => {
  beforeAll(async () => {
    lab = await HardeningLab.open('attacks');
    const source = fileURLToPath(new URL('attacks-attempts.c', import.meta.url));
    execFileSync('gcc', [
      '-static',
      '-O1',
      '-Wall',
      '-Werror',
      '-o',
      join(lab.rootfs, 'attempt'),
      source,
    ]);
    mounts = lab.mounts();
  });
  beforeEach(() => {
    victim = join(lab.directory, 'victim');
    mkdirSync(victim);
    writeFileSync(join(victim, 'secret'), 'of the host\n');
  });
  afterEach(async () => {
    for (const started of open.splice(0)) await started.remove();
    expect(readdirSync(victim)).toEqual(['secret']);
    expect(readFileSync(join(victim, 'secret'), 'utf8')).toBe('of the host\n');
    rmSync(victim, { recursive: true });
    expect(lab.mounts()).toBe(mounts);
  });
  afterAll(async () => {
    await lab?.close();
  });

  describe('leaked fds and working directories (CVE-2024-21626)', () => {
    const read = () => ({
      script: `cat ./${victim}/secret; cat ../../..${victim}/secret; ls -l /proc/self/fd`,
    });

    test('a working directory of /proc/self/fd/N is refused, for every N', async () => {
      for (let fd = 3; fd < 16; fd++) {
        const output = await tried({ ...read(), process: { cwd: `/proc/self/fd/${fd}` } });
        expect(output).toMatch(
          /^refused: .*openat2\(AT_FDCWD, "\/proc\/self\/fd\/\d+".*(ELOOP|ENOENT)/,
        );
      }
    });

    test('so is one that a symlink of the image leads to', async () => {
      const rootfs = spoiledRootfs('cwd-image', (root) =>
        symlinkSync('/proc/self/fd/3', join(root, 'work')),
      );
      expect(await tried({ ...read(), rootfs, process: { cwd: '/work' } })).toMatch(
        /^refused: .*ELOOP/,
      );
    });

    test('with a plain chdir it would read the host’s files', async () => {
      const output = [];
      for (let fd = 3; fd < 8; fd++) {
        const weaken = (plan: Plan) =>
          edited(plan, 'init', (steps) =>
            steps.flatMap((step) => {
              if (!isStep('cwd')(step)) return [step];
              return step.syscall === 'openat2'
                ? [
                    {
                      ...plain(step),
                      syscall: 'chdir',
                      args: [{ kind: 'block', block: cstring(`/proc/self/fd/${fd}`) }],
                    },
                  ]
                : [];
            }),
          );
        output.push(await tried(read(), weaken));
      }
      expect(output.join('')).toContain('of the host');
    });

    test('exec refuses them too', async () => {
      const container = await running({ script: 'sleep 1000' });
      for (let fd = 3; fd < 64; fd++) {
        const { run } = enterHalfway(container, undefined, { cwd: `/proc/self/fd/${fd}` });
        await expect(run.done).rejects.toThrow(/openat2.*(ELOOP|ENOENT)/);
      }
    });

    test('a program has no fd but the standard ones, in start and exec', async () => {
      expect(await tried({ script: 'echo /proc/self/fd/*' })).toBe(
        '/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n',
      ); // 3: the listing itself
    });
  });

  describe('the process that joins a container', () => {
    const ALL = ['SYS_PTRACE', 'SYS_ADMIN', 'DAC_READ_SEARCH', ...USUAL];

    test('cannot be traced or read by root of a user namespace', async () => {
      const container = await running({ args: ['/attempt', 'spy'], user: true, capabilities: ALL });
      const joining = enterHalfway(container);
      await joining.standing;
      await until('the spy has tried', () => container.output().includes('spied'));
      joining.goOn();
      await joining.run.done;
      const got = answers(container.output());
      expect(new Set(Object.values(got))).toEqual(new Set(['EPERM', 'EACCES']));
      expect(Object.keys(got)).toEqual(
        expect.arrayContaining([
          'attach',
          'seize',
          'readv',
          'mem',
          'environ',
          'cwd',
          'root',
          'exe',
        ]),
      );
      expect(Object.keys(got)).not.toContain('getfd');
    });

    test('could be, were it dumpable', async () => {
      const container = await running({
        args: ['/attempt', 'insist'],
        user: true,
        capabilities: ALL,
      });
      const joining = enterHalfway(container, (plan) => {
        const dumpable = (step: Call) => ({
          ...callOf(step),
          args: step.args.map((old, at) =>
            at === 1 ? { kind: 'number' as const, value: 1n } : old,
          ),
        });
        const isSet = (step: Plan['processes'][string][number]) =>
          step.kind === 'call' &&
          step.syscall === 'prctl' &&
          step.display.includes('PR_SET_DUMPABLE');
        const open = mapped(plan, isSet, (step) => [dumpable(step)]);
        const [again] = open.processes['outside']?.filter(isSet) ?? [];
        // Every change of ids makes it undumpable again.
        return edited(open, 'process', (steps) =>
          steps.flatMap((step) =>
            step.purpose.id === 'close-fds' && again !== undefined ? [again, step] : [step],
          ),
        );
      });
      await until('it is attached', () => container.output().includes('attach done'));
      await open.pop()?.remove(); // who traces it holds it
      joining.run.abort();
      await joining.run.done.catch(() => {});
    });

    test('gives no way to overwrite the player (CVE-2019-5736), even to root with all capabilities', async () => {
      const container = await running({ args: ['/attempt', 'overwrite'], capabilities: ALL });
      const joining = enterHalfway(container);
      await joining.standing;
      await until('the program is held', () => container.output().includes('held'));
      joining.goOn();
      await joining.run.done;
      await until('the attempt has ended', () => container.output().includes('spied'));
      const { hold, ...got } = answers(container.output());
      expect(hold).toMatch(/done|EACCES/);
      expect(
        Object.values(got).every((answer) =>
          ['EPERM', 'ETXTBSY', 'EACCES', 'EBADF', 'ENOENT'].includes(answer),
        ),
      ).toBe(true);
      expect(Object.keys(got).sort()).toEqual([
        'truncate',
        'unseal',
        'write-afterwards',
        'write-while-running',
      ]);
    });

    test('gives none to an image whose shell is /proc/self/exe', async () => {
      const rootfs = spoiledRootfs('exe-image', (root) => {
        rmSync(join(root, 'bin/true'));
        writeFileSync(join(root, 'bin/true'), '#!/proc/self/exe\n', { mode: 0o755 });
      });
      await tried({ args: ['/bin/true'], rootfs });
      await tried({ args: ['/proc/self/exe'], rootfs });
      expect(await tried({ script: 'echo sound' })).toBe('sound\n');
    });
  });

  describe('mounts that symlinks lead astray', () => {
    const tmpfs = (destination: string): MountConfig => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['mode=755'],
    });

    test.each([
      [
        'an absolute symlink',
        (root: string) => symlinkSync(victim, join(root, 'link')),
        '/link/new',
      ],
      [
        'a symlink that climbs',
        (root: string) => symlinkSync('../../../../../../..', join(root, 'link')),
        `/link/LAB/victim/new`,
      ],
      ['.. in the destination', () => {}, '/data/../../../../../LAB/victim/new'],
    ])('%s stays below the root', async (_, spoil, destination) => {
      const rootfs = spoiledRootfs(`astray-${Math.abs(destination.length)}`, (root) => {
        spoil(root);
        mkdirSync(join(root, victim), { recursive: true });
      });
      const output = await tried({
        rootfs,
        mounts: [tmpfs(destination.replace('LAB', lab.directory.slice(1)))],
        script: 'grep new /proc/self/mountinfo | wc -l',
      });
      expect(output).toMatch(/^1\n$|^refused/);
      rmSync(rootfs, { recursive: true });
    });

    test('a volume that a neighbour changes meanwhile (CVE-2021-30465)', async () => {
      const volume = join(lab.directory, 'volume');
      mkdirSync(join(volume, 'a'), { recursive: true });
      symlinkSync('../../../../../../../..', join(volume, 'b'));
      const shared: MountConfig = {
        destination: '/data',
        type: 'bind',
        source: volume,
        options: ['rbind'],
      };
      await running({ args: ['/attempt', 'swap', '/data/a', '/data/b'], mounts: [shared] });
      const outcomes = new Map<string, number>();
      for (let i = 0; i < 200; i++) {
        const output = await tried({
          mounts: [shared, tmpfs(`/data/a${victim}`)],
          script: 'echo started; cat /etc/place',
        });
        const outcome = output.startsWith('refused') ? 'refused' : output;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        expect(lab.mounts()).toBe(mounts);
      }
      for (const outcome of outcomes.keys())
        expect(['refused', 'started\ncontainer\n']).toContain(outcome);
      expect(readdirSync(victim)).toEqual(['secret']);
    });

    test('/dev as a symlink of the image (CVE-2026-41579): nodes are made below the root', async () => {
      const rootfs = spoiledRootfs('dev-image', (root) => {
        rmSync(join(root, 'dev'), { recursive: true });
        symlinkSync(victim, join(root, 'dev'));
        mkdirSync(join(root, victim), { recursive: true });
      });
      const without: Wanted = { rootfs, script: 'ls /dev' };
      const own = config(without);
      const output = await lab
        .run({
          ...own,
          mounts: own.mounts?.filter(({ destination }) => destination !== '/dev') ?? [],
        })
        .then(
          (result) => result.output,
          (error: Error) => `refused: ${error.message}`,
        );
      expect(output).toMatch(/null|^refused/);
      expect(readdirSync(victim)).toEqual(['secret']);
    });
  });

  describe('masks and consoles', () => {
    test.each([false, true])(
      '/dev/null of the image is not what masks (CVE-2025-31133), user namespace: %s',
      async (user) => {
        const fake = join(lab.directory, 'fake-null');
        writeFileSync(fake, 'not null\n', { mode: 0o666 });
        const bind: MountConfig = {
          destination: '/dev/null',
          type: 'bind',
          source: fake,
          options: ['bind'],
        };
        const wanted: Wanted = {
          user,
          mounts: [bind],
          script:
            'wc -c < /proc/meminfo; echo x > /proc/meminfo; chmod 600 /proc/meminfo && echo changed; wc -c < /proc/meminfo',
        };
        const output = await tried(wanted, undefined, { sourceKind: () => 'file' });
        expect(output).not.toContain('changed');
        if (!output.startsWith('refused')) expect(output.match(/^0$/gm)).toHaveLength(2);
        expect(readFileSync(fake, 'utf8')).toBe('not null\n');
      },
    );

    test('/dev/null as a symlink: neither masks nor standard files follow it out', async () => {
      const rootfs = spoiledRootfs('null-image', (root) => {
        symlinkSync('/proc/sys/kernel/core_pattern', join(root, 'dev/null'));
      });
      const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
      const own = config({ rootfs, script: 'wc -c < /proc/meminfo; ls -l /proc/self/fd/0' });
      for (const user of [false, true]) {
        const wanted = config({ rootfs, user, script: 'wc -c < /proc/meminfo' });
        const plain = {
          ...wanted,
          mounts: own.mounts?.filter(({ destination }) => destination !== '/dev') ?? [],
        };
        const output = await lab.run(plain).then(
          (result) => result.output,
          (error: Error) => `refused: ${error.message}`,
        );
        expect(output).toMatch(/^0\n|^refused/);
      }
      expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(pattern);
    });

    test.each([
      ['/dev/console', 'dev/console'],
      ['/dev/pts', 'dev/pts'],
    ])('a console is not put where %s of the image points (CVE-2025-52565)', async (_, name) => {
      const rootfs = spoiledRootfs(`console-${name.slice(4)}`, (root) => {
        writeFileSync(join(root, 'target'), 'target\n');
        symlinkSync(
          name === 'dev/pts' ? '/proc/sys/kernel' : '/proc/sys/kernel/core_pattern',
          join(root, name),
        );
      });
      const own = config({
        rootfs,
        script: 'grep -c core_pattern /proc/self/mountinfo > /tmp/result',
        process: { terminal: true },
      });
      const devpts: MountConfig = {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666'],
      };
      const mounted = [
        ...(own.mounts?.filter(({ destination }) => destination !== '/dev') ?? []),
        ...(name === 'dev/console' ? [devpts] : []),
      ];
      const outcome = await lab.run({ ...own, mounts: mounted }).then(
        () => readFileSync(join(rootfs, 'tmp/result'), 'utf8'),
        (error: Error) => error.message,
      );
      expect(outcome).toMatch(/^0\n$|ELOOP|EINVAL|ENOENT|ENOTDIR|EACCES|EPERM|ENOTTY/);
    });

    test.each(['symlink', 'bind'])(
      '/proc as a %s takes no setting of the runtime (CVE-2025-52881)',
      async (how) => {
        const fake = join(lab.directory, `fake-proc-${how}`);
        for (const folder of ['sys/net/ipv4', 'self'])
          mkdirSync(join(fake, folder), { recursive: true });
        for (const file of ['sys/net/ipv4/ip_unprivileged_port_start', 'self/oom_score_adj'])
          writeFileSync(join(fake, file), 'fake');
        const rootfs = spoiledRootfs(`proc-${how}`, (root) => {
          if (how === 'bind') return;
          rmSync(join(root, 'proc'), { recursive: true });
          execFileSync('cp', ['-a', fake, join(root, 'fake')]);
          symlinkSync('fake', join(root, 'proc'));
        });
        const mounts: MountConfig[] =
          how === 'bind'
            ? [{ destination: '/proc', type: 'bind', source: fake, options: ['bind'] }]
            : [];
        const output = await tried({
          rootfs,
          mounts: [...mounts, { destination: '/rw', type: 'proc', source: 'proc' }],
          process: { oomScoreAdj: 432 },
          linux: { sysctl: { 'net.ipv4.ip_unprivileged_port_start': '9' } },
          script: 'cat /rw/sys/net/ipv4/ip_unprivileged_port_start /rw/self/oom_score_adj',
        });
        expect(output).toMatch(/^9\n432\n$|^refused/);
        expect(readFileSync(join(fake, 'sys/net/ipv4/ip_unprivileged_port_start'), 'utf8')).toBe(
          'fake',
        );
      },
    );
  });

  describe('what belongs to the runtime', () => {
    test('its supplementary groups are gone; a group that is not mapped is refused', async () => {
      expect(await tried({ script: 'id -G' })).toBe('0\n');
      expect(await tried({ user: true, script: 'id -G' })).toBe('0\n');
      const process = { user: { uid: 0, gid: 0, additionalGids: [70_000] } };
      expect(await tried({ user: true, process })).toMatch(/^refused: .*setgroups.*EINVAL/);
    });

    test('its keys are not to be found', async () => {
      const keys = (plan: Plan): Plan => {
        const [step] = plan.processes['outside']?.filter(isStep('test-machine')) ?? [];
        if (step === undefined) throw new Error('no machine');
        const call = (syscall: string, args: Call['args']): Call => ({
          ...plain(step),
          syscall,
          args,
        });
        const number = (value: number) => ({ kind: 'number' as const, value: BigInt(value) });
        const block = (text: string) => ({ kind: 'block' as const, block: bytes(`${text}\0`) });
        return edited(plan, 'outside', (steps) => [
          call('keyctl', [number(1), number(0)]), // a session keyring, for this run alone
          call('add_key', [
            block('user'),
            block('terrarium-secret'),
            block('x'),
            number(1),
            number(-3),
          ]),
          ...steps,
        ]);
      };
      const args = ['/attempt', 'key'];
      expect(await tried({ args }, keys)).toMatch(/^key (ENOKEY|EACCES|ENOSYS)\n$/);
      expect(await tried({ args }, (plan) => without(keys(plan), isStep('new-keyring')))).toBe(
        'key done\n',
      );
    });

    test('its terminal takes no input from inside (TIOCSTI)', async () => {
      const master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY);
      unlockPty(master);
      const slave = openPtyPeer(master);
      const shell = spawn('setsid', ['--ctty', 'sleep', 'infinity'], {
        stdio: [slave, slave, slave],
      });
      await once(shell, 'spawn');
      await until('the terminal belongs to a session', () => /\n/.test(sessionOf(shell.pid ?? 0)));
      const id = lab.nextId();
      try {
        const started = await lab.start(id, (out) => {
          const [terminal, file] = [slave, out].map((fd) => ({ ownerPid: process.pid, fd }));
          return lab.plan(config({ args: ['/attempt', 'type'] }), {
            id,
            stdio: { stdin: terminal ?? null, stdout: file ?? null, stderr: null },
          });
        });
        await started.ended;
        await started.remove();
        const got = answers(started.output());
        expect(got['steal']).toBe('EPERM');
        expect(got['type']).toMatch(/EPERM|EIO/);
      } finally {
        shell.kill('SIGKILL');
        await once(shell, 'exit');
        closeSync(slave);
        closeSync(master);
      }
    });
  });

  describe('the machine', () => {
    const WRITES = [
      '/proc/sysrq-trigger',
      '/proc/sys/kernel/core_pattern',
      '/proc/sys/kernel/hotplug',
      '/proc/sys/kernel/modprobe',
      '/proc/sys/vm/panic_on_oom',
      '/sys/kernel/uevent_helper',
      '/sys/kernel/mm/ksm/run',
      '/proc/irq/default_smp_affinity',
    ];
    // Opened for writing only: nothing is ever written.
    const openAll = WRITES.map(
      (file) => `test -e ${file} && (: >> ${file}) 2>/dev/null && echo ${file}`,
    ).join('\n');

    test.each([false, true])('has no setting to write, user namespace: %s', async (user) => {
      expect(await tried({ user, script: `${openAll}\ntrue` })).toBe('');
    });

    test('would have them, without read-only paths', async () => {
      expect(await tried({ script: openAll, linux: { readonlyPaths: [] } })).toContain(
        'core_pattern',
      );
    });

    test('its cgroups are read-only, and release_agent is out of reach (CVE-2022-0492)', async () => {
      mkdirSync(join(lab.rootfs, 'sys/fs/cgroup'), { recursive: true });
      const cgroup: MountConfig = {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['ro', 'nosuid'],
      };
      const script = `
        for dir in /sys/fs/cgroup /sys/fs/cgroup/*; do
          mkdir $dir/escape 2>/dev/null && echo made $dir
          test -e $dir/release_agent && (: >> $dir/release_agent) 2>/dev/null && echo agent $dir
          mount -o remount,rw,bind $dir 2>/dev/null && echo remounted $dir
        done
        mkdir -p /tmp/own && mount -t cgroup -o memory cgroup /tmp/own 2>/dev/null && (: >> /tmp/own/release_agent) 2>/dev/null && echo agent
        echo end`;
      expect(await tried({ mounts: [cgroup], script })).toBe('end\n');
      const capabilities = [...USUAL, 'SYS_ADMIN'];
      expect(await tried({ user: true, capabilities, mounts: [cgroup], script })).not.toContain(
        'agent',
      );
    });

    const RULES = {
      'a rule against it': { resources: { devices: [{ allow: false, access: 'rwm' }] } },
      'no rule': {},
      'a rule for it': { resources: { devices: [{ allow: true, access: 'rwm' }] } },
    };
    test.each(['a rule against it', 'no rule', 'a rule for it'] as const)(
      'a device that is not the container’s, by a node made inside, with %s',
      async (which) => {
        const node = `/tmp/kmsg-${which.replaceAll(' ', '-')}`;
        // The kernel's log: a device that every machine has, opened and never written to.
        const output = await tried({
          script: `mknod ${node} c 1 11 && (: > ${node}) && echo opened; rm -f ${node}`,
          linux: RULES[which],
        });
        if (which === 'a rule for it') expect(output).toBe('opened\n');
        else expect(output).toMatch(/not permitted/);
      },
    );

    test('limits cannot be raised', async () => {
      const process: Partial<ProcessConfig> = {
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 64 }],
      };
      expect(
        await tried({ process, script: 'ulimit -n 65 2>/dev/null && echo raised; ulimit -n' }),
      ).toBe('64\n');
    });
  });
});

/** A step's own data, without its getter. */
function plain(step: Call): Call {
  const { purpose, display } = step;
  return { kind: 'call', syscall: step.syscall, args: step.args, purpose, display };
}

/** The terminal of a process's session, as proc shows it, once there is one. */
function sessionOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const tty = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
  return tty === 0 ? '' : `${tty}\n`;
}
