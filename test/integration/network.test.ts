/**
 * Container networks on the real kernel, in network namespaces of the tests' own: `outside` plays
 * the world, `runtime` the host or a sandbox, `c1` and `c2` containers.
 *
 *   outside 192.0.2.1 ── 192.0.2.2 runtime 10.88.0.1 (tr0) ─┬─ c1 10.88.0.2
 *                                                           └─ c2 10.88.0.3
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containerTable } from '../../packages/engine/src/network/container-rules.js';
import {
  bridgePorts,
  bridgeRemovalPlan,
  type ContainerNetworkConfig,
  connectNetwork,
  disconnectNetwork,
  enterNetworkNamespace,
  explainNetworkError,
  giveNetDevices,
  inNetworkNamespace,
  interfaceIndex,
  netDevicesFrom,
  networkNames,
  networkRemovalPlan,
  networkSetupPlan,
  openNetlink,
  parseContainerNetwork,
  probeNetwork,
  readLinks,
  readNetwork,
  takeNetDevices,
} from '../../packages/engine/src/network/index.js';
import { displayRule } from '../../packages/engine/src/network/nftables.js';
import { Script } from '../../packages/engine/src/plan/script.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  type Call,
  ERRNO,
  type Plan,
  PlanBuilder,
  PlanError,
  ResidentPlayer,
} from '../../packages/syscall/src/index.js';
import { HeldNamespace, hasProgram, inNamespace, missing } from './network-lab.js';

const lacks = await missing();
if (lacks !== null) console.warn(`network: skipped, missing: ${lacks}`);

/** The first container has both families and forwarded ports, the second only an address. */
const FIRST: ContainerNetworkConfig = {
  address: '10.88.0.2/16',
  address6: 'fd00:88::2/64',
  mtu: 1400,
  mac: '02:00:0a:58:00:02',
  hostPorts: [
    { hostPort: 8080, containerPort: 80 },
    { hostPort: 5353, containerPort: 53, protocol: 'udp' },
    { hostPort: 8081, containerPort: 80, hostAddress: '192.0.2.2' },
    { hostPort: 8082, containerPort: 80, hostAddress: '127.0.0.1' },
  ],
};
const SECOND: ContainerNetworkConfig = { address: '10.88.0.3/16', address6: 'fd00:88::3/64' };

