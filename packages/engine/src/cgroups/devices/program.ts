/**
 * Device rules as a program of cgroup v2: the kernel runs it for every open and mknod of a device
 * by a process of the group. Pure: rules in, instructions out; plan/device-calls.ts loads them.
 *
 * The program sees struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; } with the
 * kind of device in the low half of access_type and the wanted access in the high half. It asks
 * one rule after the other, the last of the config first, and ends at the first that decides:
 *
 *     r2 = access_type & 0xffff     1 block, 2 character
 *     r3 = access_type >> 16        1 mknod, 2 read, 4 write, any of them together
 *     r4 = major, r5 = minor
 *     rule:  if r2 != kind goto next; if r4 != major goto next; if r5 != minor goto next
 *            allow: if (r3 & ~access) != 0 goto next; return 1
 *            deny:  if (r3 &  access) == 0 goto next; return 0
 *     default: return 0 or 1
 * @see bpf(2); kernel docs bpf/prog_cgroup_sockopt, <linux/bpf.h>
 */
import type { LinuxDeviceCgroup } from '@terrarium/spec';
import { BPF_DEVCG } from '@terrarium/syscall';
import { type DeviceRule, deviceRules, overlap, sameDevices } from './rules.js';

/** struct bpf_insn: a virtual machine of ten 64-bit registers, instructions of 8 bytes. */
export interface Instruction {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  /** jumps: instructions to skip; loads: bytes from the address in src */
  readonly off: number;
  readonly imm: number;
}

/** The instructions used here, <linux/bpf_common.h>: class, operation, source of the operand. */
export const OPCODE = {
  /** dst = *(u32 *)(src + off) */
  LDX_MEM_W: 0x61,
  /** 32-bit: dst = src, dst = imm, dst &= imm, dst >>= imm */
  MOV32_REG: 0xbc,
  MOV32_IMM: 0xb4,
  AND32_IMM: 0x54,
  RSH32_IMM: 0x74,
  /** 64-bit, which 32-bit results fill with zeros: if (dst == imm), (dst != imm) skip off */
  JEQ_IMM: 0x15,
  JNE_IMM: 0x55,
  EXIT: 0x95,
} as const;

const [R0, R1, KIND, ACCESS, MAJOR, MINOR] = [0, 1, 2, 3, 4, 5] as const;
const ALL_ACCESS = 7;

/**
 * Compiles the rules.
 *
 * @returns null when the rules allow everything, so that no program is needed
 */
export function deviceProgram(rules: readonly LinuxDeviceCgroup[]): readonly Instruction[] | null {
  const { allowByDefault, decisions } = decide(deviceRules(rules));
  if (allowByDefault && decisions.every(({ allow }) => allow)) return null;
  return [
    ...LOAD_CONTEXT,
    ...decisions.flatMap(compileDecision),
    insn(OPCODE.MOV32_IMM, R0, { imm: allowByDefault ? 1 : 0 }),
    insn(OPCODE.EXIT, R0),
  ];
}

/** The instructions as the kernel takes them. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const memory = new Uint8Array(program.length * 8);
  const view = new DataView(memory.buffer);
  program.forEach(({ code, dst, src, off, imm }, index) => {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, (src << 4) | dst);
    view.setInt16(index * 8 + 2, off, true);
    view.setInt32(index * 8 + 4, imm, true);
  });
  return memory;
}

/** One rule of the program; `bits` is never 0. */
interface Decision extends DeviceRule {
  readonly bits: number;
}

/** What the rules come to: in the order in which the program asks. */
function decide(rules: readonly DeviceRule[]): {
  readonly allowByDefault: boolean;
  readonly decisions: readonly Decision[];
} {
  let allowByDefault = true; // a new group is not limited: neither in v1 nor without a program
  let list: Decision[] = [];
  for (const rule of rules) {
    if (rule.type === 'a') {
      allowByDefault = rule.allow;
      list = [];
    } else {
      list = withRule(list, { ...rule, bits: bitsOf(rule.access) });
    }
  }
  return { allowByDefault, decisions: list.reverse() };
}

