import { expect, test } from 'vitest';
import { effectiveCapabilities, parseLimits } from './probe.js';

test('parseLimits reads /proc/PID/limits', () => {
  const table = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max stack size            8388608              unlimited            bytes     ',
    'Max open files            1024                 20000                files     ',
    'Max from the future       1                    2                    years     ',
  ].join('\n');
  expect(parseLimits(table)).toEqual({
    RLIMIT_STACK: { soft: 8_388_608, hard: null },
    RLIMIT_NOFILE: { soft: 1024, hard: 20_000 },
  });
});

test('effectiveCapabilities reads the mask of /proc/PID/status', () => {
  expect(effectiveCapabilities('CapPrm:\t0\nCapEff:\t0000000000200001\n')).toEqual([
    'CAP_CHOWN',
    'CAP_SYS_ADMIN',
  ]);
});
