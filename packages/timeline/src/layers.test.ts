import { expect, test } from 'vitest';
import { entryKey, journeyOf, mergedView, overlaysOf } from './layers.js';
import type { LayerEntry, LayerState, OverlayState } from './state.js';

const file = (size = 1): LayerEntry => ({ kind: 'file', size });
const directory: LayerEntry = { kind: 'directory', size: 0 };
const opaque: LayerEntry = { kind: 'directory', size: 0, opaque: true };
const hole: LayerEntry = { kind: 'whiteout', size: 0 };

function overlay(...layers: (Record<string, LayerEntry> | null)[]): OverlayState {
  return {
    key: '0:50',
    bornAt: 1,
    layers: layers.map(
      (entries, i): LayerState => ({
        dir: `/l${i}`,
        role: i === 0 ? 'upper' : 'lower',
        entries,
        more: 0,
      }),
    ),
    workDir: '/w',
    ofSandbox: false,
  };
}

const seen = (of: OverlayState, without?: ReadonlySet<number>) =>
  mergedView(of, without).entries.map(({ path, layer }) => [path, layer]);

test('A + B = C: the uppermost file of a name is seen', () => {
  const both = overlay({}, { x: file(2) }, { x: file(1), y: file() });
  expect(seen(both)).toEqual([
    ['x', 1],
    ['y', 2],
  ]);
  expect(mergedView(both).hidden.get(entryKey(2, 'x'))).toEqual({
    layer: 1,
    path: 'x',
    why: 'file',
  });
});

test('a layer that is left out shows what is beneath', () => {
  const both = overlay({}, { x: file(2) }, { x: file(1) });
  expect(seen(both, new Set([1]))).toEqual([['x', 2]]);
});

test('directories merge; each name in them is looked up by itself', () => {
  const both = overlay(
    { d: directory, 'd/new': file() },
    { d: directory, 'd/old': file(), 'd/new': file() },
  );
  expect(mergedView(both).entries).toMatchObject([
    { path: 'd', layer: 0, merged: [0, 1] },
    { path: 'd/new', layer: 0 },
    { path: 'd/old', layer: 1 },
  ]);
});

test('a whiteout is a hole: the name is gone, with all that is below it', () => {
  const both = overlay({ d: hole, f: hole }, { d: directory, 'd/in': file(), f: file() });
  expect(seen(both)).toEqual([]);
  const { hidden } = mergedView(both);
  expect([...hidden.keys()]).toEqual(['1:d', '1:d/in', '1:f']);
  expect(hidden.get('1:d/in')).toEqual({ layer: 0, path: 'd', why: 'whiteout' });
});

test('an opaque directory hides what lower ones have, and is seen itself', () => {
  const both = overlay({ d: opaque, 'd/new': file() }, { d: directory, 'd/old': file() });
  expect(seen(both)).toEqual([
    ['d', 0],
    ['d/new', 0],
  ]);
  expect(mergedView(both).hidden.get('1:d/old')?.why).toBe('opaque');
});

test('a file under a directory, and a directory under a file, are hidden', () => {
  const both = overlay(
    { a: directory, b: file() },
    { a: file(), b: directory, 'b/in': file() },
    { a: directory, 'a/deep': file() },
  );
  expect(seen(both)).toEqual([
    ['a', 0],
    ['b', 0],
  ]);
  expect([...mergedView(both).hidden.keys()].sort()).toEqual([
    '1:a',
    '1:b',
    '1:b/in',
    '2:a',
    '2:a/deep',
  ]);
});

test('a layer that is not listed hides and supplies nothing', () => {
  expect(seen(overlay({ x: file(), gone: hole }, null))).toEqual([['x', 0]]);
});

test('the journey of a file that was copied up', () => {
  const copied: LayerEntry = { kind: 'file', size: 9, came: 'copy-up', copiedIn: 26 };
  const both = overlay({ motd: copied }, {}, { motd: file() });
  expect(journeyOf(both, 'motd').map(({ fate }) => fate)).toEqual(['seen', 'absent', 'hidden']);
  expect(journeyOf(overlay({ d: directory }, { d: directory }), 'd').map((s) => s.fate)).toEqual([
    'seen',
    'merged',
  ]);
});

test('the same layers are merged once', () => {
  const one = overlay({ x: file() });
  expect(mergedView(one)).toBe(mergedView({ ...one, copying: { '#8': 1 } }));
});

test('the newest of the learner comes first, the sandbox’s own last', () => {
  const at = (key: string, bornAt: number, ofSandbox = false) => ({
    ...overlay({}),
    ...{ key, bornAt, ofSandbox },
  });
  const all = overlaysOf({ a: at('a', 1, true), b: at('b', 2), c: at('c', 3) });
  expect(all.map(({ key }) => key)).toEqual(['c', 'b', 'a']);
  expect(overlaysOf(undefined)).toEqual([]);
});