/**
 * Adds a rule at the end. Rules for the same devices become one, as exceptions do in v1: `allow r`
 * and `allow w` allow an open for both at once, and a later deny takes its letters out. Not across
 * a rule in between that meets them, which must keep its place.
 */
function withRule(list: readonly Decision[], rule: Decision): Decision[] {
  const kept: Decision[] = [];
  let { bits } = rule;
  list.forEach((earlier, index) => {
    if (!sameDevices(earlier, rule)) {
      kept.push(earlier);
      return;
    }
    if (earlier.allow !== rule.allow) {
      const left = earlier.bits & ~rule.bits; // the rest is decided by the new rule
      if (left !== 0) kept.push({ ...earlier, bits: left });
      return;
    }
    const between = list.slice(index + 1);
    const blocked = between.some((one) => one.allow !== rule.allow && overlap(one, rule));
    if (blocked) kept.push(earlier);
    else bits |= earlier.bits;
  });
  return [...kept, { ...rule, bits }];
}

function bitsOf(access: string): number {
  let bits = 0;
  if (access.includes('m')) bits |= BPF_DEVCG.BPF_DEVCG_ACC_MKNOD;
  if (access.includes('r')) bits |= BPF_DEVCG.BPF_DEVCG_ACC_READ;
  if (access.includes('w')) bits |= BPF_DEVCG.BPF_DEVCG_ACC_WRITE;
  return bits;
}

const LOAD_CONTEXT: readonly Instruction[] = [
  insn(OPCODE.LDX_MEM_W, KIND, { src: R1, off: 0 }),
  insn(OPCODE.AND32_IMM, KIND, { imm: 0xffff }),
  insn(OPCODE.LDX_MEM_W, ACCESS, { src: R1, off: 0 }),
  insn(OPCODE.RSH32_IMM, ACCESS, { imm: 16 }),
  insn(OPCODE.LDX_MEM_W, MAJOR, { src: R1, off: 4 }),
  insn(OPCODE.LDX_MEM_W, MINOR, { src: R1, off: 8 }),
];

/** Tests, then the answer; each failing test skips to what follows the answer. */
function compileDecision({ allow, type, major, minor, bits }: Decision): Instruction[] {
  const kind = type === 'b' ? BPF_DEVCG.BPF_DEVCG_DEV_BLOCK : BPF_DEVCG.BPF_DEVCG_DEV_CHAR;
  const tests: Instruction[] = [insn(OPCODE.JNE_IMM, KIND, { imm: kind })];
  if (major !== null) tests.push(insn(OPCODE.JNE_IMM, MAJOR, { imm: major }));
  if (minor !== null) tests.push(insn(OPCODE.JNE_IMM, MINOR, { imm: minor }));
  if (bits !== ALL_ACCESS) {
    // r0 is free until the answer: what of the wanted access is outside (allow) or inside (deny).
    tests.push(insn(OPCODE.MOV32_REG, R0, { src: ACCESS }));
    tests.push(insn(OPCODE.AND32_IMM, R0, { imm: allow ? ALL_ACCESS & ~bits : bits }));
    tests.push(insn(allow ? OPCODE.JNE_IMM : OPCODE.JEQ_IMM, R0, { imm: 0 }));
  }
  const answer = [insn(OPCODE.MOV32_IMM, R0, { imm: allow ? 1 : 0 }), insn(OPCODE.EXIT, R0)];
  const end = tests.length + answer.length;
  const jumps = tests.map((test, index) =>
    isJump(test.code) ? { ...test, off: end - index - 1 } : test,
  );
  return [...jumps, ...answer];
}

function isJump(code: number): boolean {
  return code === OPCODE.JEQ_IMM || code === OPCODE.JNE_IMM;
}

function insn(
  code: number,
  dst: number,
  { src = 0, off = 0, imm = 0 }: { src?: number; off?: number; imm?: number } = {},
): Instruction {
  return { code, dst, src, off, imm };
}
