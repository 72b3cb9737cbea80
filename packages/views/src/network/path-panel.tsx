'use client';
/** "Where would a packet go?": the question, and the answer as a list of hops with their reasons. */
import type { NsInode, PacketPath, PathEnd, PathFact, RuleHit, State } from '@terrarium/timeline';
import { useId, useState } from 'react';
import type { Lang } from '../strings.js';
import type { BoxModel } from './network-model.js';
import { boxReference, ruleText } from './network-row.js';
import { listenerOwner } from './network-rows.js';
import { networkStrings } from './strings.js';

export interface Asked {
  readonly from: NsInode;
  readonly to: string;
  readonly port: number | null;
}

export function AskPath(props: {
  readonly state: State;
  readonly boxes: readonly BoxModel[];
  readonly lang: Lang;
  readonly asked: Asked | null;
  readonly onAsk: (asked: Asked | null) => void;
}) {
  const { state, boxes, lang, asked, onAsk } = props;
  const words = networkStrings(lang);
  const [wanted, setFrom] = useState<NsInode | null>(null);
  const [to, setTo] = useState('');
  const [port, setPort] = useState('');
  const list = useId();
  const from = boxes.find(({ netNs }) => netNs === wanted)?.netNs ?? boxes[0]?.netNs;
  return (
    <form
      className="tr-choose tr-ask"
      aria-label={words.ask}
      onSubmit={(event) => {
        event.preventDefault();
        if (from !== undefined) onAsk({ from, to, port: portOf(port) });
      }}
    >
      <label className="tr-choice">
        <span>{words.askFrom}</span>
        <select value={from} onChange={(event) => setFrom(Number(event.target.value))}>
          {boxes.map(({ netNs }) => (
            <option key={netNs} value={netNs}>
              {boxReference(state, boxes, netNs, lang)}
            </option>
          ))}
        </select>
      </label>
      <label className="tr-choice">
        <span>{words.askTo}</span>
        <input
          value={to}
          list={list}
          className="tr-ask-address"
          spellCheck={false}
          autoComplete="off"
          placeholder="10.0.0.2"
          onChange={(event) => setTo(event.target.value)}
        />
      </label>
      <datalist id={list}>
        {addressesOf(boxes).map(({ address, where }) => (
          <option key={`${address} ${where}`} value={address}>
            {boxReference(state, boxes, where, lang)}
          </option>
        ))}
      </datalist>
      <label className="tr-choice">
        <span>{words.askPort}</span>
        <input
          value={port}
          className="tr-ask-port"
          inputMode="numeric"
          autoComplete="off"
          placeholder={words.askPortNone}
          onChange={(event) => setPort(event.target.value.replaceAll(/\D/g, '').slice(0, 5))}
        />
      </label>
      <button type="submit" className="tr-button">
        {words.askGo}
      </button>
      {asked !== null && (
        <button type="button" className="tr-button" data-quiet onClick={() => onAsk(null)}>
          {words.askClear}
        </button>
      )}
    </form>
  );
}

/** The way in words; polite, so that a screen reader says where it ends. */
export function PathList(props: {
  readonly state: State;
  readonly boxes: readonly BoxModel[];
  readonly lang: Lang;
  readonly asked: Asked;
  readonly path: PacketPath;
}) {
  const { state, boxes, lang, asked, path } = props;
  const words = networkStrings(lang);
  const stretches = stretchesOf(path);
  const { end } = path;
  return (
    <section className="tr-path" aria-label={words.pathOf(asked.to)}>
      {stretches.length > 0 && (
        <ol>
          {stretches.map(({ netNs, facts }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a way may come by the same place again
            <li key={i}>
              <b>{boxReference(state, boxes, netNs, lang)}</b>
              <span>{facts.map((fact) => factText(fact, lang)).join(' · ')}</span>
            </li>
          ))}
        </ol>
      )}
      <p role="status" data-end={isGood(end) ? 'good' : 'bad'}>
        {endText(state, end, lang)}
      </p>
    </section>
  );
}

