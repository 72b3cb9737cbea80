/** What changed in the networks between two states, in words: for the polite feed of changes. */
import { type LinkState, linksOf, type NetworkState, type State } from '@terrarium/timeline';
import { shortName } from '../process-text.js';
import type { Lang } from '../strings.js';
import { networkStrings } from './strings.js';

/** More changes of interfaces than this are counted, not named. */
const NAMED = 2;

/** Sentences without a full stop; none where nothing changed that a person would tell. */
export function networkChanges(before: State, after: State, lang: Lang): readonly string[] {
  if (before.networks === after.networks) return [];
  const words = networkStrings(lang);
  const changes: string[] = [];
  const listens: string[] = [];
  for (const [netNs, network] of Object.entries(after.networks ?? {})) {
    const old = before.networks?.[netNs];
    // A network that is new is told as its namespace; what it begins with is no news.
    if (old === undefined || old === network) continue;
    changes.push(...linkChanges(old, network, lang));
    for (const listener of network.listeners) {
      if (old.listeners.some((one) => isSame(one, listener))) continue;
      const owner = listener.process === null ? undefined : after.processes[listener.process];
      const who = owner === undefined ? listener.protocol : shortName(after, owner);
      listens.push(words.listens(who, listener.port));
    }
  }
  const told = changes.length > NAMED ? [words.linksChanged(changes.length)] : changes;
  return [...told, ...listens.slice(0, NAMED)];
}

function linkChanges(before: NetworkState, after: NetworkState, lang: Lang): readonly string[] {
  if (before.links === after.links) return [];
  const words = networkStrings(lang);
  const gone = linksOf(before).filter(({ index }) => after.links[index] === undefined);
  return [
    ...linksOf(after).flatMap((link) => {
      const old = before.links[link.index];
      return old === undefined ? [words.linkAppeared(link.name)] : linkChange(old, link, lang);
    }),
    ...gone.map(({ name }) => words.linkGone(name)),
  ];
}

function linkChange(
  before: LinkState,
  { name, flags, addresses }: LinkState,
  lang: Lang,
): string[] {
  const words = networkStrings(lang);
  const [was, is] = [before.flags.includes('UP'), flags.includes('UP')];
  const address = addresses.find(
    (one) => !before.addresses.includes(one) && !one.startsWith('fe80:'),
  );
  return [
    ...(was === is ? [] : [is ? words.linkUp(name) : words.linkDown(name)]),
    ...(address === undefined ? [] : [words.linkAddress(name, address)]),
  ];
}

type Listener = NetworkState['listeners'][number];

function isSame(a: Listener, b: Listener): boolean {
  return a.protocol === b.protocol && a.port === b.port && a.address === b.address;
}
