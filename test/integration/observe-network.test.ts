/**
 * Networks on the real kernel: what is done with ip(8), nft(8) and sockets inside a tree of
 * processes comes to be told and folded, and is in the end what a newcomer sees. Needs root, ip and
 * nft; leaves no namespace and no interface behind, which one test proves of the observer itself.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import {
  inNetworkNamespace,
  netlinkSocket,
  RTNLGRP,
  watchNetlink,
} from '../../packages/syscall/src/index.js';
import type {
  EventBody,
  LinkState,
  NetworkState,
  State,
} from '../../packages/timeline/src/index.js';
import { cleanUp, cleanups, comesToEqualFresh, Lab, Tree } from './observer-lab.js';
import { patient, until } from './patience.js';

function lacks(): string | null {
  if (process.getuid?.() !== 0) return 'root';
  for (const tool of ['ip', 'nft']) if (!isThere(tool)) return tool;
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'add', 'v0', 'type', 'veth']);
    execFileSync('unshare', ['--net', 'nft', 'add', 'table', 'inet', 't'], { stdio: 'pipe' });
  } catch (error) {
    return `veth and nf_tables in the kernel (${(error as Error).message.split('\n')[0]})`;
  }
  return null;
}

function isThere(tool: string): boolean {
  return ['/usr/sbin', '/sbin', '/usr/bin', '/bin'].some((dir) => existsSync(`${dir}/${tool}`));
}

const missing = lacks();
const suffix = missing === null ? '' : ` (missing: ${missing})`;

/** A tree in a network namespace of its own, where `ip netns add` stays within the tree. */
async function startTree(): Promise<Tree> {
  const tree = await Tree.start(['--net']);
  await tree.run('mount -t tmpfs none /run; export PATH=/usr/sbin:/sbin:/usr/bin:/bin');
  return tree;
}

async function startBoth(): Promise<[Tree, Lab]> {
  const tree = await startTree();
  const lab = await Lab.start();
  await lab.watch(tree);
  return [tree, lab];
}

function own(state: State): NetworkState {
  const found = state.networks?.[state.sandbox?.namespaces.net ?? 0];
  if (found === undefined) throw new Error('the own network is not there');
  return found;
}

function link(network: NetworkState | undefined, name: string): LinkState | undefined {
  return Object.values(network?.links ?? {}).find((one) => one.name === name);
}

/** The namespace that has a link of this name. */
function networkWith(state: State, name: string): NetworkState | undefined {
  return Object.values(state.networks ?? {}).find((one) => link(one, name) !== undefined);
}

function rules(network: NetworkState): string[] {
  return network.tables.flatMap(({ chains }) =>
    chains.flatMap((chain) => chain.rules.map(({ text }) => text)),
  );
}

/** What is compared: samples are of their moment. */
function comparable(state: State): unknown {
  const { networks = {} } = state;
  return networks;
}

interface Row {
  readonly does: string;
  readonly line: string;
  /** the fold comes to be so */
  readonly state: (network: NetworkState, state: State) => boolean;
  /** who did it is known: the command of this name */
  readonly actor?: string;
}

/** A process in a network namespace of its own, its pid in $inner. */
const INNER =
  'unshare --net sleep 600 & inner=$!; until [ "$(readlink /proc/$inner/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done';

const LISTEN = (script: string): string =>
  `${process.execPath} -e '${script}; setTimeout(() => {}, 60_000)' & wait_pid=$!`;

