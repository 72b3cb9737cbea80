/**
 * A small assembler for BPF: instructions as method calls, jumps by label. Pure; knows nothing of
 * what is assembled.
 *
 * @see kernel docs bpf/standardization/instruction-set; <linux/bpf.h>
 */

/** r0 result, r1–r5 arguments, r6–r9 kept across calls, r10 the end of the 512-byte stack. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** Bytes of a load or store. */
export type Width = 1 | 4 | 8;

const SIZE = { 1: 0x10, 4: 0x00, 8: 0x18 } as const;
const [LDX_MEM, ST_MEM, STX_MEM] = [0x61, 0x62, 0x63] as const;
/** src of the 16-byte load: the number is a map's fd, which the kernel replaces by its address. */
const PSEUDO_MAP_FD = 1;

/** Conditions of a jump: opcode without the operand's source; `ge32` compares the lower half, signed. */
const CONDITION = { eq: 0x15, ne: 0x55, ge32: 0x76 } as const;
const OPERATION = { add: 0x07, and: 0x57, shl: 0x67, shr: 0x77, mov: 0xb7 } as const;
/** Turns an operation with a number into the one with a register. */
const BY_REGISTER = 0x08;

/** Collects instructions; every method returns the assembler. */
export class Assembler {
  private readonly code: [number, number, number, number][] = [];
  private readonly labels = new Map<string, number>();
  private readonly jumps: { at: number; to: string }[] = [];

  /** dst = *(width *)(src + offset) */
  load(width: Width, dst: Register, src: Register, offset: number): this {
    return this.emit(LDX_MEM | SIZE[width], dst | (src << 4), offset, 0);
  }

  /** *(width *)(dst + offset) = src */
  store(width: Width, dst: Register, offset: number, src: Register): this {
    return this.emit(STX_MEM | SIZE[width], dst | (src << 4), offset, 0);
  }

  /** *(width *)(dst + offset) = number */
  storeNumber(width: Width, dst: Register, offset: number, value: number): this {
    return this.emit(ST_MEM | SIZE[width], dst, offset, value);
  }

  /** dst = dst OPERATION number, 64 bits */
  number(operation: keyof typeof OPERATION, dst: Register, value: number): this {
    return this.emit(OPERATION[operation], dst, 0, value);
  }

  /** dst = dst OPERATION src, 64 bits */
  register(operation: keyof typeof OPERATION, dst: Register, src: Register): this {
    return this.emit(OPERATION[operation] | BY_REGISTER, dst | (src << 4), 0, 0);
  }

  /** dst = the map of this fd */
  map(dst: Register, fd: number): this {
    return this.emit(0x18, dst | (PSEUDO_MAP_FD << 4), 0, fd).emit(0, 0, 0, 0);
  }

  /** *(u64 *)(dst + offset) += src, atomically */
  addAtomically(dst: Register, offset: number, src: Register): this {
    return this.emit(0xdb, dst | (src << 4), offset, 0);
  }

  /** r0 = helper(r1 … r5); destroys r1–r5 */
  call(helper: number): this {
    return this.emit(0x85, 0, 0, helper);
  }

  /** Jumps to a label when the register compares so with the number. */
  jumpIf(reg: Register, condition: keyof typeof CONDITION, value: number, to: string): this {
    this.jumps.push({ at: this.code.length, to });
    return this.emit(CONDITION[condition], reg, 0, value);
  }

  jump(to: string): this {
    this.jumps.push({ at: this.code.length, to });
    return this.emit(0x05, 0, 0, 0);
  }

  label(name: string): this {
    this.labels.set(name, this.code.length);
    return this;
  }

  /** return r0 */
  exit(): this {
    return this.emit(0x95, 0, 0, 0);
  }

  /** The program, 8 bytes an instruction. @throws Error for a jump to nowhere */
  assemble(): Uint8Array<ArrayBuffer> {
    for (const { at, to } of this.jumps) {
      const target = this.labels.get(to);
      const instruction = this.code[at];
      if (target === undefined || instruction === undefined) throw new Error(`no label ${to}`);
      instruction[2] = target - at - 1;
    }
    const view = new DataView(new ArrayBuffer(this.code.length * 8));
    for (const [index, [code, registers, offset, value]] of this.code.entries()) {
      view.setUint8(index * 8, code);
      view.setUint8(index * 8 + 1, registers);
      view.setInt16(index * 8 + 2, offset, true);
      view.setInt32(index * 8 + 4, value, true);
    }
    return new Uint8Array(view.buffer);
  }

  private emit(code: number, registers: number, offset: number, value: number): this {
    this.code.push([code, registers, offset, value]);
    return this;
  }
}
