/**
 * The virtual machine beside the containers: `vm` in a learner's sandbox, whose root may nothing on
 * the host. Boots take about 5 seconds of CPU: QEMU translates every instruction.
 */
import { existsSync, readdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, missing, processesOfRange, startLab, until } from './sandbox-lab.js';

/** A boot on a machine that others use, too. */
const BOOT_MS = 120_000;
const VM = 'images/vm/vmlinuz';

let lab: Lab;
const lack = missing() ?? (await lacksVm());

/** The busybox image has no virtual machine, nor has an image that was made before there was one. */
async function lacksVm(): Promise<string | null> {
  const probe = await startLab('vm-probe');
  const has = existsSync(join(probe.options.baseImage, VM));
  await probe.close();
  return has ? null : 'a base image with a virtual machine';
}

describe.skipIf(lack !== null)(`vm${lack === null ? '' : ` (missing: ${lack})`}`, () => {
  beforeAll(async () => {
    lab = await startLab('vm');
    await lab.engine.create({ id: 'learner' });
  });
  afterAll(() => lab?.close());

  const sh = (script: string) =>
    lab.engine.runInSandbox('learner', ['sh', '-c', script], { cwd: '/', timeoutMs: BOOT_MS });

  test(
    'boots a kernel of its own, runs a command there, and leaves nothing',
    async () => {
      const { output, exitCode } = await sh(`vm 'echo its kernel: $(uname -r), pid $$'`);
      const kernel = /its kernel: (\S+), pid/.exec(output)?.[1];
      expect(kernel).toMatch(/^\d+\.\d+/);
      expect(kernel).not.toBe(release());
      expect(exitCode).toBe(0);
      await onlyInitIsLeft();
      expect(readdirSync(`${lab.root('learner')}/tmp`)).toEqual([]);
    },
    2 * BOOT_MS,
  );

  test(
    'measures a machine beside a container of the same files',
    async () => {
      const { output } = await sh('vm --measure');
      const measured = JSON.parse(output);
      console.info(JSON.stringify(measured));
      expect(measured.container.kernel).toBe(release());
      expect(measured.vm.kernel).not.toBe(release());
      expect(measured.container.memoryKib).toBeGreaterThan(0);
      expect(measured.vm.memoryKib).toBeGreaterThan(measured.container.memoryKib);
      await onlyInitIsLeft();
      expect(readdirSync(`${lab.root('learner')}/tmp`)).toEqual([]);
    },
    2 * BOOT_MS,
  );
});

/** Every process of the learner but PID 1 has ended. */
async function onlyInitIsLeft(): Promise<void> {
  const { idBase } = lab.engine.list()[0]!;
  await until('nothing but init runs', () => processesOfRange(idBase).length === 1);
}
