import { encodeRun, PlanBuilder } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { Script } from '../plan/script.js';
import {
  configureContainer,
  connectContainer,
  networkNames,
  networkRemovalPlan,
  networkSetupPlan,
} from './container-network.js';
import {
  type ContainerNetworkConfig,
  containerNetworkSchema,
  parseContainerNetwork,
} from './container-network-config.js';
import { containerTable } from './container-rules.js';
import { displayRule } from './nftables.js';

const SIMPLE: ContainerNetworkConfig = { address: '10.88.0.2/16' };
const FULL: ContainerNetworkConfig = {
  ...SIMPLE,
  address6: 'fd00:88::2/64',
  hostPorts: [
    { hostPort: 8080, containerPort: 80 },
    { hostPort: 53, containerPort: 5353, protocol: 'udp', hostAddress: '192.0.2.2' },
  ],
};

/** The displays of both sides' calls, answers and closing left out. */
function displays(config: ContainerNetworkConfig): string[] {
  const builder = new PlanBuilder('test');
  const script = new Script(builder, 'outside', builder.slot('fd'));
  const network = parseContainerNetwork(config);
  connectContainer(script, 'c1', network, builder.slot('init'), builder.slot('proc'));
  configureContainer(script, network);
  const plan = builder.build();
  encodeRun(plan, 1); // the player would take it
  return (plan.processes['outside'] ?? []).flatMap((step) =>
    step.kind === 'call' && !['recvfrom', 'close', 'setsockopt'].includes(step.syscall)
      ? step.display
      : [],
  );
}

/** The rules as nft(8) writes them, chain by chain. */
function rules(config: ContainerNetworkConfig): Record<string, string[]> {
  const table = containerTable('c1', parseContainerNetwork(config));
  return Object.fromEntries(
    (table?.chains ?? []).map((chain) => [chain.name, chain.rules.map(displayRule)]),
  );
}

