/** For tests: a block as the player would put it together, and messages as they were sent by others. */
import type { Block } from '../plan.js';

/** The bytes of a block; slots have the values given by name, 0 otherwise. */
export function bytesOf(block: Block, slots: Readonly<Record<string, number>> = {}): Uint8Array {
  return Buffer.concat(
    block.parts.map((part) => {
      if (part.kind === 'bytes') return part.bytes;
      if (part.kind !== 'int') throw new Error(`a ${part.kind} in a message`);
      const bytes = new Uint8Array(part.width);
      new DataView(bytes.buffer).setUint32(0, slots[part.slot.name] ?? 0, true);
      return bytes;
    }),
  );
}

/** Literal hex in groups, as a person can check it. */
export function hex(...groups: readonly string[]): Uint8Array {
  return Buffer.from(groups.join('').replaceAll(/\s/g, ''), 'hex');
}
