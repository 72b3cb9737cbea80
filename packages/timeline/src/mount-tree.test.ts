import { expect, test } from 'vitest';
import {
  mountAt,
  mountDifferences,
  mountTree,
  overlayOf,
  peersOf,
  propagationOf,
} from './mount-tree.js';
import { EMPTY_STATE, type MountState, type State } from './state.js';

const HERE = 4026532800;
const THERE = 4026532900;

function mount(
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
    mountOptions: 'rw',
    optionalFields: [],
    fsType: 'tmpfs',
    mountSource: 'none',
    superOptions: 'rw',
    ...more,
  };
}

function stateWith(tables: Record<number, readonly MountState[]>): State {
  return {
    ...EMPTY_STATE,
    mounts: Object.fromEntries(
      Object.entries(tables).map(([ns, rows]) => [
        ns,
        Object.fromEntries(rows.map((row) => [row.mountId, row])),
      ]),
    ),
  };
}

test('children hang on their parent, a parent out of sight makes a root', () => {
  const state = stateWith({
    [HERE]: [mount(10, 2, '/'), mount(11, 10, '/proc'), mount(12, 11, '/proc/sys')],
  });
  const [root] = mountTree(state, HERE);
  expect(root?.mount.mountId).toBe(10);
  expect(root?.children[0]?.mount.mountPoint).toBe('/proc');
  expect(root?.children[0]?.children[0]?.mount.mountPoint).toBe('/proc/sys');
});

test('a mount on the same place covers what is below it, and itself is seen', () => {
  const state = stateWith({
    [HERE]: [
      mount(10, 2, '/'),
      mount(11, 10, '/mnt'),
      mount(12, 11, '/mnt/a'),
      mount(13, 11, '/mnt'),
    ],
  });
  const covered = new Map<number, number | null>();
  const visit = (nodes: ReturnType<typeof mountTree>) => {
    for (const node of nodes) {
      covered.set(node.mount.mountId, node.coveredBy);
      visit(node.children);
    }
  };
  visit(mountTree(state, HERE));
  expect(Object.fromEntries(covered)).toEqual({ 10: null, 11: 13, 12: 13, 13: null });
});

test('a later mount on a directory above hides a mount', () => {
  const state = stateWith({
    [HERE]: [mount(10, 2, '/'), mount(11, 10, '/a/b'), mount(12, 10, '/a'), mount(13, 10, '/ab')],
  });
  const [root] = mountTree(state, HERE);
  expect(root?.children.map(({ mount: { mountId }, coveredBy }) => [mountId, coveredBy])).toEqual([
    [11, 12],
    [12, null],
    [13, null],
  ]);
});

test('propagation is read from the optional fields', () => {
  const fields = ['shared:5', 'master:2', 'propagate_from:1'];
  expect(propagationOf(mount(1, 0, '/', { optionalFields: fields }))).toEqual({
    peerGroup: 5,
    master: 2,
    from: 1,
    unbindable: false,
  });
  expect(propagationOf(mount(1, 0, '/'))).toEqual({
    peerGroup: null,
    master: null,
    from: null,
    unbindable: false,
  });
});

test('a peer group has its members and its slaves in every namespace', () => {
  const state = stateWith({
    [HERE]: [mount(1, 0, '/', { optionalFields: ['shared:5'] })],
    [THERE]: [
      mount(2, 0, '/', { optionalFields: ['shared:5'] }),
      mount(3, 2, '/s', { optionalFields: ['master:5'] }),
    ],
  });
  const { members, slaves } = peersOf(state, 5);
  expect(members.map(({ mountNs, mount: { mountId } }) => [mountNs, mountId])).toEqual([
    [HERE, 1],
    [THERE, 2],
  ]);
  expect(slaves.map(({ mount: { mountId } }) => mountId)).toEqual([3]);
});

test('the layers of an overlay, in both spellings of the kernel', () => {
  const old = 'rw,lowerdir=/l2:/l1,upperdir=/u,workdir=/w';
  expect(overlayOf(mount(1, 0, '/', { fsType: 'overlay', superOptions: old }))).toEqual({
    lower: ['/l2', '/l1'],
    upper: '/u',
    work: '/w',
  });
  const now = 'rw,lowerdir+=/l2,lowerdir+=/l1';
  expect(overlayOf(mount(1, 0, '/', { fsType: 'overlay', superOptions: now }))).toEqual({
    lower: ['/l2', '/l1'],
    upper: null,
    work: null,
  });
  const odd = 'rw,lowerdir=/a,b:/c\\:d::/data,upperdir=/u,work=1,workdir=/w';
  expect(overlayOf(mount(1, 0, '/', { fsType: 'overlay', superOptions: odd }))).toEqual({
    ...{ lower: ['/a,b', '/c:d', '/data'], upper: '/u,work=1', work: '/w' },
  });
  expect(overlayOf(mount(1, 0, '/'))).toBeNull();
});

test('two namespaces differ where a place shows something else, or nothing', () => {
  const state = stateWith({
    [HERE]: [
      mount(1, 0, '/', { device: '8:1' }),
      mount(2, 1, '/tmp'),
      mount(3, 1, '/mnt', { device: '0:9' }),
    ],
    [THERE]: [mount(4, 0, '/', { device: '8:1' }), mount(5, 4, '/mnt', { device: '0:8' })],
  });
  expect(Object.fromEntries(mountDifferences(state, HERE, THERE))).toEqual({
    1: 'same',
    2: 'only-here',
    3: 'other',
  });
});

test('numbers come again: what covers what is told by parents alone', () => {
  const state = stateWith({
    [HERE]: [
      mount(5, 20, '/mnt'), // the newest, on top, with a low number
      mount(6, 10, '/data'), // came after what is below /data
      mount(10, 2, '/'),
      mount(20, 10, '/mnt'),
      mount(30, 10, '/data/old'),
      mount(31, 6, '/data/new'),
    ],
  });
  expect(mountAt(state, HERE, '/mnt')?.mountId).toBe(5);
  expect(mountAt(state, HERE, '/data/new')?.mountId).toBe(31);
  expect(mountAt(state, HERE, '/data/old')).toBeUndefined();
  expect(mountAt(state, HERE, '/elsewhere')).toBeUndefined();
  const [root] = mountTree(state, HERE);
  const old = root?.children.find(({ mount }) => mount.mountId === 30);
  expect(old?.coveredBy).toBe(6);
});
