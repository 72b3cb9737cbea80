// @vitest-environment jsdom

import { EMPTY_STATE, type State } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Mounted, mount } from '../testing.js';
import { CgroupsView } from './cgroups-view.js';
import { V1_STATE, V2_STATE } from './fixture.js';

let view: Mounted;
beforeAll(() => {
  globalThis.CSS ??= { escape: (text: string) => text.replaceAll(/[^\w]/g, '\\$&') } as typeof CSS;
});
afterEach(() => view.unmount());

const rows = () => view.all('[role=treeitem]');
const rowOf = (name: string) =>
  rows().find((row) => row.querySelector('.tr-group-name')?.textContent === name);
const saidIn = (text: string) =>
  [...(rowOf(text)?.querySelectorAll('[role=img]') ?? [])].map((one) =>
    one.getAttribute('aria-label'),
  );
const MEMORY_AND_PIDS = ['memory 25 MiB of 50 MiB', '3 of 7 pids'];
const card = () => view.all('aside')[0]?.textContent ?? '';

describe('CgroupsView on v1', () => {
  it('lays the hierarchies over each other: one row a path, with where it exists', () => {
    view = mount(<CgroupsView state={V1_STATE} lang="en" />);
    expect(view.all('[role=tree]')[0]?.getAttribute('aria-label')).toBe('Cgroups');
    expect(rows().map((row) => row.getAttribute('aria-level'))).toEqual([
      '1',
      '2',
      '2',
      '2',
      '3',
      '3',
    ]);
    const tags = [...(rowOf('box')?.querySelectorAll('.tr-tag') ?? [])];
    expect(tags.map((tag) => tag.textContent)).toEqual(['cpu', 'freezer', 'memory', 'pids']);
    expect(tags[2]?.getAttribute('data-subject')).toBe('cgroup:memory:/box');
    expect(rowOf('box')?.getAttribute('data-subject')).toBe('cgroup:memory:/box');
  });

  it('draws the meters and says them', () => {
    view = mount(<CgroupsView state={V1_STATE} lang="en" />);
    expect(saidIn('box')).toEqual([...MEMORY_AND_PIDS, '– of 0.2 CPUs']);
    expect(rowOf('box')?.textContent).toContain('frozen');
    expect(rowOf('box')?.querySelectorAll('.tr-seats i[data-taken]')).toHaveLength(3);
  });

  it('shows a member in each group that it is in, with the hierarchies', () => {
    view = mount(<CgroupsView state={V1_STATE} lang="en" />);
    const members = rows().filter((row) => row.textContent?.startsWith('sleep'));
    expect(members.map((row) => row.textContent)).toEqual([
      expect.stringContaining('not inmemorypids'),
      expect.stringContaining('1000'),
    ]);
  });

  it('shows each hierarchy by itself when asked', () => {
    view = mount(<CgroupsView state={V1_STATE} lang="en" />);
    const select = view.all('select')[0] as HTMLSelectElement;
    act(() => {
      select.value = 'hierarchy';
      select.dispatchEvent(new Event('change', { bubbles: true }));
    });
    const tops = rows().filter((row) => row.getAttribute('aria-level') === '1');
    expect(tops).toHaveLength(6);
    expect(rows().filter((row) => row.getAttribute('data-id') === 'memory:/box')).toHaveLength(1);
  });

  it('gives each value its raw file in v1 words, then in v2 words', () => {
    const shown: string[] = [];
    view = mount(
      <CgroupsView state={V1_STATE} lang="en" onShowInTerminal={(line) => shown.push(line)} />,
    );
    view.fire(rowOf('box'), 'click');
    expect(card()).toContain('50 MiBmemory.limit_in_bytes');
    expect(card()).toContain('v2: memory.max');
    expect(card()).toContain('/sys/fs/cgroup/memory/box');
    view.fire(view.all('.tr-show')[0], 'click');
    expect(shown[0]).toContain('/sys/fs/cgroup/memory/box/memory.limit_in_bytes');
  });
});

describe('CgroupsView on v2', () => {
  it('is one tree without a choice, in v2 words first', () => {
    view = mount(<CgroupsView state={V2_STATE} lang="en" />);
    expect(view.all('select')).toEqual([]);
    expect(saidIn('box')).toEqual([...MEMORY_AND_PIDS, '– of 0.2 CPUs']);
    expect(rowOf('box')?.textContent).toContain('frozenOOM killed tail');
    view.fire(rowOf('box'), 'click');
    expect(card()).toContain('50 MiBmemory.max');
    expect(card()).toContain('v1: memory.limit_in_bytes');
    expect(card()).toContain('/sys/fs/cgroup/box');
  });

  it('shows how much of its quota a group used, and how long it was held back', () => {
    const used = (usage: number, periods: number, held: number): State => ({
      ...V2_STATE,
      meters: {
        ':/box': { 'cpu.stat': `usage_usec ${usage}\nnr_periods ${periods}\nnr_throttled ${held}` },
      },
    });
    view = mount(<CgroupsView state={used(0, 0, 0)} lang="en" />);
    view.render(<CgroupsView state={used(1000, 10, 5)} lang="en" />);
    expect(saidIn('box')[0]).toMatch(/of 0\.2 CPUs, throttled in 50 % of its periods/);
    expect(rowOf('box')?.querySelector('.tr-level s')).not.toBeNull();
  });

  it('measures by the times of the readings, not by the clock of drawing', () => {
    const used = (t: number): State => ({
      ...V2_STATE,
      meters: { ':/box': { 'cpu.stat': `usage_usec ${200 * t}\nnr_periods 1\nnr_throttled 0` } },
      cpuReadings: { ':/box': [0, t].map((at) => ({ t: at, usedMicros: 200 * at })) },
    });
    view = mount(<CgroupsView state={used(0)} lang="en" />);
    view.render(<CgroupsView state={used(1000)} lang="en" />);
    expect(saidIn('box')[0]).toBe('0.2 of 0.2 CPUs');
  });

  it('draws only the group again whose meters moved', () => {
    view = mount(<CgroupsView state={V2_STATE} lang="en" />);
    const before = rowOf('box')?.querySelector('.tr-meter-text')?.textContent;
    const meters = { ':/box': { ...V2_STATE.meters?.[':/box'], 'memory.current': '1048576' } };
    view.render(<CgroupsView state={{ ...V2_STATE, meters }} lang="en" />);
    expect(before).toBe('25 MiB / 50 MiB');
    expect(rowOf('box')?.querySelector('.tr-meter-text')?.textContent).toBe('1 MiB / 50 MiB');
  });

  it('says in Chinese what it says in English, and that there is nothing yet', () => {
    view = mount(<CgroupsView state={V2_STATE} lang="zh" />);
    expect(view.all('[role=tree]')[0]?.getAttribute('aria-label')).toBe('控制组');
    expect(rowOf('box')?.textContent).toContain('OOM 终止了 tail');
    view.render(<CgroupsView state={EMPTY_STATE} lang="en" />);
    expect(view.container.textContent).toContain('No cgroup yet');
  });

  it('folds a group away with the keyboard', () => {
    view = mount(<CgroupsView state={V2_STATE} lang="en" />);
    act(() => rowOf('box')?.focus());
    view.press('ArrowLeft');
    expect(rowOf('inner')).toBeUndefined();
    expect(rowOf('box')?.getAttribute('aria-expanded')).toBe('false');
  });
});
