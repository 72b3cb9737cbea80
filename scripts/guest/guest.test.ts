/** The parts of the guest's making that need neither root nor QEMU. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ROOT } from '../setup/paths.mjs';
import { CHECKOUT } from './disks.mjs';
import { guestKernel, loadOrder } from './kernel.mjs';
import { guestFiles, LEFT_OUT } from './suite.mjs';

const folder = mkdtempSync(join(tmpdir(), 'terrarium-guest-unit-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('guest', () => {
  it('loads what a module needs before it, and each once', () => {
    writeFileSync(
      join(folder, 'modules.dep'),
      [
        'kernel/virtio.ko:',
        'kernel/virtio_ring.ko: kernel/virtio.ko',
        'kernel/virtio-pci.ko: kernel/virtio_ring.ko kernel/virtio.ko',
        'kernel/virtio_blk.ko.xz: kernel/virtio_ring.ko',
        '',
      ].join('\n'),
    );
    expect(loadOrder(folder, ['virtio_pci', 'virtio_blk', 'built_in'])).toEqual([
      'kernel/virtio.ko',
      'kernel/virtio_ring.ko',
      'kernel/virtio-pci.ko',
      'kernel/virtio_blk.ko.xz',
    ]);
  });

  it('has no kernel where none was fetched', () => {
    expect(guestKernel(join(folder, 'nowhere'))).toBeNull();
  });

  it('takes every TypeScript project along, without which no test there is compiled', () => {
    const { references } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
    for (const { path } of references as { path: string }[]) {
      const file = path.endsWith('.json') ? path : `${path}/tsconfig.json`;
      expect(
        CHECKOUT.some((name) => file === name || file.startsWith(`${name}/`)),
        path,
      ).toBe(true);
    }
  });

  it('leaves out only tests that exist, and says why', () => {
    for (const [name, why] of Object.entries(LEFT_OUT)) {
      expect(existsSync(join(ROOT, 'test/integration', name)), name).toBe(true);
      expect(why).not.toBe('');
    }
    expect(guestFiles()).toContain('test/integration/sandbox.test.ts');
  });
});
