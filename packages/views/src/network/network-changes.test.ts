import type { NetworkState, State } from '@terrarium/timeline';
import { expect, it } from 'vitest';
import { summarise } from '../changes.js';
import { DEMO_NETWORK_STATE, demoLink, WEB_NET } from './fixture.js';
import { networkChanges } from './network-changes.js';

function changed(change: (before: NetworkState) => Partial<NetworkState>): State {
  const before = DEMO_NETWORK_STATE.networks![WEB_NET]!;
  const networks = { ...DEMO_NETWORK_STATE.networks, [WEB_NET]: { ...before, ...change(before) } };
  return { ...DEMO_NETWORK_STATE, networks };
}
const told = (state: State) => networkChanges(DEMO_NETWORK_STATE, state, 'en');

it('tells of interfaces that come, go, change their state or get an address', () => {
  const eth0 = demoLink(2, 'eth0', { addresses: ['10.0.0.2/24'] });
  const link = (one: typeof eth0) =>
    changed(({ links }) => ({ links: { ...links, [one.index]: one } }));
  expect(told(link(demoLink(7, 'v7')))).toEqual(['interface v7 appeared']);
  expect(told(link({ ...eth0, flags: [] }))).toEqual(['eth0 is down']);
  expect(
    told(link({ ...eth0, addresses: ['fe80::1/64', ...eth0.addresses, '10.9.0.1/8'] })),
  ).toEqual(['eth0 has the address 10.9.0.1/8']);
  expect(told(changed(({ links }) => ({ links: { 1: links['1']! } })))).toEqual([
    'interface eth0 is gone',
  ]);
  const many = { 7: demoLink(7, 'a'), 8: demoLink(8, 'b'), 9: demoLink(9, 'c') };
  expect(told(changed(({ links }) => ({ links: { ...links, ...many } })))).toEqual([
    '3 interfaces changed',
  ]);
});

it('tells who listens', () => {
  const web = { protocol: 'tcp' as const, address: '0.0.0.0', port: 80, process: '4707:47070' };
  const state = changed(({ listeners }) => ({ listeners: [...listeners, web] }));
  expect(told(state)).toEqual(['bash 7 listens on port 80']);
  expect(summarise(DEMO_NETWORK_STATE, state, 'zh')).toBe('bash 7 监听端口 80');
});

it('is silent about counters and about what is the same', () => {
  expect(told({ ...DEMO_NETWORK_STATE, traffic: {} })).toEqual([]);
});