describe.skipIf(lacks !== null)(`network${lacks === null ? '' : ` (missing: ${lacks})`}`, () => {
  let player: ResidentPlayer;
  const held: HeldNamespace[] = [];

  beforeAll(async () => {
    player = await ResidentPlayer.start({ binary: buildPlayer() });
  });
  afterAll(async () => {
    await Promise.all(held.map((one) => one.end()));
    await player?.close();
  });

  async function make(): Promise<HeldNamespace> {
    const namespace = await HeldNamespace.make(player);
    held.push(namespace);
    return namespace;
  }

  /** A namespace as a host's is: lo is up. */
  async function makeRuntime(): Promise<HeldNamespace> {
    const runtime = await make();
    await runtime.primitive('link-up', { name: 'lo' });
    return runtime;
  }

  function setupPlan(
    runtime: HeldNamespace,
    id: string,
    container: HeldNamespace,
    config: ContainerNetworkConfig,
  ): Plan {
    const network = parseContainerNetwork(config);
    return networkSetupPlan({ id, network, netns: runtime.netns, containerPid: container.pid });
  }

  async function connect(...input: Parameters<typeof setupPlan>): Promise<void> {
    await player.run(setupPlan(...input)).done;
  }

  async function remove(runtime: HeldNamespace, id: string): Promise<void> {
    await player.run(networkRemovalPlan({ id, netns: runtime.netns })).done;
  }

  /** Runs a plan that must fail. */
  async function failureOf(plan: Plan): Promise<PlanError> {
    const error = await player.run(plan).done.catch((one: unknown) => one);
    expect(error).toBeInstanceOf(PlanError);
    return error as PlanError;
  }

  describe('two containers on a bridge, and the world', () => {
    let outside: HeldNamespace;
    let runtime: HeldNamespace;
    let c1: HeldNamespace;
    let c2: HeldNamespace;

    beforeAll(async () => {
      [outside, runtime, c1, c2] = await Promise.all([make(), makeRuntime(), make(), make()]);
      await outside.primitive('veth-add', {
        name: 'world',
        peer: { name: 'uplink', namespace: { pid: runtime.pid } },
      });
      for (const [namespace, name, address] of [
        [outside, 'world', '192.0.2.1/24'],
        [runtime, 'uplink', '192.0.2.2/24'],
        [outside, 'world', '2001:db8::1/64'],
        [runtime, 'uplink', '2001:db8::2/64'],
      ] as const) {
        await namespace.primitive('address-add', { name, address });
        await namespace.primitive('link-up', { name });
      }
      await connect(runtime, 'c1', c1, FIRST);
      await connect(runtime, 'c2', c2, SECOND);
      await Promise.all([
        c1.serve('tcp', 80),
        c1.serve('udp', 53),
        c2.serve('tcp', 80),
        outside.serve('tcp', 7),
        outside.serve('udp', 7),
        runtime.serve('tcp', 9),
      ]);
    });

    test('containers see each other as they are', async () => {
      expect(await c1.call('tcp', '10.88.0.3', 80)).toBe('10.88.0.2');
      expect(await c2.call('tcp', '10.88.0.2', 80)).toBe('10.88.0.3');
      expect(await c2.call('tcp', 'fd00:88::2', 80)).toBe('fd00:88::3');
      expect(await c2.call('udp', '10.88.0.2', 53)).toBe('10.88.0.3');
    });

    test('the runtime namespace and the containers reach each other', async () => {
      expect(await runtime.call('tcp', '10.88.0.2', 80)).toBe('10.88.0.1');
      expect(await c1.call('tcp', '10.88.0.1', 9)).toBe('10.88.0.2');
      expect(await c1.call('tcp', 'fd00:88::1', 9)).toBe('fd00:88::2');
    });

    test('outside, a container looks like the runtime namespace', async () => {
      expect(await c1.call('tcp', '192.0.2.1', 7)).toBe('192.0.2.2');
      expect(await c2.call('udp', '192.0.2.1', 7)).toBe('192.0.2.2');
      expect(await c1.call('tcp', '2001:db8::1', 7)).toBe('2001:db8::2');
    });

    test('a forwarded port leads to the container, from outside, tcp and udp, IPv4 and IPv6', async () => {
      expect(await outside.call('tcp', '192.0.2.2', 8080)).toBe('192.0.2.1');
      expect(await outside.call('udp', '192.0.2.2', 5353)).toBe('192.0.2.1');
      expect(await outside.call('tcp', '2001:db8::2', 8080)).toBe('2001:db8::1');
    });

    test('a port forwarded for one address is not forwarded for the others', async () => {
      expect(await outside.call('tcp', '192.0.2.2', 8081)).toBe('192.0.2.1');
      expect(await runtime.call('tcp', '10.88.0.1', 8081)).toBe('ECONNREFUSED');
      expect(await outside.call('tcp', '192.0.2.2', 8082)).toBe('ECONNREFUSED');
    });

    test('a forwarded port leads to the container from the runtime namespace, 127.0.0.1 included', async () => {
      expect(await runtime.call('tcp', '127.0.0.1', 8080)).toBe('10.88.0.1');
      expect(await runtime.call('tcp', '127.0.0.1', 8082)).toBe('10.88.0.1');
      expect(await runtime.call('tcp', '192.0.2.2', 8080)).toBe('192.0.2.2');
    });

    test('a neighbour and the container itself may call the forwarded port', async () => {
      expect(await c2.call('tcp', '192.0.2.2', 8080)).toBe('10.88.0.1');
      expect(await c1.call('tcp', '192.0.2.2', 8080)).toBe('10.88.0.1');
      expect(await c2.call('tcp', '10.88.0.1', 8080)).toBe('10.88.0.1');
    });

    test('a port of somebody else in the world is not taken over', async () => {
      expect(await c2.call('tcp', '192.0.2.1', 8080)).toBe('ECONNREFUSED');
      expect(await runtime.call('tcp', '192.0.2.1', 8080)).toBe('ECONNREFUSED');
    });

    test('a container cannot reach 127.0.0.1 of the runtime namespace', async () => {
      const bold = await make();
      await connect(runtime, 'bold', bold, { address: '10.88.0.66/16' });
      await bold.primitive('address-delete', { name: 'lo', address: '127.0.0.1/8' });
      await bold.primitive('route-add', { to: '127.0.0.1/32', gateway: '10.88.0.1', link: 'eth0' });
      const allow = 'echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet';
      inNamespace(bold, ['sh', '-c', allow]);
      const before = await guardPackets();
      expect(await bold.call('tcp', '127.0.0.1', 9, 500)).toBe('no answer');
      expect(await guardPackets()).toBeGreaterThan(before);
      await remove(runtime, 'bold');
    });

    /** How many packets the guard has dropped. */
    async function guardPackets(): Promise<number> {
      const { tables } = await readNetwork(player, runtime.netns);
      const guard = tables?.flatMap(({ chains }) => chains).find(({ name }) => name === 'guard');
      return guard?.rules[0]?.counter?.packets ?? -1;
    }

    test('reads what there is: links, ports, addresses, routes, rules with their counters', async () => {
      const { links, addresses, routes, tables } = await readNetwork(player, runtime.netns);
      expect(bridgePorts(links, 'tr0')).toEqual(['veth-c1', 'veth-c2']);
      expect(links.find(({ name }) => name === 'veth-c1')).toMatchObject({
        kind: 'veth',
        up: true,
        carrier: true,
        mtu: 1400,
        hairpin: true,
      });
      expect(addresses).toContainEqual({
        link: 'tr0',
        address: '10.88.0.1/16',
        scope: 'global',
        permanent: true,
        tentative: false,
      });
      expect(routes).toContainEqual({
        family: 4,
        to: '10.88.0.0/16',
        gateway: null,
        link: 'tr0',
        source: '10.88.0.1',
        type: 'unicast',
        protocol: 'kernel',
        metric: 0,
      });
      expect(tables?.map(({ name }) => name)).toEqual(['terrarium_c1', 'terrarium_c2']);
      const [incoming] = tables?.[0]?.chains ?? [];
      expect(incoming?.base).toEqual({ type: 'nat', hook: 'prerouting', priority: -100 });
      expect(incoming?.rules[0]?.comment).toBe('port 8080 here is port 80 of 10.88.0.2');
      expect(incoming?.rules[0]?.counter?.packets).toBeGreaterThan(0);
      const inside = await readNetwork(player, c1.netns);
      expect(inside.links.find(({ name }) => name === 'eth0')).toMatchObject({
        mac: '02:00:0a:58:00:02',
        mtu: 1400,
      });
      expect(inside.routes).toContainEqual({
        family: 4,
        to: 'default',
        gateway: '10.88.0.1',
        link: 'eth0',
        source: null,
        type: 'unicast',
        protocol: 'static',
        metric: 0,
      });
    });
  });

  test('removal leaves the namespace as it was, and may be repeated', async () => {
    const runtime = await makeRuntime();
    const [c1, c2] = await Promise.all([makeRuntime(), make()]);
    const before = await runtime.dump();
    const containerBefore = await c1.dump();
    await connect(runtime, 'c1', c1, FIRST);
    const alone = await carrying(runtime);
    await connect(runtime, 'c2', c2, SECOND);
    await remove(runtime, 'c2');
    expect(await carrying(runtime)).toEqual(alone);
    await remove(runtime, 'c1');
    await remove(runtime, 'c1');
    await player.run(bridgeRemovalPlan('tr0', runtime.netns)).done;
    await player.run(bridgeRemovalPlan('tr0', runtime.netns)).done;
    expect(await runtime.dump()).toEqual(before);
    expect(await c1.dump()).toEqual(containerBefore);
  });

  /** The dump once all links carry packets, which they do a little after they are up. */
  async function carrying(namespace: HeldNamespace): Promise<unknown> {
    await expect
      .poll(async () => JSON.stringify(await namespace.dump()), { timeout: 30_000 })
      .not.toContain('"carrier":false');
    return await namespace.dump();
  }

  test('what has no ports and no NAT changes nothing but links and addresses', async () => {
    const runtime = await makeRuntime();
    const c1 = await make();
    await connect(runtime, 'c1', c1, { address: '10.9.0.2/24', masquerade: false });
    expect((await readNetwork(player, runtime.netns)).tables).toEqual([]);
    expect(inNamespace(runtime, ['cat', '/proc/sys/net/ipv4/ip_forward'])).toBe('0\n');
    await c1.serve('tcp', 80);
    expect(await runtime.call('tcp', '10.9.0.2', 80)).toBe('10.9.0.1');
  });

  test('a name taken by another kind of link is a clear error, and nothing is left', async () => {
    const runtime = await makeRuntime();
    const c1 = await make();
    await runtime.primitive('veth-add', { name: 'tr0', peer: { name: 'other' } });
    const before = await runtime.dump();
    const plan = setupPlan(runtime, 'c1', c1, FIRST);
    const error = await failureOf(plan);
    const refusal = explainNetworkError(plan, error);
    expect(refusal).toMatchObject({ code: 'EOPNOTSUPP' });
    expect(refusal?.message).toBe(
      'make sure that tr0 is a bridge, and bring it up: {RTM_NEWLINK, flags=IFF_UP, ifname="tr0", kind="bridge"}: EOPNOTSUPP (operation not supported); the name belongs to a link of another kind, or the kernel has no bridges (CONFIG_BRIDGE)',
    );
    expect(await runtime.dump()).toEqual(before);
    expect(await c1.dump()).toMatchObject({ links: [{ name: 'lo' }], addresses: [] });
  });

  test('wherever it fails, removal leaves nothing', { timeout: 240_000 }, async () => {
    const plan = setupPlan(await make(), 'c1', await make(), FIRST);
    const points = lastOfEachPurpose(plan);
    expect(points.length).toBeGreaterThan(25);
    // Side by side: each removal of a link makes the kernel wait, and it waits for all at once.
    await Promise.all(points.map(failsAt));
  });

  /** Makes a network in namespaces of its own, up to a step that fails, and removes it. */
  async function failsAt(index: number): Promise<void> {
    const [runtime, c1] = await Promise.all([makeRuntime(), makeRuntime()]);
    const before = await runtime.dump();
    const containerBefore = await c1.dump();
    const plan = withStep(setupPlan(runtime, 'c1', c1, FIRST), index, broken);
    const { failed } = await failureOf(plan);
    expect(failed).toMatchObject({ index, errno: ERRNO.EBADF });
    await remove(runtime, 'c1');
    await player.run(bridgeRemovalPlan('tr0', runtime.netns)).done;
    expect(await runtime.dump()).toEqual(before);
    expect(await c1.dump()).toEqual(containerBefore);
  }

  test('a refused rule fails the plan; without its ack it would go unnoticed', async () => {
    const runtime = await makeRuntime();
    const c1 = await make();
    const plan = setupPlan(runtime, 'c1', c1, FIRST);
    const steps = plan.processes['outside'] ?? [];
    const sending = steps.findIndex(
      (step) => step.purpose.id === 'network-rules' && step.kind === 'call',
    );
    // Another name for the last rule's last expression: no kernel knows it.
    const spoilt = withStep(plan, sending, (call) => ({
      ...call,
      args: call.args.map((argument) =>
        argument.kind === 'block' ? { ...argument, block: spoil(argument.block) } : argument,
      ),
    }));
    const error = await failureOf(spoilt);
    expect(error.failed).toMatchObject({ index: sending + 1, errno: ERRNO.ENOENT });
    expect(explainNetworkError(spoilt, error)?.message).toMatch(
      /^the table terrarium_c1: .*NFT_MSG_NEWRULE, inet postrouting: .*: ENOENT .*CONFIG_NFT_MASQ/,
    );
    expect((await readNetwork(player, runtime.netns)).tables).toEqual([]);
    await remove(runtime, 'c1');

    const { ack: _ack, ...deaf } = callAt(spoilt, sending + 1);
    await player.run(withStep(spoilt, sending + 1, () => deaf)).done;
    expect((await readNetwork(player, runtime.netns)).tables).toEqual([]);
    await remove(runtime, 'c1');
  });

  test('connectNetwork explains a failure, undoes it, and removes a bridge with its last port', async () => {
    const [runtime, c1, c2] = await Promise.all([makeRuntime(), makeRuntime(), makeRuntime()]);
    const { netns } = runtime;
    const before = await runtime.dump();
    const network = parseContainerNetwork(FIRST);
    await c1.primitive('veth-add', { name: 'eth0', peer: { name: 'other' } });
    const first = { id: 'c1', network, netns, containerPid: c1.pid };
    await expect(connectNetwork(player, first)).rejects.toThrow(
      /^connect c1: a cable with two ends: .*RTM_NEWLINK.*EEXIST .*a link of that name is there already/,
    );
    expect(await runtime.dump()).toEqual(before);

    await c1.primitive('link-delete', { name: 'eth0' });
    const second = {
      id: 'c2',
      network: parseContainerNetwork(SECOND),
      netns,
      containerPid: c2.pid,
    };
    await Promise.all([connectNetwork(player, first), connectNetwork(player, second)]);
    await disconnectNetwork(player, { id: 'c1', netns, bridge: 'tr0' });
    expect(bridgePorts(await readLinks(player, netns), 'tr0')).toEqual(['veth-c2']);
    await disconnectNetwork(player, { id: 'c2', netns, bridge: 'tr0' });
    await disconnectNetwork(player, { id: 'c2', netns, bridge: 'tr0' });
    expect(await runtime.dump()).toEqual(before);
  });

  test('a second container with the same id is refused', async () => {
    const runtime = await makeRuntime();
    const [c1, c2] = await Promise.all([make(), make()]);
    await connect(runtime, 'c1', c1, FIRST);
    const plan = setupPlan(runtime, 'c1', c2, SECOND);
    const refusal = explainNetworkError(plan, await failureOf(plan));
    expect(refusal).toMatchObject({
      code: 'EEXIST',
      hint: 'a link of that name is there already, here or in the namespace of the other end',
    });
  });

  test('fifty containers, made and removed side by side', { timeout: 240_000 }, async () => {
    const runtime = await makeRuntime();
    const containers = await Promise.all(Array.from({ length: 50 }, () => make()));
    const id = (index: number) => `container-number-${index}`;
    await Promise.all(
      containers.map((one, index) =>
        connect(runtime, id(index), one, {
          address: `10.88.1.${index + 1}/16`,
          hostPorts: [{ hostPort: 9000 + index, containerPort: 80 }],
        }),
      ),
    );
    const links = await readLinks(player, runtime.netns);
    expect(bridgePorts(links, 'tr0').sort()).toEqual(
      containers.map((_, index) => networkNames(id(index)).link).sort(),
    );
    const last = containers[49];
    await last?.serve('tcp', 80);
    expect(await containers[0]?.call('tcp', '10.88.1.50', 80)).toBe('10.88.1.1');
    expect(await runtime.call('tcp', '127.0.0.1', 9049)).toBe('10.88.0.1');
    await Promise.all(containers.map((_, index) => remove(runtime, id(index))));
    const after = await readNetwork(player, runtime.netns);
    expect(after.links.map(({ name }) => name)).toEqual(['lo', 'tr0']);
    expect(after.tables).toEqual([]);
  });

  test('the wires alone: each primitive does its one thing', async () => {
    const [here, there] = await Promise.all([makeRuntime(), makeRuntime()]);
    const before = await here.dump();
    const link = async (name: string) =>
      (await readLinks(player, here.netns)).find((one) => one.name === name);
    await here.primitive('veth-add', { name: 'a', peer: { name: 'b' } });
    await here.primitive('link-rename', { name: 'a', newName: 'left' });
    await here.primitive('link-mtu', { name: 'left', mtu: 1280 });
    await here.primitive('link-mac', { name: 'left', mac: '02:00:00:00:00:07' });
    await here.primitive('link-up', { name: 'left' });
    expect(await link('left')).toMatchObject({ mtu: 1280, mac: '02:00:00:00:00:07', up: true });
    await here.primitive('link-down', { name: 'left' });
    expect(await link('left')).toMatchObject({ up: false });
    await here.primitive('link-move', { name: 'b', to: { path: `/proc/${there.pid}/ns/net` } });
    expect(await link('b')).toBeUndefined();
    expect(await link('left')).toMatchObject({ kind: 'veth', peerNetnsId: 0 });

    await here.primitive('bridge-add', { name: 'tr0' });
    await here.primitive('bridge-add', { name: 'tr0' });
    await here.primitive('bridge-port-add', { name: 'left', bridge: 'tr0' });
    expect(bridgePorts(await readLinks(player, here.netns), 'tr0')).toEqual(['left']);
    await here.primitive('bridge-port-remove', { name: 'left' });
    expect((await link('left'))?.master).toBeNull();

    await here.primitive('address-add', { name: 'tr0', address: '10.1.0.1/24' });
    await here.primitive('route-add', { to: '10.2.0.0/16', gateway: '10.1.0.9' });
    const routes = async () =>
      (await readNetwork(player, here.netns)).routes.map(({ to, gateway }) => [to, gateway]);
    expect(await routes()).toContainEqual(['10.2.0.0/16', '10.1.0.9']);
    await here.primitive('route-delete', { to: '10.2.0.0/16', gateway: '10.1.0.9' });
    expect(await routes()).not.toContainEqual(['10.2.0.0/16', '10.1.0.9']);
    await here.primitive('address-delete', { name: 'tr0', address: '10.1.0.1/24' });
    await here.primitive('forwarding-set', { family: 6 });
    const forwarding = '/proc/sys/net/ipv6/conf/all/forwarding';
    expect(inNamespace(here, ['cat', forwarding])).toBe('1\n');

    await here.primitive('masquerade-add', { table: 'm', source: '10.1.0.0/24', notBy: 'tr0' });
    const forward = { to: '10.1.0.2', hostPort: 80, containerPort: 80 };
    await here.primitive('port-forward-add', { table: 'p', ...forward });
    await expect(here.primitive('port-forward-add', { table: 'p', ...forward })).rejects.toThrow(
      'EEXIST',
    );
    const tables = (await readNetwork(player, here.netns)).tables;
    expect(tables?.map(({ name }) => name)).toEqual(['m', 'p']);
    for (const table of ['m', 'p']) await here.primitive('table-delete', { table });
    for (const name of ['left', 'tr0']) await here.primitive('link-delete', { name });
    expect(await here.dump()).toEqual(before);
    await expect(here.primitive('link-up', { name: 'gone' })).rejects.toThrow('ENODEV');
  });

  test('linux.netDevices: a device moves, with its MTU, MAC and addresses', async () => {
    const [runtime, c1] = await Promise.all([makeRuntime(), makeRuntime()]);
    await runtime.primitive('veth-add', { name: 'a', peer: { name: 'b' } });
    await runtime.primitive('link-mtu', { name: 'a', mtu: 1280 });
    await runtime.primitive('link-mac', { name: 'a', mac: '02:00:00:00:00:07' });
    for (const address of ['10.1.0.1/24', 'fd00:1::1/64'])
      await runtime.primitive('address-add', { name: 'a', address });
    const network = await readNetwork(player, runtime.netns);
    const devices = netDevicesFrom({ a: { name: 'net7' } }, network);
    const builder = new PlanBuilder('give devices');
    const script = new Script(builder, 'outside', builder.slot('fd'));
    enterNetworkNamespace(script, runtime.netns);
    giveNetDevices(script, devices, c1.pid);
    const pidfd = builder.slot('pidfd');
    const why = { id: 'test', en: 'test', zh: '测试' };
    script.call('pidfd_open', [c1.pid, 0], why, { store: pidfd });
    inNetworkNamespace(script, pidfd, () => takeNetDevices(script, devices));
    // Back home: `b` has stayed there.
    interfaceIndex(script, openNetlink(script, 'NETLINK_ROUTE', 'home'), 'b');
    await player.run(builder.build()).done;
    const inside = await readNetwork(player, c1.netns);
    expect(inside.links.find(({ name }) => name === 'net7')).toMatchObject({
      mtu: 1280,
      mac: '02:00:00:00:00:07',
      up: true,
    });
    const given = inside.addresses.filter(
      ({ link, scope }) => link === 'net7' && scope === 'global',
    );
    expect(given.map(({ address }) => address)).toEqual(['10.1.0.1/24', 'fd00:1::1/64']);
    expect((await readLinks(player, runtime.netns)).map(({ name }) => name)).toEqual(['lo', 'b']);
    expect(() => netDevicesFrom({ gone: {} }, network)).toThrow('there is no device gone');
    expect(() => netDevicesFrom({ a: { name: 'eth%d' } }, network)).toThrow('not supported: eth%d');
  });

  test('says what the kernel offers', async () => {
    const features = await probeNetwork(player);
    expect(features.map(({ name }) => name)).toEqual([
      'network namespaces',
      'veth',
      'bridge',
      'masquerade',
      'port forwarding',
    ]);
    for (const { available, problem } of features) expect(available).toBe(problem === null);
    expect(features.filter(({ available }) => !available)).toEqual([]);
  });

  test.skipIf(!hasProgram('nft'))(
    `nft(8) reads the rules as they are meant${hasProgram('nft') ? '' : ' (missing: nft)'}`,
    async () => {
      const runtime = await makeRuntime();
      await connect(runtime, 'c-1', await make(), FIRST);
      const listing = inNamespace(runtime, ['nft', 'list', 'table', 'inet', 'terrarium_c-1']);
      const listed = listing
        .split('\n')
        .map((line) => line.trim().replace(/counter packets \d+ bytes \d+/, 'counter'))
        .filter((line) => line.includes('comment'));
      const table = containerTable('c-1', parseContainerNetwork(FIRST));
      const written = table?.chains.flatMap(({ rules }) =>
        rules.map((rule) => `${displayRule(rule)} comment "${rule.comment}"`),
      );
      expect(listed).toEqual(written);
    },
  );
});

