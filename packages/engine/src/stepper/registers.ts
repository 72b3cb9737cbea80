/**
 * The values of a plan's registers while it runs: what a call returned, what it wrote into memory.
 * Known from the reports alone; a child starts with a copy of its parent's, as in the player.
 */
import type {
  Block,
  Call,
  CallReport,
  Part,
  Plan,
  PlanStep,
  ProcessName,
} from '@terrarium/syscall';

/**
 * The same plan, but each call that loads registers from memory reports that memory: the values of
 * pipe2's two ends are in no result.
 */
export function withReportedLoads(plan: Plan): Plan {
  const processes = Object.entries(plan.processes).map(([name, steps]) => [
    name,
    steps.map(reported),
  ]);
  return { ...plan, processes: Object.fromEntries(processes) as Plan['processes'] };
}

function reported(step: PlanStep): PlanStep {
  if (step.kind !== 'call' || step.reportBlock !== undefined) return step;
  const [load] = step.loads ?? [];
  return load === undefined ? step : { ...step, reportBlock: load.from };
}

/** Names and values of one process's registers; only those that a call has set. */
export type RegisterValues = Readonly<Record<string, string>>;

/** Follows the registers of all processes of a plan. */
export class Registers {
  readonly #values = new Map<ProcessName, Map<number, bigint>>();
  readonly #names = new Map<number, string>();

  constructor(first: ProcessName) {
    this.#values.set(first, new Map());
  }

  /** Takes in what a successful call brought. */
  report(call: Call, { process, result, errno, bytes }: CallReport): void {
    if (errno !== 0) return;
    const own = this.#of(process);
    // The child is a copy from before the parent stored anything.
    if (call.child !== undefined) this.#values.set(call.child, new Map(own));
    if (call.store !== undefined) this.#set(own, call.store, result);
    for (const { from, offset, width, to } of call.loads ?? []) {
      if (from !== call.reportBlock || bytes === undefined) continue;
      const value = integerAt(bytes, offset, width);
      if (value !== null) this.#set(own, to, value);
    }
  }

  /** What is known in one process. */
  of(process: ProcessName): RegisterValues {
    const known = [...this.#of(process)].map(([index, value]) => [
      this.#names.get(index) ?? `register ${index}`,
      String(value),
    ]);
    return Object.fromEntries(known) as RegisterValues;
  }

  /** A register by its number. */
  value(process: ProcessName, index: number): bigint | null {
    return this.#of(process).get(index) ?? null;
  }

  /** The text of a block whose parts are characters and decimal registers; null for any other. */
  text(process: ProcessName, block: Block): string | null {
    let found = '';
    for (const part of block.parts) {
      const piece = this.#textOf(process, part);
      if (piece === null) return null;
      found += piece;
    }
    return found.replace(/\0$/, '');
  }

  #textOf(process: ProcessName, part: Part): string | null {
    if (part.kind === 'bytes') return new TextDecoder().decode(part.bytes);
    if (part.kind !== 'decimal') return null;
    const value = this.value(process, part.slot.index);
    return value === null ? null : String(value);
  }

  #of(process: ProcessName): Map<number, bigint> {
    let own = this.#values.get(process);
    if (own === undefined) {
      own = new Map();
      this.#values.set(process, own);
    }
    return own;
  }

  #set(own: Map<number, bigint>, slot: { index: number; name: string }, value: bigint): void {
    this.#names.set(slot.index, slot.name);
    own.set(slot.index, value);
  }
}

function integerAt(bytes: Uint8Array, offset: number, width: 4 | 8): bigint | null {
  if (bytes.length < offset + width) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return width === 4 ? BigInt(view.getUint32(offset, true)) : view.getBigUint64(offset, true);
}
