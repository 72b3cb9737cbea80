// @vitest-environment jsdom
import type { CommandDiff, DiffObject } from '@terrarium/timeline';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_STATE } from '../fixture.js';
import { demoLink } from '../network/fixture.js';
import { type Mounted, mount } from '../testing.js';
import { objectText, sortOf, valueText } from './diff-object.js';
import { DiffView, type DiffViewProps } from './diff-view.js';
import { DEMO_COMMANDS, DEMO_DIFF, demoCommand, emptyDiff } from './fixture.js';

let view: Mounted;
beforeAll(() => {
  globalThis.CSS ??= { escape: (text: string) => text.replaceAll(/[^\w]/g, '\\$&') } as typeof CSS;
});
afterEach(() => view.unmount());

function show(special: Partial<DiffViewProps> = {}): void {
  const props: DiffViewProps = {
    ...{ commands: DEMO_COMMANDS, diff: DEMO_DIFF, state: DEMO_STATE, lang: 'en' },
    onChoose: () => {},
    ...special,
  };
  view = mount(<DiffView {...props} />);
}

const items = (tree: number): HTMLElement[] => {
  const found = view.all('[role="tree"]')[tree];
  return [...(found?.querySelectorAll<HTMLElement>('[role="treeitem"]') ?? [])];
};
const groups = () => items(1).filter((item) => item.getAttribute('aria-level') === '1');

describe('DiffView', () => {
  it('lists commands, those of a nested shell below the one that started it', () => {
    show();
    expect(view.all('[role="tree"]')[0]?.getAttribute('aria-label')).toBe('Commands');
    expect(
      items(0).map((item) => [item.getAttribute('aria-level'), item.getAttribute('data-subject')]),
    ).toEqual([
      ['1', 'command:c1'],
      ['1', 'command:c2'],
      ['1', 'command:c3'],
      ['2', 'command:c4'],
      ['2', 'command:c5'],
    ]);
    expect(items(0)[1]?.textContent).toContain('exit 1');
    expect(items(0)[2]?.textContent).toContain('still running');
    expect(items(0)[2]?.getAttribute('aria-selected')).toBe('true');
  });

  it('chooses by pointer and by keyboard', () => {
    const chosen: string[] = [];
    show({ onChoose: (command) => chosen.push(command) });
    view.fire(items(0)[1], 'click');
    view.press('ArrowUp');
    view.press('Enter');
    expect(chosen).toEqual(['c2', 'c1']);
  });

  it('tells what appeared, changed, vanished and passed, in words', () => {
    show();
    expect(groups().map((item) => item.textContent)).toEqual([
      '+started 3 processes',
      '+made 2 namespaces',
      '+mounted 1 mount',
      '+brought along 5 copied mounts',
      '~changed 1 process',
      '−unmounted 1 mount',
      '◦ran and ended 1 process',
    ]);
    const summary = view.all('.tr-diff-summary')[0]?.textContent;
    expect(summary).toContain('started sh (pid 15)');
  });

  it('marks objects with what they are about', () => {
    show();
    const subjects = items(1).flatMap((item) => item.getAttribute('data-subject') ?? []);
    expect(subjects).toContain('process:4715:47150');
    expect(subjects).toContain('namespace:4026532801');
    expect(subjects).toContain('mount:4026532800:40');
  });

  it('shows fields before and after; of a record only what differs', () => {
    show();
    const fields = items(1).filter((item) => item.getAttribute('data-type') === 'field');
    expect(fields.map((item) => item.textContent)).toEqual([
      'cgroup/→ becomes /greenhouse',
      'namespacesuts:[4026532703]→ becomes uts:[4026532803]',
    ]);
  });

  it('keeps copied mounts closed until somebody opens them', () => {
    show();
    const copies = groups()[3];
    expect(copies?.getAttribute('aria-expanded')).toBe('false');
    view.fire(copies, 'click');
    expect(groups()[3]?.getAttribute('aria-expanded')).toBe('true');
    expect(items(1).filter((item) => item.textContent?.startsWith('/sys'))).toHaveLength(1);
  });

  it('gives an object of a kind that it does not know a row', () => {
    const unknown = { kind: 'timer', timer: { name: 'tick' } } as unknown as DiffObject;
    show({ diff: { ...emptyDiff(demoCommand('c1', 'x')), appeared: [unknown] } as CommandDiff });
    expect(groups().map((item) => item.textContent)).toEqual(['+added 1 object']);
    expect(items(1)[1]?.textContent).toBe('ticktimer');
  });

  it('says why there is nothing to show', () => {
    const text = () => view.container.textContent ?? '';
    show({ commands: [], diff: null });
    expect(text()).toContain('No command yet.');
    view.unmount();
    show({ diff: null });
    expect(text()).toContain('Choose a command');
    view.unmount();
    show({ diff: emptyDiff(demoCommand('c1', 'true')) });
    expect(text()).toContain('It changed nothing that the kernel remembers.');
    view.unmount();
    show({ diff: emptyDiff(demoCommand('c3', 'sleep 9', { endedAt: null })) });
    expect(text()).toContain('still running');
    view.unmount();
    show({ diff: { ...emptyDiff(demoCommand('c1', 'true')), passed: DEMO_DIFF.passed } });
    expect(text()).toContain('It changed nothing that the kernel remembers.');
    expect(text()).toContain('ran and ended 1 process');
  });

  it('speaks Chinese', () => {
    show({ lang: 'zh' });
    expect(view.all('[role="tree"]')[0]?.getAttribute('aria-label')).toBe('命令');
    expect(groups()[1]?.textContent).toBe('+创建了 2 个命名空间');
  });
});

