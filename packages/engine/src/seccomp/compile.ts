/**
 * OCI seccomp profile → classic BPF program for seccomp(2), for x86_64 and arm64. Pure.
 *
 * The program is a straight list of tests: architecture, x32, then rule by rule in the profile's
 * order; the first match decides. Linear is fast enough: since Linux 5.11 the kernel remembers
 * which numbers are always allowed and skips the program for them.
 * @see seccomp(2); linux/filter.h, linux/seccomp.h
 */
import type { LinuxSeccomp, SeccompAction, SeccompArgument, SeccompRule } from '@terrarium/spec';
import { type Architecture, ERRNO, SECCOMP, SYSCALL_NUMBERS } from '@terrarium/syscall';

/** One instruction: struct sock_filter. */
export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** BPF_LD|BPF_W|BPF_ABS: load a 32-bit word of struct seccomp_data. */
export const BPF_LD_ABS = 0x20;
/** BPF_ALU|BPF_AND|BPF_K */
export const BPF_AND = 0x54;
/** BPF_JMP|BPF_JA */
export const BPF_JA = 0x05;
/** BPF_JMP|BPF_JEQ|BPF_K, BPF_JGT, BPF_JGE */
export const BPF_JEQ = 0x15;
export const BPF_JGT = 0x25;
export const BPF_JGE = 0x35;
/** BPF_RET|BPF_K */
export const BPF_RET = 0x06;

/** Offsets in struct seccomp_data: nr, arch, instruction_pointer, args[6]. */
const NUMBER_OFFSET = 0;
const ARCH_OFFSET = 4;
const ARGS_OFFSET = 16;

/** AUDIT_ARCH_… from linux/audit.h */
export const AUDIT_ARCH: Readonly<Record<Architecture, number>> = {
  x64: 0xc000_003e,
  arm64: 0xc000_00b7,
};

/** Calls of the x32 ABI report x86_64's architecture with this bit set. */
export const X32_BIT = 0x4000_0000;

/** BPF_MAXINSNS */
const MAX_INSTRUCTIONS = 4096;

/**
 * Compiles a profile.
 *
 * @returns the program; calls of a foreign architecture (i386 on x86_64) end the process, those of
 *   x32 are ENOSYS: their numbers mean other calls than the ones that the rules name
 * @throws Error on an action or a shape that this compiler does not know
 */
export function compileSeccomp(
  profile: LinuxSeccomp,
  architecture: Architecture,
): BpfInstruction[] {
  const program = [
    load(ARCH_OFFSET),
    jump(BPF_JEQ, AUDIT_ARCH[architecture], 1, 0),
    ret(SECCOMP.SECCOMP_RET_KILL_PROCESS),
    load(NUMBER_OFFSET),
    ...(architecture === 'x64'
      ? [jump(BPF_JGE, X32_BIT, 0, 1), ret(SECCOMP.SECCOMP_RET_ERRNO | ERRNO.ENOSYS)]
      : []),
    ...(profile.syscalls ?? []).flatMap((rule) => compileRule(rule, architecture)),
    ret(returnValue(profile.defaultAction, profile.defaultErrnoRet)),
  ];
  if (program.length > MAX_INSTRUCTIONS) {
    throw new Error(
      `seccomp program has ${program.length} instructions, at most ${MAX_INSTRUCTIONS}`,
    );
  }
  return program;
}

/** The program as the kernel reads it: 8 bytes an instruction, little-endian. */
export function encodeBpf(program: readonly BpfInstruction[]): Uint8Array {
  const encoded = new Uint8Array(program.length * 8);
  const view = new DataView(encoded.buffer);
  program.forEach(({ code, jt, jf, k }, index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k >>> 0, true);
  });
  return encoded;
}

/** A program ready for seccomp(2). */
export interface EncodedProgram {
  readonly instructions: number;
  readonly bytes: Uint8Array;
}

const compiled = new WeakMap<LinuxSeccomp, EncodedProgram>();

/** Compiles and encodes for one architecture; a profile object is compiled once. */
export function encodedSeccomp(profile: LinuxSeccomp, architecture: Architecture): EncodedProgram {
  const known = compiled.get(profile);
  if (known !== undefined) return known;
  const program = compileSeccomp(profile, architecture);
  const encoded = { instructions: program.length, bytes: encodeBpf(program) };
  compiled.set(profile, encoded);
  return encoded;
}

/** Names that this architecture does not have are skipped, as the OCI spec asks. */
function compileRule(rule: SeccompRule, architecture: Architecture): BpfInstruction[] {
  const result = ret(returnValue(rule.action, rule.errnoRet));
  const table: Readonly<Record<string, number>> = SYSCALL_NUMBERS[architecture];
  return rule.names.flatMap((name) => {
    const number = table[name];
    return number === undefined ? [] : compileCall(number, rule.args ?? [], result);
  });
}

