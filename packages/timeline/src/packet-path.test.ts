import { describe, expect, it } from 'vitest';
import { type PacketPath, packetPath } from './packet-path.js';
import { EMPTY_STATE, type LinkState, type NetworkState, type State } from './state.js';

const [HOST, A, B] = [10, 20, 30];

function link(index: number, name: string, fields: Partial<LinkState> = {}): LinkState {
  return {
    ...{ index, name, kind: 'veth', flags: ['UP', 'LOWER_UP'], mtu: 1500, mac: '' },
    ...{ master: null, peer: null, addresses: [] },
    ...fields,
  };
}

const lo = link(1, 'lo', {
  ...{ kind: '', flags: ['UP', 'LOWER_UP', 'LOOPBACK'], addresses: ['127.0.0.1/8'] },
});
const peer = (netNs: number, index: number) => ({ peer: { netNs, index } });
const route = (to: string, dev: string, via: string | null = null) => ({
  ...{ to, via, dev, source: null },
});

function network(
  netNs: number,
  links: readonly LinkState[],
  rest: Partial<NetworkState> = {},
): NetworkState {
  const byIndex = Object.fromEntries(links.map((one) => [one.index, one]));
  return { netNs, links: byIndex, routes: [], listeners: [], tables: [], ...rest };
}

/** Two containers on one bridge of the host, each with a default route to the bridge's address. */
const host = network(
  HOST,
  [
    lo,
    link(2, 'br0', { kind: 'bridge', addresses: ['10.0.0.1/24'] }),
    link(3, 'va', { master: 2, ...peer(A, 2) }),
    link(4, 'vb', { master: 2, ...peer(B, 2) }),
    link(5, 'd0', { kind: 'dummy', addresses: ['192.168.9.1/24'] }),
  ],
  { routes: [route('10.0.0.0/24', 'br0'), route('192.168.9.0/24', 'd0')], forwards: true },
);
const inside = (netNs: number, port: number, address: string) =>
  network(netNs, [lo, link(2, 'eth0', { ...peer(HOST, port), addresses: [`${address}/24`] })], {
    routes: [route('10.0.0.0/24', 'eth0'), route('default', 'eth0', '10.0.0.1')],
  });
const bridged = stateOf(host, inside(A, 3, '10.0.0.2'), inside(B, 4, '10.0.0.3'));

function stateOf(...networks: readonly NetworkState[]): State {
  return { ...EMPTY_STATE, networks: Object.fromEntries(networks.map((n) => [n.netNs, n])) };
}

function changed(netNs: number, change: (before: NetworkState) => NetworkState): State {
  const networks = { ...bridged.networks, [netNs]: change(bridged.networks![netNs]!) };
  return { ...bridged, networks };
}

/** The hops in short: namespace and fact. */
function brief(path: PacketPath): string[] {
  return path.hops.map(({ netNs, fact }) => {
    switch (fact.kind) {
      case 'route':
        return `${netNs} route ${fact.route.to} ${fact.route.dev} from ${fact.source}`;
      case 'wire':
        return `${netNs} wire ${fact.from.name}-${fact.to.name}`;
      case 'bridge-in':
      case 'bridge-out':
        return `${netNs} ${fact.kind} ${fact.port.name}`;
      case 'answers':
      case 'local':
        return `${netNs} ${fact.kind} ${fact.link.name} ${fact.address}`;
      case 'rule':
        return `${netNs} ${fact.hit.sure ? '' : 'maybe '}${fact.hit.verdict}`;
      default:
        return `${netNs} ${fact.kind}`;
    }
  });
}

const ask = (state: State, from: number, to: string, port: number | null = null) =>
  packetPath(state, { from, to, port });