const ROWS: readonly Row[] = [
  {
    does: 'lo goes up, with its addresses',
    line: 'ip link set lo up',
    actor: 'ip',
    state: (n) =>
      link(n, 'lo')?.flags.includes('UP') === true &&
      link(n, 'lo')?.addresses.includes('127.0.0.1/8') === true,
  },
  {
    does: 'a veth pair, each the other one’s peer',
    line: 'ip link add v0 type veth peer name v1',
    actor: 'ip',
    state: (n) => {
      const [a, b] = [link(n, 'v0'), link(n, 'v1')];
      return (
        a?.kind === 'veth' &&
        a.peer?.index === b?.index &&
        a.peer?.netNs === n.netNs &&
        b?.peer?.index === a.index
      );
    },
  },
  {
    does: 'another namespace, held by nothing but a mount',
    line: 'ip netns add blue',
    state: (_, state) => Object.keys(state.networks ?? {}).length === 2,
  },
  {
    does: 'one end moves there: peers across namespaces',
    line: 'ip link set v1 netns blue',
    actor: 'ip',
    state: (n, state) => {
      const there = networkWith(state, 'v1');
      const [a, b] = [link(n, 'v0'), link(there, 'v1')];
      return (
        there !== undefined &&
        there.netNs !== n.netNs &&
        a?.peer?.netNs === there.netNs &&
        a.peer.index === b?.index &&
        b?.peer?.netNs === n.netNs &&
        b.peer.index === a.index
      );
    },
  },
  {
    does: 'an address',
    line: 'ip addr add 10.0.0.1/24 dev v0',
    actor: 'ip',
    state: (n) => link(n, 'v0')?.addresses.includes('10.0.0.1/24') === true,
  },
  {
    does: 'a link goes up, and its route with it',
    line: 'ip link set v0 up',
    state: (n) =>
      link(n, 'v0')?.flags.includes('UP') === true &&
      n.routes.some(
        ({ to, dev, source }) => to === '10.0.0.0/24' && dev === 'v0' && source === '10.0.0.1',
      ),
  },
  {
    does: 'its other end goes up, in its namespace: both carry',
    line: 'ip -n blue addr add 10.0.0.2/24 dev v1; ip -n blue link set v1 up',
    state: (n, state) =>
      link(n, 'v0')?.flags.includes('LOWER_UP') === true &&
      link(networkWith(state, 'v1'), 'v1')?.flags.includes('LOWER_UP') === true,
  },
  {
    does: 'a default route',
    line: 'ip route add default via 10.0.0.2',
    actor: 'ip',
    state: (n) =>
      n.routes.some(({ to, via, dev }) => to === 'default' && via === '10.0.0.2' && dev === 'v0'),
  },
  {
    does: 'a route that leads nowhere',
    line: 'ip route add blackhole 192.0.2.0/24',
    actor: 'ip',
    state: (n) => n.routes.some(({ to, dev }) => to === 'blackhole 192.0.2.0/24' && dev === null),
  },
  {
    does: 'a bridge',
    line: 'ip link add br0 type bridge',
    actor: 'ip',
    state: (n) => link(n, 'br0')?.kind === 'bridge',
  },
  {
    does: 'a port of the bridge',
    line: 'ip link set v0 master br0',
    actor: 'ip',
    state: (n) => link(n, 'v0')?.master === link(n, 'br0')?.index,
  },
  {
    does: 'another mtu',
    line: 'ip link set v0 mtu 1400',
    actor: 'ip',
    state: (n) => link(n, 'v0')?.mtu === 1400,
  },
  {
    does: 'another mac',
    line: 'ip link set br0 address 02:00:00:00:00:07',
    actor: 'ip',
    state: (n) => link(n, 'br0')?.mac === '02:00:00:00:00:07',
  },
  {
    does: 'another name',
    line: 'ip link set br0 name sw0',
    actor: 'ip',
    state: (n) => link(n, 'sw0') !== undefined && link(n, 'br0') === undefined,
  },
  {
    does: 'the kernel passes on packets for others',
    line: 'echo 1 > /proc/sys/net/ipv4/ip_forward',
    state: (n) => n.forwards === true,
  },
  {
    does: 'a table, a chain with its hook, and a rule with a counter',
    line: `nft 'table inet t { chain c { type filter hook input priority 0; policy drop; tcp dport 22 counter accept; }; }'`,
    actor: 'nft',
    state: (n) => {
      const [chain] = n.tables[0]?.chains ?? [];
      return (
        chain?.hook === 'input' &&
        chain.type === 'filter' &&
        chain.priority === 0 &&
        chain.policy === 'drop' &&
        chain.rules[0]?.text === 'tcp dport 22 counter accept' &&
        chain.rules[0].packets === 0
      );
    },
  },
  {
    does: 'its counter counts',
    line: '(nft add rule inet t c iifname lo counter accept; : > /dev/tcp/127.0.0.1/9) 2> /dev/null',
    state: (n) => (n.tables[0]?.chains[0]?.rules[1]?.packets ?? 0) > 0,
  },
  {
    does: 'a server waits (tcp)',
    line: LISTEN('require("net").createServer().listen(8080, "127.0.0.1")'),
    state: (n, state) =>
      n.listeners.some(
        ({ protocol, address, port, process: key }) =>
          protocol === 'tcp' &&
          address === '127.0.0.1' &&
          port === 8080 &&
          state.processes[key ?? '']?.comm === 'node',
      ),
  },
  {
    does: 'it ends',
    line: 'kill $wait_pid',
    state: (n) => n.listeners.length === 0,
  },
  {
    does: 'a socket is bound (udp6)',
    line: LISTEN('require("dgram").createSocket("udp6").bind(5353)'),
    state: (n) =>
      n.listeners.some(
        ({ protocol, port, address }) => protocol === 'udp6' && port === 5353 && address === '::',
      ),
  },
  {
    does: 'the table goes',
    line: 'kill $wait_pid; nft delete table inet t',
    actor: 'nft',
    state: (n) => n.tables.length === 0,
  },
  {
    does: 'a link is removed, and the other end with it',
    line: 'ip link del v0',
    state: (n, state) =>
      link(n, 'v0') === undefined &&
      networkWith(state, 'v1') === undefined &&
      !n.routes.some(({ to }) => to === 'default'),
  },
  {
    does: 'the other namespace goes',
    line: 'ip netns del blue',
    state: (_, state) => Object.keys(state.networks ?? {}).length === 1,
  },
];

