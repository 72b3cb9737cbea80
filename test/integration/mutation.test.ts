/**
 * Mutation check: every promise of a container's plan is asserted once, on the running container;
 * then the plan is broken on purpose, a step at a time, as data, and exactly the assertions that
 * this step is there for must turn red. A step that could be lost without anybody noticing is a
 * hole in the tests. Needs root.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  detectCgroupLayout,
  groupPath,
  hierarchyWith,
  prepareParents,
} from '../../packages/engine/src/index.js';
import type { RuntimeConfig } from '../../packages/spec/src/index.js';
import {
  bytes,
  type Call,
  CLONE,
  type Plan,
  PlanError,
  type PlanStep,
  struct,
} from '../../packages/syscall/src/index.js';
import {
  edited,
  HardeningLab,
  isStep,
  mapped,
  missing,
  namespacesOf,
  outputTo,
  type Started,
  until,
  withArgument,
  without,
} from './hardening-lab.js';

const lack = missing();
if (lack !== null) console.warn(`mutation: skipped, this needs ${lack}`);

const ID_BASE = 1_300_000;
const USER = 1000;
const CAP_KILL = 1n << 5n;
const CAP_CHOWN = 1n << 0n;
const PIDS = 50;

/** Prints what only the inside can see, as `name=value` lines. */
const LOOK = `
echo masked-file=$(wc -c < /proc/meminfo)
echo masked-directory=$(ls /proc/tty 2>/dev/null | wc -l)
echo cgroup=$(cut -d: -f3 /proc/self/cgroup 2>/dev/null | sort -u)
echo lo=$(ip link show lo 2>/dev/null | grep -c ',UP')
echo proc=$(ls -d /proc/[0-9]* 2>/dev/null | wc -l)
echo place=$(cat /etc/place)
echo above=$(cat /../etc/place 2>/dev/null)
echo hostname=$(hostname)
echo full=$(test -c /dev/full && echo yes)
echo port=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null)
mkdir /rw/filtered 2>/dev/null && echo mkdir=done
touch /tmp/terrarium-mutant 2>/dev/null && echo root=written && rm /tmp/terrarium-mutant
touch /ro/new 2>/dev/null && echo readonly=written
echo umask=$(umask)
echo limit=$(ulimit -n)
echo end=
exec sleep 1000
`;

function config(): RuntimeConfig {
  const ids = [{ containerID: 0, hostID: ID_BASE, size: 65_536 }];
  const tmpfs = ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=1m'];
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs', readonly: true },
    hostname: 'mutant',
    process: {
      user: { uid: USER, gid: USER, additionalGids: [7], umask: 0o027 },
      args: ['sh', '-c', LOOK],
      cwd: '/',
      env: ['PATH=/bin'],
      noNewPrivileges: true,
      oomScoreAdj: 321,
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 78 }],
      capabilities: {
        bounding: ['CAP_CHOWN', 'CAP_KILL'],
        effective: ['CAP_KILL'],
        permitted: ['CAP_KILL'],
        inheritable: ['CAP_KILL'],
        ambient: ['CAP_KILL'],
      },
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/rw', type: 'tmpfs', source: 'tmpfs', options: tmpfs },
      { destination: '/ro', type: 'tmpfs', source: 'tmpfs', options: tmpfs },
    ],
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup', 'user', 'time'].map(
        (type) => ({ type: type as 'pid' }),
      ),
      uidMappings: ids,
      gidMappings: ids,
      timeOffsets: { monotonic: { secs: 5000 } },
      maskedPaths: ['/proc/meminfo', '/proc/tty', '/proc/not-there'],
      readonlyPaths: ['/ro'],
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '7' },
      resources: { pids: { limit: PIDS } },
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
      },
    },
  };
}

/** All that is known of a container that runs. */
interface Facts {
  /** lines of LOOK */
  readonly inside: Readonly<Record<string, string>>;
  /** lines of /proc/PID/status */
  readonly status: Readonly<Record<string, string>>;
  readonly pid: number;
  readonly id: string;
  readonly mountsBefore: string;
}

let lab: HardeningLab;

function containerFacts(started: Started, mountsBefore: string): Facts {
  const rows = (text: string, separator: string) =>
    Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => {
          const at = line.indexOf(separator);
          return [line.slice(0, at), line.slice(at + separator.length).trim()];
        }),
    );
  const { pid, id } = started;
  return {
    inside: rows(started.output(), '='),
    status: rows(readFileSync(`/proc/${pid}/status`, 'utf8'), ':'),
    pid,
    id,
    mountsBefore,
  };
}

