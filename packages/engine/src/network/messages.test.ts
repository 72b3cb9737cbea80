/**
 * Our messages beside those of ip(8) 6.1 and nft(8) 1.0.6, caught by strace on the wire. Where both
 * can say the same thing in the same way, the bytes are the same.
 */
import { type Message, messageBlock, PlanBuilder, parseIp, parsePrefix } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { Script } from '../plan/script.js';
import { addressMessage } from './addresses.js';
import { bridgeMessage } from './bridges.js';
import { bytesOf, hex, withoutSequence } from './bytes.fixture.js';
import { deleteLinkMessage, vethMessage } from './links.js';
import { openNetlink } from './netlink-calls.js';
import {
  counter,
  masquerade,
  matchAddress,
  matchInterface,
  matchLocalDestination,
  matchPort,
  type Phrase,
  translateDestination,
  verdict,
} from './nft-expressions.js';
import { batch, chainMessages, deleteTableMessage, type NftChain } from './nftables.js';
import { routeMessage } from './routes.js';

/** The message alone, as hex. */
function sent(message: Message, slots: Readonly<Record<string, number>> = {}): string {
  return withoutSequence(bytesOf(messageBlock([message]), slots));
}

function caught(...groups: readonly string[]): string {
  return withoutSequence(hex(...groups));
}

describe('links, as ip(8) sends them', () => {
  const pid = new PlanBuilder('test').slot('init');

  test('ip link add veth0 mtu 1400 type veth peer name eth0 mtu 1400 address … netns 5495', () => {
    const message = vethMessage({
      name: 'veth0',
      mtu: 1400,
      peer: {
        name: 'eth0',
        mtu: 1400,
        mac: '02:00:0a:58:00:02',
        namespace: { kind: 'pid', value: pid },
      },
    });
    expect(sent(message, { init: 5495 })).toBe(
      caught(
        '80000000 1000 0506 8a26036b 00000000', // RTM_NEWLINK, REQUEST|ACK|EXCL|CREATE
        '00000000 00000000 00000000 00000000', // struct ifinfomsg
        '0800 0400 78050000', // IFLA_MTU
        '0a00 0300 766574683000 0000', // IFLA_IFNAME "veth0"
        '4c00 1200', // IFLA_LINKINFO
        '0800 0100 76657468', // IFLA_INFO_KIND "veth"
        '4000 0200 3c00 0100', // IFLA_INFO_DATA, VETH_INFO_PEER
        '00000000 00000000 00000000 00000000', // struct ifinfomsg of the peer
        '0800 0400 78050000',
        '0a00 0100 02000a580002 0000', // IFLA_ADDRESS
        '0800 1300 77150000', // IFLA_NET_NS_PID 5495
        '0900 0300 6574683000 000000',
      ),
    );
    expect(message.display).toBe(
      '{RTM_NEWLINK, ifname="veth0", kind="veth", peer="eth0"@netns <init>, mtu=1400}',
    );
  });

  test('the peer’s namespace may also be an fd', () => {
    const fd = new PlanBuilder('test').slot('netns');
    const message = vethMessage({
      name: 'a',
      peer: { name: 'b', namespace: { kind: 'fd', value: fd } },
    });
    expect(sent(message, { netns: 9 })).toContain('08001c0009000000'); // IFLA_NET_NS_FD
  });

  test('a bridge: made with EXCL, then compared by an empty IFLA_INFO_DATA and brought up', () => {
    expect(sent(bridgeMessage('new', 'tr0', { mac: '02:01:02:03:04:05' }))).toBe(
      caught(
        '44000000 1000 0506 00000000 00000000',
        '00000000 00000000 00000000 00000000',
        '0a00 0100 020102030405 0000',
        '0800 0300 74723000',
        '1000 1200 0a00 0100 627269646765 0000', // IFLA_LINKINFO { IFLA_INFO_KIND "bridge" }
      ),
    );
    expect(sent(bridgeMessage('existing', 'tr0'))).toBe(
      caught(
        '3c000000 1000 0500 00000000 00000000',
        '00000000 00000000 01000000 01000000', // IFF_UP, and only that flag is meant
        '0800 0300 74723000',
        '1400 1200 0a00 0100 627269646765 0000 0400 0200',
      ),
    );
  });

  test('ip link del veth0', () => {
    expect(sent(deleteLinkMessage('veth0'))).toBe(
      caught(
        '2c000000 1100 0500 00000000 00000000',
        '00000000 00000000 00000000 00000000',
        '0a00 0300 766574683000 0000',
      ),
    );
  });

  test.each(['', 'sixteen-letters-', 'a/b', 'a b', 'a:b', '.', '..', 'eth%d'])(
    'refuses the name %j',
    (name) => {
      expect(() => deleteLinkMessage(name)).toThrow('not a name of an interface');
    },
  );
});

