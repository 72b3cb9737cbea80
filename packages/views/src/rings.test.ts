import type { NamespaceState, State } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import { DEMO_STATE, demoStateWith } from './fixture.js';
import { RING_PATTERNS, ringsOf } from './rings.js';

function uts(inode: number, bornAt: number): NamespaceState {
  const holders: NamespaceState['holders'] = [];
  return {
    inode,
    kind: 'uts',
    parent: null,
    owner: null,
    ofSandbox: false,
    ofHost: false,
    holders,
    bornAt,
  };
}

function withNamespaces(id: string, ...namespaces: NamespaceState[]): State {
  const state = demoStateWith([], namespaces);
  return { ...state, sandbox: { ...state.sandbox!, id } };
}

describe('ringsOf', () => {
  it('gives no ring to the sandbox’s own', () => {
    const rings = ringsOf(DEMO_STATE);
    for (const inode of Object.values(DEMO_STATE.sandbox!.namespaces))
      expect(rings.has(inode)).toBe(false);
    expect(rings.size).toBe(4);
  });

  it('tells namespaces of one kind apart by pattern, in order of birth', () => {
    const rings = ringsOf(withNamespaces('order', uts(9, 200), uts(8, 300), uts(7, 100)));
    expect([7, 9, 8].map((inode) => rings.get(inode)?.pattern)).toEqual(RING_PATTERNS.slice(0, 3));
  });

  it('keeps a pattern for life, and reuses those of the dead', () => {
    ringsOf(withNamespaces('life', uts(1, 100), uts(2, 200)));
    const after = ringsOf(withNamespaces('life', uts(2, 200), uts(3, 300)));
    expect(after.get(2)?.pattern).toBe('dashed');
    expect(after.get(3)?.pattern).toBe('solid');
  });

  it('repeats patterns under another number when there are many', () => {
    const many = Array.from({ length: 8 }, (_, i) => uts(100 + i, i));
    const rings = ringsOf(withNamespaces('many', ...many));
    expect(rings.get(106)).toEqual({ pattern: 'solid', slot: 6 });
    expect(new Set([...rings.values()].map((ring) => ring.slot)).size).toBe(8);
  });
});
