/**
 * The device program against a model of the kernel's v1 device cgroup, run by a tiny interpreter;
 * and the rules in v1's spelling.
 */
import type { LinuxDeviceCgroup } from '@terrarium/spec';
import { describe, expect, test } from 'vitest';
import { deviceProgram, encodeProgram, type Instruction } from './program.js';
import { containerDeviceRules, deviceRuleProblems, v1DeviceWrites } from './rules.js';

/** An access that the kernel asks about. */
interface Request {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  readonly access: string;
}

const BITS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const bitsOf = (access: string) =>
  [...access].reduce((bits, letter) => bits | (BITS[letter] ?? 0), 0);

/**
 * Runs a program as the kernel would, as far as this one goes: all its values fit 32 bits, and no
 * immediate is negative, so that sign extension makes no difference.
 */
function run(code: Uint8Array, { type, major, minor, access }: Request): boolean {
  const context = new DataView(new ArrayBuffer(12));
  context.setUint32(0, (bitsOf(access) << 16) | (type === 'b' ? 1 : 2), true);
  context.setUint32(4, major, true);
  context.setUint32(8, minor, true);
  const view = new DataView(code.buffer);
  const registers = new Array<number | undefined>(11).fill(undefined);
  const get = (index: number) => {
    const value = registers[index];
    if (value === undefined) throw new Error(`read of r${index} before it is written`);
    return value;
  };
  for (let at = 0, steps = 0; ; at++, steps++) {
    if (steps > 100_000 || (at + 1) * 8 > code.length) throw new Error(`ran out at ${at}`);
    const operation = view.getUint8(at * 8);
    const dst = view.getUint8(at * 8 + 1) & 15;
    const src = view.getUint8(at * 8 + 1) >> 4;
    const off = view.getInt16(at * 8 + 2, true);
    const imm = view.getInt32(at * 8 + 4, true);
    if (imm < 0) throw new Error(`negative immediate at ${at}`);
    switch (operation) {
      case 0x61:
        if (src !== 1) throw new Error('a load from anything but the context');
        registers[dst] = context.getUint32(off, true);
        break;
      case 0xbc:
        registers[dst] = get(src);
        break;
      case 0xb4:
        registers[dst] = imm;
        break;
      case 0x54:
        registers[dst] = (get(dst) & imm) >>> 0;
        break;
      case 0x74:
        registers[dst] = get(dst) >>> imm;
        break;
      case 0x15:
        if (get(dst) === imm) at += off;
        break;
      case 0x55:
        if (get(dst) !== imm) at += off;
        break;
      case 0x95:
        return get(0) === 1;
      default:
        throw new Error(`unknown instruction 0x${operation.toString(16)}`);
    }
  }
}

function allows(rules: readonly LinuxDeviceCgroup[], request: Request): boolean {
  return judge(rules)(request);
}

function judge(rules: readonly LinuxDeviceCgroup[]): (request: Request) => boolean {
  const program = deviceProgram(rules);
  if (program === null) return () => true;
  const code = encodeProgram(program);
  return (request) => run(code, request);
}

/** security/device_cgroup.c: a default and a list of exceptions, for lists that v1 can express. */
function v1Allows(rules: readonly LinuxDeviceCgroup[], request: Request): boolean {
  let allowByDefault = true;
  let exceptions: { key: string; bits: number; rule: LinuxDeviceCgroup }[] = [];
  for (const rule of rules) {
    const bits = bitsOf(rule.access ?? 'rwm');
    if (rule.type === undefined || rule.type === 'a') {
      allowByDefault = rule.allow;
      exceptions = [];
      continue;
    }
    const key = `${rule.type} ${rule.major ?? '*'}:${rule.minor ?? '*'}`;
    const known = exceptions.find((one) => one.key === key);
    if (rule.allow !== allowByDefault) {
      if (known === undefined) exceptions.push({ key, bits, rule });
      else known.bits |= bits;
    } else if (known !== undefined) {
      known.bits &= ~bits;
    }
  }
  const wanted = bitsOf(request.access);
  const matches = exceptions.filter(
    ({ rule }) =>
      rule.type === request.type &&
      (rule.major ?? request.major) === request.major &&
      (rule.minor ?? request.minor) === request.minor,
  );
  return allowByDefault
    ? !matches.some(({ bits }) => (bits & wanted) !== 0)
    : matches.some(({ bits }) => (wanted & ~bits) === 0);
}