/** Hops of one namespace in a row are one line. */
function stretchesOf({ hops }: PacketPath): { netNs: NsInode; facts: PathFact[] }[] {
  const stretches: { netNs: NsInode; facts: PathFact[] }[] = [];
  for (const { netNs, fact } of hops) {
    const last = stretches.at(-1);
    if (repeats(last?.facts.at(-1), fact)) continue;
    if (last?.netNs === netNs) last.facts.push(fact);
    else stretches.push({ netNs, facts: [fact] });
  }
  return stretches;
}

/** Who answered for the address has it: said once. */
function repeats(before: PathFact | undefined, fact: PathFact): boolean {
  return fact.kind === 'local' && before?.kind === 'answers' && before.address === fact.address;
}

function addressesOf(boxes: readonly BoxModel[]): { address: string; where: NsInode }[] {
  return boxes.flatMap(({ netNs, ports }) =>
    ports
      .filter(({ link }) => !link.flags.includes('LOOPBACK'))
      .flatMap(({ link }) => link.addresses.filter((one) => !one.startsWith('fe80')))
      .map((address) => ({ address: address.split('/')[0] ?? address, where: netNs })),
  );
}

function portOf(text: string): number | null {
  const port = Number(text);
  return text === '' || port < 1 || port > 65_535 ? null : port;
}

/** Whether the packet gets where it was sent, or at least out of sight. */
export function isGood({ kind }: PathEnd): boolean {
  return kind === 'delivered' || kind === 'outside';
}

/** The fact that one hop follows from. */
export function factText(fact: PathFact, lang: Lang): string {
  const words = networkStrings(lang).hops;
  switch (fact.kind) {
    case 'local':
      return words.local(fact.address, fact.link.name);
    case 'route': {
      const { to, via, dev } = fact.route;
      const way = via === null ? words.route(to, dev ?? '?') : words.routeVia(to, dev ?? '?', via);
      return fact.source === null ? way : `${way}, ${words.from(fact.source)}`;
    }
    case 'forward':
      return fact.known ? words.forward : words.forwardUnknown;
    case 'wire':
      return words.wire(fact.from.name, fact.to.name);
    case 'bridge-in':
      return words.bridgeIn(fact.bridge.name, fact.port.name);
    case 'bridge-out':
      return words.bridgeOut(fact.bridge.name, fact.port.name);
    case 'answers':
      return words.answers(fact.address);
    case 'rule': {
      const [rule, chain] = ruleWords(fact.hit);
      return fact.hit.sure ? words.rule(rule, chain) : words.ruleMaybe(rule, chain);
    }
  }
}

/** Where the way ends, and what a learner would read in a terminal. */
export function endText(state: State, end: PathEnd, lang: Lang): string {
  const words = networkStrings(lang).ends;
  switch (end.kind) {
    case 'delivered': {
      const { listener } = end;
      if (listener === null) return words.delivered;
      return words.deliveredTo(
        listenerOwner(state, listener) ?? `${listener.protocol} ${listener.port}`,
      );
    }
    case 'nothing-listens':
      return words.nothingListens(end.port);
    case 'no-route':
      return end.down === null ? words.noRoute : words.noRouteDown(end.down.name);
    case 'link-down':
      return words.linkDown(end.link.name);
    case 'no-carrier':
      return words.noCarrier(end.link.name);
    case 'no-answer':
      return words.noAnswer(end.address);
    case 'not-forwarded':
      return words.notForwarded;
    case 'dropped': {
      const [rule, chain] = ruleWords(end.hit);
      if (end.hit.verdict === 'policy-drop') return words.policy(chain);
      return end.hit.verdict === 'reject'
        ? words.rejected(rule, chain)
        : words.dropped(rule, chain);
    }
    case 'swallowed':
      return words.swallowed(end.link.name);
    case 'outside':
      return words.outside(end.link.name);
    case 'loop':
      return words.loop;
    case 'not-an-address':
      return words.notAnAddress(end.text);
    case 'unknown-namespace':
      return words.unknownNamespace;
  }
}

/** The rule, and `ip filter input`. */
function ruleWords({ table, chain, rule }: RuleHit): [string, string] {
  return [ruleText(rule?.text ?? ''), `${table.family} ${table.name} ${chain}`];
}
