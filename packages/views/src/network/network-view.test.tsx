// @vitest-environment jsdom
import type { LinkState, NetworkState, State } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TOMBSTONE_MS } from '../displayed.js';
import { DEMO_NAMESPACES, DEMO_STATE } from '../fixture.js';
import { type Mounted, mount } from '../testing.js';
import type { ViewProps } from '../view-props.js';
import { CLIENT_NET, DEMO_NETWORK_STATE, WEB_NET } from './fixture.js';
import { NetworkView } from './network-view.js';

const OWN = DEMO_NAMESPACES.net;
let view: Mounted;
beforeAll(() => {
  globalThis.CSS ??= { escape: (text: string) => text.replaceAll(/[^\w]/g, '\\$&') } as typeof CSS;
});
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  view.unmount();
  vi.useRealTimers();
});

const element = (special: Partial<ViewProps> = {}) => (
  <NetworkView state={DEMO_NETWORK_STATE} lang="en" {...special} />
);
const show = (special?: Partial<ViewProps>): void => {
  view = mount(element(special));
};
const items = () => view.all('[role="treeitem"]');
const item = (id: string) => view.all(`[role="treeitem"][data-id="${id}"]`)[0];
const onMap = (id: string) => view.all(`.tr-net-map [data-id="${id}"]`)[0];

function withNetwork(netNs: number, change: (before: NetworkState) => NetworkState): State {
  const before = DEMO_NETWORK_STATE.networks![netNs]!;
  return {
    ...DEMO_NETWORK_STATE,
    networks: { ...DEMO_NETWORK_STATE.networks, [netNs]: change(before) },
  };
}

function withLink(netNs: number, index: number, change: (link: LinkState) => LinkState): State {
  return withNetwork(netNs, (before) => ({
    ...before,
    links: { ...before.links, [index]: change(before.links[index]!) },
  }));
}

function type(input: Element | undefined, value: string): void {
  act(() => {
    const proto = input instanceof HTMLSelectElement ? HTMLSelectElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(proto.prototype, 'value')?.set?.call(input, value);
    const event = input instanceof HTMLSelectElement ? 'change' : 'input';
    input?.dispatchEvent(new Event(event, { bubbles: true }));
  });
}

function ask(from: number, to: string, port = ''): string {
  const [select] = view.all('.tr-ask select');
  const [address, portInput] = view.all('.tr-ask input');
  type(select, `${from}`);
  type(address, to);
  type(portInput, port);
  act(() => {
    view.all('form')[0]?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  });
  return view.all('.tr-path')[0]?.textContent ?? '';
}

