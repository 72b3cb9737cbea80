'use client';
/** The membranes that exist now, each with its members' count; pointing at one lights them up. */
import { membersOf, type NamespaceState, type NsInode, type State } from '@terrarium/timeline';
import { memo, useMemo } from 'react';
import { KINDS, namespaceName } from './kinds.js';
import { RingChip } from './process-row.js';
import { ringsOf } from './rings.js';
import { type Lang, strings } from './strings.js';

export const Legend = memo(function Legend(props: {
  readonly state: State;
  readonly lang: Lang;
  readonly lit: NsInode | null;
  readonly onLight: (inode: NsInode | null) => void;
}) {
  const { state, lang, lit, onLight } = props;
  const words = strings(lang);
  const present = useMemo(() => ringed(state), [state]);
  if (state.sandbox === null) return null;
  if (present.length === 0) return <p className="tr-legend tr-dim">{words.legendNone}</p>;
  return (
    <ul className="tr-legend" aria-label={words.legend}>
      {present.map(({ kind, inode }) => {
        const count = membersOf(state, inode).length;
        return (
          <li key={inode}>
            <button
              type="button"
              aria-pressed={lit === inode}
              title={namespaceName(kind, inode)}
              onPointerEnter={() => onLight(inode)}
              onPointerLeave={() => onLight(null)}
              onFocus={() => onLight(inode)}
              onBlur={() => onLight(null)}
            >
              <RingChip kind={kind} slot={ringsOf(state).get(inode)?.slot ?? 0} lang={lang} />
              <span className="tr-count">{count}</span>
              <span className="tr-sr">{words.membersWord(count)}</span>
            </button>
          </li>
        );
      })}
      <li className="tr-dim">{words.legendOwn}</li>
    </ul>
  );
});

function ringed(state: State): readonly NamespaceState[] {
  const rings = ringsOf(state);
  return Object.values(state.namespaces)
    .filter((namespace) => rings.has(namespace.inode))
    .sort(
      (a, b) =>
        KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
        (rings.get(a.inode)?.slot ?? 0) - (rings.get(b.inode)?.slot ?? 0),
    );
}