describe('objectText', () => {
  const file = { kind: 'file', size: 3, came: 'copy-up' } as const;
  const entry = { kind: 'entry', overlay: '0:50', layer: 0, role: 'upper', path: 'etc/x' } as const;
  const link = { kind: 'link', netNs: 7, link: demoLink(2, 'v0') } as const;
  const route = { to: 'default', via: '10.0.0.1', dev: 'v0', source: null };
  const listener = { protocol: 'tcp', address: '0.0.0.0', port: 80, process: null } as const;
  const table = { family: 'ip', name: 'nat', chains: [] };
  const cgroup = { key: 'memory:/a', hierarchy: 'memory', path: '/a', files: {}, bornAt: 0 };
  const overlay = { key: '0:50', bornAt: 0, layers: [], workDir: null, ofSandbox: false };
  it.each<[DiffObject, string, string, string]>([
    [{ kind: 'cgroup', cgroup }, 'cgroup', '/a memory', 'cgroup:memory:/a'],
    [{ kind: 'overlay', overlay }, 'overlay', '0:50 overlay 0:50', 'overlay:0:50:'],
    [{ ...entry, entry: file }, 'entry', '/etc/x file · upper · copy-up', 'overlay:0:50:etc/x'],
    [
      { ...entry, entry: { kind: 'whiteout', size: 0 } },
      ...(['whiteout', '/etc/x whiteout · upper', 'overlay:0:50:etc/x'] as const),
    ],
    [link, 'link', 'v0 veth · net:[7]', 'link:7:2'],
    [
      { kind: 'address', netNs: 7, link: 'v0', address: '10.0.0.2/24' },
      ...(['address', '10.0.0.2/24 v0 · net:[7]', 'namespace:7'] as const),
    ],
    [
      { kind: 'route', netNs: 7, route },
      ...(['route', 'default 10.0.0.1 v0 · net:[7]', 'namespace:7'] as const),
    ],
    [
      { kind: 'listener', netNs: 7, listener },
      ...(['listener', 'tcp 0.0.0.0:80 net:[7]', 'namespace:7'] as const),
    ],
    [{ kind: 'table', netNs: 7, table }, 'table', 'ip nat nft · net:[7]', 'namespace:7'],
  ])('%j', (object, sort, text, about) => {
    const { name, detail, subject } = objectText(object);
    expect([sortOf(object), `${name} ${detail}`, subject]).toEqual([sort, text, about]);
  });
});

describe('valueText', () => {
  it.each([
    [null, 'none'],
    ['', 'none'],
    [[], 'none'],
    [['a', 'b'], 'a b'],
    [
      [
        { by: 'mount', path: '/run/netns/a' },
        { by: 'fd', fd: 3 },
      ],
      '/run/netns/a {"by":"fd","fd":3}',
    ],
    [7, '7'],
    [{ 'memory.max': '1M', same: 1 }, 'memory.max 1M'],
  ])('%j: %s', (value, text) => {
    expect(valueText(value, { same: 1 }, 'none')).toBe(text);
  });
});
