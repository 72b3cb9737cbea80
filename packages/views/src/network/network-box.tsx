'use client';
/** One network namespace of the picture: its ports, what listens, where the rest goes, its rules. */
import type { State } from '@terrarium/timeline';
import { subject } from '@terrarium/timeline';
import { type CSSProperties, memo } from 'react';
import { NamespaceRing } from '../glyphs.js';
import { namespaceName } from '../kinds.js';
import { ringsOf } from '../rings.js';
import type { Lang } from '../strings.js';
import { LISTENERS_SHOWN, type PlacedBox, RULES_SHOWN } from './network-layout.js';
import { conditionOf, type PortModel } from './network-model.js';
import { boxTitle, conditionText, membersText, ruleText, subjectOfThing } from './network-row.js';
import {
  boxThing,
  linkThing,
  listenerOwner,
  listenerThing,
  routeThing,
  ruleThing,
  tableThing,
} from './network-rows.js';
import { networkStrings } from './strings.js';

interface NetworkBoxProps {
  readonly state: State;
  readonly placed: PlacedBox;
  readonly gone: ReadonlySet<string>;
  readonly lang: Lang;
  readonly lit: string | null;
  /** the edge at which an interface has its plug */
  readonly sides: ReadonlyMap<string, 'left' | 'right'>;
  /** interfaces on the packet's way */
  readonly onWay: ReadonlySet<string>;
  readonly isOnWay: boolean;
  /** its way ends here, where it should or not */
  readonly end: 'good' | 'bad' | undefined;
}

/** Memoised: what moves in another box, or only in the counters, does not touch it. */
export const NetworkBox = memo(function NetworkBox(props: NetworkBoxProps) {
  const { state, placed, lang, lit, gone } = props;
  const { box, x, y, width, height } = placed;
  const words = networkStrings(lang);
  const ring = ringsOf(state).get(box.netNs);
  const id = boxThing(box).id;
  const title = boxTitle(state, box, lang);
  const members = membersText(state, box, lang);
  return (
    <div
      className="tr-box"
      data-own={ring === undefined || undefined}
      data-kind={ring === undefined ? undefined : 'net'}
      data-pattern={ring?.pattern}
      data-gone={gone.has(id) || undefined}
      data-way={props.isOnWay || undefined}
      data-end={props.end}
      style={
        {
          ...{ insetInlineStart: x, insetBlockStart: y },
          ...{ inlineSize: width, blockSize: height },
        } as CSSProperties
      }
    >
      <div
        className="tr-box-head"
        data-id={id}
        data-subject={subject.network(box.netNs)}
        data-highlighted={lit === id || undefined}
        title={`${namespaceName('net', box.netNs)} · ${members}`}
      >
        <NamespaceRing kind="net" pattern={ring?.pattern ?? null} size={20} />
        <b>{title}</b>
        <span className="tr-dim">{members === title ? '' : members}</span>
      </div>
      {box.network === null ? (
        <p className="tr-box-line tr-dim">{words.notRead}</p>
      ) : (
        <>
          {box.ports.map((port) => (
            <Port key={port.link.index} {...props} port={port} />
          ))}
          <Routes {...props} />
          <Listeners {...props} />
          <Rules {...props} />
        </>
      )}
    </div>
  );
});

function Port(props: NetworkBoxProps & { readonly port: PortModel }) {
  const { placed, port, lang, lit, gone, onWay } = props;
  const thing = linkThing(placed.box.netNs, port);
  const { link, bridge } = port;
  const siblings = placed.box.ports.filter((one) => one.bridge?.index === bridge?.index);
  return (
    <div
      className="tr-port"
      data-id={thing.id}
      data-appear={thing.id}
      data-subject={subjectOfThing(thing)}
      data-condition={conditionOf(link)}
      data-link={link.flags.includes('LOOPBACK') ? 'lo' : link.kind}
      data-bridge={link.kind === 'bridge' || undefined}
      data-plug={props.sides.get(thing.id)}
      data-plugged={bridge !== null || undefined}
      data-last={(bridge !== null && siblings.at(-1) === port) || undefined}
      data-bare={
        (link.kind === 'bridge' && !placed.box.ports.some((one) => one.bridge === link)) ||
        undefined
      }
      data-gone={gone.has(thing.id) || undefined}
      data-way={onWay.has(thing.id) || undefined}
      data-highlighted={lit === thing.id || undefined}
    >
      <b>{link.name}</b>
      <span className="tr-net-state" data-condition={conditionOf(link)}>
        {conditionText(link, lang)}
      </span>
      <span className="tr-port-address">{link.addresses.filter(isTelling).join(' ')}</span>
    </div>
  );
}

