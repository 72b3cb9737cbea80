/**
 * The signs of propagation, as valves on a pipe: two ways for a shared mount, one way in for a
 * slave, capped for a private one, barred for one that may not be bound. Shape tells them apart;
 * the number of the peer group stands beside.
 */
import type { Propagation } from '@terrarium/timeline';

/** How a mount stands to its copies, in one word. */
export type PropagationKind = 'shared' | 'slave' | 'slave-shared' | 'private' | 'unbindable';

/** The word for what the optional fields say. */
export function propagationKind({ peerGroup, master, unbindable }: Propagation): PropagationKind {
  if (unbindable) return 'unbindable';
  if (peerGroup !== null) return master === null ? 'shared' : 'slave-shared';
  return master === null ? 'private' : 'slave';
}

const PATHS: Readonly<Record<PropagationKind, string>> = {
  // arrows at both ends
  shared: 'M1.5 6h9M3.7 3.6 1.3 6l2.4 2.4M8.3 3.6 10.7 6 8.3 8.4',
  // an arrow in, a closed end
  slave: 'M10.7 6H2.4M4.6 3.6 2.2 6l2.4 2.4M10.7 3.4v5.2',
  // an arrow in, and both ways on
  'slave-shared': 'M1.5 6h9M3.4 3.6 1 6l2.4 2.4M8.6 3.6 11 6 8.6 8.4M6 3.2v5.6',
  // capped at both ends
  private: 'M3 6h6M3 3.6v4.8M9 3.6v4.8',
  // barred
  unbindable: 'M3 6h6M3 3.6v4.8M9 3.6v4.8M4 9.4l4-6.8',
};

/** Drawn on a 12 × 12 grid; decoration beside a text that says the same. */
export function PropagationMark({ kind }: { readonly kind: PropagationKind }) {
  return (
    <svg
      className="tr-glyph tr-pipe"
      data-propagation={kind}
      width={14}
      height={14}
      viewBox="0 0 12 12"
      aria-hidden="true"
    >
      <path d={PATHS[kind]} />
    </svg>
  );
}
