/**
 * Networks: twenty changes typed in the terminal, each told by an event, held by the fold, and shown
 * by the page's tree.
 */
import type {
  LinkState,
  NetworkState,
  State,
  TimelineEvent,
} from '../../packages/timeline/src/index.js';
import { seeChanges } from './support/see.js';

type NetworkChange = Extract<TimelineEvent, { type: 'network.change' }>;

const own = (state: State): NetworkState | undefined =>
  state.networks?.[state.sandbox?.namespaces.net ?? 0];
const linkOf = (network: NetworkState | undefined, name: string): LinkState | undefined =>
  Object.values(network?.links ?? {}).find((one) => one.name === name);
const link = (state: State, name: string): LinkState | undefined => linkOf(own(state), name);
/** The other namespace of this table. */
const blue = (state: State): NetworkState | undefined =>
  Object.values(state.networks ?? {}).find((one) => one.netNs !== own(state)?.netNs);
const isUp = (one: LinkState | undefined): boolean => one?.flags.includes('UP') === true;

/** A change that has this; `state` is the fold just after it. */
function told(
  has: (change: NetworkChange, state: State) => boolean,
): (event: TimelineEvent, state: State) => boolean {
  return (event, state) => event.type === 'network.change' && has(event, state);
}

const toldLinks = told((change) => change.links !== undefined);
const toldRoutes = told((change) => change.routes !== undefined);
const toldTables = told((change) => change.tables !== undefined);
const toldListeners = told((change) => change.listeners !== undefined);

seeChanges({
  view: 'Network',
  prepare: ['unset HISTFILE; set +m'],
  changes: [
    {
      does: 'a veth pair is made, both ends here',
      line: 'ip link add v0 type veth peer name v1',
      event: toldLinks,
      state: (state) => link(state, 'v0')?.peer?.index === link(state, 'v1')?.index,
      row: /^v0.*wire to v1/,
    },
    {
      does: 'another namespace is made and named',
      line: 'ip netns add blue',
      event: (event) => event.type === 'network.appear',
      state: (state) => blue(state) !== undefined,
      row: /^blue/,
    },
    {
      does: 'one end moves there',
      line: 'ip link set v1 netns blue',
      event: toldLinks,
      state: (state) =>
        link(state, 'v1') === undefined &&
        linkOf(blue(state), 'v1')?.peer?.netNs === own(state)?.netNs &&
        link(state, 'v0')?.peer?.netNs === blue(state)?.netNs,
      row: /^v0.*wire to v1 in blue/,
    },
    {
      does: 'an address is given',
      line: 'ip addr add 10.0.0.1/24 dev v0',
      event: toldLinks,
      state: (state) => link(state, 'v0')?.addresses.includes('10.0.0.1/24') === true,
      row: /^v0.*10\.0\.0\.1\/24/,
    },
    {
      does: 'a link goes up: its route comes, but no carrier yet',
      line: 'ip link set v0 up',
      event: toldRoutes,
      state: (state) =>
        isUp(link(state, 'v0')) &&
        own(state)?.routes.some(({ to, dev }) => to === '10.0.0.0/24' && dev === 'v0') === true,
      row: /^10\.0\.0\.0\/24 dev v0/,
    },
    {
      does: 'the other end goes up, in its namespace: both carry',
      line: 'nsenter --net=/run/netns/blue ip addr add 10.0.0.2/24 dev v1; nsenter --net=/run/netns/blue ip link set v1 up',
      event: toldLinks,
      state: (state) =>
        link(state, 'v0')?.flags.includes('LOWER_UP') === true &&
        linkOf(blue(state), 'v1')?.flags.includes('LOWER_UP') === true,
      row: /^v1.*UP.*10\.0\.0\.2\/24/,
    },
    {
      does: 'a default route is set',
      line: 'ip route add default via 10.0.0.2',
      event: toldRoutes,
      state: (state) => own(state)?.routes.some(({ to }) => to === 'default') === true,
      row: /^default via 10\.0\.0\.2 dev v0/,
    },
    {
      does: 'it is taken back',
      line: 'ip route del default',
      event: toldRoutes,
      state: (state) => own(state)?.routes.some(({ to }) => to === 'default') === false,
      noRow: /^default via/,
    },
    {
      does: 'a bridge is made',
      line: 'ip link add br0 type bridge',
      event: toldLinks,
      state: (state) => link(state, 'br0')?.kind === 'bridge',
      row: /^br0.*bridge/,
    },
    {
      does: 'a link becomes its port',
      line: 'ip link set v0 master br0',
      event: toldLinks,
      state: (state) => link(state, 'v0')?.master === link(state, 'br0')?.index,
      row: /^v0.*port of br0/,
    },
    {
      does: 'the bridge is renamed',
      line: 'ip link set br0 name sw0',
      event: toldLinks,
      state: (state) => link(state, 'sw0') !== undefined && link(state, 'br0') === undefined,
      row: /^sw0.*bridge/,
      noRow: /^br0/,
    },
    {
      does: 'the mtu of a link is lowered',
      line: 'ip link set v0 mtu 1400',
      event: toldLinks,
      state: (state) => link(state, 'v0')?.mtu === 1400,
    },
    {
      does: 'packets for others are passed on',
      line: 'cat /proc/sys/net/ipv4/ip_forward; sysctl -qw net.ipv4.ip_forward=$((1 - $(cat /proc/sys/net/ipv4/ip_forward)))',
      event: told((change) => change.forwards !== undefined),
      state: (state) => own(state)?.forwards !== undefined,
    },
    {
      does: 'a server waits',
      line: 'busybox nc -l -p 8080 > /dev/null &',
      event: toldListeners,
      state: (state) =>
        own(state)?.listeners.some(
          ({ port, process }) => port === 8080 && process !== null && process in state.processes,
        ) === true,
      row: /^tcp6? .*:8080/,
    },
    {
      does: 'the server ends',
      line: 'kill %1',
      event: toldListeners,
      state: (state) => own(state)?.listeners.some(({ port }) => port === 8080) === false,
      noRow: /:8080/,
    },
    {
      does: 'a table with a chain and a rule that counts',
      line: "nft 'table inet t { chain c { type filter hook input priority 0; policy accept; iifname lo counter accept; }; }'",
      event: toldTables,
      state: (state) => own(state)?.tables[0]?.chains[0]?.rules[0]?.packets === 0,
      row: /^iifname "lo" counter accept/,
    },
    {
      does: 'packets come, and are counted',
      line: 'ip link set lo up; ping -c 2 -i 0.2 127.0.0.1',
      event: toldTables,
      state: (state) => (own(state)?.tables[0]?.chains[0]?.rules[0]?.packets ?? 0) >= 2,
      row: /^iifname "lo" counter accept\d+ packets/,
    },
    {
      does: 'the table goes',
      line: 'nft delete table inet t',
      event: toldTables,
      state: (state) => own(state)?.tables.length === 0,
      noRow: /^table inet t/,
    },
    {
      does: 'a link is removed, and the other end with it',
      line: 'ip link del v0',
      event: toldLinks,
      state: (state) => link(state, 'v0') === undefined && linkOf(blue(state), 'v1') === undefined,
      noRow: /^v[01]/,
    },
    {
      does: 'the other namespace goes',
      line: 'ip netns del blue',
      event: (event) => event.type === 'network.vanish',
      state: (state) => blue(state) === undefined,
      noRow: /^blue/,
    },
  ],
});
