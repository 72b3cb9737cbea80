/**
 * Where a box stands. A namespace keeps its place for life, so that nothing jumps when another
 * one comes or goes; a newcomer takes the first free place. Remembered by sandbox and not in a
 * component, as the page forgets components whose tab is not shown.
 */
import type { NsInode } from '@terrarium/timeline';

/** A page shows one sandbox, and one more after a reset. */
const REMEMBERED_SANDBOXES = 4;
const memory = new Map<string, Map<NsInode, number>>();

/** The place of each of these namespaces, from 0 on. */
export function boxSlots(
  sandbox: string,
  present: readonly NsInode[],
): ReadonlyMap<NsInode, number> {
  const before = memory.get(sandbox) ?? new Map<NsInode, number>();
  const slots = new Map<NsInode, number>();
  for (const inode of present) {
    const slot = before.get(inode);
    if (slot !== undefined) slots.set(inode, slot);
  }
  const taken = new Set(slots.values());
  for (const inode of present) {
    if (slots.has(inode)) continue;
    let slot = 0;
    while (taken.has(slot)) slot++;
    taken.add(slot);
    slots.set(inode, slot);
  }
  memory.delete(sandbox);
  memory.set(sandbox, slots);
  for (const old of memory.keys()) {
    if (memory.size <= REMEMBERED_SANDBOXES) break;
    memory.delete(old);
  }
  return slots;
}