/** Every promise, by name. It throws, or answers false, where it does not hold. */
const ASSERTIONS: Readonly<Record<string, (facts: Facts) => boolean>> = {
  'masked file is empty': ({ inside }) => inside['masked-file'] === '0',
  'masked directory is empty': ({ inside }) => inside['masked-directory'] === '0',
  'read-only path cannot be written': ({ inside }) => inside['readonly'] === undefined,
  'root cannot be written': ({ inside }) => inside['root'] === undefined,
  'root is the container’s': ({ inside }) => inside['place'] === 'container',
  'nothing is above the root': ({ inside }) => inside['above'] === 'container',
  'mount namespace has no other root': ({ pid }) => rootOfNamespace(pid) === 'container',
  'proc shows its own processes': ({ inside }) =>
    inside['proc'] !== '0' && Number(inside['proc']) < 5,
  'device exists': ({ inside }) => inside['full'] === 'yes',
  'sysctl is set': ({ inside }) => inside['port'] === '7',
  'host name is its own': ({ inside }) => inside['hostname'] === 'mutant',
  'filter refuses mkdir': ({ inside, status }) =>
    inside['mkdir'] === undefined && status['Seccomp'] === '2',
  'no new privileges': ({ status }) => status['NoNewPrivs'] === '1',
  'bounding set': ({ status }) => BigInt(`0x${status['CapBnd']}`) === (CAP_CHOWN | CAP_KILL),
  'capabilities in force': ({ status }) =>
    ['CapEff', 'CapPrm', 'CapAmb'].every((set) => BigInt(`0x${status[set]}`) === CAP_KILL),
  'inheritable set': ({ status }) => BigInt(`0x${status['CapInh']}`) === CAP_KILL,
  'supplementary groups': ({ status }) => status['Groups'] === String(ID_BASE + 7),
  'user on the host': ({ status }) =>
    status['Uid'] ===
    Array(4)
      .fill(ID_BASE + USER)
      .join('\t'),
  'no fd but the standard ones': ({ pid }) =>
    readdirSync(`/proc/${pid}/fd`).every((fd) => Number(fd) <= 2),
  'in its cgroups': ({ pid, id }) =>
    readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .trim()
      .split('\n')
      .every((line) => line.endsWith(`${lab.parent}/${id}`) || !knownHierarchy(line)),
  'limit on processes': ({ id }) => pidsMax(id) === String(PIDS),
  'all namespaces are new': ({ pid }) => {
    const [own, its] = [namespacesOf('self'), namespacesOf(pid)];
    return Object.entries(its).every(([name, inode]) => inode !== own[name]);
  },
  'cgroup namespace is rooted at its group': ({ inside }) => inside['cgroup'] === '/',
  'clock is shifted': ({ pid }) =>
    /monotonic\s+5000\s/.test(readFileSync(`/proc/${pid}/timens_offsets`, 'utf8')),
  'session of its own': ({ pid }) => statField(pid, 6) === pid,
  rlimit: ({ pid, inside }) =>
    inside['limit'] === '77' &&
    /Max open files\s+77\s+78/.test(readFileSync(`/proc/${pid}/limits`, 'utf8')),
  umask: ({ inside }) => inside['umask'] === '0027',
  'oom score': ({ pid }) => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim() === '321',
  'mount options': ({ pid }) =>
    / \/rw rw,nosuid,nodev,noexec/.test(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')),
  'loopback is up': ({ inside }) => inside['lo'] === '1',
  'no mount is shared with the machine': ({ pid, mountsBefore }) =>
    lab.mounts() === mountsBefore &&
    !/ (shared|master):/.test(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')),
};

/** What a process sees that enters the mount namespace by its root, not by the container's chroot. */
function rootOfNamespace(pid: number): string {
  const shown = spawnSync('nsenter', [`--mount=/proc/${pid}/ns/mnt`, '/bin/cat', '/etc/place']);
  return String(shown.stdout).trim();
}

/** `5:devices:/a/b`: a hierarchy that this host has mounted where we look for it. */
function knownHierarchy(line: string): boolean {
  const controllers = line.split(':')[1];
  return lab.facts.cgroups.hierarchies.some((one) =>
    one.version === 2 ? controllers === '' : one.controllers.join(',') === controllers,
  );
}

function pidsMax(id: string): string {
  const hierarchy = hierarchyWith(lab.facts.cgroups, 'pids');
  if (hierarchy === undefined) return String(PIDS); // nothing to limit with
  const directory = groupPath(hierarchy, `${lab.parent}/${id}`);
  return readFileSync(join(directory, 'pids.max'), 'utf8').trim();
}

/** Field of /proc/PID/stat, numbered as proc(5) does. */
function statField(pid: number, field: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[field - 3]);
}

/** The assertions that do not hold; `does not start` where the plan itself failed. */
async function redAfter(mutate: (plan: Plan) => Plan): Promise<string[]> {
  const id = lab.nextId();
  const mountsBefore = lab.mounts();
  let started: Started;
  try {
    started = await lab.start(id, (out) =>
      mutate(lab.plan(config(), { id, stdio: outputTo(out) })),
    );
  } catch (error) {
    if (error instanceof PlanError) {
      console.log(error.message);
      return [`does not start: ${failedPurpose(error, mutate)}`];
    }
    throw error;
  }
  let ended = false;
  void started.ended.then(() => {
    ended = true;
  });
  try {
    await until(
      'the container has looked around',
      () => ended || started.output().includes('end='),
    );
    if (ended) return ['does not run'];
    const facts = containerFacts(started, mountsBefore);
    return Object.keys(ASSERTIONS).filter((name) => !holds(name, facts));
  } finally {
    await started.remove();
  }
}

function failedPurpose(error: PlanError, mutate: (plan: Plan) => Plan): string {
  const { process = '', index = 0 } = error.failed ?? {};
  const step = mutate(lab.plan(config())).processes[process]?.[index];
  return step?.purpose.id ?? '?';
}

function holds(name: string, facts: Facts): boolean {
  try {
    return ASSERTIONS[name]?.(facts) ?? false;
  } catch {
    return false;
  }
}

const v2 = detectCgroupLayout().kind === 'v2';

/** One broken plan: what is done to it, and what must notice. */
interface Mutant {
  readonly what: string;
  readonly mutate: (plan: Plan) => Plan;
  readonly red: readonly string[];
  /** what else turns red depends on the machine */
  readonly andMore?: boolean;
}

const gone = (id: string, ...red: string[]): Mutant => ({
  what: `without ${id}`,
  mutate: (plan) => without(plan, isStep(id)),
  red,
});

const MUTANTS: readonly Mutant[] = [
  gone('mask-path', 'masked file is empty', 'masked directory is empty'),
  gone('readonly-path', 'read-only path cannot be written'),
  gone('readonly-root', 'root cannot be written'),
  gone(
    'mount-proc',
    'masked file is empty',
    'proc shows its own processes',
    'sysctl is set',
    'cgroup namespace is rooted at its group',
  ),
  gone('sysctl', 'sysctl is set'),
  gone('hostname', 'host name is its own'),
  gone('loopback', 'loopback is up'),
  gone('seccomp', 'filter refuses mkdir'),
  gone('no-new-privs', 'does not start: seccomp'),
  {
    what: 'without no-new-privs, the filter loaded while still powerful',
    mutate: (plan) => {
      const filter = steps(plan, isStep('seccomp'));
      const later = without(plan, isStep('seccomp'));
      return mapped(later, isStep('no-new-privs'), () => filter);
    },
    red: ['no new privileges'],
  },
  gone('drop-capability', 'bounding set'),
  gone('ambient-capability', 'capabilities in force'),
  {
    what: 'capset with more inheritable',
    mutate: (plan) =>
      mapped(plan, isStep('capset'), (step) => [
        withArgument(
          step,
          1,
          struct([
            [CAP_CHOWN | CAP_KILL, 4], // effective
            [CAP_CHOWN | CAP_KILL, 4], // permitted
            [CAP_CHOWN | CAP_KILL, 4], // inheritable
            [0, 4],
            [0, 4],
            [0, 4],
          ]),
        ),
      ]),
    red: ['inheritable set'],
  },
  gone('capset', 'does not start: ambient-capability'),
  gone('keep-capabilities', 'does not start: capset'),
  {
    what: 'without setgroups',
    mutate: (plan) =>
      without(
        plan,
        (step) =>
          step.kind === 'call' &&
          step.syscall === 'setgroups' &&
          step.purpose.id !== 'test-machine',
      ),
    red: ['supplementary groups'],
  },
  {
    what: 'without setresuid',
    mutate: (plan) => without(plan, isStep('set-ids', 'setresuid')),
    red: ['user on the host'],
  },
  {
    what: 'ids mapped to other ids',
    mutate: (plan) =>
      mapped(plan, isStep('id-map', 'write'), (step) => {
        const map = bytes(`0 ${ID_BASE + 65_536} 65536\n`);
        return [withArgument(step, 1, map)];
      }),
    red: ['supplementary groups', 'user on the host'],
  },
  gone('close-fds', 'no fd but the standard ones'),
  {
    what: 'cgroups of somebody else joined',
    mutate: (plan) => mapped(plan, isStep('cgroup-join', 'openat'), (step) => [elsewhere(step)]),
    red: v2 ? ['does not start: clone-init'] : ['in its cgroups'],
  },
  gone('cgroup-limit', 'limit on processes'),
  gone('cgroup-namespace', 'all namespaces are new', 'cgroup namespace is rooted at its group'),
  ...(['CLONE_NEWIPC', 'CLONE_NEWNET', 'CLONE_NEWUTS'] as const).map((flag) => ({
    what: `clone3 without ${flag}`,
    mutate: (plan: Plan) => mapped(plan, isStep('clone-init'), (step) => [withoutFlag(step, flag)]),
    red: {
      CLONE_NEWIPC: ['all namespaces are new'],
      CLONE_NEWNET: ['does not start: loopback'],
      CLONE_NEWUTS: ['does not start: hostname'],
    }[flag],
  })),
  {
    what: 'clocks without their offsets',
    mutate: (plan) => without(plan, isStep('time-offsets', 'write')),
    red: ['clock is shifted'],
  },
  gone('session', 'session of its own'),
  gone('rlimit', 'rlimit'),
  gone('umask', 'umask'),
  gone('oom-score', 'oom score'),
  {
    what: 'a mount without its options',
    mutate: (plan) =>
      mapped(plan, isStep('mount-tmpfs', 'fsmount'), (step) => [withArgument(step, 2, 0)]),
    red: ['mount options'],
  },
  {
    what: 'without the device /dev/full',
    mutate: (plan) =>
      edited(plan, 'init', (list) =>
        list.filter((step) => !(isStep('device')(step) && step.purpose.en.includes('/dev/full'))),
      ),
    red: ['device exists'],
  },
  gone('private-mounts', 'no mount is shared with the machine'),
  gone('private-source', 'does not start: pivot-root'),
  gone('drop-old-root', 'nothing is above the root', 'mount namespace has no other root'),
  {
    what: 'chroot instead of pivot_root',
    mutate: (plan) =>
      without(
        mapped(plan, isStep('pivot-root'), (step) => [
          { ...step, syscall: 'chroot', args: step.args.slice(0, 1) },
        ]),
        isStep('drop-old-root'),
      ),
    red: ['mount namespace has no other root'],
  },
  {
    what: 'without pivot_root',
    mutate: (plan) => without(without(plan, isStep('pivot-root')), isStep('drop-old-root')),
    red: ['root is the container’s', 'mount namespace has no other root', 'mount options'],
    andMore: true, // it runs in this machine's root, as a user without powers
  },
];

/** The same group's file in a group that is no container's. */
function elsewhere(step: Call): Call {
  const argument = step.args[1];
  if (argument?.kind !== 'block') throw new Error('no path');
  const [part] = argument.block.parts;
  const text = part?.kind === 'bytes' ? new TextDecoder().decode(part.bytes) : '';
  const path = text.replace(/\0$/, '').replace(/\/c\d+(?=\/|$)/, '/elsewhere');
  return withArgument(step, 1, bytes(`${path}\0`));
}

/** The first field of clone3's struct is the flags. */
function withoutFlag(step: Call, flag: keyof typeof CLONE): Call {
  const argument = step.args[0];
  if (argument?.kind !== 'block') throw new Error('no clone_args');
  const [first, ...rest] = argument.block.parts;
  if (first?.kind !== 'bytes') throw new Error('no flags');
  const flags = new DataView(first.bytes.slice().buffer);
  flags.setBigUint64(0, flags.getBigUint64(0, true) & ~BigInt(CLONE[flag]), true);
  const parts = [{ kind: 'bytes' as const, bytes: new Uint8Array(flags.buffer) }, ...rest];
  return withArgument(step, 0, { ...argument.block, parts });
}

function steps(plan: Plan, match: (step: PlanStep) => boolean): PlanStep[] {
  return Object.values(plan.processes).flatMap((list) => list.filter(match));
}

describe.skipIf(lack !== null)(
  `the plan of a container${lack === null ? '' : ` (missing: ${lack})`}`,
  () => {
    beforeAll(async () => {
      lab = await HardeningLab.open('mutation');
      prepareParents(lab.facts.cgroups, `${lab.parent}/elsewhere`);
    });
    afterAll(async () => {
      await lab?.close();
    });

    test('sound: every assertion holds', async () => {
      expect(await redAfter((plan) => plan)).toEqual([]);
    });

    test.each(MUTANTS)('$what', async ({ mutate, red, andMore }) => {
      const found = await redAfter(mutate);
      if (andMore === true) expect(found).toEqual(expect.arrayContaining([...red]));
      else expect(found.sort()).toEqual([...red].sort());
    });
  },
);
