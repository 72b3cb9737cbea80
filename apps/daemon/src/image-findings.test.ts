import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { imageFindings } from './image-findings.js';
import { requirementsOf } from './requirements.js';

let image: string;
beforeEach(() => {
  image = mkdtempSync(join(tmpdir(), 'image-findings-'));
});
afterEach(() => rmSync(image, { recursive: true }));

function put(path: string): void {
  mkdirSync(dirname(join(image, path)), { recursive: true });
  writeFileSync(join(image, path), '');
}

test('an image without a virtual machine says which file is missing, in both languages', () => {
  put('usr/local/bin/vm');
  const { met, message } = requirementsOf(imageFindings(image))('image.vm');
  expect(met).toBe(false);
  expect(message?.en).toContain('/images/vm/vmlinuz is missing');
  expect(message?.zh).toContain('/images/vm/vmlinuz');
});

test('an image with kernel, command and QEMU has a virtual machine', () => {
  put('usr/local/bin/vm');
  put('images/vm/vmlinuz');
  put('usr/bin/qemu-system-x86_64');
  expect(requirementsOf(imageFindings(image))('image.vm')).toEqual({
    feature: 'image.vm',
    met: true,
  });
});
