/** The plan of an exec as data. */
import type { Call } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { BOUNDING_SET } from './capabilities.js';
import { EXEC_PROCESS, type ExecInput, type ExecTarget, execPlan } from './exec-plan.js';
import { HYBRID_FACTS, V2_FACTS } from './facts.fixture.js';
import { sandboxSeccomp } from './seccomp/index.js';

const TARGET: ExecTarget = {
  id: 'lab-1',
  initPid: 4711,
  initStartTime: 99,
  cgroupsPath: '/terrarium/lab-1',
  facts: HYBRID_FACTS,
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 65_536 }],
  oomScoreAdj: 500,
  boundingCapabilities: BOUNDING_SET,
  seccomp: sandboxSeccomp(),
};

function displays(input: ExecInput, target = TARGET): { outside: string[]; process: string[] } {
  const { processes } = execPlan(target, input);
  const of = (name: string) =>
    (processes[name] ?? [])
      .filter((step): step is Call => step.kind === 'call')
      .map(({ display }) => display);
  return { outside: of('outside'), process: of(EXEC_PROCESS) };
}

function at(list: readonly string[], pattern: RegExp): number {
  const index = list.findIndex((display) => pattern.test(display));
  expect(index, `no call matches ${pattern}`).toBeGreaterThanOrEqual(0);
  return index;
}

describe('execPlan', () => {
  test('enters the cgroups and is not dumpable before it joins the namespaces', () => {
    const { outside, process } = displays({ args: ['/bin/true'] });
    const setns = at(outside, /^setns\(<init>, CLONE_NEWPID\|.*CLONE_NEWTIME\)/);
    expect(outside[setns]).not.toContain('CLONE_NEWCGROUP');
    expect(process[0]).toBe('setns(<init>, CLONE_NEWCGROUP)');
    for (const { mountPoint, version } of HYBRID_FACTS.cgroups.hierarchies) {
      const file = version === 1 ? '/tasks' : '';
      expect(at(outside, new RegExp(`"${mountPoint}/terrarium/lab-1${file}"`))).toBeLessThan(setns);
    }
    expect(at(outside, /^prctl\(PR_SET_DUMPABLE, 0/)).toBeLessThan(setns);
    expect(at(outside, /oom_score_adj/)).toBeLessThan(setns);
    expect(at(outside, /^clone3.*CLONE_PARENT\|CLONE_INTO_CGROUP, cgroup=<group>/)).toBe(setns + 1);
    expect(outside).toHaveLength(setns + 2);
  });

  test('on v2 it is born in the leaf, made again if it is gone', () => {
    const { outside } = displays({ args: ['/bin/true'] }, { ...TARGET, facts: V2_FACTS });
    const made = at(outside, /^mkdirat.*lab-1\/init"/);
    expect(at(outside, /^openat.*lab-1\/init", O_RDONLY\|O_DIRECTORY/)).toBe(made + 1);
  });

  test('has a session and a terminal before it is confined, and ends with execve', () => {
    const { outside, process } = displays({
      args: ['/bin/bash', '-l'],
      terminal: { ownerPid: 12, slaveFd: 34 },
    });
    expect(at(outside, /^pidfd_open\(12, 0\)/)).toBeLessThan(
      at(outside, /^pidfd_getfd\(<terminalOwner>, 34, 0\)/),
    );
    expect(at(process, /^setsid/)).toBe(1);
    expect(at(process, /^ioctl\(<terminal>, TIOCSCTTY, 0\)/)).toBe(2);
    expect(process.slice(3, 6)).toEqual([
      'dup3(<terminal>, 0, 0)',
      'dup3(<terminal>, 1, 0)',
      'dup3(<terminal>, 2, 0)',
    ]);
    expect(at(process, /^seccomp/)).toBeGreaterThan(at(process, /^capset/));
    expect(at(process, /^setresuid\(0, 0, 0\)/)).toBeGreaterThan(at(process, /^seccomp/));
    expect(at(process, /^close_range\(3, ~0U, CLOSE_RANGE_CLOEXEC\)/)).toBe(process.length - 2);
    expect(process.at(-1)).toMatch(/^execve\("\/bin\/bash", \["\/bin\/bash","-l"\]/);
  });

  test('opens the sandbox’s /dev/null for what is not given', () => {
    const { process } = displays({
      args: ['/bin/true'],
      stdio: { stdin: null, stdout: { ownerPid: 1, fd: 5 }, stderr: null },
    });
    at(process, /^openat\(AT_FDCWD, "\/dev\/null", O_RDWR\|O_CLOEXEC\)/);
    expect(process.filter((display) => display.startsWith('dup3'))).toEqual([
      'dup3(<nothing>, 0, 0)',
      'dup3(<stdout>, 1, 0)',
      'dup3(<nothing>, 2, 0)',
    ]);
  });

  test('looks for a bare name along PATH, where only the last miss counts', () => {
    const { processes } = execPlan(TARGET, { args: ['sh'], env: { PATH: '/a:/b' } });
    const execs = (processes[EXEC_PROCESS] ?? []).filter(
      (step): step is Call => step.kind === 'call' && step.syscall === 'execve',
    );
    expect(execs.map(({ display }) => /"([^"]*)"/.exec(display)?.[1])).toEqual(['/a/sh', '/b/sh']);
    expect(execs[0]?.tolerate).not.toEqual([]);
    expect(execs[1]?.tolerate).toEqual([]);
  });

  test('never asks for a hard limit above the host’s', () => {
    const { outside } = displays({ args: ['/bin/true'] });
    expect(outside).toContain('prlimit64(0, RLIMIT_NOFILE, {1024, 20000}, NULL)');
  });

  test('refuses empty arguments', () => {
    expect(() => execPlan(TARGET, { args: [] })).toThrow(/argument/);
  });
});
