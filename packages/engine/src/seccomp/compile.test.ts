/** The compiled filters, run by a small interpreter of classic BPF: no kernel needed. */
import type { LinuxSeccomp, SeccompArgument } from '@terrarium/spec';
import { type Architecture, ERRNO, SECCOMP, SYSCALL_NUMBERS, TIOC } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import {
  AUDIT_ARCH,
  BPF_AND,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_LD_ABS,
  BPF_RET,
  type BpfInstruction,
  compileSeccomp,
  encodeBpf,
} from './compile.js';
import { DENIALS, sandboxSeccomp } from './deny-list.js';

interface CallData {
  readonly arch: number;
  readonly number: number;
  readonly args?: readonly bigint[];
}

/** struct seccomp_data as the kernel fills it. */
function seccompData({ arch, number, args = [] }: CallData): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, arch, true);
  args.forEach((value, index) => {
    data.setBigUint64(16 + index * 8, value, true);
  });
  return data;
}

/** Runs a program; throws where the kernel's checker would refuse it. */
function interpret(program: readonly BpfInstruction[], call: CallData): number {
  const data = seccompData(call);
  let accumulator = 0;
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at]!;
    if (code === BPF_LD_ABS) accumulator = data.getUint32(k, true);
    else if (code === BPF_AND) accumulator = (accumulator & k) >>> 0;
    else if (code === BPF_RET) return k;
    else if (code === BPF_JEQ) at += accumulator === k >>> 0 ? jt : jf;
    else if (code === BPF_JGT) at += accumulator > k >>> 0 ? jt : jf;
    else if (code === BPF_JGE) at += accumulator >= k >>> 0 ? jt : jf;
    else throw new Error(`unknown instruction ${code} at ${at}`);
  }
  throw new Error('fell off the end');
}

const ALLOW = SECCOMP.SECCOMP_RET_ALLOW;
const refusal = (errno: number) => SECCOMP.SECCOMP_RET_ERRNO | errno;

function ask(architecture: Architecture, name: string, ...args: bigint[]): number {
  const program = compileSeccomp(sandboxSeccomp(), architecture);
  const number = SYSCALL_NUMBERS[architecture][name]!;
  return interpret(program, { arch: AUDIT_ARCH[architecture], number, args });
}

const ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];

describe.each(ARCHITECTURES)('the sandbox filter on %s', (architecture) => {
  test.each(
    DENIALS.filter(({ args }) => args === undefined).flatMap(({ names, errno }) =>
      names.map((name) => [name, errno ?? ERRNO.EPERM] as const),
    ),
  )('refuses %s', (name, errno) => {
    if (SYSCALL_NUMBERS[architecture][name] === undefined) return; // not a call here
    expect(ask(architecture, name)).toBe(refusal(errno));
  });

  test.each([
    'mount',
    'umount2',
    'unshare',
    'setns',
    'clone',
    'clone3',
    'pivot_root',
    'chroot',
    'ptrace',
    'mknodat',
    'open_tree',
    'move_mount',
    'fsopen',
    'fsconfig',
    'fsmount',
    'mount_setattr',
    'execve',
    'sethostname',
    'seccomp',
    'capset',
    'prctl',
    'personality',
    'name_to_handle_at',
    'setxattr',
    'read',
    'openat',
    'futex',
    'process_vm_readv',
    'pidfd_open',
    'pidfd_getfd',
    'landlock_create_ruleset',
  ])('allows %s', (name) => {
    expect(ask(architecture, name)).toBe(ALLOW);
  });

  test('refuses ioctl TIOCSTI whatever the high bits are, allows other ioctls', () => {
    const TIOCSTI = BigInt(TIOC.TIOCSTI);
    expect(ask(architecture, 'ioctl', 0n, TIOCSTI)).toBe(refusal(ERRNO.EPERM));
    expect(ask(architecture, 'ioctl', 0n, TIOCSTI | (1n << 32n))).toBe(refusal(ERRNO.EPERM));
    expect(ask(architecture, 'ioctl', 0n, BigInt(TIOC.TIOCGWINSZ))).toBe(ALLOW);
    expect(ask(architecture, 'ioctl', TIOCSTI, 0n)).toBe(ALLOW);
  });

  test('refuses sockets without a namespace, allows the others', () => {
    for (const family of [40n, 38n, 21n, 30n, 42n]) {
      expect(ask(architecture, 'socket', family)).toBe(refusal(ERRNO.EPERM));
    }
    for (const family of [1n, 2n, 10n, 16n, 17n]) {
      expect(ask(architecture, 'socket', family)).toBe(ALLOW);
    }
  });

  test('ends a process that calls by a foreign architecture', () => {
    const program = compileSeccomp(sandboxSeccomp(), architecture);
    const AUDIT_ARCH_I386 = 0x4000_0003;
    const AUDIT_ARCH_ARM = 0x4000_0028;
    for (const arch of [AUDIT_ARCH_I386, AUDIT_ARCH_ARM]) {
      expect(interpret(program, { arch, number: 20 })).toBe(SECCOMP.SECCOMP_RET_KILL_PROCESS);
    }
  });
});