describe.skipIf(missing !== null)(`networks as the kernel has them${suffix}`, () => {
  afterEach(cleanUp);

  test(
    'twenty changes and more are told, folded, and attributed where the kernel says enough',
    async () => {
      const [tree, lab] = await startBoth();
      for (const { does, line, state, actor } of ROWS) {
        const from = lab.seen(tree).length;
        await tree.run(line);
        await until(does, () => state(own(lab.state(tree)), lab.state(tree))).catch(
          (error: Error) => {
            throw new Error(
              `${error.message}: ${JSON.stringify(lab.state(tree).networks, null, 1)}`,
            );
          },
        );
        const told = lab.seen(tree).slice(from);
        expect(
          told.some(({ type }) => type.startsWith('network.')),
          does,
        ).toBe(true);
        // On a busy machine the trace may come too late to name anybody; nobody else is named.
        const named = actorsOf(told, lab.seen(tree));
        if (actor !== undefined) expect([actor], does).toEqual(expect.arrayContaining(named));
      }
      await comesToEqualFresh(lab, tree, comparable);
    },
    patient(120_000),
  );

  test('who did it is named: of links, of addresses, of rules', async () => {
    const [tree, lab] = await startBoth();
    await tree.run('ip link add v0 type veth peer name v1');
    const attempts: [string, (n: number) => string][] = [
      ['ip', (n) => `ip link set v0 mtu ${1000 + n}`],
      ['ip', (n) => `ip addr add 10.0.${n}.1/24 dev v0`],
      ['nft', (n) => `nft add table inet t${n}`],
    ];
    for (const [name, line] of attempts) {
      let n = 0;
      await until(`${name} is named`, async () => {
        const from = lab.seen(tree).length;
        const text = line(++n);
        await tree.run(text);
        const change = await until(text, () =>
          lab
            .seen(tree)
            .slice(from)
            .find(({ type }) => type === 'network.change'),
        );
        return actorsOf([change], lab.seen(tree)).includes(name);
      });
    }
  });

  test('rules are written as nft itself writes them', async () => {
    const [tree, lab] = await startBoth();
    await tree.run(`nft -f - << 'end'\n${RULESET}\nend`);
    const listed = (await tree.run('nft --stateless list ruleset')).map((line) => line.trim());
    await until('all rules', () => rules(own(lab.state(tree))).length === RULES.length);
    const written = rules(own(lab.state(tree)));
    expect(written.filter((rule) => !listed.includes(rule))).toEqual([]);
    expect(written.filter((rule) => rule.includes('['))).toEqual([]);
    const chains = own(lab.state(tree)).tables.flatMap((table) => table.chains);
    expect(chains.map(({ name, hook }) => [name, hook])).toEqual([
      ['other', null],
      ['in', 'input'],
      ['to', 'prerouting'],
      ['from', 'postrouting'],
    ]);
    await comesToEqualFresh(lab, tree, comparable);
  });

  test('the kernel frees a namespace as soon as its last member has gone', async () => {
    const [tree, lab] = await startBoth();
    await tree.run(`${INNER}; ip link add v0 type veth peer name v1 netns $inner`);
    await until('both ends', () => networkWith(lab.state(tree), 'v1') !== undefined);
    const inner = networkWith(lab.state(tree), 'v1')?.netNs ?? 0;
    await until('the peer', () => link(own(lab.state(tree)), 'v0')?.peer?.netNs === inner);
    await tree.run('kill $inner; wait $inner');
    // Only its end takes the other end of the pair along: nobody removes it.
    await until('the pair is gone', () => link(own(lab.state(tree)), 'v0') === undefined);
    expect(await tree.run('ip -o link show v0 2> /dev/null')).toEqual([]);
    expect(lab.state(tree).networks?.[inner]).toBeUndefined();
    expect(lab.seen(tree)).toContainEqual({ type: 'network.vanish', netNs: inner });
  });

  test('a namespace that only an fd holds is still seen, and let go with it', async () => {
    const [tree, lab] = await startBoth();
    await tree.run(`${INNER}; exec 9< /proc/$inner/ns/net`);
    await until('it is listed', () => networks(lab.state(tree)).length === 2);
    await tree.run('kill $inner; wait $inner; nsenter --net=/proc/self/fd/9 ip link set lo up');
    const up = (): boolean =>
      networks(lab.state(tree)).every(
        (one) => one.netNs === own(lab.state(tree)).netNs || link(one, 'lo')?.flags.includes('UP'),
      );
    await until('its change', () => networks(lab.state(tree)).length === 2 && up());
    await tree.run('exec 9<&-');
    await until('its end', () => networks(lab.state(tree)).length === 1);
  });

  test(
    'a hundred pairs and two hundred addresses, made and removed in a row',
    async () => {
      const [tree, lab] = await startBoth();
      const all = Array.from({ length: 100 }, (_, n) => n);
      const batch = (lines: readonly string[]): Promise<string[]> =>
        tree.run(`ip -batch - << 'end'\n${lines.join('\n')}\nend`);
      await tree.run('ip netns add far');
      await batch(
        all.map((n) => `link add a${n} type veth peer name b${n} ${n % 2 ? 'netns far' : ''}`),
      );
      await batch(all.map((n) => `addr add 10.${n}.0.1/24 dev a${n}`));
      await batch(all.filter((n) => n % 2 === 0).map((n) => `addr add 10.${n}.0.2/24 dev b${n}`));
      await tree.run(
        `ip netns exec far ip -batch - << 'end'\n${all
          .filter((n) => n % 2)
          .map((n) => `addr add 10.${n}.0.2/24 dev b${n}`)
          .join('\n')}\nend`,
      );
      await batch(all.map((n) => `link set a${n} up`));
      await batch(all.filter((n) => n % 3 !== 0).map((n) => `link del a${n}`));
      await comesToEqualFresh(lab, tree, comparable);
      expect(Object.keys(own(lab.state(tree)).links)).toHaveLength(1 + 34 + 17);
      expect(link(own(lab.state(tree)), 'a99')?.peer?.netNs).toBe(
        networkWith(lab.state(tree), 'b99')?.netNs,
      );
      await batch(all.filter((n) => n % 3 === 0).map((n) => `link del a${n}`));
      await comesToEqualFresh(lab, tree, comparable);
      expect(Object.keys(own(lab.state(tree)).links)).toHaveLength(1);
    },
    patient(120_000),
  );

  test('what was lost while nobody read is found by looking anew', async () => {
    const [tree, lab] = await startBoth();
    await tree.run('ip link add v0 type veth peer name v1');
    await until('the pair', () => link(own(lab.state(tree)), 'v0') !== undefined);
    flood(tree, ['link set v0 mtu 777', 'link set v1 mtu 778']);
    const mtu = (name: string): number | undefined => link(own(lab.state(tree)), name)?.mtu;
    await until('the last change', () => mtu('v0') === 777 && mtu('v1') === 778);
    await tree.run('ip link set v0 mtu 888');
    await until('the next change', () => mtu('v0') === 888);
  });

  test('a socket that ran full says so', async () => {
    const tree = await startTree();
    await tree.run('ip link add v0 type veth peer name v1');
    const namespaceFd = openSync(`/proc/${tree.initPid}/ns/net`, 'r');
    const socket = inNetworkNamespace(namespaceFd, () =>
      netlinkSocket('NETLINK_ROUTE', [RTNLGRP.RTNLGRP_LINK]),
    );
    closeSync(namespaceFd);
    let heard = 0;
    let overran = false;
    const onMessages = (messages: readonly unknown[]): void => {
      heard += messages.length;
    };
    const onOverrun = (): void => {
      overran = true;
    };
    const stop = watchNetlink(socket, { onMessages, onOverrun });
    cleanups.push(stop);
    await tree.run('ip link set v0 mtu 1400');
    await until('a message', () => heard > 0);
    flood(tree, ['link set v0 mtu 777']);
    await until('the overrun', () => overran);
    expect(heard).toBeLessThan(FLOOD);
  });

  test('counters of interfaces come while somebody looks, and only those that changed', async () => {
    const [tree, lab] = await startBoth();
    await tree.run('ip link set lo up; ip link add idle type veth peer name other');
    const netNs = own(lab.state(tree)).netNs;
    const lo = (): number => lab.state(tree).traffic?.[netNs]?.['1']?.rxPackets ?? 0;
    await tree.run(': > /dev/tcp/127.0.0.1/9');
    await until('packets of lo', () => lo() >= 2);
    await until(
      'the idle one',
      () => Object.keys(lab.state(tree).traffic?.[netNs] ?? {}).length === 3,
    );
    const before = lab.seen(tree).length;
    const had = lo();
    await tree.run(': > /dev/tcp/127.0.0.1/9');
    await until('more of them', () => lo() > had);
    const samples = lab
      .seen(tree)
      .slice(before)
      .flatMap((body) => (body.type === 'network.sample' ? [body.traffic] : []));
    for (const traffic of samples) expect(Object.keys(traffic[netNs] ?? {})).toEqual(['1']);
    await tree.run('ip link del idle');
    await until(
      'its counters go with it',
      () => Object.keys(lab.state(tree).traffic?.[netNs] ?? {}).length === 1,
    );
  });

  test('two learners: each is told of its own', async () => {
    const [tree, lab] = await startBoth();
    const other = await startTree();
    await lab.watch(other);
    await tree.run('ip link add mine type veth peer name far');
    await other.run('ip link add yours type veth peer name away; nft add table inet t');
    await until(
      'both',
      () => link(own(lab.state(tree)), 'mine') && own(lab.state(other)).tables.length === 1,
    );
    // A wire between the two, as only the host could lay it: the other's namespace stays unknown.
    const of = (one: Tree): string => `/proc/${one.initPid}/ns/net`;
    execFileSync('nsenter', [
      `--net=${of(tree)}`,
      'ip',
      'link',
      'set',
      'far',
      'netns',
      String(other.initPid),
    ]);
    await until('its end there', () => link(own(lab.state(other)), 'far') !== undefined);
    await comesToEqualFresh(lab, tree, comparable);
    await comesToEqualFresh(lab, other, comparable);
    expect(link(own(lab.state(other)), 'far')?.peer?.netNs).toBeNull();
    expect(link(own(lab.state(tree)), 'mine')?.peer?.netNs).toBeNull();
    const seen: [Tree, RegExp][] = [
      [tree, /yours|away/],
      [other, /"mine"/],
    ];
    for (const [one, foreign] of seen) expect(JSON.stringify(lab.seen(one))).not.toMatch(foreign);
    const sets = [tree, other].map((one) => networks(lab.state(one)).map(({ netNs }) => netNs));
    expect(new Set(sets.flat()).size).toBe(2);
  });

  test('the observer holds no namespace and no socket after its watch', async () => {
    const [tree, lab] = await startBoth();
    lab.observer.unwatch(tree.id); // what stays open for good is open now
    const before = socketsOfThisProcess();
    await lab.watch(tree);
    await tree.run('ip netns add blue');
    await until('both', () => networks(lab.state(tree)).length === 2);
    expect(socketsOfThisProcess()).not.toEqual(before);
    lab.observer.unwatch(tree.id);
    await until('all closed', () => isDeepStrictEqual(socketsOfThisProcess(), before));
  });
});

