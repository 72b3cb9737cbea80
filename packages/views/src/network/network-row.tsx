'use client';
/** What one row of the tree `Network` says. */
import { type LinkState, type State, type Subject, subject } from '@terrarium/timeline';
import { NamespaceRing } from '../glyphs.js';
import { namespaceName } from '../kinds.js';
import { shortName } from '../process-text.js';
import { ringsOf } from '../rings.js';
import type { Lang } from '../strings.js';
import { type BoxModel, bytesText, conditionOf } from './network-model.js';
import { listenerOwner, type NetworkThing } from './network-rows.js';
import { networkStrings } from './strings.js';

/** What it is about, for the page's linked highlighting. */
export function subjectOfThing(thing: NetworkThing): Subject {
  if (thing.type === 'link') return subject.link(thing.netNs, thing.port.link.index);
  if (thing.type === 'listener' && thing.listener.process !== null) {
    return subject.process(thing.listener.process);
  }
  return subject.network(thing.netNs);
}

/** Members shown by name before the rest is counted. */
const NAMED = 3;

/** What a person calls that namespace: its name, else who is inside. */
export function boxTitle(state: State, box: BoxModel, lang: Lang): string {
  const words = networkStrings(lang);
  if (box.name !== null) return box.name;
  if (box.own) return words.sandboxOwn;
  const [first] = box.members;
  return first === undefined ? words.nobody : shortName(state, first);
}

/** `bash 7, python3 25 +2`. */
export function membersText(state: State, box: BoxModel, lang: Lang): string {
  const { members } = box;
  if (members.length === 0) return networkStrings(lang).nobody;
  const rest = members.length - NAMED;
  const names = members.slice(0, NAMED).map((one) => shortName(state, one));
  return names.join(', ') + (rest > 0 ? ` +${rest}` : '');
}

/** The name by which rows and cards refer to a namespace. */
export function boxReference(
  state: State,
  boxes: readonly BoxModel[],
  netNs: number,
  lang: Lang,
): string {
  const box = boxes.find((one) => one.netNs === netNs);
  if (box === undefined || (box.name === null && box.members.length === 0)) {
    return namespaceName('net', netNs);
  }
  return boxTitle(state, box, lang);
}

/** `UP`, `UP, no carrier` or `DOWN`, as ip(8) says it. */
export function conditionText(link: LinkState, lang: Lang): string {
  const condition = conditionOf(link);
  if (condition === 'noCarrier') return networkStrings(lang).noCarrier;
  return condition === 'up' ? 'UP' : 'DOWN';
}

export function NetworkRowContent(props: {
  readonly state: State;
  readonly thing: NetworkThing;
  readonly boxes: readonly BoxModel[];
  readonly lang: Lang;
}) {
  const { state, thing, boxes, lang } = props;
  const words = networkStrings(lang);
  switch (thing.type) {
    case 'network': {
      const ring = ringsOf(state).get(thing.netNs);
      const { box } = thing;
      return (
        <>
          <NamespaceRing kind="net" pattern={ring?.pattern ?? null} size={18} />
          <b className="tr-comm">{boxTitle(state, box, lang)}</b>
          <span className="tr-dim">{namespaceName('net', box.netNs)}</span>
          <span className="tr-args">{membersText(state, box, lang)}</span>
        </>
      );
    }
    case 'link': {
      const { link, bridge } = thing.port;
      return (
        <>
          <b className="tr-comm">{link.name}</b>
          <span className="tr-net-state" data-condition={conditionOf(link)}>
            {conditionText(link, lang)}
          </span>
          {link.addresses.map((address) => (
            <span key={address}>{address}</span>
          ))}
          <span className="tr-args" data-note>
            {[
              link.kind === 'bridge' ? words.bridge : link.kind,
              bridge === null ? '' : words.bridgePort(bridge.name),
              otherEndText(state, link, boxes, lang),
            ]
              .filter((part) => part !== '')
              .join(' · ')}
          </span>
        </>
      );
    }
    case 'route': {
      const { to, via, dev } = thing.route;
      const text = [to, via === null ? '' : `via ${via}`, dev === null ? '' : `dev ${dev}`];
      return <span>{text.filter((part) => part !== '').join(' ')}</span>;
    }
    case 'listener': {
      const { protocol, address, port } = thing.listener;
      return (
        <>
          <span>
            {protocol} {hostPort(address, port)}
          </span>
          <b className="tr-comm">{listenerOwner(state, thing.listener) ?? words.nobodyKnown}</b>
        </>
      );
    }
    case 'table':
      return (
        <span>
          table {thing.table.family} {thing.table.name}
        </span>
      );
    case 'chain': {
      const { name, type, hook, policy } = thing.chain;
      return (
        <>
          <span>chain {name}</span>
          <span className="tr-args">
            {hook === null ? '' : `type ${type} hook ${hook} policy ${policy ?? 'accept'}`}
          </span>
        </>
      );
    }
    case 'rule': {
      const { text, packets, bytes } = thing.rule;
      return (
        <>
          <span className="tr-net-rule">{ruleText(text)}</span>
          {packets !== undefined && (
            <span className="tr-net-hits">{words.hits(packets, bytesText(bytes ?? 0))}</span>
          )}
        </>
      );
    }
  }
}

/** A rule without the numbers of its counter, which stand beside it. */
export function ruleText(text: string): string {
  return text.replace(/counter packets \d+ bytes \d+/, 'counter');
}

/** `0.0.0.0:80`, and for IPv6 `[::]:80`. */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export function otherEndText(
  state: State,
  link: LinkState,
  boxes: readonly BoxModel[],
  lang: Lang,
): string {
  const words = networkStrings(lang);
  if (link.kind !== 'veth') return '';
  const { peer } = link;
  const other = peer?.netNs == null ? undefined : state.networks?.[peer.netNs]?.links[peer.index];
  if (peer?.netNs == null || other === undefined) return words.wireOutside;
  return words.wireTo(other.name, boxReference(state, boxes, peer.netNs, lang));
}
