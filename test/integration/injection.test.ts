/**
 * Failure injection: every call of a container's plan is made to fail, as data. Whatever fails, the
 * run ends with that step named, the program is never started without it, and nothing is left: no
 * process, no mount, no cgroup that could not be removed at once. Needs root.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RuntimeConfig } from '../../packages/spec/src/index.js';
import { type Call, cstring, type Plan, PlanError } from '../../packages/syscall/src/index.js';
import { edited, HardeningLab, isStep, missing, outputTo, withArgument } from './hardening-lab.js';

const lack = missing();
if (lack !== null) console.warn(`injection: skipped, this needs ${lack}`);

const ID_BASE = 1_400_000;

/** Everything on; with a user namespace devices are bound, without one they are made. */
function config(user: boolean): RuntimeConfig {
  const ids = [{ containerID: 0, hostID: ID_BASE, size: 65_536 }];
  const kinds = [
    'pid',
    'mount',
    'ipc',
    'uts',
    'network',
    'cgroup',
    'time',
    ...(user ? ['user'] : []),
  ];
  const capabilities = ['CAP_KILL', 'CAP_NET_BIND_SERVICE'];
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs', readonly: true },
    hostname: 'doomed',
    domainname: 'doomed.example',
    process: {
      ...(user ? {} : { terminal: true, consoleSize: { height: 25, width: 80 } }),
      user: { uid: 1000, gid: 1000, additionalGids: [7] },
      args: ['sh', '-c', 'echo ran > /data/ran'],
      cwd: '/tmp',
      env: ['PATH=/bin'],
      noNewPrivileges: user, // the filter is loaded at another place without
      oomScoreAdj: 321,
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 78 }],
      scheduler: { policy: 'SCHED_BATCH', nice: 1 },
      ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 5 },
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        inheritable: capabilities,
        ambient: ['CAP_KILL'],
      },
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro', 'nosuid'] },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['ro', 'nosuid'],
      },
      {
        destination: '/data',
        type: 'bind',
        source: 'data',
        options: ['rbind', 'nosuid', 'rnodev', 'rslave'],
      },
    ],
    linux: {
      namespaces: kinds.map((type) => ({ type: type as 'pid' })),
      ...(user ? { uidMappings: ids, gidMappings: ids } : {}),
      timeOffsets: { monotonic: { secs: 5000 } },
      maskedPaths: ['/proc/meminfo', '/proc/tty', '/proc/not-there'],
      readonlyPaths: ['/proc/sys', '/proc/not-there'],
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '7' },
      rootfsPropagation: 'slave',
      personality: { domain: 'LINUX' },
      resources: {
        pids: { limit: 50 },
        memory: { limit: 64 << 20 },
        ...(user ? {} : { devices: [{ allow: false, access: 'rwm' }] }),
      },
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
      },
    },
  };
}

let lab: HardeningLab;
let mounts: string;
let out: number;

/** The plan of the config, always of the same container. */
function planOf(user: boolean): Plan {
  return lab.plan(config(user), { id: 'doomed', stdio: outputTo(out) });
}

/** Runs a plan that must fail. @returns where it failed, and what was left or started all the same */
async function failureOf(plan: Plan): Promise<{ failed: string; left: string[] }> {
  let failed = 'nothing';
  try {
    const started = await lab.start('doomed', () => plan);
    await started.ended;
    await started.remove();
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    failed = `${error.failed?.process} ${error.failed?.index}`;
  }
  const left = lab.leftovers('doomed');
  if (existsSync(join(lab.directory, 'data/ran'))) left.push('the program ran');
  rmSync(join(lab.directory, 'data/ran'), { force: true });
  return { failed, left };
}

function displaysOf(plan: Plan, process: string): Set<string> {
  const steps = plan.processes[process] ?? [];
  return new Set(steps.map((step) => (step.kind === 'call' ? step.display : step.kind)));
}

/** The same step as a call that fails with an errno which no step tolerates. */
function doomed(step: Call): Call {
  const { child, loads, store, ack, ...rest } = step;
  if (child !== undefined) return { ...step, args: step.args.map(() => number(0)) }; // EINVAL
  return { ...rest, syscall: 'openat', args: [number(-100), number(0)] }; // EFAULT
}

function number(value: number) {
  return { kind: 'number' as const, value: BigInt(value) };
}

const NOT_MAPPED = 70_000;