describe('addresses and routes, as ip(8) sends them', () => {
  const link = { name: 'tr0', index: new PlanBuilder('test').slot('index of tr0') };
  const slots = { 'index of tr0': 2 };

  test('ip addr add 10.88.0.1/16 dev tr0', () => {
    const message = addressMessage('RTM_NEWADDR', link, '10.88.0.1/16');
    expect(sent(message, slots)).toBe(
      caught(
        '28000000 1400 0506 8a26036b 00000000',
        '02 10 00 00 02000000', // AF_INET, /16, no flags, scope universe, index 2
        '0800 0200 0a580001', // IFA_LOCAL
        '0800 0100 0a580001', // IFA_ADDRESS
      ),
    );
    expect(message.display).toBe('{RTM_NEWADDR, index=<index of tr0>, local=10.88.0.1/16}');
  });

  test('ip -6 addr add fd00:88::1/64 dev tr0 nodad', () => {
    expect(sent(addressMessage('RTM_NEWADDR', link, 'fd00:88::1/64'), slots)).toBe(
      caught(
        '40000000 1400 0506 8a26036b 00000000',
        '0a 40 02 00 02000000', // AF_INET6, /64, IFA_F_NODAD
        '1400 0200 fd000088000000000000000000000001',
        '1400 0100 fd000088000000000000000000000001',
      ),
    );
  });

  test('ip route add default via 10.88.0.9 dev tr0 proto static', () => {
    const route = { to: 'default', gateway: '10.88.0.9', link };
    const message = routeMessage('RTM_NEWROUTE', route);
    expect(sent(message, slots)).toBe(
      caught(
        '2c000000 1800 0506 8a26036b 00000000',
        '02 00 00 00 fe 04 00 01 00000000', // main table, static, universe, unicast
        '0800 0500 0a580009', // RTA_GATEWAY
        '0800 0400 02000000', // RTA_OIF
      ),
    );
    expect(message.display).toBe(
      '{RTM_NEWROUTE, dst=default, gateway=10.88.0.9, oif=<index of tr0>}',
    );
  });

  test('ip route del 10.99.0.0/16 dev tr0: any protocol, any scope', () => {
    expect(sent(routeMessage('RTM_DELROUTE', { to: '10.99.0.0/16', link }), slots)).toBe(
      caught(
        '2c000000 1900 0500 8a26036b 00000000',
        '02 10 00 00 fe 00 ff 00 00000000',
        '0800 0100 0a630000',
        '0800 0400 02000000',
      ),
    );
  });

  test('host bits of a target are dropped: the kernel would refuse them', () => {
    expect(sent(routeMessage('RTM_NEWROUTE', { to: '10.99.3.4/16', link }))).toContain('0a630000');
  });

  test('refuses a route that leads nowhere, or from one family to the other', () => {
    expect(() => routeMessage('RTM_NEWROUTE', { to: 'default' })).toThrow(
      'a route to default needs a gateway or a link',
    );
    expect(() => routeMessage('RTM_NEWROUTE', { to: '10.0.0.0/8', gateway: 'fd00::1' })).toThrow(
      'a route to 10.0.0.0/8 cannot go by fd00::1: two families',
    );
  });
});

