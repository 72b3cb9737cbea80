'use client';
/**
 * The mounts of a sandbox: what each mount namespace shows where, as the tree that the kernel
 * keeps. Covered mounts lie under what covers them; a second namespace can be set beside the
 * first, and what differs is marked in both.
 */
import {
  type MountDifference,
  membersOf,
  mountDifferences,
  mountsOf,
  mountTree,
  type NsInode,
  namespacesOfKind,
  type State,
} from '@terrarium/timeline';
import { useMemo, useState } from 'react';
import { FactsPanel } from './facts-panel.js';
import { namespaceName } from './kinds.js';
import { EmptyVessel } from './logo.js';
import { MountFacts, MountTitle } from './mount-facts.js';
import { type MountKey, mountKey, mountOf } from './mount-key.js';
import { MountPane } from './mount-pane.js';
import { shortName } from './process-text.js';
import { type Lang, strings } from './strings.js';
import { useControlled } from './use-controlled.js';
import { useHoverIntent } from './use-hover-intent.js';

export interface MountsViewProps {
  readonly state: State;
  readonly lang: Lang;
  /** true while the state is not the present one: the stage is tinted */
  readonly past?: boolean;
  /** the pinned mount; leave out to let the view remember it */
  readonly selected?: MountKey | null;
  readonly onSelect?: (key: MountKey | null) => void;
  /** types a command visibly into a terminal; without it the card offers no buttons */
  readonly onShowInTerminal?: (command: string) => void;
}

export function MountsView(props: MountsViewProps) {
  const { state, lang } = props;
  const words = strings(lang);
  const [wanted, setWanted] = useState<NsInode | null>(null);
  const [wantedOther, setOther] = useState<NsInode | null>(null);
  const [looked, look] = useHoverIntent<MountKey>();
  const [selected, select] = useControlled(props.selected, props.onSelect);

  const choices = useMemo(() => mountNamespaces(state), [state]);
  const shown = choices.includes(wanted ?? -1) ? wanted : (choices[0] ?? null);
  const other = choices.includes(wantedOther ?? -1) && wantedOther !== shown ? wantedOther : null;
  const choose = (key: MountKey) => select(key === selected ? null : key);
  const card = mountOf(state, selected ?? looked);
  const cardKey = card === null ? null : mountKey(card.mountNs, card.mount.mountId);
  return (
    <div className="tr-view" data-past={props.past || undefined}>
      <div className="tr-frame">
        <div className="tr-main">
          {shown === null ? (
            <div className="tr-empty">
              <EmptyVessel />
              <p>{words.noMounts}</p>
            </div>
          ) : (
            <>
              <div className="tr-choose">
                <NamespaceChoice
                  label={words.mountNamespace}
                  state={state}
                  lang={lang}
                  choices={choices}
                  value={shown}
                  onChange={setWanted}
                />
                {choices.length > 1 && (
                  <NamespaceChoice
                    label={words.compareWith}
                    none={words.compareNone}
                    state={state}
                    lang={lang}
                    choices={choices.filter((inode) => inode !== shown)}
                    value={other}
                    onChange={setOther}
                  />
                )}
              </div>
              <div className="tr-panes" data-two={other !== null || undefined}>
                {[shown, ...(other === null ? [] : [other])].map((mountNs, i) => (
                  <MountPane
                    key={mountNs}
                    label={
                      i === 0 ? words.mounts : `${words.mounts} ${namespaceName('mnt', mountNs)}`
                    }
                    trees={mountTree(state, mountNs)}
                    mountNs={mountNs}
                    differences={differencesOf(state, mountNs, mountNs === shown ? other : shown)}
                    lang={lang}
                    selected={selected}
                    looked={looked}
                    onLook={look}
                    onChoose={choose}
                  />
                ))}
              </div>
            </>
          )}
        </div>
        <FactsPanel
          lang={lang}
          title={card === null ? null : <MountTitle mount={card.mount} />}
          pinned={cardKey !== null && cardKey === selected}
          onPin={() => cardKey !== null && choose(cardKey)}
        >
          {card !== null && (
            <MountFacts
              state={state}
              mountNs={card.mountNs}
              mount={card.mount}
              lang={lang}
              onShowInTerminal={props.onShowInTerminal}
            />
          )}
        </FactsPanel>
      </div>
    </div>
  );
}

/** Those whose mounts are known, the sandbox's own first, then by age. */
function mountNamespaces(state: State): readonly NsInode[] {
  const ordered = namespacesOfKind(state, 'mnt').map(({ inode }) => inode);
  const known = Object.keys(state.mounts).map(Number);
  return [
    ...ordered.filter((inode) => known.includes(inode)),
    ...known.filter((inode) => !ordered.includes(inode)),
  ];
}

function differencesOf(
  state: State,
  mountNs: NsInode,
  other: NsInode | null,
): ReadonlyMap<number, MountDifference> | null {
  return other === null ? null : mountDifferences(state, mountNs, other);
}

function NamespaceChoice(props: {
  readonly label: string;
  /** the entry for "none"; without it one must be chosen */
  readonly none?: string;
  readonly state: State;
  readonly lang: Lang;
  readonly choices: readonly NsInode[];
  readonly value: NsInode | null;
  readonly onChange: (inode: NsInode | null) => void;
}) {
  const { state, lang, choices, value, onChange } = props;
  return (
    <label className="tr-choice">
      <span>{props.label}</span>
      <select
        value={value ?? ''}
        onChange={(event) =>
          onChange(event.target.value === '' ? null : Number(event.target.value))
        }
      >
        {props.none !== undefined && <option value="">{props.none}</option>}
        {choices.map((inode) => (
          <option key={inode} value={inode}>
            {choiceText(state, inode, lang)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** `mnt:[4026532801] · sh, sleep · 12 mounts`: who is inside says more than an inode. */
function choiceText(state: State, inode: NsInode, lang: Lang): string {
  const words = strings(lang);
  const members = membersOf(state, inode);
  const own = state.sandbox?.namespaces.mnt === inode;
  const first = members.slice(0, 2).map((member) => shortName(state, member));
  const who = own
    ? words.sandboxOwn
    : first.join(', ') + (members.length > 2 ? ` ${words.andMore(members.length - 2)}` : '');
  const count = words.mountCount(mountsOf(state, inode).length);
  return [namespaceName('mnt', inode), who, count].filter((part) => part !== '').join(' · ');
}
