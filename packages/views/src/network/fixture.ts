/** A sandbox with a bridge, two containers on it, a web server and a masquerade rule: for tests and pictures. */
import type { LinkState, NamespaceState, NetworkState, State } from '@terrarium/timeline';
import { DEMO_NAMESPACES, demoProcess, demoStateWith } from '../fixture.js';

const OWN = DEMO_NAMESPACES.net;
export const WEB_NET = 4_026_532_830;
export const CLIENT_NET = 4_026_532_840;

function netns(inode: number, name: string | null): NamespaceState {
  return {
    ...{ inode, kind: 'net', parent: null, owner: DEMO_NAMESPACES.user },
    ...{ ofSandbox: false, ofHost: false, bornAt: inode },
    holders:
      name === null
        ? []
        : [{ by: 'mount', mountNs: DEMO_NAMESPACES.mnt, path: `/run/netns/${name}` }],
  };
}

/** An interface that is up and connected; give what is special about it. */
export function demoLink(index: number, name: string, special: Partial<LinkState> = {}): LinkState {
  return {
    ...{ index, name, kind: 'veth', flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'] },
    ...{ mtu: 1500, mac: `5e:00:00:00:00:0${index}`, master: null, peer: null, addresses: [] },
    ...special,
  };
}

const lo = demoLink(1, 'lo', {
  ...{ kind: '', flags: ['LOOPBACK', 'UP', 'LOWER_UP'], mtu: 65_536 },
  ...{ mac: '00:00:00:00:00:00', addresses: ['127.0.0.1/8'] },
});
const byIndex = (...links: LinkState[]) => Object.fromEntries(links.map((one) => [one.index, one]));
const init = demoProcess(4701, { comm: 'init', args: [] });
const bash = demoProcess(4707, { args: ['-bash'], terminal: 0, pids: [4707, 7] });
const server = demoProcess(4730, {
  comm: 'python3',
  args: ['python3', '-m', 'http.server', '8000'],
  parent: bash.key,
  pids: [4730, 30],
  namespaces: { ...DEMO_NAMESPACES, net: WEB_NET },
});
const shell = demoProcess(4734, {
  comm: 'bash',
  parent: bash.key,
  pids: [4734, 34],
  namespaces: { ...DEMO_NAMESPACES, net: CLIENT_NET },
});

const own: NetworkState = {
  netNs: OWN,
  forwards: true,
  links: byIndex(
    lo,
    demoLink(2, 'br0', { kind: 'bridge', addresses: ['10.0.0.1/24'] }),
    demoLink(3, 'veth-web', { master: 2, peer: { netNs: WEB_NET, index: 2 } }),
    demoLink(5, 'veth-cl', { master: 2, peer: { netNs: CLIENT_NET, index: 2 } }),
  ),
  routes: [{ to: '10.0.0.0/24', via: null, dev: 'br0', source: '10.0.0.1' }],
  listeners: [],
  tables: [
    {
      family: 'ip',
      name: 'nat',
      chains: [
        {
          ...{ name: 'postrouting', hook: 'postrouting', type: 'nat', priority: 100 },
          policy: 'accept',
          rules: [
            {
              handle: 4,
              text: 'ip saddr 10.0.0.0/24 oifname != "br0" counter packets 12 bytes 1008 masquerade',
              packets: 12,
              bytes: 1008,
            },
          ],
        },
      ],
    },
  ],
};
const inside = (netNs: number, port: number, address: string, up: boolean): NetworkState => ({
  netNs,
  forwards: false,
  links: byIndex(
    lo,
    demoLink(2, 'eth0', {
      flags: up ? ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'] : ['BROADCAST', 'MULTICAST'],
      peer: { netNs: OWN, index: port },
      addresses: [`${address}/24`],
    }),
  ),
  routes: [
    { to: 'default', via: '10.0.0.1', dev: 'eth0', source: null },
    { to: '10.0.0.0/24', via: null, dev: 'eth0', source: address },
  ],
  listeners: [],
  tables: [],
});

const web: NetworkState = {
  ...inside(WEB_NET, 3, '10.0.0.2', true),
  listeners: [{ protocol: 'tcp', address: '0.0.0.0', port: 8000, process: server.key }],
};

/** The realistic state. */
export const DEMO_NETWORK_STATE: State = {
  ...demoStateWith([init, bash, server, shell], [netns(WEB_NET, 'web'), netns(CLIENT_NET, null)]),
  networks: {
    [OWN]: own,
    [WEB_NET]: web,
    [CLIENT_NET]: inside(CLIENT_NET, 5, '10.0.0.3', true),
  },
  traffic: {
    [OWN]: {
      3: { rxBytes: 1000, rxPackets: 10, txBytes: 900, txPackets: 9, dropped: 0 },
      5: { rxBytes: 100, rxPackets: 1, txBytes: 90, txPackets: 1, dropped: 0 },
    },
  },
};