/** What a learner may write; each is listed by nft in the same words. */
const RULES: readonly string[] = [
  'jump other',
  'tcp dport 22 counter accept',
  'tcp dport { 80, 443, 8000-8080 } accept',
  'udp sport != 53 drop',
  'ip saddr 10.0.0.0/8 ip daddr 192.0.2.7 accept',
  'ip saddr != 172.16.0.0/12 drop',
  'ip6 daddr fd00::/64 reject',
  'ip saddr { 10.0.0.1, 10.1.0.0/16 } drop',
  'ct state established,related accept',
  'ct state invalid drop',
  'ct state vmap { invalid : drop, established : accept, related : accept }',
  'iifname "lo" accept',
  'iif "lo" oifname != "v0" return',
  'icmp type echo-request limit rate 5/second accept',
  'icmpv6 type nd-neighbor-solicit accept',
  'meta l4proto { tcp, udp } accept',
  'meta mark 0x00000007 drop',
  'tcp flags syn / fin,syn drop',
  'meta skuid 1000 accept',
  'tcp dport 1000-2000 log prefix "seen: " drop',
  'ip protocol icmp accept',
  'ip ttl 1 drop',
  'ip saddr . tcp dport { 10.0.0.1 . 22 } accept',
  'tcp dport 23 reject with tcp reset',
  'tcp dport 25 drop comment "no mail"',
  'tcp dport 8080 dnat ip to 10.0.0.2:80',
  'tcp dport 8081 redirect to :80',
  'oifname "v0" masquerade',
  'ip saddr 10.0.0.0/24 snat ip to 192.0.2.1',
];
const RULESET = `table inet t {
  chain other { }
  chain in { type filter hook input priority filter; policy accept;
    ${RULES.slice(0, -4).join('\n    ')}
  }
  chain to { type nat hook prerouting priority dstnat; policy accept;
    ${RULES.slice(-4, -2).join('\n    ')}
  }
  chain from { type nat hook postrouting priority srcnat; policy accept;
    ${RULES.slice(-2).join('\n    ')}
  }
}`;

