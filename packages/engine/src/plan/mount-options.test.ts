import { expect, test } from 'vitest';
import { parseMountOptions } from './mount-options.js';

test('flags and data are told apart, defaults vanish, the order of data stays', () => {
  const parsed = parseMountOptions(['rw', 'nosuid', 'size=64k', 'noexec', 'mode=0755']);
  expect(parsed).toEqual({
    flags: { value: 10n, display: 'MS_NOSUID|MS_NOEXEC' },
    data: 'size=64k,mode=0755',
  });
});

test('rbind is two flags', () => {
  expect(parseMountOptions(['rbind']).flags.display).toBe('MS_BIND|MS_REC');
});
