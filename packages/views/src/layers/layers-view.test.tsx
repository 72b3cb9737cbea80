// @vitest-environment jsdom
import type { LayerEntry, OverlayState, State } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { summarise } from '../changes.js';
import { DEMO_STATE } from '../fixture.js';
import { type Mounted, mount } from '../testing.js';
import { DEMO_LAYERS, DEMO_OVERLAY } from './fixture.js';
import { LayersView } from './layers-view.js';
import { sizeText, timeText } from './strings.js';
import { copiedBetween } from './use-lift.js';

let view: Mounted;
beforeAll(() => {
  globalThis.CSS ??= { escape: (text: string) => text.replaceAll(/[^\w]/g, '\\$&') } as typeof CSS;
});
afterEach(() => view?.unmount());

const textOf = (element: Element | null | undefined): string => element?.textContent ?? '';
const stack = (): HTMLElement[] => view.all('[role=tree][aria-label="Layers"] [role=treeitem]');
const above = (): string[] =>
  view.all('[role=tree][aria-label="Seen from above"] [role=treeitem]').map(textOf);

function withUpper(entries: Record<string, LayerEntry>, more: Partial<OverlayState> = {}): State {
  const [upper, ...lower] = DEMO_OVERLAY.layers;
  const layers = [{ ...upper!, entries }, ...lower];
  return { ...DEMO_LAYERS, overlays: { '0:71': { ...DEMO_OVERLAY, layers, ...more } } };
}

describe('LayersView', () => {
  it('shows the stack from the writable layer down, each with its entries', () => {
    view = mount(<LayersView state={DEMO_LAYERS} lang="en" />);
    const heads = stack().filter((row) => row.getAttribute('aria-level') === '1');
    expect(heads.map(textOf)).toEqual([
      'Uupper/lab/upperwritable5 entries',
      '1lower 1/lab/bonly read4 entries',
      '2lower 2/lab/aonly read9 entries',
    ]);
    expect(stack().map(textOf)).toContain('motdcopied up in 26 ms38 B');
    expect(stack().map(textOf)).toContain('3 more are not listed');
  });

  it('draws a whiteout as a hole, and says what hides what', () => {
    view = mount(<LayersView state={DEMO_LAYERS} lang="en" />);
    const hole = stack().find((row) => row.dataset['entry'] === 'whiteout');
    expect(textOf(hole)).toContain('c 0,0');
    const hidden = stack().filter((row) => row.dataset['hidden'] !== undefined);
    expect(hidden.map((row) => row.dataset['id'])).toEqual([
      '1:etc/motd',
      '2:etc/motd',
      '2:log',
      '2:log/yesterday',
      '2:old-notes',
    ]);
  });

  it('shows from above which layer supplies each name', () => {
    view = mount(<LayersView state={DEMO_LAYERS} lang="en" />);
    expect(above()).toEqual([
      'bin1lower 1',
      'tool793 KiB1lower 1',
      'etcUupper1lower 12lower 2',
      'hosts98 B2lower 2',
      'motd38 BUupper',
      'logUupper',
      'today120 BUupper',
    ]);
  });

  it('looks through a layer: what is beneath comes to light', () => {
    view = mount(<LayersView state={DEMO_LAYERS} lang="en" />);
    const toggle = view.all('fieldset button')[0];
    view.fire(toggle, 'click');
    expect(toggle?.getAttribute('aria-pressed')).toBe('true');
    expect(above()).toContain('motd21 B1lower 1');
    expect(above()).toContain('old-notes777 B2lower 2');
    expect(stack()[0]?.dataset['off']).toBe('true');
  });

  it('tells a file’s journey in the card, with AUFS’ words and commands', () => {
    const show = vi.fn();
    view = mount(<LayersView state={DEMO_LAYERS} lang="en" onShowInTerminal={show} />);
    view.fire(
      stack().find((row) => row.dataset['id'] === '0:old-notes'),
      'click',
    );
    const card = textOf(view.all('.tr-facts')[0]);
    expect(card).toContain('.wh.old-notes');
    expect(view.all('.tr-journey li').map((one) => one.dataset['fate'])).toEqual([
      'whiteout',
      'absent',
      'hidden',
    ]);
    view.fire(view.all('.tr-show')[0], 'click');
    expect(show).toHaveBeenCalledWith(
      "stat -c '%n: %F, %s bytes, device %t,%T' /lab/upper/old-notes",
    );
  });

  it('shows a layer’s mount option in its card', () => {
    view = mount(<LayersView state={DEMO_LAYERS} lang="en" />);
    view.fire(
      stack().find((row) => row.dataset['id'] === 'layer 2'),
      'click',
    );
    expect(textOf(view.all('.tr-facts')[0])).toContain('lowerdir=…:/lab/a');
  });

  it('shows what is on its way through the work directory', () => {
    const state = withUpper({}, { copying: { '#16': 5_148_672 } });
    view = mount(<LayersView state={state} lang="en" />);
    expect(stack().map(textOf)).toContain('#164.9 MiB copied so far');
    expect(stack()[0]?.getAttribute('aria-setsize')).toBe('4');
  });

  it('says where nothing is listed, and where nothing is', () => {
    const layers = [
      { dir: 'upper', role: 'upper' as const, entries: {}, more: 0 },
      { dir: 'lower', role: 'lower' as const, entries: null, more: 0 },
    ];
    const own = { ...DEMO_OVERLAY, layers, ofSandbox: true };
    view = mount(<LayersView state={{ ...DEMO_LAYERS, overlays: { '0:71': own } }} lang="en" />);
    expect(stack().map(textOf)).toContain('the base image, the same for every sandbox: not listed');
    view.render(<LayersView state={DEMO_STATE} lang="en" />);
    expect(view.container.textContent).toContain('No overlay is mounted here.');
  });

  it('has one tab stop in each tree, and closes a layer by the keyboard', () => {
    view = mount(<LayersView state={DEMO_LAYERS} lang="en" />);
    expect(stack().filter((row) => row.tabIndex === 0)).toHaveLength(1);
    act(() => stack()[0]?.focus());
    view.press('ArrowLeft');
    expect(stack()[0]?.getAttribute('aria-expanded')).toBe('false');
    expect(stack()[1]?.dataset['id']).toBe('layer 1');
  });

  it('names every row’s subject, the same in both trees', () => {
    view = mount(<LayersView state={DEMO_LAYERS} lang="zh" />);
    const subjects = view.all('[data-id$=":etc/motd"]').map((row) => row.dataset['subject']);
    expect(subjects).toEqual(Array(4).fill('overlay:0:71:etc/motd'));
    expect(view.all('[data-id="layer 1"]')[0]?.dataset['subject']).toBe('layer:0:71:1');
    expect(view.all('[role=tree]')[0]?.getAttribute('aria-label')).toBe('镜像层');
  });
});

