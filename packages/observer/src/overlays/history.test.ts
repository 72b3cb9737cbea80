import type { FileEvent } from '@terrarium/syscall';
import { expect, test } from 'vitest';
import { CopyUps } from './copy-ups.js';
import { cameBy, type Dirty, soleActor, withHistory } from './history.js';
import { Layer } from './layer.js';
import type { Listed, Listing } from './listing.js';
import type { Place } from './places.js';

const handle = (key: string) => ({ type: 1, bytes: new Uint8Array(), key });
const event = (name: string, from: string | null = null): FileEvent => ({
  ...{ mask: 0, pid: 7, fileSystem: 'f', file: handle('copy') },
  at: { directory: handle('w'), name },
  from: from === null ? null : { directory: handle('w'), name: from },
});
const file = (more: Partial<Listed> = {}, size = 1): Listed => ({
  ...{ entry: { kind: 'file', size }, inode: 5, handle: null, age: 0 },
  ...more,
});
const dirty = (came: Dirty['came'], took: number | null = null): Dirty => ({
  ...{ pid: 7, actor: '7:1', sizeOnly: false },
  ...{ came, took },
});

test('a name comes by a link of a copy, from the work directory, by a rename, or new', () => {
  expect(cameBy(event('motd'), true)).toBe('linked');
  expect(cameBy(event('motd'), false)).toBe('created');
  expect(cameBy(event('etc', '#b'), false)).toBe('arrived');
  expect(cameBy(event('b', 'a'), false)).toBe('renamed');
});

test('a copy-up is known by overlay’s mark, by its link, or by what lies below', () => {
  const marked = file({ entry: { kind: 'file', size: 1, came: 'copy-up' }, age: 26 });
  expect(withHistory(marked, undefined, dirty('arrived', 0), true)).toMatchObject({
    ...{ came: 'copy-up', copiedIn: 26 },
  });
  expect(withHistory(file(), undefined, dirty('linked', 3.14), true)).toMatchObject({
    ...{ came: 'copy-up', copiedIn: 3.1 },
  });
  const directory = file({ entry: { kind: 'directory', size: 0 } });
  expect(withHistory(directory, undefined, dirty('arrived', 0), true).came).toBe('copy-up');
  expect(withHistory(directory, undefined, dirty('arrived', 0), false).came).toBe('created');
});

test('what takes a whiteout’s place is new, and a whiteout has no history', () => {
  const hole = file({ entry: { kind: 'whiteout', size: 0 } });
  const directory = file({ entry: { kind: 'directory', size: 0 }, inode: 6 });
  expect(withHistory(directory, hole, dirty('arrived', 0), true).came).toBe('created');
  expect(withHistory(hole, undefined, dirty('arrived', 0), true)).toEqual(hole.entry);
});

test('both measures of a copy may only be too long', () => {
  const marked = (age: number): Listed =>
    file({ entry: { kind: 'file', size: 1, came: 'copy-up' }, age });
  const took = (age: number, seen: number) =>
    withHistory(marked(age), undefined, dirty('linked', seen), true).copiedIn;
  expect([took(4, 26), took(26, 4), took(4, 0), took(0, 0)]).toEqual([4, 4, 4, 0]);
});

test('one who did all, or nobody in particular', () => {
  const other = { ...dirty(null), actor: '8:1' };
  expect(soleActor(new Map([['a', dirty(null)]]))).toBe('7:1');
  expect(
    soleActor(
      new Map([
        ['a', dirty(null)],
        ['b', other],
      ]),
    ),
  ).toBeUndefined();
});

test('a copy that is under way is told once it takes long, and no longer when it is there', () => {
  const copies = new CopyUps();
  copies.note(event('#16'), 1, 100);
  expect(copies.due).toBe(108);
  expect(copies.look(108, () => 5_000_000)).toEqual({ '#16': 5_000_000 });
  expect(copies.look(140, () => 5_000_000)).toBeNull();
  expect(copies.arrived(handle('copy'), 2, 126)).toBe(26);
  expect(copies.look(172, () => 0)).toEqual({});
  expect(copies.due).toBeNull();
});

test('a copy of one read is no measure; a whiteout in the making is no copy', () => {
  const copies = new CopyUps();
  copies.note(event('#16'), 1, 100);
  expect(copies.arrived(handle('copy'), 1, 100.2)).toBe(0);
  expect(copies.arrived(handle('copy'), 1, 101)).toBeNull();
  copies.note(event('#17'), 2, 200);
  expect(copies.look(208, () => null)).toBeNull();
  expect(copies.due).toBeNull();
});

const place: Place = {
  device: '0:1',
  fileSystem: 'f',
  handle: handle('root'),
  dir: '/u',
  inode: 1,
};
const listing = (entries: Record<string, Listed>, more = 0): Listing => ({
  ...{ entries: new Map(Object.entries(entries)), more },
});

test('a layer says what differs from what was known, and keeps what only events knew', () => {
  const layer = new Layer('/u', 'upper', place);
  const renamed = file({ entry: { kind: 'file', size: 1, came: 'renamed' } });
  expect(layer.replace(listing({ a: renamed, b: file() }))).toEqual({
    ...{ a: renamed.entry, b: file().entry },
  });
  expect(layer.replace(listing({ a: file(), c: file() }, 3))).toEqual({
    ...{ b: null, c: file().entry },
  });
  expect(layer.state().entries?.['a']?.came).toBe('renamed');
  expect(layer.isCutOff).toBe(true);
});

test('a directory goes with what is in it, but for what was moved away meanwhile', () => {
  const layer = new Layer('/u', 'upper', place);
  const directory = (key: string): Listed =>
    file({ entry: { kind: 'directory', size: 0 }, handle: key });
  layer.replace(listing({ d: directory('D'), 'd/e': directory('E'), 'd/e/f': file() }));
  expect(layer.pathOf('E')).toBe('d/e');
  layer.put('moved', directory('E'), {});
  const changes = {};
  layer.remove('d', changes);
  expect(changes).toEqual({ d: null, 'd/e': null, 'd/e/f': null });
  expect([layer.pathOf('D'), layer.pathOf('E'), layer.pathOf('root')]).toEqual([
    ...[undefined, 'moved', ''],
  ]);
});

test('a layer that cannot be reached has no entries at all', () => {
  expect(new Layer('lower', 'lower', null).state().entries).toBeNull();
});
