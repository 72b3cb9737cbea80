/**
 * Which pattern the ring of a namespace has. Two namespaces of one kind share a hue, so the line
 * tells them apart: solid for the first, dashed for the next, and so on by order of birth.
 *
 * A namespace keeps its pattern for life, also when an older one dies; and every view must give
 * the same answer. So the choice is remembered here, by sandbox, and not in a component.
 */
import type { NamespaceState, NsInode, State } from '@terrarium/timeline';

/** Patterns before they repeat (with a number beside the ring). */
export const RING_PATTERNS = [
  'solid',
  'dashed',
  'dotted',
  'double',
  'dash-dot',
  'long-dash',
] as const;
export type RingPattern = (typeof RING_PATTERNS)[number];

export interface Ring {
  readonly pattern: RingPattern;
  /** 0 for the first of its kind; from RING_PATTERNS.length on, patterns repeat */
  readonly slot: number;
}

/** Sandboxes whose choices are remembered; a page shows one, and one more after a reset. */
const REMEMBERED_SANDBOXES = 4;
const memory = new Map<string, Map<string, number>>();
const computed = new WeakMap<State['namespaces'], ReadonlyMap<NsInode, Ring>>();

/** The ring of every namespace that is neither the sandbox's own nor the host's. */
export function ringsOf(state: State): ReadonlyMap<NsInode, Ring> {
  let rings = computed.get(state.namespaces);
  if (rings === undefined) {
    rings = assign(state);
    computed.set(state.namespaces, rings);
  }
  return rings;
}

function assign(state: State): ReadonlyMap<NsInode, Ring> {
  const slots = slotsOf(state.sandbox?.id ?? '');
  const rings = new Map<NsInode, Ring>();
  const taken = new Map<string, Set<number>>();
  const ringed = Object.values(state.namespaces)
    .filter((namespace) => !namespace.ofSandbox && !namespace.ofHost)
    .sort((a, b) => a.bornAt - b.bornAt || a.inode - b.inode);
  const put = (namespace: NamespaceState, slot: number) => {
    const used = taken.get(namespace.kind) ?? new Set<number>();
    taken.set(namespace.kind, used.add(slot));
    slots.set(identity(namespace), slot);
    rings.set(namespace.inode, { slot, pattern: RING_PATTERNS[slot % RING_PATTERNS.length]! });
  };
  for (const namespace of ringed) {
    const slot = slots.get(identity(namespace));
    if (slot !== undefined && !taken.get(namespace.kind)?.has(slot)) put(namespace, slot);
  }
  for (const namespace of ringed) {
    if (rings.has(namespace.inode)) continue;
    let slot = 0;
    while (taken.get(namespace.kind)?.has(slot)) slot++;
    put(namespace, slot);
  }
  return rings;
}

/** The kernel reuses inodes, so the birth is part of the identity. */
function identity(namespace: NamespaceState): string {
  return `${namespace.inode}@${namespace.bornAt}`;
}

function slotsOf(sandbox: string): Map<string, number> {
  let slots = memory.get(sandbox);
  if (slots === undefined) {
    slots = new Map();
    memory.set(sandbox, slots);
    for (const old of memory.keys()) {
      if (memory.size <= REMEMBERED_SANDBOXES) break;
      memory.delete(old);
    }
  }
  return slots;
}
