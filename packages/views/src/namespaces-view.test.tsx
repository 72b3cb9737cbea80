// @vitest-environment jsdom
import { act } from 'react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEMO_STATE } from './fixture.js';
import { heldNamespaces, namespaceGroups, namespaceTree } from './namespace-groups.js';
import { NamespacesView } from './namespaces-view.js';
import { type Mounted, mount } from './testing.js';

let view: Mounted;
beforeAll(() => {
  globalThis.CSS ??= { escape: (text: string) => text.replaceAll(/[^\w]/g, '\\$&') } as typeof CSS;
});
beforeEach(() => {
  view = mount(<NamespacesView state={DEMO_STATE} lang="en" />);
});
afterEach(() => view.unmount());

describe('namespaceGroups', () => {
  it('puts processes with the same eight together, the sandbox’s own first', () => {
    const groups = namespaceGroups(DEMO_STATE);
    expect(
      groups.map((group) => [group.members.map(({ comm }) => comm).join(), group.differs.join()]),
    ).toEqual([
      ['init,bash,bash,true', ''],
      ['unshare', 'mnt'],
      ['sh,sleep,yes', 'pid,mnt'],
      ['bash,python3', 'uts'],
    ]);
  });

  it('finds namespaces that no process is in', () => {
    expect(heldNamespaces(DEMO_STATE).map(({ kind }) => kind)).toEqual(['net']);
  });

  it('nests pid namespaces by parent', () => {
    const [own] = namespaceTree(DEMO_STATE, 'pid');
    expect(own?.children.map(({ namespace }) => namespace.inode)).toEqual([4026532801]);
  });
});

describe('NamespacesView', () => {
  const map = () =>
    view.all('.tr-map tbody tr').map((row) => row.querySelector('td:last-child')?.textContent);

  it('says in one sentence how each set differs', () => {
    expect(map()).toEqual([
      'the sandbox’s own eight',
      'differs in mnt only',
      'differs in pid and mnt',
      'differs in uts only',
      'no process inside, still held open',
    ]);
  });

  it('leaves the sandbox’s own neutral and gives the rest a hue, a glyph and a pattern', () => {
    const row = view.all('.tr-map tbody tr')[1]!;
    const cells = [...row.querySelectorAll<HTMLElement>('.tr-map-cell')];
    expect(cells).toHaveLength(8);
    expect(cells.map((cell) => cell.dataset['kind'] ?? '')).toEqual(
      ['', 'mnt', '', '', '', '', '', ''], // only the mount namespace has a colour
    );
    for (const cell of cells) expect(cell.querySelector('svg g > *')).not.toBeNull();
  });

  it('joins cells that are one namespace', () => {
    const joined = view.all('.tr-map-cell[data-joined][data-kind=mnt]');
    expect(joined).toHaveLength(1);
  });

  it('has a tree of the same facts with levels and one tab stop', () => {
    const tree = view.all('[role=tree]')[0]!;
    expect(tree.getAttribute('aria-label')).toBe('Namespaces');
    const nested = view.all('[data-id="4026532801"]')[0]!;
    expect(nested.getAttribute('aria-level')).toBe('3');
    expect(nested.textContent).toBe('pid:[4026532801], solid3 processes');
    expect(view.all('[role=treeitem][tabindex="0"]')).toHaveLength(1);
    expect(tree.textContent).toContain('held by a bind mount on /run/netns/quiet');
    expect(tree.textContent).toContain('held by bash 9 through fd 7');
  });

  it('opens and closes from the keyboard, and shows the facts of what is focused', () => {
    act(() => view.all('[data-id="pid"]')[0]?.focus());
    view.press('ArrowDown');
    view.press('ArrowDown');
    expect(view.all('aside h3')[0]?.textContent).toBe('pid:[4026532801]');
    expect(view.all('aside')[0]?.textContent).toContain('pid:[4026532700]'); // its parent
    expect(view.all('aside')[0]?.textContent).toContain('user:[4026532705]'); // its owner
    view.press('ArrowLeft');
    expect(view.all('[data-id="4026532801"]')[0]?.getAttribute('aria-expanded')).toBe('false');
  });

  it('lets a new namespace and its row in the map glow once, and nothing else', async () => {
    globalThis.matchMedia = () => ({ matches: false }) as MediaQueryList;
    const bash = DEMO_STATE.processes['4707:47070']!;
    const uts = { ...DEMO_STATE.namespaces[4026532810]!, inode: 99, holders: [] };
    const namespaces = { ...bash.namespaces, uts: 99 };
    view.render(
      <NamespacesView
        lang="en"
        state={{
          ...DEMO_STATE,
          processes: { ...DEMO_STATE.processes, [bash.key]: { ...bash, namespaces } },
          namespaces: { ...DEMO_STATE.namespaces, 99: uts },
        }}
      />,
    );
    const glowing = () =>
      view.all('[data-appear]').filter((row) => row.style.backgroundColor !== '');
    const touched = glowing().map((row) => row.getAttribute('data-appear'));
    expect(touched.map((id) => id?.split(' ')[3] ?? id)).toEqual(['99', '99']);
    await expect.poll(glowing).toEqual([]);
  });

  it('has no more tab stops in the picture', () => {
    expect(view.all('.tr-map button').every((button) => button.tabIndex === -1)).toBe(true);
  });

  it('is named 命名空间 on the Chinese page', () => {
    view.render(<NamespacesView state={DEMO_STATE} lang="zh" />);
    expect(view.all('[role=tree]')[0]?.getAttribute('aria-label')).toBe('命名空间');
    expect(map()[1]).toBe('只有 mnt 不同');
  });
});