/** Park and Miller's generator: the same lists at every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const ACCESSES = ['r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm'] as const;
const REQUESTS: readonly Request[] = (['b', 'c'] as const).flatMap((type) =>
  [0, 1, 2].flatMap((major) =>
    [0, 1, 2].flatMap((minor) => ACCESSES.map((access) => ({ type, major, minor, access }))),
  ),
);

function randomRules(random: (below: number) => number): LinuxDeviceCgroup[] {
  const count = random(7);
  return Array.from({ length: count }, (): LinuxDeviceCgroup => {
    const allow = random(2) === 0;
    const kind = random(6);
    if (kind === 0) return { allow, type: 'a' };
    const type = kind % 2 === 0 ? 'b' : 'c';
    const number = (field: 'major' | 'minor') => {
      const value = random(4);
      return value === 3 ? {} : { [field]: value };
    };
    return {
      allow,
      type,
      ...number('major'),
      ...number('minor'),
      access: ACCESSES[random(ACCESSES.length)] ?? 'r',
    };
  });
}

describe('deviceProgram', () => {
  test('answers as the v1 device cgroup for every list that v1 can express', () => {
    const random = generator(20_261_122);
    let compared = 0;
    for (let round = 0; round < 1000; round++) {
      const rules = randomRules(random);
      if (deviceRuleProblems(rules, 1).length > 0) continue;
      compared++;
      const ask = judge(rules);
      for (const request of REQUESTS) {
        if (ask(request) === v1Allows(rules, request)) continue;
        expect.fail(`${JSON.stringify(rules)} for ${JSON.stringify(request)}`);
      }
    }
    expect(compared).toBeGreaterThan(300);
  });

  test('for lists that v1 cannot express the last rule that matches wins', () => {
    const random = generator(7);
    for (let round = 0; round < 1000; round++) {
      const rules = randomRules(random);
      const ask = judge(rules);
      // For one letter it is simple: the last rule that names device and letter decides.
      for (const request of REQUESTS.filter(({ access }) => access.length === 1)) {
        let expected = true;
        for (const rule of rules) {
          const all = rule.type === undefined || rule.type === 'a';
          const here =
            rule.type === request.type &&
            (rule.major ?? request.major) === request.major &&
            (rule.minor ?? request.minor) === request.minor &&
            (rule.access ?? 'rwm').includes(request.access);
          if (all || here) expected = rule.allow;
        }
        if (ask(request) === expected) continue;
        expect.fail(`${JSON.stringify(rules)} for ${JSON.stringify(request)}`);
      }
    }
  });

  const sandbox: LinuxDeviceCgroup[] = [
    { allow: false, type: 'a' },
    { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
    { allow: true, type: 'c', major: 136, access: 'rwm' },
  ];

  test('denies what no rule names, and what a rule names only in part', () => {
    const ask = (major: number, minor: number, access: string) =>
      allows(sandbox, { type: 'c', major, minor, access });
    expect(ask(1, 3, 'rw')).toBe(true);
    expect(ask(1, 3, 'r')).toBe(true);
    expect(ask(1, 3, 'm')).toBe(false);
    expect(ask(1, 3, 'rwm')).toBe(false);
    expect(ask(136, 77, 'rwm')).toBe(true);
    expect(ask(1, 5, 'r')).toBe(false);
    expect(allows(sandbox, { type: 'b', major: 1, minor: 3, access: 'r' })).toBe(false);
  });

  test('makes no program where everything is allowed', () => {
    expect(deviceProgram([])).toBeNull();
    expect(deviceProgram([{ allow: true, type: 'c', major: 1, access: 'r' }])).toBeNull();
    expect(deviceProgram([{ allow: false }, { allow: true }])).toBeNull();
  });

  test('reads no register before it is written, jumps only forwards and inside', () => {
    const program = deviceProgram(sandbox) ?? [];
    program.forEach(({ off, code }: Instruction, index) => {
      if (code !== 0x15 && code !== 0x55) return;
      expect(off).toBeGreaterThanOrEqual(0);
      expect(index + 1 + off).toBeLessThan(program.length);
    });
    expect(program.at(-1)?.code).toBe(0x95);
  });

  test('literal instructions: deny everything', () => {
    const program = deviceProgram([{ allow: false, access: 'rwm' }]) ?? [];
    expect(Buffer.from(encodeProgram(program)).toString('hex')).toBe(
      [
        '6112000000000000', // r2 = *(u32 *)(r1 + 0)
        '54020000ffff0000', // w2 &= 0xffff
        '6113000000000000', // r3 = *(u32 *)(r1 + 0)
        '7403000010000000', // w3 >>= 16
        '6114040000000000', // r4 = *(u32 *)(r1 + 4)
        '6115080000000000', // r5 = *(u32 *)(r1 + 8)
        'b400000000000000', // w0 = 0
        '9500000000000000', // exit
      ].join(''),
    );
  });
});

describe('device rules', () => {
  test('v1 lines, with what the config leaves out', () => {
    const lines = v1DeviceWrites([
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 3 },
      { allow: true, type: 'b', major: 8, minor: -1, access: 'r' },
      { allow: true, type: 'c', major: 5, access: '' },
    ]).map(({ file, value }) => `${file} ${value}`);
    expect(lines).toEqual(['devices.deny a', 'devices.allow c 1:3 rwm', 'devices.allow b 8:* r']);
  });

  test('a hole in a wildcard is refused on v1, and nowhere else', () => {
    const rules: LinuxDeviceCgroup[] = [
      { allow: false },
      { allow: true, type: 'c', major: 1, access: 'rwm' },
      { allow: false, type: 'c', major: 1, minor: 3, access: 'w' },
    ];
    expect(deviceRuleProblems(rules, 1)).toEqual([
      { field: 'devices[2]', reason: 'cgroup v1 cannot make an exception from allow c 1:* rwm' },
    ]);
    expect(deviceRuleProblems(rules, 2)).toEqual([]);
  });

  test('all devices with only some access, and numbers that no device has, are refused', () => {
    expect(deviceRuleProblems([{ allow: false, type: 'a', access: 'r' }], 2)).toHaveLength(1);
    expect(deviceRuleProblems([{ allow: false, type: 'a', major: 1 }], 1)).toHaveLength(1);
    expect(deviceRuleProblems([{ allow: true, type: 'c', major: 5000 }], 2)).toHaveLength(1);
  });

  test('a container with rules may open the default devices and make its own nodes', () => {
    const rules = containerDeviceRules(
      [{ allow: false }],
      [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229 }],
    );
    const ask = (major: number, minor: number, access: string) =>
      allows(rules, { type: 'c', major, minor, access });
    expect(ask(1, 3, 'rw')).toBe(true);
    expect(ask(136, 0, 'rw')).toBe(true);
    expect(ask(10, 229, 'm')).toBe(true);
    expect(ask(10, 229, 'rw')).toBe(false);
    // A config without rules is no leave to open the machine's disk.
    for (const without of [containerDeviceRules(), containerDeviceRules([])]) {
      expect(allows(without, { type: 'b', major: 8, minor: 0, access: 'r' })).toBe(false);
      expect(allows(without, { type: 'c', major: 1, minor: 5, access: 'rw' })).toBe(true);
    }
    expect(deviceProgram(containerDeviceRules([{ allow: true, access: 'rwm' }]))).toBeNull();
  });
});
