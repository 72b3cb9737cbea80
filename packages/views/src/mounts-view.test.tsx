// @vitest-environment jsdom
import type { MountState } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_NAMESPACES, DEMO_STATE } from './fixture.js';
import { MountsView } from './mounts-view.js';
import { type Mounted, mount } from './testing.js';

const OTHER = 4_026_532_800;

function row(
  mountId: number,
  parentId: number,
  mountPoint: string,
  more: Partial<MountState> = {},
): MountState {
  return {
    mountId,
    parentId,
    device: `0:${mountId}`,
    root: '/',
    mountPoint,
    mountOptions: 'rw,relatime',
    optionalFields: [],
    fsType: 'tmpfs',
    mountSource: 'tmpfs',
    superOptions: 'rw',
    ...more,
  };
}

const table = (...rows: MountState[]) => Object.fromEntries(rows.map((one) => [one.mountId, one]));

const overlay = {
  fsType: 'overlay',
  device: '0:50',
  superOptions: 'rw,lowerdir=/l,upperdir=/u,workdir=/w',
};
const STATE = {
  ...DEMO_STATE,
  mounts: {
    [DEMO_NAMESPACES.mnt]: table(
      row(10, 2, '/', overlay),
      row(11, 10, '/proc', { fsType: 'proc', mountOptions: 'rw,nosuid,relatime' }),
      row(12, 10, '/mnt', { optionalFields: ['shared:7'] }),
      row(13, 12, '/mnt'),
    ),
    [OTHER]: table(
      row(20, 2, '/', overlay),
      row(21, 20, '/mnt', { device: '0:12', optionalFields: ['master:7'] }),
      row(22, 20, '/tmp'),
    ),
  },
};

let view: Mounted;
beforeAll(() => {
  globalThis.CSS ??= { escape: (text: string) => text.replaceAll(/[^\w]/g, '\\$&') } as typeof CSS;
});
afterEach(() => view.unmount());

function trees(): HTMLElement[] {
  return view.all('[role="tree"]');
}

function compareWith(inode: number): void {
  const [, other] = view.all('select') as HTMLSelectElement[];
  act(() => {
    const setter = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value')?.set;
    setter?.call(other, `${inode}`);
    other?.dispatchEvent(new Event('change', { bubbles: true }));
  });
}

describe('MountsView', () => {
  it('is a tree named Mounts of the sandbox’s own namespace', () => {
    view = mount(<MountsView state={STATE} lang="en" />);
    expect(trees().map((tree) => tree.getAttribute('aria-label'))).toEqual(['Mounts']);
    const items = [...trees()[0]!.querySelectorAll('[role="treeitem"]')];
    expect(
      items.map((item) => [
        item.querySelector('.tr-mount-point')?.textContent,
        item.getAttribute('aria-level'),
      ]),
    ).toEqual([
      ['/', '1'],
      ['/proc', '2'],
      ['/mnt', '2'],
      ['/mnt', '3'],
    ]);
  });

  it('says which mount is covered', () => {
    view = mount(<MountsView state={STATE} lang="en" />);
    const covered = view.all('[data-covered]');
    expect(covered.map((item) => item.getAttribute('data-id'))).toEqual([
      `${DEMO_NAMESPACES.mnt} 12`,
    ]);
    expect(covered[0]?.textContent).toContain('covered');
  });

  it('sets two namespaces side by side and marks what differs in each', () => {
    view = mount(<MountsView state={STATE} lang="en" />);
    compareWith(OTHER);
    expect(trees().map((tree) => tree.getAttribute('aria-label'))).toEqual([
      'Mounts',
      `Mounts mnt:[${OTHER}]`,
    ]);
    const marks = (tree: HTMLElement) =>
      [...tree.querySelectorAll('[data-difference]')].map((item) => [
        item.querySelector('.tr-mount-point')?.textContent,
        item.getAttribute('data-difference'),
      ]);
    expect(marks(trees()[0]!)).toEqual([
      ['/', 'same'],
      ['/proc', 'only-here'],
      ['/mnt', 'other'],
    ]);
    expect(marks(trees()[1]!)).toEqual([
      ['/', 'same'],
      ['/mnt', 'other'],
      ['/tmp', 'only-here'],
    ]);
  });

  it('tells layers, options and peers of the mount that is pinned', () => {
    view = mount(<MountsView state={STATE} lang="en" selected={`${DEMO_NAMESPACES.mnt} 10`} />);
    const facts = () => view.all('.tr-facts')[0]?.textContent ?? '';
    expect(facts()).toContain('/uupperdir');
    expect(facts()).toContain('/llowerdir');
    view.unmount();
    view = mount(<MountsView state={STATE} lang="en" selected={`${DEMO_NAMESPACES.mnt} 12`} />);
    expect(facts()).toContain(`→ /mnt · mnt:[${OTHER}]`);
  });

  it('speaks Chinese', () => {
    view = mount(<MountsView state={STATE} lang="zh" />);
    expect(trees()[0]?.getAttribute('aria-label')).toBe('挂载');
  });

  it('is empty, and says so, before the first mount is known', () => {
    view = mount(<MountsView state={{ ...STATE, mounts: {} }} lang="en" />);
    expect(view.all('.tr-empty')).toHaveLength(1);
  });
});