/** Which argument of which call is made wrong, and how. */
const WRONG: readonly (readonly [
  id: string,
  syscall: string,
  index: number,
  value: number | string,
])[] = [
  ['seccomp', 'seccomp', 2, 0],
  ['no-new-privs', 'prctl', 1, 2],
  ['drop-capability', 'prctl', 1, 64],
  ['capset', 'capset', 0, 0],
  ['ambient-capability', 'prctl', 2, 64],
  ['keep-capabilities', 'prctl', 1, 2],
  ['mask-null-device', 'openat', 1, '/dev/zero'],
  ['mask-path', 'move_mount', 4, -1],
  ['mask-path', 'mount_setattr', 4, 0],
  ['readonly-path', 'mount_setattr', 4, 0],
  ['readonly-path', 'move_mount', 4, -1],
  ['readonly-root', 'mount_setattr', 4, 0],
  ['device', 'move_mount', 4, -1],
  ['device', 'open_tree', 1, '/dev/terrarium-not-there'],
  ['id-map', 'write', 1, 0],
  ['cgroup-make', 'mkdirat', 1, '/proc/not-there'],
  ['cgroup-limit', 'write', 1, 0],
  ['cgroup-join', 'openat', 1, '/proc/not-there'],
  ['cgroup-namespace', 'unshare', 0, -1],
  ['rlimit', 'prlimit64', 1, 99],
  ['hostname', 'sethostname', 1, -1],
  ['domainname', 'setdomainname', 1, -1],
  ['sysctl', 'write', 1, 0],
  ['mount-proc', 'fsopen', 0, 'no-such-file-system'],
  ['mount-bind', 'open_tree', 1, '/proc/not-there'],
  ['private-mounts', 'mount', 3, -1],
  ['private-source', 'mount_setattr', 4, 0],
  ['attach-root', 'move_mount', 4, -1],
  ['pivot-root', 'pivot_root', 0, '/proc'],
  ['drop-old-root', 'umount2', 1, -1],
  ['set-ids', 'setgroups', 0, -1],
  ['set-ids', 'setresgid', 0, NOT_MAPPED],
  ['set-ids', 'setresuid', 0, NOT_MAPPED],
  ['become-root-inside', 'setresuid', 0, NOT_MAPPED],
  ['cwd', 'openat2', 1, '/not-there'],
  ['time-offsets', 'write', 1, 0],
  ['oom-score', 'write', 1, 0],
  ['close-fds', 'close_range', 2, -1],
  ['execve', 'execve', 1, 1],
];

describe.skipIf(lack !== null)(
  `a call that fails${lack === null ? '' : ` (missing: ${lack})`}`,
  () => {
    beforeAll(async () => {
      lab = await HardeningLab.open('injection');
      mkdirSync(join(lab.directory, 'data'), { mode: 0o777 });
      mkdirSync(join(lab.rootfs, 'sys/fs/cgroup'), { recursive: true });
      execFileSync('chmod', ['777', join(lab.directory, 'data')]);
      out = openSync(join(lab.directory, 'out'), 'w');
      mounts = lab.mounts();
    });
    afterEach(() => {
      expect(lab.mounts()).toBe(mounts);
      expect(readFileSync(join(lab.directory, 'out'), 'utf8')).toBe('');
    });
    afterAll(async () => {
      if (out !== undefined) closeSync(out);
      await lab?.close();
    });

    describe.each([
      { kind: 'with a user namespace', user: true },
      { kind: 'with a terminal and devices of its own', user: false },
    ])('$kind', ({ user }) => {
      test('none: the program runs', async () => {
        expect(await failureOf(planOf(user))).toEqual({
          failed: 'nothing',
          left: ['the program ran'],
        });
      });

      test.each(['outside', 'init'])('every one of %s', async (process) => {
        const plan = planOf(user);
        const steps = plan.processes[process] ?? [];
        const seen = user ? new Set<string>() : displaysOf(planOf(true), process);
        const wrong: unknown[] = [];
        for (const [index, step] of steps.entries()) {
          if (step.kind !== 'call' || step.purpose.id === 'test-machine') continue;
          if (seen.has(step.display)) continue; // the other config has had it
          const broken = edited(plan, process, (list) =>
            list.map((one, at) => (at === index ? doomed(step) : one)),
          );
          const { failed, left } = await failureOf(broken);
          if (failed !== `${process} ${index}` || left.length > 0)
            wrong.push({ index, purpose: step.purpose.id, display: step.display, failed, left });
        }
        expect(wrong).toEqual([]);
      });

      test.each(WRONG)('%s: %s with a wrong argument %i', async (id, syscall, argument, value) => {
        const plan = planOf(user);
        const found = Object.entries(plan.processes).flatMap(([process, steps]) =>
          steps.flatMap((step, index) =>
            isStep(id, syscall)(step) ? [{ process, index, step }] : [],
          ),
        );
        const [first] = found;
        if (first === undefined) return; // the other config has it
        if (!user && value === NOT_MAPPED) return; // without a user namespace every id is one
        const { process, index, step } = first;
        const wrong = withArgument(
          step,
          argument,
          typeof value === 'string' ? cstring(value) : value,
        );
        const broken = edited(plan, process, (list) =>
          list.map((one, at) => (at === index ? wrong : one)),
        );
        const { failed, left } = await failureOf(broken);
        const at = id === 'mask-null-device' ? 'init' : `${process} ${index}`; // found out when it is checked
        expect(failed).toContain(at);
        expect(failed).not.toBe('nothing');
        expect(left).toEqual([]);
      });

      test('every wrong argument is of a call that one of the configs has', () => {
        const all = [planOf(true), planOf(false)].flatMap((plan) =>
          Object.values(plan.processes).flat(),
        );
        const stale = WRONG.filter(([id, syscall]) => !all.some(isStep(id, syscall)));
        expect(stale).toEqual([]);
      });
    });
  },
);