describe('changes of layers', () => {
  const motd: LayerEntry = { kind: 'file', size: 1, came: 'copy-up', copiedIn: 3 };

  it('are said in words', () => {
    const before = withUpper({ gone: { kind: 'file', size: 1 } });
    const hole: LayerEntry = { kind: 'whiteout', size: 0 };
    const after = withUpper({ motd, hole, a: { kind: 'file', size: 1 } });
    expect(summarise(before, after, 'en')).toBe(
      'motd was copied up; hole got a whiteout; a is new in the upper layer; gone left the upper layer',
    );
    const many = withUpper({ a: motd, b: motd });
    expect(summarise(withUpper({}), many, 'en')).toBe('2 files were copied up');
    expect(summarise(DEMO_STATE, DEMO_LAYERS, 'en')).toContain('an overlay of 3 layers is mounted');
  });

  it('only what was copied up since is lifted', () => {
    const of = (state: State): OverlayState => state.overlays!['0:71']!;
    const before = of(withUpper({ old: motd }));
    expect(
      copiedBetween(before, of(withUpper({ old: motd, motd, n: { ...motd, came: 'created' } }))),
    ).toEqual(['motd']);
    expect(copiedBetween(before, before)).toEqual([]);
  });

  it('sizes and times have units', () => {
    expect([sizeText(12), sizeText(3500), sizeText(32 << 20)]).toEqual([
      '12 B',
      '3.4 KiB',
      '32 MiB',
    ]);
    expect([timeText(0.02), timeText(1.3), timeText(26.4), timeText(1400)]).toEqual([
      '< 0.1 ms',
      '1.3 ms',
      '26 ms',
      '1.4 s',
    ]);
  });
});
