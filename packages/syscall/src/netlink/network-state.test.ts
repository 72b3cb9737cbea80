/** Dumps as a Linux 6.18 sent them, of a namespace with one container on tr0. */
import { describe, expect, test } from 'vitest';
import { hex } from './bytes.fixture.js';
import { decodeMessages } from './decode.js';
import { addressesFrom, bridgePorts, linksFrom, routesFrom } from './network-state.js';
import { rulesetFrom } from './ruleset.js';

/** RTM_NEWLINK bodies: the struct and, of some fifty attributes, those that are read. */
const LINKS = [
  hex(
    '0000 0403 01000000 08000000 00000000', // lo: not up
    '0700 0300 6c6f00 00', // IFLA_IFNAME
    '0800 0400 00000100', // IFLA_MTU
    '0a00 0100 000000000000 0000', // IFLA_ADDRESS
  ),
  hex(
    '0000 0100 02000000 43100100 00000000', // UP, BROADCAST, RUNNING, MULTICAST, LOWER_UP
    '0800 0300 74723000',
    '0800 0400 dc050000',
    '0a00 0100 028794cc2308 0000',
    '1000 1200 0b00 0100 62726964676500 00', // IFLA_LINKINFO { IFLA_INFO_KIND "bridge" }
  ),
  hex(
    '0000 0100 03000000 43100100 00000000',
    '0c00 0300 766574682d633100', // "veth-c1"
    '0800 0400 dc050000',
    '0800 0500 02000000', // IFLA_LINK: the other end is number 2
    '0800 0a00 02000000', // IFLA_MASTER: tr0
    '0a00 0100 0ac8e046d638 0000',
    '3000 1200', // IFLA_LINKINFO
    '0900 0100 7665746800 000000', // kind "veth"
    '0b00 0400 62726964676500 00', // IFLA_INFO_SLAVE_KIND "bridge"
    '1400 0500 0500 0100 03 000000 0500 0400 01 000000', // slave data: forwarding, hairpin
    '0800 2500 00000000', // IFLA_LINK_NETNSID
  ),
];

function bodies(...datagram: readonly string[]): Uint8Array[] {
  return decodeMessages(hex(...datagram)).map(({ body }) => body);
}

describe('what the kernel lists', () => {
  const links = linksFrom(LINKS);

  test('links', () => {
    expect(links.map(({ name, kind, up, carrier }) => [name, kind, up, carrier])).toEqual([
      ['lo', null, false, false],
      ['tr0', 'bridge', true, true],
      ['veth-c1', 'veth', true, true],
    ]);
    expect(links[2]).toEqual({
      index: 3,
      name: 'veth-c1',
      kind: 'veth',
      up: true,
      carrier: true,
      flags: ['UP', 'BROADCAST', 'RUNNING', 'MULTICAST', 'LOWER_UP'],
      mtu: 1500,
      mac: '0a:c8:e0:46:d6:38',
      master: 2,
      peer: 2,
      peerNetnsId: 0,
      hairpin: true,
    });
  });

  test('ports of a bridge', () => {
    expect(bridgePorts(links, 'tr0')).toEqual(['veth-c1']);
    expect(bridgePorts(links, 'veth-c1')).toEqual([]);
    expect(bridgePorts(links, 'gone')).toEqual([]);
  });

  test('addresses', () => {
    const datagram = bodies(
      '4c000000 1400 0200 01000000 5a803eec 02108000 02000000',
      '0800 0100 0a580001 0800 0200 0a580001 0800 0300 74723000 0800 0800 80000000',
      '1400 0600 ffffffffffffffff4841170048411700',
      '50000000 1400 0200 01000000 5a803eec 0a40c0fd 03000000',
      '1400 0100 fe80000000000000 08c8e0fffe46d638 1400 0600 ffffffffffffffff4b4117004b411700',
      '0800 0800 c0000000 0500 0b00 03 000000',
    );
    expect(addressesFrom(datagram, links)).toEqual([
      { link: 'tr0', address: '10.88.0.1/16', scope: 'global', permanent: true, tentative: false },
      {
        link: 'veth-c1',
        address: 'fe80::8c8:e0ff:fe46:d638/64',
        scope: 'link',
        permanent: true,
        tentative: true,
      },
    ]);
  });

  test('routes: the main table alone', () => {
    const datagram = bodies(
      '3c000000 1800 0200 01000000 9ce48bd9 02100000 fe02fd01 00000000',
      '0800 0f00 fe000000 0800 0100 0a580000 0800 0700 0a580001 0800 0400 02000000',
      '3c000000 1800 0200 01000000 9ce48bd9 02200000 ff02fe02 00000000', // table local
      '0800 0f00 ff000000 0800 0100 0a580001 0800 0700 0a580001 0800 0400 02000000',
    );
    expect(routesFrom(datagram, links)).toEqual([
      {
        family: 4,
        to: '10.88.0.0/16',
        gateway: null,
        link: 'tr0',
        source: '10.88.0.1',
        type: 'unicast',
        protocol: 'kernel',
        metric: 0,
      },
    ]);
  });

  test('a link that has gone in the meantime is shown by its number', () => {
    const [body] = bodies(
      '28000000 1400 0200 00000000 00000000 02108000 09000000 0800 0100 0a580001 0800 0200 0a580001',
    );
    expect(addressesFrom([body ?? hex()], links)).toMatchObject([{ link: '#9' }]);
  });

  test('rules, their comments and their counters', () => {
    const tables = bodies(
      '44000000 000a 0208 01000000 ca140000 01000002 1100 0100 74657272617269756d5f6331 00 000000',
      '0800 0300 00000001 0c00 0400 0000000000000001 0800 0200 00000000',
    );
    const chains = bodies(
      '78000000 030a 0208 01000000 ca1173ec 01000002 1100 0100 74657272617269756d5f6331 00 000000',
      '1000 0300 706f7374726f7574696e6700 0c00 0200 0000000000000001',
      '1400 0400 0800 0100 00000004 0800 0200 00000064 0800 0500 00000001',
      '0800 0700 6e617400 0800 0a00 00000001 0800 0600 00000001',
    );
    const rules = bodies(
      'a8000000 060a 0208 01000000 0987399d 01000002 1100 0100 74657272617269756d5f6331 00 000000',
      '1000 0200 706f7374726f7574696e6700 0c00 0300 0000000000000002',
      '5400 0400', // NFTA_RULE_EXPRESSIONS
      '2400 0100 0900 0100 6d65746100 000000 1400 0200 0800 0200 0000000f 0800 0100 00000001',
      '2c00 0100 0c00 0100 636f756e74657200 1c00 0200',
      '0c00 0100 00000000000000a8 0c00 0200 0000000000000002',
      '0f00 0700 0009 686964652069742e00 00', // NFTA_RULE_USERDATA: comment
    );
    expect(rulesetFrom(tables, chains, rules)).toEqual([
      {
        family: 'inet',
        name: 'terrarium_c1',
        chains: [
          {
            name: 'postrouting',
            base: { type: 'nat', hook: 'postrouting', priority: 100 },
            policy: 'accept',
            rules: [
              {
                handle: 2,
                expressions: ['meta load nfproto => reg 1', 'counter pkts 2 bytes 168'],
                text: 'counter comment "hide it."',
                comment: 'hide it.',
                counter: { packets: 2, bytes: 168 },
              },
            ],
          },
        ],
      },
    ]);
  });
});
