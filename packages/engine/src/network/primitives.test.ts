import { encodeRun } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { networkPrimitive, networkPrimitives } from './primitives.js';

/** One valid set of parameters for each, and what its plan says. */
const SAMPLES: Record<string, readonly [params: unknown, display: string]> = {
  'bridge-add': [{ name: 'tr0' }, 'kind="bridge"'],
  'veth-add': [
    { name: 'a', peer: { name: 'b', namespace: { path: '/run/netns/x' } } },
    'kind="veth", peer="b"@netns <targetNetns>',
  ],
  'link-delete': [{ name: 'a' }, '{RTM_DELLINK, ifname="a"}'],
  'link-up': [{ name: 'a' }, '{RTM_SETLINK, ifname="a", flags=IFF_UP}'],
  'link-down': [{ name: 'a' }, '{RTM_SETLINK, ifname="a", flags=0}'],
  'link-rename': [{ name: 'a', newName: 'b' }, '{RTM_SETLINK, index=<index of a>, ifname="b"}'],
  'link-move': [{ name: 'a', to: { pid: 7 } }, '{RTM_SETLINK, ifname="a", net_ns_pid=7}'],
  'link-mtu': [{ name: 'a', mtu: 1400 }, '{RTM_SETLINK, ifname="a", mtu=1400}'],
  'link-mac': [{ name: 'a', mac: '02:00:00:00:00:01' }, 'address=02:00:00:00:00:01'],
  'bridge-port-add': [{ name: 'a', bridge: 'tr0' }, 'ifname="a", master=<index of tr0>'],
  'bridge-port-remove': [{ name: 'a' }, 'ifname="a", master=0'],
  'address-add': [{ name: 'a', address: '10.0.0.1/8' }, '{RTM_NEWADDR, index=<index of a>'],
  'address-delete': [{ name: 'a', address: 'fd00::1/64' }, '{RTM_DELADDR, index=<index of a>'],
  'route-add': [{ to: 'default', gateway: '10.0.0.1' }, '{RTM_NEWROUTE, dst=default, gateway'],
  'route-delete': [{ to: '10.0.0.0/8', link: 'a' }, '{RTM_DELROUTE, dst=10.0.0.0/8, oif='],
  'forwarding-set': [{}, 'sys/net/ipv4/ip_forward'],
  'masquerade-add': [
    { table: 'nat', source: '10.88.0.0/16', notBy: 'tr0' },
    'ip saddr 10.88.0.0/16 oifname != "tr0" counter masquerade',
  ],
  'port-forward-add': [
    { table: 'ports', to: '10.88.0.2', hostPort: 8080, containerPort: 80 },
    'tcp dport 8080 counter dnat ip to 10.88.0.2:80',
  ],
  'table-delete': [{ table: 'nat' }, '{NFT_MSG_DELTABLE, inet nat}'],
};

describe('networkPrimitives', () => {
  test('each is named once, and has a sample here', () => {
    const names = networkPrimitives.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.sort()).toEqual(Object.keys(SAMPLES).sort());
  });

  test.each(Object.entries(SAMPLES))('%s', (name, [params, display]) => {
    const primitive = networkPrimitive(name);
    const plan = primitive.plan({ kind: 'pid', pid: 4711 }, params);
    encodeRun(plan, 1); // the player would take it
    const calls = plan.processes['outside'] ?? [];
    const displays = calls.map((step) => (step.kind === 'call' ? step.display : ''));
    expect(displays[0]).toBe('openat(AT_FDCWD, "/proc/4711/ns/net", O_RDONLY|O_CLOEXEC)');
    expect(displays.join('\n')).toContain(display);
    expect(primitive.zh).toMatch(/[\u4e00-\u9fff]/);
  });

  test('parameters are checked by name', () => {
    const own = { kind: 'own' } as const;
    expect(() => networkPrimitive('link-up').plan(own, { name: 'a/b' })).toThrow('name');
    expect(() => networkPrimitive('route-add').plan(own, { to: 'default' })).toThrow(
      'a gateway or a link',
    );
    expect(() => networkPrimitive('link-fly')).toThrow(
      'no network primitive "link-fly"; there are',
    );
  });
});