/** More changes than a socket holds. */
const FLOOD = 4000;

/** Node does nothing else meanwhile, so that its sockets run full; then come the last lines. */
function flood(tree: Tree, last: readonly string[]): void {
  const lines = Array.from({ length: FLOOD }, (_, n) => `link set v0 mtu ${1000 + (n % 400)}`);
  const input = [...lines, ...last].join('\n');
  execFileSync('nsenter', [`--net=/proc/${tree.initPid}/ns/net`, 'ip', '-batch', '-'], { input });
}

function networks(state: State): readonly NetworkState[] {
  return Object.values(state.networks ?? {});
}

/** Fds of this process that keep a network namespace alive. */
function socketsOfThisProcess(): string[] {
  return readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return []; // that of the listing itself
      }
    })
    .filter((target) => /^(socket|net):/.test(target))
    .sort();
}

/** Names of those who are said to have changed a network. */
function actorsOf(told: readonly EventBody[], all: readonly EventBody[]): string[] {
  const keys = told.flatMap((body) =>
    body.type === 'network.change' && body.actor !== undefined ? [body.actor] : [],
  );
  const names = [...new Set(keys)].map((key) =>
    all.findLast((body) => body.type === 'process.exec' && body.key === key),
  );
  return names.map((body) => (body?.type === 'process.exec' ? body.comm : '?'));
}