describe('packetPath', () => {
  it('crosses a bridge from port to port', () => {
    const path = ask(bridged, A, '10.0.0.3');
    expect(brief(path)).toEqual([
      '20 route 10.0.0.0/24 eth0 from 10.0.0.2',
      '10 wire eth0-va',
      '10 bridge-in va',
      '10 bridge-out vb',
      '30 wire vb-eth0',
      '30 answers eth0 10.0.0.3',
      '30 local eth0 10.0.0.3',
    ]);
    expect(path.end).toEqual({ kind: 'delivered', netNs: B, listener: null });
  });

  it('goes by the longest prefix, and to the gateway by the default route', () => {
    const path = ask(bridged, A, '192.168.9.1');
    expect(brief(path)).toContain('20 route default eth0 from 10.0.0.2');
    expect(path.end).toMatchObject({ kind: 'delivered', netNs: HOST });
    expect(ask(bridged, A, '192.168.9.7').end).toMatchObject({ kind: 'swallowed' });
  });

  it('ends at the host that does not forward', () => {
    const state = changed(HOST, (before) => ({ ...before, forwards: false }));
    expect(ask(state, A, '192.168.9.7').end).toEqual({ kind: 'not-forwarded', netNs: HOST });
  });

  it('says that there is no route, and which interface would have it, were it up', () => {
    expect(ask(bridged, HOST, '172.16.0.1').end).toEqual({
      ...{ kind: 'no-route', netNs: HOST, down: null },
    });
    const state = changed(A, (before) => ({
      ...before,
      links: { ...before.links, 2: { ...before.links['2']!, flags: [] } },
      routes: [],
    }));
    expect(ask(state, A, '10.0.0.1').end).toMatchObject({
      ...{ kind: 'no-route', netNs: A, down: { name: 'eth0' } },
    });
  });

  it('stops at the interface that is down', () => {
    const state = changed(B, (before) => ({
      ...before,
      links: { ...before.links, 2: { ...before.links['2']!, flags: [] } },
    }));
    const path = ask(state, A, '10.0.0.3');
    expect(path.end).toMatchObject({ kind: 'link-down', netNs: B, link: { name: 'eth0' } });
    expect(brief(path).at(-1)).toBe('30 wire vb-eth0');
  });

  it('says when nobody on the wire has the address', () => {
    expect(ask(bridged, A, '10.0.0.99').end).toEqual({
      ...{ kind: 'no-answer', netNs: A, address: '10.0.0.99' },
    });
  });

  it('takes the loopback for its own addresses, and only when that is up', () => {
    expect(brief(ask(bridged, A, '10.0.0.2'))).toEqual(['20 local eth0 10.0.0.2']);
    const state = changed(A, (before) => ({
      ...before,
      links: { ...before.links, 1: { ...lo, flags: ['LOOPBACK'], addresses: [] } },
    }));
    for (const own of ['127.0.0.1', '10.0.0.2']) {
      expect(ask(state, A, own).end).toMatchObject({ kind: 'link-down', link: { name: 'lo' } });
    }
  });

  it('knows who listens', () => {
    const listener = { protocol: 'tcp' as const, address: '0.0.0.0', port: 80, process: null };
    const state = changed(B, (before) => ({ ...before, listeners: [listener] }));
    expect(ask(state, A, '10.0.0.3', 80).end).toMatchObject({ kind: 'delivered', listener });
    expect(ask(state, A, '10.0.0.3', 81).end).toEqual({
      ...{ kind: 'nothing-listens', netNs: B, port: 81 },
    });
    const loopbackOnly = changed(B, (before) => ({
      ...before,
      listeners: [{ ...listener, address: '127.0.0.1' }],
    }));
    expect(ask(loopbackOnly, A, '10.0.0.3', 80).end.kind).toBe('nothing-listens');
  });

  it('leaves what is known by a wire whose other end is not', () => {
    const state = stateOf(
      network(A, [lo, link(2, 'eth0', { addresses: ['10.9.0.2/24'] })], {
        routes: [route('10.9.0.0/24', 'eth0')],
      }),
    );
    expect(ask(state, A, '10.9.0.1').end).toMatchObject({ kind: 'outside', netNs: A });
  });

  it('refuses what is no address, and a namespace that it does not know', () => {
    expect(ask(bridged, A, 'web').end).toEqual({ kind: 'not-an-address', text: 'web' });
    expect(ask(bridged, 99, '10.0.0.1').end.kind).toBe('unknown-namespace');
  });

  it('ends a circle of default routes', () => {
    const ring = (netNs: number, other: number, own: string, next: string) =>
      network(netNs, [lo, link(2, 'v', { ...peer(other, 2), addresses: [`${own}/24`] })], {
        routes: [route('default', 'v', next)],
        forwards: true,
      });
    const state = stateOf(ring(A, B, '10.0.0.2', '10.0.0.3'), ring(B, A, '10.0.0.3', '10.0.0.2'));
    expect(ask(state, A, '8.8.8.8').end.kind).toBe('loop');
  });

  it('speaks IPv6', () => {
    const v6 = (netNs: number, other: number, own: string) =>
      network(netNs, [lo, link(2, 'v', { ...peer(other, 2), addresses: [own] })], {
        routes: [route('fd00::/64', 'v')],
      });
    const state = stateOf(v6(A, B, 'fd00::1/64'), v6(B, A, 'fd00::2/64'));
    expect(ask(state, A, 'fd00:0::2').end).toMatchObject({ kind: 'delivered', netNs: B });
    expect(ask(state, A, 'fd00::1:2').end.kind).toBe('no-answer');
    const v4 = stateOf(network(A, [lo, link(2, 'v')], { routes: [route('0.0.0.0/0', 'v')] }));
    expect(ask(v4, A, '::5').end.kind).toBe('no-route');
  });
});