describe('rules, as nft(8) sends them', () => {
  /** The batch of one message, as hex. */
  function batchOf(...messages: readonly Message[]): string {
    const builder = new PlanBuilder('test');
    const script = new Script(builder, 'outside', builder.slot('fd'));
    const socket = openNetlink(script, 'NETLINK_NETFILTER', 'netfilter');
    batch(script, socket, messages, { id: 'test', en: 'test', zh: '测试' });
    for (const step of builder.build().processes['outside'] ?? []) {
      if (step.kind !== 'call' || step.syscall !== 'sendto') continue;
      const [, block] = step.args;
      if (block?.kind === 'block') return withoutSequence(bytesOf(block.block));
    }
    throw new Error('no sendto');
  }

  /** nft(8) asks for no answer where we do: NLM_F_ACK in the message's flags. */
  function unasked(hexBytes: string): string {
    const bytes = Buffer.from(hexBytes, 'hex');
    const second = bytes.readUInt32LE(0);
    bytes.writeUInt16LE(bytes.readUInt16LE(second + 6) & ~0x4, second + 6);
    return bytes.toString('hex');
  }

  function chain(name: string, hook: NftChain['hook'], priority: number): NftChain {
    return { name, type: 'nat', hook, priority, rules: [] };
  }

  function ruleMessage(chainName: string, ...phrases: readonly Phrase[]): Message {
    const rules = [{ phrases }];
    const [, rule] = chainMessages('t')({ ...chain(chainName, 'prerouting', -100), rules });
    if (rule === undefined) throw new Error('no rule');
    return rule;
  }

  const BEGIN = '14000000 1000 0100 00000000 00000000 0000000a';
  const END = '14000000 1100 0100 00000000 00000000 0000000a';

  test('a batch ends with an answer asked for, and is closed on both sides', () => {
    expect(batchOf(deleteTableMessage('t'))).toBe(
      caught(BEGIN, '1c000000 020a 0500 00000000 00000000 01000000 0600 0100 7400 0000', END),
    );
  });

  test('nft delete table inet t', () => {
    expect(unasked(batchOf(deleteTableMessage('t')))).toBe(
      caught(BEGIN, '1c000000 020a 0100 00000000 00000000 01000000 0600 0100 7400 0000', END),
    );
  });

  test('nft add chain inet t pre { type nat hook prerouting priority -100; }', () => {
    const [message] = chainMessages('t')(chain('pre', 'prerouting', -100));
    const bytes = unasked(batchOf(message as Message));
    // nft(8) sends the type before the hook.
    expect(bytes).toContain('14000480 0800010000000000 08000200ffffff9c'.replaceAll(' ', ''));
    expect(bytes).toContain('08000700 6e617400'.replaceAll(' ', ''));
    expect(message?.display).toBe(
      '{NFT_MSG_NEWCHAIN, inet pre: type nat hook prerouting priority -100}',
    );
  });

  test('ip daddr 192.0.2.2 tcp dport 8080 counter dnat ip to 10.88.0.2:80', () => {
    const message = ruleMessage(
      'pre',
      matchAddress('daddr', parseIp('192.0.2.2')),
      matchPort('tcp', 'dport', 8080),
      counter(),
      translateDestination(parseIp('10.88.0.2'), 80),
    );
    expect(unasked(batchOf(message))).toBe(
      caught(
        BEGIN,
        '2c020000 060a 010c 01000000 00000000 01000000',
        '0600 0100 7400 0000 0800 0200 70726500', // table "t", chain "pre"
        '0802 0480', // NFTA_RULE_EXPRESSIONS
        '2400 0180 0900 0100 6d65746100 000000 1400 0280 0800 0200 0000000f 0800 0100 00000001',
        '2c00 0180 0800 0100 636d7000 2000 0280 0800 0100 00000001 0800 0200 00000000',
        '0c00 0380 0500 0100 02 000000',
        '3400 0180 0c00 0100 7061796c6f616400 2400 0280 0800 0100 00000001 0800 0200 00000001',
        '0800 0300 00000010 0800 0400 00000004',
        '2c00 0180 0800 0100 636d7000 2000 0280 0800 0100 00000001 0800 0200 00000000',
        '0c00 0380 0800 0100 c0000202',
        '2400 0180 0900 0100 6d65746100 000000 1400 0280 0800 0200 00000010 0800 0100 00000001',
        '2c00 0180 0800 0100 636d7000 2000 0280 0800 0100 00000001 0800 0200 00000000',
        '0c00 0380 0500 0100 06 000000',
        '3400 0180 0c00 0100 7061796c6f616400 2400 0280 0800 0100 00000001 0800 0200 00000002',
        '0800 0300 00000002 0800 0400 00000002',
        '2c00 0180 0800 0100 636d7000 2000 0280 0800 0100 00000001 0800 0200 00000000',
        '0c00 0380 0600 0100 1f90 0000',
        '1400 0180 0c00 0100 636f756e74657200 0400 0280',
        '2c00 0180 0e00 0100 696d6d65646961746500 0000 1800 0280 0800 0100 00000001',
        '0c00 0280 0800 0100 0a580002',
        '2c00 0180 0e00 0100 696d6d65646961746500 0000 1800 0280 0800 0100 00000002',
        '0c00 0280 0600 0100 0050 0000',
        '3800 0180 0800 0100 6e617400 2c00 0280 0800 0100 00000001 0800 0200 00000002',
        '0800 0300 00000001 0800 0500 00000002 0800 0700 00000002',
        END,
      ),
    );
    expect(message.display).toBe(
      '{NFT_MSG_NEWRULE, inet pre: ip daddr 192.0.2.2 tcp dport 8080 counter dnat ip to 10.88.0.2:80}',
    );
  });

  test('iifname "tr0" drop', () => {
    const message = ruleMessage('post', matchInterface('iifname', 'tr0'), verdict('drop'));
    expect(unasked(batchOf(message))).toBe(
      caught(
        BEGIN,
        'b8000000 060a 010c 01000000 00000000 01000000',
        '0600 0100 7400 0000 0900 0200 706f737400 000000',
        '9000 0480',
        '2400 0180 0900 0100 6d65746100 000000 1400 0280 0800 0200 00000006 0800 0100 00000001',
        '3800 0180 0800 0100 636d7000 2c00 0280 0800 0100 00000001 0800 0200 00000000',
        '1800 0380 1400 0100 74723000000000000000000000000000',
        '3000 0180 0e00 0100 696d6d65646961746500 0000 1c00 0280 0800 0100 00000000',
        '1000 0280 0c00 0280 0800 0100 00000000', // NFTA_DATA_VERDICT { NF_DROP }
        END,
      ),
    );
  });

  test('IPv6, masquerade, local destinations and comments are written as nft(8) reads them', () => {
    const target = translateDestination(parseIp('fd00::2'), 53);
    expect(target.text).toBe('dnat ip6 to [fd00::2]:53');
    expect(matchAddress('saddr', parsePrefix('10.88.3.4/16')).text).toBe('ip saddr 10.88.0.0/16');
    expect(matchInterface('oifname', 'tr0', '!=').text).toBe('oifname != "tr0"');
    const message = ruleMessage('post', matchLocalDestination(), masquerade());
    const bytes = sent(message);
    expect(bytes).toContain(Buffer.from('fib\0').toString('hex'));
    expect(bytes).toContain(`${Buffer.from('masq\0').toString('hex')}00000004000280`);
  });
});
