/** Exec plans as data: what is joined, in which order, and what is given up. No root, no kernel. */
import type { ProcessConfig } from '@terrarium/spec';
import type { Call, Plan } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { HYBRID_FACTS } from '../facts.fixture.js';
import {
  CONTAINER_EXEC_PROCESS,
  type ContainerExecInput,
  containerExecPlan,
} from './container-exec-plan.js';

const process: ProcessConfig = {
  user: { uid: 7, gid: 8 },
  args: ['sh', '-c', 'true'],
  cwd: '/',
  env: ['PATH=/bin:/sbin'],
};

function planOf(changes: Partial<ContainerExecInput> = {}): Plan {
  return containerExecPlan({
    id: 'web',
    initPid: 4711,
    namespaces: ['user', 'mount', 'pid', 'cgroup', 'uts'],
    rootOfInit: false,
    facts: HYBRID_FACTS,
    group: '/x/web',
    process,
    program: { args: process.args ?? [], env: process.env ?? [] },
    ...changes,
  }).plan;
}

function calls(plan: Plan, name: string): Call[] {
  return (plan.processes[name] ?? []).filter((step): step is Call => step.kind === 'call');
}
const displays = (plan: Plan, name: string) => calls(plan, name).map(({ display }) => display);

describe('containerExecPlan', () => {
  test('the pidfd is opened first and asked last, around the namespaces of that pid', () => {
    const shown = displays(planOf(), 'outside');
    const first = shown.findIndex((one) => one.startsWith('pidfd_open(4711'));
    const last = shown.findIndex((one) => one.startsWith('pidfd_send_signal('));
    const opens = shown.flatMap((one, index) => (one.includes('/proc/4711/ns/') ? [index] : []));
    expect(opens).toHaveLength(5);
    expect(opens.every((index) => index > first && index < last)).toBe(true);
  });

  test('is out of the reach of ptrace, and in its groups, before it joins', () => {
    const ids = calls(planOf(), 'outside').map(({ purpose: { id } }) => id);
    const join = ids.indexOf('join-namespace');
    expect(ids.indexOf('not-dumpable')).toBeLessThan(join);
    expect(ids.lastIndexOf('cgroup-join')).toBeLessThan(join);
  });

  test('the user namespace comes last, the cgroup one in the child', () => {
    const joined = (name: string) =>
      displays(planOf(), name).filter((one) => one.startsWith('setns('));
    expect(joined('outside').map((one) => /CLONE_\w+/.exec(one)?.[0])).toEqual([
      'CLONE_NEWNS',
      'CLONE_NEWPID',
      'CLONE_NEWUTS',
      'CLONE_NEWUSER',
    ]);
    expect(joined(CONTAINER_EXEC_PROCESS).join()).toContain('CLONE_NEWCGROUP');
  });

  test('only what is asked for is joined', () => {
    const shown = displays(planOf({ namespaces: ['uts'] }), 'outside').join('\n');
    expect(shown.match(/setns\(/g)).toHaveLength(1);
    expect(shown).not.toContain('ns/mnt');
  });

  test('without a mount namespace, the root directory of init is taken', () => {
    const plan = planOf({ namespaces: ['uts'], rootOfInit: true });
    expect(displays(plan, 'outside').join('\n')).toContain('/proc/4711/root');
    expect(displays(plan, CONTAINER_EXEC_PROCESS)).toContain('chroot(".")');
  });

  test('becomes the user, then the program, along PATH', () => {
    const shown = displays(planOf(), CONTAINER_EXEC_PROCESS);
    expect(shown.findIndex((one) => one.startsWith('setresuid(7'))).toBeGreaterThan(0);
    expect(shown.slice(-2).map((one) => one.split(',', 1)[0])).toEqual([
      'execve("/bin/sh"',
      'execve("/sbin/sh"',
    ]);
  });

  test('a hook keeps its powers, has another file than its first argument, joins what it is told', () => {
    const plan = planOf({
      process: null,
      initPid: null,
      namespaces: [],
      group: null,
      program: { args: ['hook.sh', 'x'], env: [], file: '/opt/hook', cwd: '/bundle' },
    });
    const shown = displays(plan, CONTAINER_EXEC_PROCESS).join('\n');
    expect(shown).toContain('execve("/opt/hook", ["hook.sh","x"]');
    expect(shown).toContain('chdir("/bundle")');
    expect(shown).not.toContain('capset');
    expect(displays(plan, 'outside').join('\n')).not.toMatch(/setns|cgroup/);
  });

  test('a terminal is opened in the container, and waited for to be taken', () => {
    const { plan, consoleIndex } = containerExecPlan({
      id: 'web',
      initPid: 4711,
      namespaces: ['mount'],
      rootOfInit: false,
      facts: HYBRID_FACTS,
      group: null,
      process: { ...process, terminal: true },
      program: { args: ['sh'], env: [] },
      consoleTaken: { ownerPid: 1, fd: 5 },
    });
    const steps = calls(plan, CONTAINER_EXEC_PROCESS);
    expect(steps[consoleIndex ?? -1]?.display).toContain('/dev/pts/ptmx');
    const ids = steps.map(({ purpose: { id } }) => id);
    expect(ids.indexOf('await-console-taken')).toBeGreaterThan(consoleIndex ?? -1);
    expect(ids).not.toContain('bind-console'); // /dev/console is init's
  });
});
