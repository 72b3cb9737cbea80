// @vitest-environment jsdom
import type { State } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TOMBSTONE_MS } from './displayed.js';
import { DEMO_STATE, demoProcess } from './fixture.js';
import { ProcessesView } from './processes-view.js';
import { type Mounted, mount } from './testing.js';

const SH = '4715:47150';
const BASH = '4707:47070';
let view: Mounted;

beforeAll(() => {
  // jsdom has no CSS.escape; keys are digits and a colon.
  globalThis.CSS ??= { escape: (text: string) => text.replaceAll(/[^\w]/g, '\\$&') } as typeof CSS;
});
beforeEach(() => {
  vi.useFakeTimers();
  view = mount(<ProcessesView state={DEMO_STATE} lang="en" />);
});
afterEach(() => {
  view.unmount();
  vi.useRealTimers();
});

const items = () => view.all('[role=treeitem]');
const item = (key: string) => view.all(`[data-id="${key}"]`)[0];
const focused = () => document.activeElement?.getAttribute('data-id');
const without = (key: string): State => {
  const { [key]: _gone, ...processes } = DEMO_STATE.processes;
  return { ...DEMO_STATE, seq: 43, processes };
};

describe('ProcessesView as a tree', () => {
  it('is named in the language of the page', () => {
    expect(view.all('[role=tree]')[0]?.getAttribute('aria-label')).toBe('Processes');
    view.render(<ProcessesView state={DEMO_STATE} lang="zh" />);
    expect(view.all('[role=tree]')[0]?.getAttribute('aria-label')).toBe('进程');
  });

  it('declares level, place and number of siblings', () => {
    const sh = item(SH)!;
    expect(sh.getAttribute('aria-level')).toBe('3');
    expect(sh.getAttribute('aria-expanded')).toBe('true');
    const [sleep, yes] = [item('4717:47170')!, item('4718:47180')!];
    expect(sleep.getAttribute('aria-posinset')).toBe('1');
    expect(yes.getAttribute('aria-posinset')).toBe('2');
    expect(yes.getAttribute('aria-setsize')).toBe('2');
    expect(yes.hasAttribute('aria-expanded')).toBe(false);
  });

  it('has one tab stop', () => {
    expect(items().filter((row) => row.tabIndex === 0)).toHaveLength(1);
  });

  it('shows the pid in every namespace, and crowns PID 1', () => {
    expect(item(SH)?.querySelector('.tr-pids')?.textContent).toBe('PID 4715 → 15 → 1');
    expect(item(SH)?.querySelector('.tr-crown')).not.toBeNull();
    expect(item(BASH)?.querySelector('.tr-crown')).toBeNull();
  });

  it('is named by its content, so that what is heard is what is seen', () => {
    expect(item(SH)?.hasAttribute('aria-label')).toBe(false);
    expect(item(SH)?.querySelector('.tr-crown')?.getAttribute('aria-label')).toBe(
      'PID 1 of its namespace',
    );
    expect(item(SH)?.textContent).toContain('sleeping');
    expect(item(SH)?.textContent).toContain('own namespaces:PpidMmnt');
  });

  it('says of the sandbox’s init what it is for', () => {
    expect(item('4701:47010')?.textContent).toContain('first process of this sandbox');
  });

  it('never tells a namespace by colour alone: ring, glyph and name', () => {
    const chips = [...item(SH)!.querySelectorAll('.tr-chip')];
    expect(chips.map((chip) => chip.textContent)).toEqual(['Ppid', 'Mmnt']); // letter, name
    for (const chip of chips) {
      expect(chip.querySelector('.tr-ring-line')).not.toBeNull();
      expect(chip.querySelectorAll('g > *').length).toBeGreaterThan(0);
    }
    expect(item(BASH)?.querySelector('.tr-chip')).toBeNull();
  });

  it('closes the glass around a nested pid namespace at its first and last process', () => {
    expect(item(SH)?.querySelector('.tr-membrane[data-first]')).not.toBeNull();
    expect(item('4717:47170')?.querySelector('.tr-membrane:not([data-first])')).not.toBeNull();
    expect(item('4718:47180')?.querySelector('.tr-membrane[data-last]')).not.toBeNull();
  });
});

