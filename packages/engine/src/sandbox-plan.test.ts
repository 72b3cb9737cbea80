/** The sandbox's plan as data: order and flags that must hold whatever else changes. */
import type { Call, Plan } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { HYBRID_FACTS, V2_FACTS } from './facts.fixture.js';
import type { HostFacts } from './host-facts.js';
import { DEFAULT_LIMITS, sandboxConfig } from './sandbox-config.js';
import { sandboxPlan } from './sandbox-plan.js';

function planFor(facts: HostFacts, idmappedImage = true): Plan {
  const config = sandboxConfig({
    id: 'lab-1',
    idBase: 1_879_048_192,
    baseImage: '/images/base',
    limits: DEFAULT_LIMITS,
    hostname: 'terrarium',
    cgroupsPath: '/terrarium/lab-1',
  });
  return sandboxPlan({ id: 'lab-1', config, facts, idmappedImage }).plan;
}

const calls = (plan: Plan, process: string): Call[] =>
  (plan.processes[process] ?? []).filter((step) => step.kind === 'call');
const displays = (plan: Plan, process: string): string[] =>
  calls(plan, process).map(({ display }) => display);
/** Index of the only (or first) call that matches; fails when there is none. */
function at(list: readonly string[], pattern: RegExp): number {
  const index = list.findIndex((display) => pattern.test(display));
  expect(index, `no call matches ${pattern}`).toBeGreaterThanOrEqual(0);
  return index;
}
const last = (list: readonly string[], pattern: RegExp): number =>
  list.findLastIndex((display) => pattern.test(display));