describe('the plan of a container’s network', () => {
  test('without ports: bridge, cable, port of the bridge, NAT; then address and way out', () => {
    expect(displays(SIMPLE).map((display) => display.replace(/, \d+, 0, NULL, 0\)$/, ')'))).toEqual(
      [
        'socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE)',
        'sendto(<route>, {RTM_NEWLINK, ifname="tr0", kind="bridge", address=02:87:94:cc:23:08})',
        'sendto(<route>, {RTM_NEWLINK, flags=IFF_UP, ifname="tr0", kind="bridge"})',
        'ioctl(<route>, SIOCGIFINDEX, {ifr_name="tr0", ifr_ifindex=<index of tr0>})',
        'sendto(<route>, {RTM_NEWADDR, index=<index of tr0>, local=10.88.0.1/16})',
        'sendto(<route>, {RTM_NEWLINK, ifname="veth-c1", kind="veth", peer="eth0"@netns <init>})',
        'sendto(<route>, {RTM_SETLINK, ifname="veth-c1", master=<index of tr0>})',
        'sendto(<route>, {RTM_SETLINK, ifname="veth-c1", flags=IFF_UP})',
        'openat2(<proc>, "sys/net/ipv4/ip_forward", {flags=O_WRONLY|O_CLOEXEC, resolve=RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24)',
        'write(<outside procFile>, "1", 1)',
        'socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_NETFILTER)',
        'sendto(<netfilter>, [{NFNL_MSG_BATCH_BEGIN}, {NFT_MSG_NEWTABLE, inet terrarium_c1}, {NFT_MSG_NEWCHAIN, inet postrouting: type nat hook postrouting priority 100}, {NFT_MSG_NEWRULE, inet postrouting: ip saddr 10.88.0.2 oifname != "tr0" counter masquerade}, {NFNL_MSG_BATCH_END}])',
        'socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE)',
        'sendto(<containerRoute>, {RTM_SETLINK, ifname="lo", flags=IFF_UP})',
        'ioctl(<containerRoute>, SIOCGIFINDEX, {ifr_name="eth0", ifr_ifindex=<index of eth0>})',
        'sendto(<containerRoute>, {RTM_NEWADDR, index=<index of eth0>, local=10.88.0.2/16})',
        'sendto(<containerRoute>, {RTM_SETLINK, ifname="eth0", flags=IFF_UP})',
        'sendto(<containerRoute>, {RTM_NEWROUTE, dst=default, gateway=10.88.0.1, oif=<index of eth0>})',
      ],
    );
  });

  test('every request is followed by its answer, and a refusal ends the plan', () => {
    const network = parseContainerNetwork(FULL);
    const plan = networkSetupPlan({
      id: 'c1',
      network,
      netns: { kind: 'own' },
      containerPid: 4711,
    });
    const steps = plan.processes['outside'] ?? [];
    let requests = 0;
    for (const [index, step] of steps.entries()) {
      if (step.kind !== 'call' || step.syscall !== 'sendto') continue;
      requests += 1;
      const answer = steps[index + 1];
      expect(answer).toMatchObject({ syscall: 'recvfrom', ack: { offset: 16 } });
      const tolerates = answer?.kind === 'call' ? (answer.tolerate ?? []) : [];
      const mayExist = ['bridge-answer', 'address-answer'].includes(answer?.purpose.id ?? '');
      if (!mayExist) expect(tolerates).toEqual([]);
    }
    expect(requests).toBeGreaterThan(12);
  });

  test('every call says what it is for, in both languages', () => {
    const network = parseContainerNetwork(FULL);
    const plans = [
      networkSetupPlan({ id: 'c1', network, netns: { kind: 'pid', pid: 1 }, containerPid: 2 }),
      networkRemovalPlan({ id: 'c1', netns: { kind: 'own' } }),
    ];
    for (const plan of plans) {
      for (const { purpose } of plan.processes['outside'] ?? []) {
        expect(purpose.id).toMatch(/^[a-z0-9-]+$/);
        expect(purpose.en).toMatch(/^[a-z'].*[^.]$/);
        expect(purpose.zh).toMatch(/[\u4e00-\u9fff]/);
      }
    }
  });

  test('removal needs only the id, and takes what is gone already as done', () => {
    const plan = networkRemovalPlan({ id: 'c1', netns: { kind: 'own' } });
    const answers = (plan.processes['outside'] ?? []).flatMap((step) =>
      step.kind === 'call' && step.syscall === 'recvfrom' ? [step.tolerate] : [],
    );
    expect(answers).toEqual([[2], [19]]); // ENOENT of the table, ENODEV of the link
  });
});

describe('the rules of a container', () => {
  test('ports are forwarded for what comes in and for the namespace itself', () => {
    const { prerouting, output } = rules(FULL);
    expect(prerouting).toEqual([
      'meta nfproto ipv4 fib daddr type local tcp dport 8080 counter dnat ip to 10.88.0.2:80',
      'meta nfproto ipv6 fib daddr type local tcp dport 8080 counter dnat ip6 to [fd00:88::2]:80',
      'ip daddr 192.0.2.2 udp dport 53 counter dnat ip to 10.88.0.2:5353',
    ]);
    expect(output).toEqual(prerouting);
  });

  test('the address is hidden from the world, not from neighbours', () => {
    expect(rules(SIMPLE)).toEqual({
      postrouting: ['ip saddr 10.88.0.2 oifname != "tr0" counter masquerade'],
    });
  });

  test('route_localnet is guarded, and not needed for ports of other addresses', () => {
    expect(rules(FULL)['guard']).toEqual(['iifname "tr0" ip daddr 127.0.0.0/8 counter drop']);
    const elsewhere = { hostPort: 1, containerPort: 1, hostAddress: '192.0.2.2' };
    const config = { ...SIMPLE, hostPorts: [elsewhere] };
    expect(rules(config)).not.toHaveProperty('guard');
    expect(displays(config).join()).not.toContain('route_localnet');
    expect(displays(FULL).join()).toContain('sys/net/ipv4/conf/tr0/route_localnet');
  });

  test('without NAT and ports there is no table', () => {
    expect(
      containerTable('c1', parseContainerNetwork({ ...SIMPLE, masquerade: false })),
    ).toBeNull();
    expect(displays({ ...SIMPLE, masquerade: false }).join()).not.toMatch(/NETFILTER|ip_forward/);
  });
});

describe('networkNames', () => {
  test('a short id can be read, a long or odd one is a hash', () => {
    expect(networkNames('c1')).toEqual({ link: 'veth-c1', table: 'terrarium_c1' });
    expect(networkNames('0123456789')).toMatchObject({ link: 'veth-0123456789' });
    expect(networkNames('01234567890').link).toMatch(/^veth[0-9a-f]{11}$/);
    expect(networkNames('a+b').link).toMatch(/^veth[0-9a-f]{11}$/);
  });

  test('different ids have different names', () => {
    const ids = Array.from({ length: 2000 }, (_, index) => `container-${index}`);
    expect(new Set(ids.map((id) => networkNames(id).link)).size).toBe(ids.length);
  });
});

describe('the config', () => {
  test('has defaults', () => {
    expect(parseContainerNetwork(SIMPLE)).toEqual({
      bridge: 'tr0',
      address: '10.88.0.2/16',
      interfaceName: 'eth0',
      hostPorts: [],
      masquerade: true,
    });
  });

  test.each([
    [{ address: '10.88.0.2' }, 'an address with prefix'],
    [{ ...SIMPLE, bridge: 'a name of 16 let' }, 'a name of 1 to 15 bytes'],
    [{ ...SIMPLE, gateway: '10.99.0.1' }, 'the gateway 10.99.0.1 is not in the subnet'],
    [{ address: '10.88.0.1/16' }, "10.88.0.1 is the gateway's own address"],
    [{ ...SIMPLE, mac: '01:00:5e:00:00:01' }, 'a MAC address of one interface'],
    [{ ...SIMPLE, address6: '10.0.0.2/8' }, 'address6 is not IPv6'],
    [{ ...SIMPLE, hostPorts: [{ hostPort: 0, containerPort: 1 }] }, 'expected number to be >=1'],
    [
      { ...SIMPLE, hostPorts: [{ hostPort: 1, containerPort: 1, hostAddress: 'fd00::1' }] },
      'no port of fd00::1 can be forwarded: the container has no IPv6 address',
    ],
    [
      { ...FULL, hostPorts: [{ hostPort: 1, containerPort: 1, hostAddress: '::1' }] },
      'no port of ::1 can be forwarded: IPv6 has no route_localnet',
    ],
    [{ ...SIMPLE, colour: 'red' }, 'Unrecognized key'],
  ])('refuses %j', (config, message) => {
    const result = containerNetworkSchema.safeParse(config);
    expect(result.error?.issues.map((issue) => issue.message).join()).toContain(message);
  });
});
