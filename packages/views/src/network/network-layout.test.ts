import { describe, expect, it } from 'vitest';
import { DEMO_NAMESPACES } from '../fixture.js';
import { boxSlots } from './box-slots.js';
import { CLIENT_NET, DEMO_NETWORK_STATE, demoLink, WEB_NET } from './fixture.js';
import { heightOf, type Layout, layoutOf } from './network-layout.js';
import { boxesOf, bytesText } from './network-model.js';

const OWN = DEMO_NAMESPACES.net;
const slots = new Map([
  [WEB_NET, 0],
  [CLIENT_NET, 1],
]);
const layout = (width = 800, state = DEMO_NETWORK_STATE): Layout =>
  layoutOf(boxesOf(state), slots, width);

describe('layoutOf', () => {
  it('sets the sandbox’s own box at the left, the others below each other at the right', () => {
    const [own, web, client] = layout().boxes;
    expect([own?.box.netNs, web?.box.netNs, client?.box.netNs]).toEqual([OWN, WEB_NET, CLIENT_NET]);
    expect(own!.x + own!.width).toBeLessThan(web!.x);
    expect(web?.x).toBe(client?.x);
    expect(web!.y + web!.height).toBeLessThan(client!.y);
  });

  it.each([480, 560, 820, 1200, 2000])('stays within %i pixels', (width) => {
    for (const { x, width: own } of layout(width).boxes) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x + own).toBeLessThanOrEqual(width);
    }
  });

  it('draws wires between the edges that face each other', () => {
    const { wires, boxes } = layout();
    const [own, web] = boxes;
    expect(wires).toHaveLength(2);
    const [from, to] = wires[0]!.ends;
    expect(from.plug.x).toBe(own!.x + own!.width);
    expect(to?.plug.x).toBe(web!.x);
  });

  it('brings a pair inside one namespace back to the same edge', () => {
    const own = DEMO_NETWORK_STATE.networks![OWN]!;
    const pair = {
      8: demoLink(8, 'v0', { peer: { netNs: OWN, index: 9 } }),
      9: demoLink(9, 'v1', { peer: { netNs: OWN, index: 8 } }),
    };
    const state = {
      ...DEMO_NETWORK_STATE,
      networks: { [OWN]: { ...own, links: { ...own.links, ...pair } } },
    };
    const wire = layout(800, state).wires.find(({ ends }) => ends[0].port.link.name === 'v0');
    expect(wire?.ends[1]?.plug.x).toBe(wire?.ends[0].plug.x);
  });

  it('moves nothing when an interface joins a box that has room', () => {
    const before = layout().boxes.map(({ x, y }) => [x, y]);
    const web = DEMO_NETWORK_STATE.networks![WEB_NET]!;
    const lighter = { ...web, listeners: [], routes: [] };
    const state = {
      ...DEMO_NETWORK_STATE,
      networks: { ...DEMO_NETWORK_STATE.networks, [WEB_NET]: lighter },
    };
    expect(layout(800, state).boxes.map(({ x, y }) => [x, y])).toEqual(before);
  });

  it('counts what it does not show', () => {
    const box = boxesOf(DEMO_NETWORK_STATE)[1]!;
    const listener = box.network!.listeners[0]!;
    const many = (n: number) => ({
      ...box,
      network: { ...box.network!, listeners: Array(n).fill(listener) },
    });
    expect(heightOf(many(5))).toBe(heightOf(many(50)));
  });
});

describe('boxSlots', () => {
  it('keeps places, gives freed ones to newcomers, and forgets nothing for another sandbox', () => {
    const at = (present: number[]) => [...boxSlots('slots', present)];
    expect(at([1, 2, 3])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
    expect(at([1, 3])).toEqual([
      [1, 0],
      [3, 2],
    ]);
    boxSlots('other', [3]);
    expect(at([1, 3, 4])).toEqual([
      [1, 0],
      [3, 2],
      [4, 1],
    ]);
  });
});

describe('bytesText', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1008, '1.0 kB'],
    [123_456, '123 kB'],
    [5_600_000, '5.6 MB'],
  ])('%i: %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});
