/** For tests: a block as the player would put it together, and messages as they were sent by others. */
import type { Block } from '@terrarium/syscall';

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

/** Bytes as hex without the sequence numbers, which every sender chooses for itself. */
export function withoutSequence(bytes: Uint8Array): string {
  const copy = Buffer.from(bytes);
  for (let at = 0; at < copy.length; at += (copy.readUInt32LE(at) + 3) & ~3)
    copy.writeUInt32LE(0, at + 8);
  return copy.toString('hex');
}

/** Literal hex in groups, as a person can check it. */
export function hex(...groups: readonly string[]): Uint8Array {
  return Buffer.from(groups.join('').replaceAll(/\s/g, ''), 'hex');
}