test('x32 calls do not exist', () => {
  const program = compileSeccomp(sandboxSeccomp(), 'x64');
  const number = 0x4000_0000 | SYSCALL_NUMBERS.x64['init_module']!;
  expect(interpret(program, { arch: AUDIT_ARCH.x64, number })).toBe(refusal(ERRNO.ENOSYS));
});

test('every denial has a reason, and no call is denied twice without arguments', () => {
  expect(DENIALS.every(({ reason }) => reason.length > 10)).toBe(true);
  const names = DENIALS.filter(({ args }) => args === undefined).flatMap((one) => one.names);
  expect(new Set(names).size).toBe(names.length);
});

describe('compileSeccomp', () => {
  const HUGE = 0x1_0000_0005;
  const rule = (...args: SeccompArgument[]): LinuxSeccomp => ({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 7, args },
      { names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 8 },
    ],
  });
  const first = (profile: LinuxSeccomp, ...args: bigint[]) =>
    interpret(compileSeccomp(profile, 'x64'), { arch: AUDIT_ARCH.x64, number: 0, args }) ===
    refusal(7);

  // Around a value that needs both words; every operator, against bigint arithmetic.
  const values = [
    0n,
    4n,
    5n,
    6n,
    0xffff_ffffn,
    0x1_0000_0000n,
    0x1_0000_0004n,
    0x1_0000_0005n,
    0x1_0000_0006n,
    0x2_0000_0000n,
    0xffff_ffff_ffff_ffffn,
  ];
  const operators: readonly [SeccompArgument['op'], (a: bigint, b: bigint) => boolean][] = [
    ['SCMP_CMP_EQ', (a, b) => a === b],
    ['SCMP_CMP_NE', (a, b) => a !== b],
    ['SCMP_CMP_LT', (a, b) => a < b],
    ['SCMP_CMP_LE', (a, b) => a <= b],
    ['SCMP_CMP_GT', (a, b) => a > b],
    ['SCMP_CMP_GE', (a, b) => a >= b],
  ];
  test.each(operators)('%s compares 64 bits', (op, compare) => {
    for (const value of [5, HUGE]) {
      for (const argument of values) {
        const got = first(rule({ index: 2, value, op }), 0n, 0n, argument);
        expect(got, `${argument} ${op} ${value}`).toBe(compare(argument, BigInt(value)));
      }
    }
  });

  test('MASKED_EQ masks before it compares', () => {
    const profile = rule({ index: 0, value: 0xf0, valueTwo: 0x50, op: 'SCMP_CMP_MASKED_EQ' });
    expect(first(profile, 0x5fn)).toBe(true);
    expect(first(profile, 0x1_0000_0050n)).toBe(true);
    expect(first(profile, 0x60n)).toBe(false);
  });

  test('all conditions of a rule must hold; otherwise the next rule is asked', () => {
    const profile = rule(
      { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
      { index: 1, value: 2, op: 'SCMP_CMP_EQ' },
    );
    const result = (...args: bigint[]) =>
      interpret(compileSeccomp(profile, 'x64'), { arch: AUDIT_ARCH.x64, number: 0, args });
    expect(result(1n, 2n)).toBe(refusal(7));
    expect(result(1n, 3n)).toBe(refusal(8));
    expect(result(2n, 2n)).toBe(refusal(8));
  });

  test('names that an architecture does not have are passed over', () => {
    const profile: LinuxSeccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['iopl', 'no_such_call'], action: 'SCMP_ACT_ERRNO' }],
    };
    expect(compileSeccomp(profile, 'arm64')).toHaveLength(5);
  });

  test('encodes as the kernel reads it', () => {
    expect([...encodeBpf([{ code: 0x15, jt: 1, jf: 2, k: 0xc000003e }])]).toEqual([
      0x15, 0x00, 1, 2, 0x3e, 0x00, 0x00, 0xc0,
    ]);
  });
});