function callAt(plan: Plan, index: number): Call {
  const step = plan.processes['outside']?.[index];
  if (step?.kind !== 'call') throw new Error(`step ${index} is no call`);
  return step;
}

/** The plan with one step of `outside` changed. */
function withStep(plan: Plan, index: number, change: (call: Call) => Call): Plan {
  const outside = [...(plan.processes['outside'] ?? [])];
  outside[index] = change(callAt(plan, index));
  return { ...plan, processes: { ...plan.processes, outside } };
}

/** One step of each kind: where a plan's failures leave different things behind. */
function lastOfEachPurpose(plan: Plan): number[] {
  const points = new Map<string, number>();
  for (const [index, { purpose }] of (plan.processes['outside'] ?? []).entries())
    points.set(purpose.id, index);
  return [...points.values()];
}

/** A call that fails whatever the kernel can do. */
function broken({ purpose }: Call): Call {
  return {
    kind: 'call',
    syscall: 'close',
    args: [{ kind: 'number', value: -1n }],
    display: 'close(-1)',
    purpose,
  };
}

/** Turns every `masq` of a block into `mask`. */
function spoil<T extends Call['args'][number] & { kind: 'block' }>(block: T['block']): T['block'] {
  const parts = block.parts.map((part) =>
    part.kind === 'bytes'
      ? {
          ...part,
          bytes: Buffer.from(
            Buffer.from(part.bytes).toString('latin1').replaceAll('masq\0', 'mask\0'),
            'latin1',
          ),
        }
      : part,
  );
  return { ...block, parts };
}