/** The accumulator holds the number before and after. */
function compileCall(
  number: number,
  args: readonly SeccompArgument[],
  result: BpfInstruction,
): BpfInstruction[] {
  if (args.length === 0) return [jump(BPF_JEQ, number, 0, 1), result];
  // Tests are laid out backwards: each needs to know how far it is to the end of the rule.
  let tail: BpfInstruction[] = [result];
  for (const argument of [...args].reverse()) {
    // Behind the tail one instruction reloads the number: a failed test goes there.
    tail = [...compileArgument(argument, tail.length), ...tail];
  }
  return [jump(BPF_JEQ, number, 0, tail.length + 1), ...tail, load(NUMBER_OFFSET)];
}

/**
 * Falls through when the condition holds, else jumps over the `rest` instructions of the rule.
 * A 64-bit comparison is made of two 32-bit ones, high word first.
 */
function compileArgument(argument: SeccompArgument, rest: number): BpfInstruction[] {
  const low = ARGS_OFFSET + argument.index * 8;
  const high = low + 4;
  const [valueHigh, valueLow] = words(argument.value);
  const [twoHigh, twoLow] = words(argument.valueTwo ?? 0);
  switch (argument.op) {
    case 'SCMP_CMP_EQ':
      return [
        load(high),
        jump(BPF_JEQ, valueHigh, 0, rest + 2),
        load(low),
        jump(BPF_JEQ, valueLow, 0, rest),
      ];
    case 'SCMP_CMP_NE':
      return [
        load(high),
        jump(BPF_JEQ, valueHigh, 0, 2),
        load(low),
        jump(BPF_JEQ, valueLow, rest, 0),
      ];
    case 'SCMP_CMP_MASKED_EQ':
      return [
        load(high),
        { code: BPF_AND, jt: 0, jf: 0, k: valueHigh },
        jump(BPF_JEQ, twoHigh, 0, rest + 3),
        load(low),
        { code: BPF_AND, jt: 0, jf: 0, k: valueLow },
        jump(BPF_JEQ, twoLow, 0, rest),
      ];
    case 'SCMP_CMP_GT':
      return ordered(BPF_JGT, false);
    case 'SCMP_CMP_GE':
      return ordered(BPF_JGE, false);
    case 'SCMP_CMP_LT':
      return ordered(BPF_JGE, true);
    case 'SCMP_CMP_LE':
      return ordered(BPF_JGT, true);
  }

  /** high above: decided true; high below: decided false; equal: the low word decides; or inverted. */
  function ordered(code: number, inverted: boolean): BpfInstruction[] {
    const lastTrue = inverted ? rest : 0;
    const lastFalse = inverted ? 0 : rest;
    return [
      load(high),
      jump(BPF_JGT, valueHigh, 3 + lastTrue, 0),
      jump(BPF_JEQ, valueHigh, 0, 2 + lastFalse),
      load(low),
      jump(code, valueLow, lastTrue, lastFalse),
    ];
  }
}

function words(value: number): [high: number, low: number] {
  return [Math.floor(value / 0x1_0000_0000), value >>> 0];
}

function returnValue(action: SeccompAction, errno: number | undefined): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return SECCOMP.SECCOMP_RET_ALLOW;
    case 'SCMP_ACT_ERRNO':
      return SECCOMP.SECCOMP_RET_ERRNO | (errno ?? ERRNO.EPERM);
    case 'SCMP_ACT_KILL_PROCESS':
      return SECCOMP.SECCOMP_RET_KILL_PROCESS;
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return 0; // SECCOMP_RET_KILL_THREAD
    case 'SCMP_ACT_TRAP':
      return SECCOMP.SECCOMP_RET_TRAP;
    case 'SCMP_ACT_LOG':
      return SECCOMP.SECCOMP_RET_LOG;
    case 'SCMP_ACT_TRACE':
      return SECCOMP.SECCOMP_RET_TRACE | (errno ?? 0);
    case 'SCMP_ACT_NOTIFY':
      throw new Error('seccomp action SCMP_ACT_NOTIFY is not supported');
  }
}

function load(offset: number): BpfInstruction {
  return { code: BPF_LD_ABS, jt: 0, jf: 0, k: offset };
}

function jump(code: number, k: number, jt: number, jf: number): BpfInstruction {
  return { code, jt, jf, k };
}

function ret(value: number): BpfInstruction {
  return { code: BPF_RET, jt: 0, jf: 0, k: value >>> 0 };
}