describe.each([
  ['hybrid', HYBRID_FACTS],
  ['v2', V2_FACTS],
])('the plan on a %s host', (kind, facts) => {
  const plan = planFor(facts);
  const outside = displays(plan, 'outside');
  const init = displays(plan, 'init');

  test('enters every cgroup after its limits and before the clone', () => {
    const clone = at(outside, /^clone3/);
    for (const { mountPoint, version } of facts.cgroups.hierarchies) {
      const file = version === 1 ? '/tasks' : '';
      const join = at(outside, new RegExp(`openat.*"${mountPoint}/terrarium/lab-1${file}"`));
      expect(join).toBeGreaterThan(
        at(outside, new RegExp(`mkdirat.*"${mountPoint}/terrarium/lab-1"`)),
      );
      expect(join).toBeLessThan(clone);
    }
    const limits = last(outside.slice(0, clone), /(pids\.max|memory\.(max|limit_in_bytes))"/);
    expect(limits).toBeLessThan(at(outside, /lab-1(\/tasks)?", O_/));
  });

  test('clones into seven new namespaces and the v2 group; init takes the eighth at once', () => {
    const clone = outside[at(outside, /^clone3/)];
    expect(clone).toContain('CLONE_INTO_CGROUP');
    expect(clone).not.toContain('CLONE_NEWCGROUP');
    expect(init[0]).toBe('unshare(CLONE_NEWCGROUP)');
    for (const flag of ['NEWUSER', 'NEWPID', 'NEWNS', 'NEWNET', 'NEWUTS', 'NEWIPC', 'NEWTIME']) {
      expect(clone).toContain(`CLONE_${flag}`);
    }
  });

  test('maps ids before the image is id-mapped, and both before the release', () => {
    const release = at(outside, /^write\(<releaseWrite>/);
    const maps = at(outside, /openat.*gid_map/);
    expect(at(outside, /openat.*uid_map/)).toBeLessThan(maps);
    expect(maps).toBeLessThan(at(outside, /^mount_setattr/));
    expect(at(outside, /^mount_setattr.*MOUNT_ATTR_IDMAP\|MOUNT_ATTR_RDONLY/)).toBeLessThan(
      release,
    );
    expect(release).toBe(outside.length - 1);
  });

  test('takes the image from the host’s mount namespace, then leaves it and cuts propagation', () => {
    const enter = at(outside, /^setns\(<pidfd>, CLONE_NEWNS\)/);
    expect(at(outside, /^open_tree/)).toBeLessThan(enter);
    expect(at(outside, /MS_REC\|MS_PRIVATE/)).toBe(enter + 1);
    const firstMount = at(outside, /^mount\("/);
    expect(firstMount).toBeGreaterThan(enter + 1);
  });

  test('the overlay cannot open devices; the disk is limited and its upper layer lies on it', () => {
    expect(outside[at(outside, /^mount\("overlay"/)]).toContain(
      'MS_NODEV, "lowerdir=lower,upperdir=upper,workdir=work"',
    );
    expect(outside[at(outside, /^mount\("terrarium"/)]).toContain(
      `size=${DEFAULT_LIMITS.diskBytes},nr_inodes=${DEFAULT_LIMITS.diskInodes}`,
    );
  });

  test('makes no other devices than the six', () => {
    const nodes = outside.filter((display) => display.startsWith('mknodat'));
    expect(nodes.map((display) => /"root\/dev\/(\w+)"/.exec(display)?.[1])).toEqual([
      'null',
      'zero',
      'full',
      'random',
      'urandom',
      'tty',
    ]);
  });

  test('init becomes root of its ids after the release and before its mounts', () => {
    const released = at(init, /^read\(<releaseRead>/);
    expect(at(init, /^sethostname/)).toBeLessThan(released);
    const root = at(init, /^setresuid\(0, 0, 0\)/);
    expect(root).toBeGreaterThan(released);
    expect(
      at(init, /^mount\("proc", "proc", "proc", MS_NOSUID\|MS_NODEV\|MS_NOEXEC/),
    ).toBeGreaterThan(root);
  });

  test('a closed pipe is not a release', () => {
    const read = calls(plan, 'init').find(({ syscall }) => syscall === 'read');
    expect(read?.atLeast).toBe(1);
    expect(at(init, /^close\(<releaseWrite>\)/)).toBeLessThan(at(init, /^read/));
  });

  test('pivots before it takes the old root away, and mounts nothing afterwards', () => {
    const pivot = at(init, /^pivot_root\("\.", "\."\)/);
    expect(at(init, /^umount2\("\.", MNT_DETACH\)/)).toBe(pivot + 1);
    expect(at(init, /^chdir\("\/"\)/)).toBe(pivot + 2);
    expect(last(init, /^mount\(/)).toBeLessThan(pivot);
  });

  test('gives up capabilities, then loads the filter, then closes files, then is init', () => {
    const capset = at(init, /^capset/);
    expect(last(init, /PR_CAPBSET_DROP, CAP_SYS_MODULE/)).toBeLessThan(capset);
    expect(init.some((display) => display.includes('PR_CAPBSET_DROP, CAP_SYS_ADMIN'))).toBe(false);
    expect(at(init, /^seccomp/)).toBeGreaterThan(capset);
    expect(at(init, /^close_range/)).toBe(init.length - 1);
    expect(plan.processes['init']?.at(-1)?.kind).toBe('become-init');
  });

  test('mounts its cgroups', () => {
    if (kind === 'v2') {
      expect(init[at(init, /"sys\/fs\/cgroup", "cgroup2"/)]).toBeDefined();
      return;
    }
    expect(
      init[at(init, /"sys\/fs\/cgroup\/cpu,cpuacct", "cgroup", .*"cpu,cpuacct"\)/)],
    ).toBeDefined();
    expect(
      init[at(init, /symlinkat\("cpu,cpuacct", AT_FDCWD, "sys\/fs\/cgroup\/cpuacct"\)/)],
    ).toBeDefined();
    expect(init[at(init, /"sys\/fs\/cgroup\/unified", "cgroup2"/)]).toBeDefined();
    expect(
      init[at(init, /"sys\/fs\/cgroup\/systemd", "cgroup", .*"name=systemd"\)/)],
    ).toBeDefined();
  });

  test('every call says what it is for in both languages', () => {
    for (const step of Object.values(plan.processes).flat()) {
      expect(step.purpose.id).toMatch(/^[a-z0-9-]+$/);
      expect(step.purpose.en.length).toBeGreaterThan(5);
      expect(step.purpose.zh).toMatch(/[\u4e00-\u9fff]/);
    }
  });

  test('is the same plan for the same input', () => {
    expect(planFor(facts)).toEqual(plan);
  });
});

test('v2: init moves to a leaf before it hands the controllers on', () => {
  const init = displays(planFor(V2_FACTS), 'init');
  const handOn = at(init, /openat.*"sys\/fs\/cgroup\/cgroup\.subtree_control"/);
  expect(init[handOn + 1]).toContain('+cpu +cpuset +io +memory +pids');
  const leaf = at(init, /openat.*"sys\/fs\/cgroup\/init\/cgroup\.procs"/);
  expect(leaf).toBeLessThan(handOn);
  expect(leaf).toBeGreaterThan(at(init, /^setresuid/));
});

test('a learner owns directory and joining, but no limit', () => {
  for (const facts of [HYBRID_FACTS, V2_FACTS]) {
    const owned = displays(planFor(facts), 'outside').filter((display) =>
      /^fchownat.*\/terrarium\/lab-1/.test(display),
    );
    const files = owned.map(
      (display) => /lab-1(?:\/init)?(?:\/([^"]*))?"/.exec(display)?.[1] ?? '',
    );
    const allowed = ['', 'tasks', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'];
    expect(files.filter((file) => !allowed.includes(file))).toEqual([]);
  }
});

test('without id-mapped mounts the image is taken as it is', () => {
  const outside = displays(planFor(HYBRID_FACTS, false), 'outside');
  expect(outside.some((display) => display.startsWith('mount_setattr'))).toBe(false);
});
