'use client';
/** All that is known about one part of a network, for the card beside the picture. */
import type { LinkState, State } from '@terrarium/timeline';
import { Fact, LookYourself } from '../facts-panel.js';
import { NamespaceRing } from '../glyphs.js';
import { namespaceName } from '../kinds.js';
import { sandboxPid } from '../process-text.js';
import { ringsOf } from '../rings.js';
import type { Lang } from '../strings.js';
import { strings } from '../strings.js';
import { type BoxModel, bytesText, conditionOf } from './network-model.js';
import {
  boxTitle,
  conditionText,
  hostPort,
  membersText,
  otherEndText,
  ruleText,
} from './network-row.js';
import { listenerOwner, type NetworkThing } from './network-rows.js';
import { networkStrings } from './strings.js';

export function NetworkTitle(props: {
  readonly state: State;
  readonly thing: NetworkThing;
  readonly lang: Lang;
}) {
  const { state, thing, lang } = props;
  switch (thing.type) {
    case 'network': {
      const ring = ringsOf(state).get(thing.netNs);
      return (
        <>
          <NamespaceRing kind="net" pattern={ring?.pattern ?? null} size={22} />
          <span>{boxTitle(state, thing.box, lang)}</span>
        </>
      );
    }
    case 'link':
      return <code>{thing.port.link.name}</code>;
    case 'route':
      return <code>{thing.route.to}</code>;
    case 'listener':
      return <code>{hostPort(thing.listener.address, thing.listener.port)}</code>;
    case 'table':
      return (
        <code>
          {thing.table.family} {thing.table.name}
        </code>
      );
    case 'chain':
      return <code>{thing.chain.name}</code>;
    case 'rule':
      return <code>{ruleText(thing.rule.text)}</code>;
  }
}

export function NetworkCard(props: {
  readonly state: State;
  readonly thing: NetworkThing;
  readonly boxes: readonly BoxModel[];
  readonly lang: Lang;
  readonly onShowInTerminal?: ((command: string) => void) | undefined;
}) {
  const { thing, lang } = props;
  const box = props.boxes.find(({ netNs }) => netNs === thing.netNs);
  const place = placeOf(props.state, box);
  const look = lookAt(thing);
  return (
    <>
      <dl>
        <Facts {...props} />
        {thing.type !== 'network' && (
          <Fact name={networkStrings(lang).factNetNs}>
            <code>{namespaceName('net', thing.netNs)}</code>
            <small>{box === undefined ? '' : boxTitle(props.state, box, lang)}</small>
          </Fact>
        )}
      </dl>
      <LookYourself
        lang={lang}
        paths={look.file === null ? [] : [`/proc/${place.pid}/${look.file}`]}
        manuals={look.manuals}
        commands={look.commands.map((command) => place.prefix + command)}
        onShowInTerminal={props.onShowInTerminal}
      />
    </>
  );
}

function Facts(props: {
  readonly state: State;
  readonly thing: NetworkThing;
  readonly boxes: readonly BoxModel[];
  readonly lang: Lang;
}) {
  const { state, thing, lang } = props;
  const words = networkStrings(lang);
  switch (thing.type) {
    case 'network': {
      const { box } = thing;
      const forwards = box.network?.forwards;
      return (
        <>
          <Fact name={strings(lang).factInode}>
            <code>{namespaceName('net', box.netNs)}</code>
          </Fact>
          <Fact name={words.factMembers}>{membersText(state, box, lang)}</Fact>
          <Fact name={words.factInterfaces}>
            {box.ports.map(({ link }) => link.name).join(', ') || words.noLinks}
          </Fact>
          <Fact name={words.factRoutes}>
            {box.network?.routes.length === 0 ? words.noRoutes : (box.network?.routes.length ?? 0)}
          </Fact>
          {forwards !== undefined && (
            <Fact name={words.factForwarding}>{forwards ? words.forwards : words.forwardsNot}</Fact>
          )}
        </>
      );
    }
    case 'link':
      return <LinkFacts {...props} netNs={thing.netNs} link={thing.port.link} />;
    case 'route': {
      const { to, via, dev, source } = thing.route;
      return (
        <>
          <Fact name={words.factTo}>
            <code>{to}</code>
            <small>{to === 'default' ? words.routeDefault : words.routeWithin(to)}</small>
          </Fact>
          <Fact name={words.factVia}>{via === null ? words.viaNobody : <code>{via}</code>}</Fact>
          <Fact name={words.factDevice}>
            <code>{dev}</code>
          </Fact>
          {source !== null && (
            <Fact name={words.factSource}>
              <code>{source}</code>
            </Fact>
          )}
        </>
      );
    }
    case 'listener': {
      const { protocol, address, port } = thing.listener;
      return (
        <>
          <Fact name={words.factListens}>
            <code>{hostPort(address, port)}</code>
            {(address === '0.0.0.0' || address === '::') && <small>{words.listensAny}</small>}
          </Fact>
          <Fact name={words.factProtocol}>
            <code>{protocol}</code>
          </Fact>
          <Fact name={words.factProcess}>
            {listenerOwner(state, thing.listener) ?? words.nobodyKnown}
          </Fact>
        </>
      );
    }
    case 'table':
      return (
        <Fact name={words.factRule}>
          {words.rules(thing.table.chains.reduce((sum, { rules }) => sum + rules.length, 0))}
        </Fact>
      );
    case 'chain': {
      const { hook, type, priority, policy } = thing.chain;
      return (
        <>
          {hook !== null && (
            <Fact name={words.factHook}>
              <code>
                {type} {hook} {priority}
              </code>
              <small>{words.hookHelp[hook]}</small>
            </Fact>
          )}
          {policy !== null && (
            <Fact name={words.factPolicy}>
              <code>{policy}</code>
              <small>{words.policyHelp}</small>
            </Fact>
          )}
        </>
      );
    }
    case 'rule': {
      const { hook } = thing.chain;
      const { packets, bytes, handle } = thing.rule;
      return (
        <>
          <Fact name={words.factRule}>
            <code>{ruleText(thing.rule.text)}</code>
            <small>handle {handle}</small>
          </Fact>
          <Fact name={words.factChain}>
            <code>
              {thing.table.family} {thing.table.name} {thing.chain.name}
            </code>
            {hook !== null && <small>{words.hookHelp[hook]}</small>}
          </Fact>
          <Fact name={words.factCounter}>
            {packets === undefined ? words.noCounter : words.hits(packets, bytesText(bytes ?? 0))}
          </Fact>
        </>
      );
    }
  }
}

