import type { FileExpected } from '@terrarium/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { FileRefused, type FilesApi } from './files-api';
import { FilesStore, guardUnsaved, isDirty } from './files-store';
import { fileStrings, refusalText } from './strings';

/** A sandbox with files by path; the time of a change counts up. */
class FakeFiles implements FilesApi {
  readonly texts = new Map<string, { text: string; mtime: string }>();
  readonly writes: FileExpected[] = [];
  refusal: string | null = null;
  #time = 1;

  put(path: string, text: string): void {
    this.texts.set(path, { text, mtime: String(this.#time++) });
  }

  async read(path: string) {
    if (this.refusal !== null) throw new FileRefused(this.refusal);
    if (path === '/root') {
      const entries = [...this.texts.keys()].map((name) => ({
        name: name.slice('/root/'.length),
        kind: 'file' as const,
      }));
      return { kind: 'directory' as const, path, entries, truncated: false };
    }
    const found = this.texts.get(path);
    if (found === undefined) throw new FileRefused('ENOENT');
    return { kind: 'file' as const, path, ...found, size: 0, mode: 0o644, kernel: null };
  }

  async write(path: string, text: string, expected: FileExpected) {
    this.writes.push(expected);
    if (this.refusal !== null) throw new FileRefused(this.refusal);
    const old = this.texts.get(path);
    if (expected === 'new' && old !== undefined) throw new FileRefused('EEXIST');
    if (expected !== 'new' && old === undefined) throw new FileRefused('ENOENT');
    if (typeof expected === 'object' && expected.mtime !== old?.mtime) {
      throw new FileRefused('changed');
    }
    this.put(path, text);
    return { path, size: text.length, mtime: this.texts.get(path)?.mtime ?? '' };
  }
}

const A = '/root/a';
let sandbox: FakeFiles;
let store: FilesStore;
beforeEach(() => {
  sandbox = new FakeFiles();
  sandbox.put(A, 'one');
  store = new FilesStore(sandbox);
});
const file = (path = A) => store.get().files.find((one) => one.path === path);

describe('FilesStore', () => {
  it('opens, edits and saves; the next save names what the last one left', async () => {
    await store.open(A);
    expect(store.get()).toMatchObject({ active: A, busy: false, error: null });
    store.edit(A, 'two');
    expect(file() && isDirty(file()!)).toBe(true);
    await store.save(A);
    expect(sandbox.texts.get(A)?.text).toBe('two');
    expect([store.get().saved, file() && isDirty(file()!)]).toEqual([A, false]);
    store.edit(A, 'three');
    await store.save(A);
    expect(sandbox.writes).toEqual([{ mtime: '1' }, { mtime: '2' }]);
  });

  it('asks before it overwrites what was changed meanwhile', async () => {
    await store.open(A);
    store.edit(A, 'mine');
    sandbox.put(A, 'theirs');
    await store.save(A);
    expect(store.get().question).toEqual({ kind: 'changed', path: A });
    expect([sandbox.texts.get(A)?.text, file()?.text]).toEqual(['theirs', 'mine']);
    await store.save(A, true);
    expect([sandbox.texts.get(A)?.text, store.get().question]).toEqual(['mine', null]);
  });

  it('takes the other version when that is wished, and tells the editor', async () => {
    await store.open(A);
    const version = file()?.version ?? 0;
    store.edit(A, 'mine');
    sandbox.put(A, 'theirs');
    await store.save(A);
    await store.reload(A);
    expect(file()).toMatchObject({ text: 'theirs', saved: 'theirs', version: version + 1 });
  });

  it('saves again as new what was removed meanwhile', async () => {
    await store.open(A);
    store.edit(A, 'mine');
    sandbox.texts.delete(A);
    await store.save(A);
    expect(store.get().question?.kind).toBe('gone');
    await store.saveAnew(A);
    expect([sandbox.texts.get(A)?.text, store.get().question]).toEqual(['mine', null]);
  });

  it('offers to create what is not there, and replaces nothing then', async () => {
    await store.toggleFolder('/root');
    await store.open('/root/b');
    expect(store.get().question).toEqual({ kind: 'missing', path: '/root/b' });
    store.create('/root/b');
    expect(file('/root/b')).toMatchObject({ text: '', mtime: null });
    store.edit('/root/b', 'mine');
    sandbox.put('/root/b', 'theirs');
    await store.save('/root/b');
    expect(store.get().question?.kind).toBe('exists');
    expect(sandbox.texts.get('/root/b')?.text).toBe('theirs');
    sandbox.texts.delete('/root/b');
    await store.save('/root/b');
    const folder = store.get().folders.get('/root');
    expect(typeof folder === 'object' && folder?.entries.map(({ name }) => name)).toEqual([
      'a',
      'b',
    ]);
  });

  it('keeps what was typed whatever goes wrong', async () => {
    await store.open(A);
    store.edit(A, 'mine');
    for (const code of ['ENOSPC', 'EROFS', 'offline', 'busy']) {
      sandbox.refusal = code;
      await store.save(A);
      expect([store.get().error, file()?.text, file()?.saved]).toEqual([code, 'mine', 'one']);
    }
  });

  it('shows a clean file as it is now, and leaves a dirty one alone', async () => {
    await store.open(A);
    sandbox.put(A, 'later');
    await store.show(A);
    expect(file()).toMatchObject({ text: 'later', saved: 'later' });
    store.edit(A, 'mine');
    sandbox.put(A, 'even later');
    await store.show(A);
    expect(file()?.text).toBe('mine');
  });

  it('goes to the neighbour of a file that is closed', async () => {
    sandbox.put('/root/b', 'b');
    await store.open(A);
    await store.open('/root/b');
    store.close('/root/b');
    expect(store.get().active).toBe(A);
    store.close(A);
    expect(store.get()).toMatchObject({ active: null, files: [] });
  });

  it('opens a folder that was reached by a link with all that is above it', async () => {
    await store.open('/root');
    expect([...store.get().folders.keys()]).toEqual(['/', '/root']);
    expect(store.get().folders.get('/')).toBe('ENOENT');
  });

  it('has the browser ask before the page goes, while something is not saved', async () => {
    const asks: string[] = [];
    const page = {
      addEventListener: (name: string) => asks.push(`+ ${name}`),
      removeEventListener: (name: string) => asks.push(`- ${name}`),
    };
    guardUnsaved(store, page);
    await store.open(A);
    expect(asks).toEqual([]);
    store.edit(A, 'mine');
    store.edit(A, 'mine!');
    expect(asks).toEqual(['+ beforeunload']);
    await store.save(A);
    expect(asks).toEqual(['+ beforeunload', '- beforeunload']);
  });

  it('tells why a folder cannot be read, and closes it with all below', async () => {
    sandbox.refusal = 'EACCES';
    await store.toggleFolder('/root');
    expect(store.get().folders.get('/root')).toBe('EACCES');
    await store.toggleFolder('/root');
    expect(store.get().folders.size).toBe(0);
  });
});

it('every refusal has a sentence in both languages', () => {
  const [en, zh] = [fileStrings('en'), fileStrings('zh')];
  expect(Object.keys(zh.errors)).toEqual(Object.keys(en.errors));
  for (const code of Object.keys(en.errors)) {
    expect(refusalText(code, 'zh')).toMatch(/[\u4e00-\u9fff]/);
    expect(refusalText(code, 'en')).not.toMatch(/[\u4e00-\u9fff]/);
  }
  expect(refusalText('EXYZ', 'en')).toContain('EXYZ');
});