describe('NetworkView', () => {
  it('is a tree named Network: namespaces, interfaces, ports of a bridge below it', () => {
    show();
    expect(view.all('[role="tree"]')[0]?.getAttribute('aria-label')).toBe('Network');
    const links = items().filter((one) => one.getAttribute('data-type') === 'link');
    expect(
      links.map((one) => [one.querySelector('b')?.textContent, one.getAttribute('aria-level')]),
    ).toEqual([
      ['lo', '2'],
      ['br0', '2'],
      ['veth-web', '3'],
      ['veth-cl', '3'],
      ['lo', '2'],
      ['eth0', '2'],
      ['lo', '2'],
      ['eth0', '2'],
    ]);
  });

  it('says state, address and other end of an interface', () => {
    show();
    const text = item(`link ${WEB_NET} 2`)?.textContent;
    expect(text).toContain('UP');
    expect(text).toContain('10.0.0.2/24');
    expect(text).toContain('wire to veth-web in sandbox');
    expect(item(`link ${OWN} 3`)?.textContent).toContain('port of br0');
    view.render(element({ state: withLink(WEB_NET, 2, (link) => ({ ...link, flags: [] })) }));
    expect(item(`link ${WEB_NET} 2`)?.textContent).toContain('DOWN');
    view.render(element({ state: withLink(WEB_NET, 2, (link) => ({ ...link, flags: ['UP'] })) }));
    expect(item(`link ${WEB_NET} 2`)?.textContent).toContain('UP, no carrier');
  });

  it('lists routes, listeners with their process, and rules with their counters', () => {
    show();
    const texts = items().map((one) => one.textContent);
    expect(texts).toContain('default via 10.0.0.1 dev eth0');
    expect(texts).toContain('tcp 0.0.0.0:8000python3 30');
    expect(texts).toContain('table ip nat');
    expect(texts.find((text) => text?.includes('masquerade'))).toContain('12 packets, 1.0 kB');
  });

  it('marks rows and the picture with the same subjects', () => {
    show();
    expect(item(`link ${WEB_NET} 2`)?.getAttribute('data-subject')).toBe(`link:${WEB_NET}:2`);
    expect(onMap(`link ${WEB_NET} 2`)?.getAttribute('data-subject')).toBe(`link:${WEB_NET}:2`);
    expect(item(`network ${WEB_NET}`)?.getAttribute('data-subject')).toBe(`namespace:${WEB_NET}`);
  });

  it('calls a namespace by its name of ip netns, else by who is inside', () => {
    show();
    expect(onMap(`network ${WEB_NET}`)?.textContent).toContain('web');
    expect(onMap(`network ${CLIENT_NET}`)?.textContent).toContain('bash 34');
  });

  it('draws one wire for each veth pair, up when both ends are', () => {
    show();
    expect(view.all('.tr-wire')).toHaveLength(2);
    expect(view.all('.tr-wire[data-up]')).toHaveLength(2);
    view.render(element({ state: withLink(WEB_NET, 2, (link) => ({ ...link, flags: [] })) }));
    expect(view.all('.tr-wire[data-up]')).toHaveLength(1);
  });

  it('shows facts of what is chosen in the tree or in the picture', () => {
    const typed: string[] = [];
    show({ onShowInTerminal: (command) => typed.push(command) });
    const facts = () => view.all('.tr-facts')[0]?.textContent ?? '';
    view.fire(item(`link ${WEB_NET} 2`), 'click');
    expect(facts()).toContain('veth(4)');
    view.fire(view.all('.tr-show')[0], 'click');
    expect(typed).toEqual(['nsenter --net=/run/netns/web ip -d -s addr show dev eth0']);
    view.fire(item(`link ${WEB_NET} 2`), 'click');
    view.fire(onMap(`network ${OWN}`), 'click');
    expect(facts()).toContain('passes packets on');
    expect(view.all('.tr-facts [aria-pressed="true"]')).toHaveLength(1);
  });

  it('lets what has gone stay pale in its place for a moment', () => {
    show();
    const removed = withNetwork(OWN, (before) => {
      const { 5: _, ...links } = before.links;
      return { ...before, links };
    });
    view.render(element({ state: removed }));
    expect(item(`link ${OWN} 5`)).toBeUndefined();
    expect(onMap(`link ${OWN} 5`)?.hasAttribute('data-gone')).toBe(true);
    act(() => vi.advanceTimersByTime(TOMBSTONE_MS + 100));
    expect(onMap(`link ${OWN} 5`)).toBeUndefined();
  });

  it('keeps boxes where they are when others come and go', () => {
    show();
    const top = (netNs: number) =>
      onMap(`network ${netNs}`)?.closest<HTMLElement>('.tr-box')?.style.insetBlockStart;
    const before = top(CLIENT_NET);
    const { [WEB_NET]: web, ...networks } = DEMO_NETWORK_STATE.networks!;
    const { [WEB_NET]: _, ...namespaces } = DEMO_NETWORK_STATE.namespaces;
    expect(web).toBeDefined();
    view.render(element({ state: { ...DEMO_NETWORK_STATE, networks, namespaces } }));
    act(() => vi.advanceTimersByTime(TOMBSTONE_MS + 100));
    expect(onMap(`network ${WEB_NET}`)).toBeUndefined();
    expect(top(CLIENT_NET)).toBe(before);
    view.render(element());
    expect(top(CLIENT_NET)).toBe(before);
  });

  it('writes the rate beside a wire whose counters moved, and takes it away in silence', () => {
    show();
    const traffic = DEMO_NETWORK_STATE.traffic?.[OWN]?.[3];
    const moved: State = {
      ...DEMO_NETWORK_STATE,
      t: DEMO_NETWORK_STATE.t + 250,
      traffic: { [OWN]: { 3: { ...traffic!, rxBytes: 1500, rxPackets: 12 } } },
    };
    view.render(element({ state: moved }));
    expect(view.all('.tr-wire-label').map((one) => one.textContent)).toEqual(['2.0 kB/s']);
    act(() => vi.advanceTimersByTime(3000));
    expect(view.all('.tr-wire-label')).toHaveLength(0);
  });

  it('is empty, and says so, before anything has been read', () => {
    show({ state: { ...DEMO_STATE, namespaces: {} } });
    expect(view.all('.tr-empty')).toHaveLength(1);
  });

  it('speaks Chinese', () => {
    show({ lang: 'zh' });
    expect(view.all('[role="tree"]')[0]?.getAttribute('aria-label')).toBe('网络');
  });
});

describe('the path of a packet', () => {
  it('is told hop by hop, each with its reason, and lit', () => {
    show();
    const text = ask(CLIENT_NET, '10.0.0.2', '8000');
    expect(text).toContain('bash 34route 10.0.0.0/24 leads out of eth0, sent as 10.0.0.3');
    expect(text).toContain('br0 passes it to its port veth-web');
    expect(text).toContain('Arrives at python3 30.');
    expect(view.all('.tr-wire[data-way]')).toHaveLength(2);
    expect(view.all('.tr-box[data-way]')).toHaveLength(3);
    expect(onMap(`link ${OWN} 3`)?.hasAttribute('data-way')).toBe(true);
  });

  it('says where and why it ends', () => {
    show();
    expect(ask(CLIENT_NET, '10.0.0.2', '81')).toContain('nothing listens on port 81');
    expect(ask(OWN, '8.8.8.8')).toContain('no route leads there');
    expect(view.all('.tr-box[data-end="bad"]')).toHaveLength(1);
    expect(ask(CLIENT_NET, 'web')).toContain('“web” is not an IP address');
    expect(ask(CLIENT_NET, '10.0.0.77')).toContain('nobody on this wire has 10.0.0.77');
  });

  it('follows the state: a wire that goes down ends it', () => {
    show();
    expect(ask(CLIENT_NET, '10.0.0.2')).toContain('Arrives');
    view.render(element({ state: withLink(WEB_NET, 2, (link) => ({ ...link, flags: [] })) }));
    expect(view.all('.tr-path')[0]?.textContent).toContain('Ends here: eth0 is down.');
  });

  it('is cleared', () => {
    show();
    ask(CLIENT_NET, '10.0.0.2');
    view.fire(view.all('.tr-ask [data-quiet]')[0], 'click');
    expect(view.all('.tr-path')).toHaveLength(0);
    expect(view.all('[data-way]')).toHaveLength(0);
  });
});
