/** ROOT on a temporary directory: reading, writing, torn files, locks. No root, no kernel objects. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ContainerRecord, containerId } from './container-record.js';
import { ContainerStore } from './container-store.js';

let root: string;
let store: ContainerStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'container-store-'));
  store = new ContainerStore(root);
});
afterEach(() => rmSync(root, { recursive: true }));

function record(id: string, changes: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    version: 1,
    id,
    bundle: '/bundle',
    status: 'created',
    paused: false,
    init: { pid: 12, startTime: 34 },
    bootId: 'boot',
    owner: { pid: 1, startTime: 2 },
    group: `/x/${id}`,
    sandbox: null,
    createdAt: 5,
    startedAt: null,
    madeParents: [],
    hooksBegun: false,
    consoleFd: null,
    tail: { first: 0, displays: [] },
    network: null,
    exit: null,
    config: { ociVersion: '1.3.0', root: { path: '/r' }, annotations: { a: 'b' } },
    ...changes,
  };
}

function put(id: string, changes: Partial<ContainerRecord> = {}): void {
  store.makeDirectory(id);
  store.write(record(id, changes));
}

describe('ContainerStore', () => {
  test('another reader finds what was written, config and all', () => {
    put('one');
    expect(new ContainerStore(root).read('one', 'test')).toEqual(record('one'));
  });

  test('sees at once what another has written', () => {
    put('one');
    expect(store.find('one')?.status).toBe('created');
    new ContainerStore(root).write(record('one', { status: 'running' }));
    expect(store.find('one')?.status).toBe('running');
    expect(store.find('one')).toBe(store.find('one')); // not read again
  });

  test('a container that is gone is not found, also when it was known', () => {
    put('one');
    new ContainerStore(root).remove('one');
    expect(store.find('one')).toBeUndefined();
    expect(() => store.read('one', 'do it')).toThrow('do it: there is no such container');
    expect(readdirSync(root)).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['torn', '{"version":1,"id":"o', 'it is not JSON'],
    ['of another version', JSON.stringify({ ...record('one'), version: 2 }), 'version: '],
    ['of another container', JSON.stringify(record('two')), 'it is the state of two'],
  ])('a state that is %s says so', (_name, content, reason) => {
    put('one');
    writeFileSync(join(root, 'one/state.json'), content);
    expect(() => store.find('one')).toThrow(
      `read the state of container one: ${root}/one/state.json cannot be used: ${reason}`,
    );
  });

  test('ids are those with a state; traces are all that is left of any', () => {
    put('b');
    put('a');
    mkdirSync(join(root, 'half'));
    writeFileSync(join(root, 'gone.lock'), '');
    writeFileSync(join(root, '.scratch-12-3'), '');
    expect(store.ids()).toEqual(['a', 'b']);
    expect(store.traces()).toEqual(['a', 'b', 'gone', 'half']);
    expect(store.scratches()).toEqual([{ path: join(root, '.scratch-12-3'), pid: 12 }]);
  });

  test('a lock is held by one, its file goes with the container, waiters take the new one', async () => {
    const first = await store.lock('one');
    expect(store.tryLock('one')).toBeUndefined();
    const second = store.lock('one');
    first.release(true);
    const held = await second;
    expect(readdirSync(root)).toEqual(['one.lock']);
    expect(store.tryLock('one')).toBeUndefined();
    held.release(true);
    expect(readdirSync(root)).toEqual([]);
  });
});

test.each(['a', 'A.b_c+d-9', 'x'.repeat(128)])('%j is an id', (id) => {
  expect(containerId.safeParse(id).success).toBe(true);
});
test.each(['', '.', '..', '.a', 'a/b', 'a b', 'ä', 'x'.repeat(129)])('%j is no id', (id) => {
  expect(containerId.safeParse(id).success).toBe(false);
});
