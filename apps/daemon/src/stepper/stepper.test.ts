/** The stepper at the daemon's edge: messages, refusals, and the pieces that need no kernel. */
import { containerPlan, type ExecTarget, sandboxFacts } from '@terrarium/engine';
import { clientMessage } from '@terrarium/protocol';
import { runtimeConfig } from '@terrarium/spec';
import { PlanBuilder } from '@terrarium/syscall';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon } from '../testing/test-daemon.js';
import { exampleContainer } from './example-container.js';
import { tapeOf } from './wire.js';

describe('messages of the page', () => {
  const accepts = (message: unknown): boolean => clientMessage.safeParse(message).success;

  it('are taken as the protocol has them', () => {
    expect(accepts({ type: 'stepper.open', what: { kind: 'container' } })).toBe(true);
    expect(accepts({ type: 'stepper.open', what: { kind: 'bundle', path: '/lab/c' } })).toBe(true);
    expect(accepts({ type: 'stepper.open', what: { kind: 'config', config: {} } })).toBe(true);
    expect(accepts({ type: 'stepper.open', what: { kind: 'exec', args: ['ls'] } })).toBe(true);
    expect(accepts({ type: 'stepper.step' })).toBe(true);
    expect(accepts({ type: 'stepper.runTo', process: 'init', index: 3 })).toBe(true);
  });

  it('are refused when they are none', () => {
    expect(accepts({ type: 'stepper.open', what: { kind: 'bundle', path: 'relative' } })).toBe(
      false,
    );
    expect(accepts({ type: 'stepper.open', what: { kind: 'bundle', path: '/a\0b' } })).toBe(false);
    expect(accepts({ type: 'stepper.open', what: { kind: 'exec', args: [] } })).toBe(false);
    expect(
      accepts({ type: 'stepper.open', what: { kind: 'exec', args: Array(99).fill('x') } }),
    ).toBe(false);
    expect(accepts({ type: 'stepper.step', process: '../init' })).toBe(false);
    expect(accepts({ type: 'stepper.runTo', process: 'init', index: -1 })).toBe(false);
  });
});

describe('a daemon that cannot step', () => {
  let lab: TestDaemon;
  afterEach(() => lab.dispose());

  it('answers with a code of its own, and goes on', async () => {
    lab = await new TestDaemon().start();
    const page = await lab.greetedPage();
    page.send({ type: 'stepper.open', what: { kind: 'container' } });
    const refused = await page.next('error');
    expect(refused).toMatchObject({ code: 'stepper.refused' });
    page.send({ type: 'stepper.step' });
    expect(await page.next('error')).toMatchObject({ code: 'stepper.refused' });
    page.send({ type: 'stepper.close' });
    page.send({ type: 'ping', sent: 1 });
    await page.next('pong');
  });
});

describe('the tape', () => {
  it('says each purpose once, and keeps every call', () => {
    const builder = new PlanBuilder('tape');
    const why = { id: 'why', en: 'why', zh: '为何' };
    const other = { id: 'other', en: 'other', zh: '其他' };
    builder.call('outside', { syscall: 'umask', args: [0], purpose: why });
    builder.call('outside', { syscall: 'setsid', args: [], purpose: { ...why } });
    builder.call('outside', { syscall: 'umask', args: [0o22], purpose: other });
    const { processes, purposes } = tapeOf(builder.build());
    expect(purposes).toEqual([why, other]);
    expect(processes).toEqual([
      {
        name: 'outside',
        steps: [
          { display: 'umask(0)', syscall: 'umask', purpose: 0 },
          { display: 'setsid()', syscall: 'setsid', purpose: 0 },
          { display: 'umask(18)', syscall: 'umask', purpose: 1 },
        ],
      },
    ]);
  });
});

describe('the example container', () => {
  it('is an OCI config that every runtime could read', () => {
    expect(runtimeConfig.parse(JSON.parse(JSON.stringify(exampleContainer())))).toEqual(
      exampleContainer(),
    );
  });

  it('has every kind of namespace, and becomes a plan inside a sandbox', () => {
    const kinds = exampleContainer().linux?.namespaces?.map(({ type }) => type);
    expect(new Set(kinds).size).toBe(8);
    const sandbox: ExecTarget = {
      id: 'sb',
      initPid: 1,
      initStartTime: 1,
      cgroupsPath: '/t/sb',
      facts: {
        architecture: 'x64',
        kernelRelease: '6.1',
        cgroups: { kind: 'v2', hierarchies: [] },
        rlimits: {},
        lastCapability: 40,
        bootId: 'b',
      },
      rlimits: [],
      oomScoreAdj: 500,
      boundingCapabilities: [],
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
    };
    const config = { ...exampleContainer(), linux: { ...exampleContainer().linux, resources: {} } };
    const { plan } = containerPlan({
      id: 'c',
      config,
      bundle: '/',
      facts: sandboxFacts(sandbox),
      sandbox,
    });
    expect(Object.keys(plan.processes)).toEqual(['entry', 'outside', 'init']);
  });
});