describe('packetPath and nftables', () => {
  function ruled(netNs: number, hook: string, texts: readonly string[], policy = 'accept'): State {
    const rules = texts.map((text, i) => ({ handle: i + 1, text }));
    const chain = { name: hook, hook, type: 'filter', priority: 0, policy, rules };
    return changed(netNs, (before) => ({
      ...before,
      tables: [{ family: 'ip', name: 't', chains: [chain] }],
    }));
  }
  const end = (state: State, to = '10.0.0.1', port: number | null = null) =>
    ask(state, A, to, port).end;

  it('ends at the rule that drops it', () => {
    const state = ruled(HOST, 'input', [
      'tcp dport 22 accept',
      'ip saddr 10.0.0.0/25 counter drop',
    ]);
    expect(end(state)).toMatchObject({
      ...{ kind: 'dropped', netNs: HOST, hit: { verdict: 'drop', rule: { handle: 2 } } },
    });
    expect(end(state, '10.0.0.1', 22).kind).toBe('nothing-listens');
  });

  it.each([
    ['iifname "br0" drop', 'dropped'],
    ['iifname "va" drop', 'delivered'],
    ['iifname != "br0" drop', 'delivered'],
    ['ip protocol icmp drop', 'dropped'],
    ['icmp type echo-request counter packets 3 bytes 252 drop', 'dropped'],
    ['meta l4proto { tcp, udp } drop', 'delivered'],
    ['ip daddr 10.0.0.1-10.0.0.9 reject with icmp type host-prohibited', 'dropped'],
    ['ct state established,related drop', 'delivered'],
    ['ip saddr @blocked drop', 'delivered'],
    ['counter packets 1 bytes 2', 'delivered'],
  ])('%s: %s', (text, kind) => {
    expect(end(ruled(HOST, 'input', [text])).kind).toBe(kind);
  });

  it('names a rule that may apply, and goes on', () => {
    const path = ask(ruled(HOST, 'input', ['ip saddr @blocked drop']), A, '10.0.0.1');
    expect(brief(path)).toContain('10 maybe drop');
    expect(path.end.kind).toBe('delivered');
  });

  it('ends at a policy that drops what no rule accepts', () => {
    expect(end(ruled(HOST, 'input', ['tcp dport 80 accept'], 'drop'))).toMatchObject({
      ...{ kind: 'dropped', hit: { verdict: 'policy-drop', rule: null } },
    });
    expect(end(ruled(HOST, 'input', ['ip protocol icmp accept'], 'drop')).kind).toBe('delivered');
  });

  it('follows a jump into a chain of the table', () => {
    const state = changed(HOST, (before) => {
      const plain = { hook: null, type: null, priority: null, policy: null };
      const rules = [{ handle: 1, text: 'jump guests' }];
      const input = { ...plain, name: 'input', hook: 'input', policy: 'accept', rules };
      const guests = { ...plain, name: 'guests', rules: [{ handle: 2, text: 'drop' }] };
      return { ...before, tables: [{ family: 'inet', name: 't', chains: [input, guests] }] };
    });
    expect(end(state)).toMatchObject({ kind: 'dropped', hit: { chain: 'guests' } });
  });

  it('rewrites the destination by dnat', () => {
    const state = ruled(HOST, 'prerouting', ['tcp dport 8080 dnat to 10.0.0.3:80']);
    const path = ask(state, A, '10.0.0.1', 8080);
    expect(brief(path)).toContain('10 dnat');
    expect(path.end).toMatchObject({ kind: 'nothing-listens', netNs: B, port: 80 });
  });

  it('rewrites the source by masquerade', () => {
    const state = ruled(HOST, 'postrouting', ['ip saddr 10.0.0.0/24 oifname "d0" masquerade']);
    expect(brief(ask(state, A, '192.168.9.7'))).toContain('10 masquerade');
  });
});