/** Link-local addresses come by themselves and are in the tree; there is no room for them here. */
function isTelling(address: string): boolean {
  return !address.startsWith('fe80:') && address !== '::1/128';
}

function Routes({ placed, lit }: NetworkBoxProps) {
  const { netNs, network } = placed.box;
  return (network?.routes ?? [])
    .filter(({ to }) => to === 'default')
    .map((route) => {
      const { id } = routeThing(netNs, route);
      return (
        <p
          key={id}
          className="tr-box-line"
          data-id={id}
          data-subject={subject.network(netNs)}
          data-highlighted={lit === id || undefined}
        >
          <span className="tr-dim">default →</span> {route.via ?? route.dev}
        </p>
      );
    });
}

function Listeners({ state, placed, lang, lit }: NetworkBoxProps) {
  const { netNs, network } = placed.box;
  const words = networkStrings(lang);
  const all = network?.listeners ?? [];
  return (
    <>
      {all.slice(0, LISTENERS_SHOWN).map((listener) => {
        const thing = listenerThing(netNs, listener);
        return (
          <p
            key={thing.id}
            className="tr-box-line tr-listener"
            data-id={thing.id}
            data-subject={subjectOfThing(thing)}
            data-highlighted={lit === thing.id || undefined}
          >
            <span className="tr-plug">
              {listener.protocol.startsWith('udp') ? 'udp ' : ''}:{listener.port}
            </span>
            {listenerOwner(state, listener) ?? words.nobodyKnown}
          </p>
        );
      })}
      {all.length > LISTENERS_SHOWN && (
        <p className="tr-box-line tr-dim">{words.more(all.length - LISTENERS_SHOWN)}</p>
      )}
    </>
  );
}

function Rules({ placed, lang, lit }: NetworkBoxProps) {
  const { netNs, network } = placed.box;
  const words = networkStrings(lang);
  const tables = network?.tables ?? [];
  const all = tables.flatMap((table) =>
    table.chains.flatMap((chain) => chain.rules.map((rule) => ({ table, chain, rule }))),
  );
  const shown = all.slice(0, RULES_SHOWN);
  return (
    <>
      {tables.map((table) => {
        const { id } = tableThing(netNs, table);
        return (
          <div key={id} className="tr-nft">
            <p
              className="tr-box-line tr-nft-head"
              data-id={id}
              data-subject={subject.network(netNs)}
              data-highlighted={lit === id || undefined}
            >
              nft {table.family} {table.name}
            </p>
            {shown
              .filter((one) => one.table === table)
              .map(({ chain, rule }) => {
                const own = ruleThing(netNs, table, chain, rule).id;
                return (
                  <p
                    key={own}
                    className="tr-box-line tr-nft-rule"
                    data-id={own}
                    data-subject={subject.network(netNs)}
                    data-highlighted={lit === own || undefined}
                    title={`${chain.name}: ${ruleText(rule.text)}`}
                  >
                    <span className="tr-dim">{chain.name}</span>
                    <span className="tr-net-rule">
                      {ruleText(rule.text).replace(/\bcounter ?/, '')}
                    </span>
                    {rule.packets !== undefined && (
                      <span className="tr-net-hits">{rule.packets}</span>
                    )}
                  </p>
                );
              })}
          </div>
        );
      })}
      {all.length > RULES_SHOWN && (
        <p className="tr-box-line tr-dim">{words.more(all.length - RULES_SHOWN)}</p>
      )}
    </>
  );
}