describe('ProcessesView from the keyboard', () => {
  beforeEach(() => act(() => items()[0]?.focus()));

  it('walks with arrows, Home and End', () => {
    view.press('ArrowDown');
    expect(focused()).toBe(BASH);
    view.press('End');
    expect(focused()).toBe('4727:47270');
    view.press('Home');
    expect(focused()).toBe('4701:47010');
    expect(items().filter((row) => row.tabIndex === 0)).toHaveLength(1);
  });

  it('closes, opens and leaves a branch with left and right', () => {
    view.press('ArrowDown');
    view.press('ArrowLeft');
    expect(item(BASH)?.getAttribute('aria-expanded')).toBe('false');
    expect(item(SH)).toBeUndefined();
    view.press('ArrowRight');
    expect(item(BASH)?.getAttribute('aria-expanded')).toBe('true');
    view.press('ArrowRight');
    expect(focused()).toBe('4714:47140');
    view.press('ArrowLeft');
    view.press('ArrowLeft');
    expect(focused()).toBe(BASH);
  });

  it('finds a process by typing its name', () => {
    view.press('p');
    view.press('y');
    expect(focused()).toBe('4725:47250');
  });

  it('pins with Enter and keeps the facts', () => {
    view.press('ArrowDown');
    view.press('Enter');
    expect(item(BASH)?.getAttribute('aria-selected')).toBe('true');
    view.press('End');
    expect(view.all('aside h3')[0]?.textContent).toContain('bash4707 → 7');
  });

  it('keeps focus on a neighbour when the focused process ends', () => {
    view.press('End');
    view.render(<ProcessesView state={without('4727:47270')} lang="en" />);
    expect(document.activeElement?.getAttribute('role')).toBe('treeitem');
    expect(focused()).toBe('4725:47250');
  });
});

describe('ProcessesView in change', () => {
  it('keeps a tombstone outside the tree that is read aloud, then lets it go', () => {
    view.render(<ProcessesView state={without('4727:47270')} lang="en" />);
    const stone = item('4727:47270')!;
    expect(stone.getAttribute('role')).toBe('presentation');
    expect(stone.getAttribute('aria-hidden')).toBe('true');
    expect(items()).toHaveLength(9);
    act(() => vi.advanceTimersByTime(TOMBSTONE_MS + 300));
    expect(item('4727:47270')).toBeUndefined();
  });

  it('marks a new process for a while', () => {
    const fresh = demoProcess(4790, { parent: BASH });
    const state = {
      ...DEMO_STATE,
      processes: { ...DEMO_STATE.processes, [fresh.key]: fresh },
    };
    view.render(<ProcessesView state={state} lang="en" />);
    expect(item(fresh.key)?.hasAttribute('data-fresh')).toBe(true);
    act(() => vi.advanceTimersByTime(TOMBSTONE_MS + 300));
    expect(item(fresh.key)?.hasAttribute('data-fresh')).toBe(false);
  });

  it('keeps the last facts of a pinned process that ended', () => {
    view.fire(item('4727:47270')?.querySelector('.tr-comm') ?? undefined, 'click');
    view.render(<ProcessesView state={without('4727:47270')} lang="en" />);
    expect(view.all('aside')[0]?.textContent).toContain('It has ended');
  });

  it('outlines what the page highlights', () => {
    view.render(<ProcessesView state={DEMO_STATE} lang="en" highlighted={new Set([SH])} />);
    expect(view.all('[data-highlighted]').map((row) => row.dataset['id'])).toEqual([SH]);
  });
});

describe('the card', () => {
  it('gives all eight inodes, marked as the sandbox’s or not', () => {
    view.fire(item(SH), 'click');
    const lines = view.all('.tr-eight li').map((line) => line.textContent);
    expect(lines).toHaveLength(8);
    expect(lines[0]).toBe('pid:[4026532801]with 2 others');
    expect(lines[2]).toBe('net:[4026532702]the sandbox’s');
  });

  it('offers commands with the pid of the sandbox, and types none by itself', () => {
    const show = vi.fn();
    view.render(<ProcessesView state={DEMO_STATE} lang="en" onShowInTerminal={show} />);
    view.fire(item(SH), 'click');
    expect(show).not.toHaveBeenCalled();
    view.fire(view.all('.tr-show')[0], 'click');
    expect(show).toHaveBeenCalledWith('grep NSpid /proc/15/status');
  });

  it('offers no buttons where there is no terminal', () => {
    view.fire(item(SH), 'click');
    expect(view.all('.tr-show')).toHaveLength(0);
    expect(view.all('.tr-look code')[0]?.textContent).toBe('/proc/15/status');
  });
});
