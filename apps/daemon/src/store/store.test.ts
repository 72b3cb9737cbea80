import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.js';
import { openStore, type Store } from './index.js';
import { MAX_SETTINGS } from './settings.js';

let dir: string;
let path: string;
let store: Store;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'terrarium-store-'));
  path = join(dir, 'terrarium.db');
  store = openStore(path);
  store.sessions.add('s1', 'hash-1', 100);
});

afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Opens the same file anew, without closing: as after kill -9. */
function reopen(): void {
  store = openStore(path);
}

describe('sessions', () => {
  it('are found by token hash and by id, also after a crash', () => {
    reopen();
    const row = {
      id: 's1',
      tokenHash: 'hash-1',
      sandbox: null,
      lost: false,
      createdAt: 100,
      seenAt: 100,
    };
    expect(store.sessions.byTokenHash('hash-1')).toEqual(row);
    expect(store.sessions.byId('s1')).toEqual(row);
    expect(store.sessions.byTokenHash('hash-2')).toBeNull();
    expect(store.sessions.byId('s2')).toBeNull();
  });

  it('remember their sandbox', () => {
    store.sessions.setSandbox('s1', 'sb-a');
    store.sessions.setLost('s1', true);
    reopen();
    expect(store.sessions.withSandbox()).toMatchObject([{ id: 's1', sandbox: 'sb-a', lost: true }]);
    store.sessions.setSandbox('s1', null);
    expect(store.sessions.withSandbox()).toEqual([]);
  });

  it('are forgotten with all they had when nobody came back', () => {
    store.progress.pass('s1', 'containers/01', 'one', 200, false);
    store.sessions.add('s2', 'hash-2', 500);
    store.sessions.add('s3', 'hash-3', 100);
    store.sessions.setSandbox('s3', 'sb-a');
    expect(store.sessions.forgetUnseen(400)).toBe(1);
    expect(store.sessions.byId('s1')).toBeNull();
    expect(store.progress.passed('s1').size).toBe(0);
    expect(store.sessions.byId('s3')).not.toBeNull();
  });

  it('never share a sandbox or a token', () => {
    store.sessions.setSandbox('s1', 'sb-a');
    store.sessions.add('s2', 'hash-2', 100);
    expect(() => store.sessions.setSandbox('s2', 'sb-a')).toThrow('UNIQUE');
    expect(() => store.sessions.add('s3', 'hash-2', 100)).toThrow('UNIQUE');
  });
});

describe('progress', () => {
  const step = (id = 'one') => store.progress.lesson('s1', 'containers/01').get(id);

  it('keeps the first time that a step passed, and the latch', () => {
    store.progress.pass('s1', 'containers/01', 'one', 200, false);
    store.progress.pass('s1', 'containers/01', 'one', 300, true);
    reopen();
    expect(step()).toMatchObject({ firstPassedAt: 200, latched: true });
    expect(store.progress.passed('s1').get('containers/01')?.get('one')).toBe(200);
  });

  it('keeps help in the order in which it was taken, once each', () => {
    for (const level of ['hint-1', 'solution', 'hint-1'] as const) {
      store.progress.help('s1', 'containers/01', 'one', level);
    }
    reopen();
    expect(step()?.helpUsed).toEqual(['hint-1', 'solution']);
    expect(step()?.firstPassedAt).toBeNull();
  });

  it('keeps the newest prediction, and its grade for good', () => {
    store.progress.predict('s1', 'containers/01', 'one', '7', 200);
    store.progress.predict('s1', 'containers/01', 'one', '8', 201);
    expect(step()?.prediction).toEqual({ answer: '8', actual: null, correct: null });
    store.progress.grade('s1', 'containers/01', 'one', '9', false);
    store.progress.grade('s1', 'containers/01', 'one', '8', true);
    reopen();
    expect(step()?.prediction).toEqual({ answer: '8', actual: '9', correct: false });
  });

  it('restarts steps without forgetting what was achieved', () => {
    store.progress.pass('s1', 'containers/01', 'one', 200, true);
    store.progress.predict('s1', 'containers/01', 'one', '7', 200);
    store.progress.remember('s1', 'containers/01', 'one', '{}');
    store.progress.restart('s1', 'containers/01', ['one']);
    expect(step()).toEqual({
      firstPassedAt: 200,
      latched: false,
      helpUsed: [],
      prediction: null,
      memory: null,
    });
  });

  it('is each session its own', () => {
    store.sessions.add('s2', 'hash-2', 100);
    store.progress.pass('s2', 'containers/01', 'one', 200, false);
    expect(step()).toBeUndefined();
  });
});

describe('settings', () => {
  it('are set, overwritten and survive', () => {
    store.settings.set('s1', 'theme', 'dark');
    store.settings.set('s1', 'theme', 'light');
    reopen();
    expect(store.settings.all('s1')).toEqual({ theme: 'light' });
  });

  it('are bounded in number', () => {
    for (let i = 0; i < MAX_SETTINGS; i++) {
      expect(store.settings.set('s1', `key-${i}`, 'x')).toBe(true);
    }
    expect(store.settings.set('s1', 'one-more', 'x')).toBe(false);
    expect(store.settings.set('s1', 'key-0', 'y')).toBe(true);
  });
});

describe('openDatabase', () => {
  it('refuses a file of a newer Terrarium, with what to do', () => {
    const db = openDatabase(path);
    db.exec('pragma user_version = 99');
    db.close();
    expect(() => openDatabase(path)).toThrow('update it, or move the file away');
  });
});