function LinkFacts(props: {
  readonly state: State;
  readonly netNs: number;
  readonly link: LinkState;
  readonly boxes: readonly BoxModel[];
  readonly lang: Lang;
}) {
  const { state, netNs, link, boxes, lang } = props;
  const words = networkStrings(lang);
  const kind = link.flags.includes('LOOPBACK') ? 'lo' : link.kind;
  const master = link.master === null ? undefined : state.networks?.[netNs]?.links[link.master];
  const counted = state.traffic?.[netNs]?.[link.index];
  return (
    <>
      <Fact name={words.factState}>
        <b>{conditionText(link, lang)}</b>
        <small>{words.stateHelp[conditionOf(link)]}</small>
      </Fact>
      <Fact name={words.factKind}>
        {kind === '' ? '–' : kind}
        <small>{words.kindHelp[kind]}</small>
      </Fact>
      <Fact name={words.factAddresses}>
        {link.addresses.length === 0
          ? words.noAddresses
          : link.addresses.map((address) => (
              <code key={address} className="tr-line">
                {address}
              </code>
            ))}
      </Fact>
      {link.kind === 'veth' && (
        <Fact name={words.factOtherEnd}>{otherEndText(state, link, boxes, lang)}</Fact>
      )}
      {master !== undefined && (
        <Fact name={words.factBridge}>
          <code>{master.name}</code>
        </Fact>
      )}
      {counted !== undefined && (
        <Fact name={words.factTraffic}>
          {words.counted(bytesText(counted.rxBytes), bytesText(counted.txBytes))}
          {counted.dropped > 0 && <small>{words.dropped(counted.dropped)}</small>}
        </Fact>
      )}
      <Fact name={words.factMac}>
        <code>{link.mac}</code>
      </Fact>
      <Fact name={words.factMtu}>
        {link.mtu} <small>{words.mtuHelp}</small>
      </Fact>
      <Fact name={words.factFlags}>
        <code>{link.flags.join(' ')}</code>
      </Fact>
    </>
  );
}

/** Who can be asked about that namespace, and how a command gets into it. */
function placeOf(state: State, box: BoxModel | undefined): { pid: string; prefix: string } {
  if (box === undefined || box.own) return { pid: 'self', prefix: '' };
  const [first] = box.members;
  const pid = first === undefined ? null : `${sandboxPid(state, first)}`;
  // nsenter and not `ip netns exec`: that mounts a sysfs of its own, which a sandbox may not.
  if (box.name !== null) {
    return { pid: pid ?? 'self', prefix: `nsenter --net=/run/netns/${box.name} ` };
  }
  return pid === null ? { pid: 'self', prefix: '' } : { pid, prefix: `nsenter -t ${pid} -n ` };
}

interface Look {
  readonly file: string | null;
  readonly manuals: readonly string[];
  readonly commands: readonly string[];
}

function lookAt(thing: NetworkThing): Look {
  switch (thing.type) {
    case 'network':
      return {
        file: 'ns/net',
        manuals: ['network_namespaces(7)', 'ip-netns(8)'],
        commands: ['ip addr', 'ip route'],
      };
    case 'link': {
      const { name, kind, master } = thing.port.link;
      const manual = kind === 'veth' ? 'veth(4)' : kind === 'bridge' ? 'bridge(8)' : 'ip-link(8)';
      return {
        file: 'net/dev',
        manuals: [manual, 'ip-address(8)'],
        commands: [
          `ip -d -s addr show dev ${name}`,
          ...(kind === 'bridge' || master !== null ? ['bridge link'] : []),
        ],
      };
    }
    case 'route':
      return { file: 'net/route', manuals: ['ip-route(8)'], commands: ['ip route'] };
    case 'listener':
      return {
        file: `net/${thing.listener.protocol}`,
        manuals: ['ss(8)', 'listen(2)'],
        commands: [thing.listener.protocol.startsWith('udp') ? 'ss -lunp' : 'ss -ltnp'],
      };
    default: {
      const { family, name } = thing.table;
      return {
        file: null, // nftables are reached by netlink alone
        manuals: ['nft(8)'],
        commands: [`nft -a list table ${family} ${name}`],
      };
    }
  }
}
