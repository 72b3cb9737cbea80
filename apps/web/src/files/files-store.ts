/**
 * What the editor holds, outside of React: folders that were read, open files with what was typed
 * into them, what has gone wrong. One for the page: a learner who looks at another tab, or goes to
 * the next lesson, comes back to what they wrote.
 */
import type { FileList } from '@terrarium/protocol';
import { FileRefused, type FilesApi, filesApi } from './files-api';

/** What must be decided before a file can be saved or opened. */
export interface Question {
  readonly kind: 'changed' | 'gone' | 'exists' | 'missing';
  readonly path: string;
}

/** One open file. */
export interface OpenFile {
  readonly path: string;
  /** as the sandbox has it, or had it when it was read or saved last; '' of a new one */
  readonly saved: string;
  readonly text: string;
  /** null: it is new, nothing has been saved yet */
  readonly mtime: string | null;
  /** of `proc`, `sysfs` …: cannot be saved */
  readonly kernel: string | null;
  /** counts up when the text came from the sandbox, so that an editor shows it */
  readonly version: number;
}

export interface FilesState {
  /** folders that are open in the tree; null while being read, a code when that failed */
  readonly folders: ReadonlyMap<string, FileList | string | null>;
  readonly files: readonly OpenFile[];
  /** path of the file in the editor */
  readonly active: string | null;
  readonly busy: boolean;
  readonly question: Question | null;
  /** code of what the sandbox refused */
  readonly error: string | null;
  /** path that was saved last, until something else happens */
  readonly saved: string | null;
}

const EMPTY: FilesState = {
  ...{ folders: new Map(), files: [], active: null, busy: false },
  ...{ question: null, error: null, saved: null },
};

/** True where closing would lose something. */
export function isDirty(file: OpenFile): boolean {
  return file.text !== file.saved || file.mtime === null;
}

/** See the file's header. */
export class FilesStore {
  readonly #api: FilesApi;
  readonly #listeners = new Set<() => void>();
  #state = EMPTY;

  constructor(api: FilesApi) {
    this.#api = api;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly get = (): FilesState => this.#state;

  /** Opens or closes a folder of the tree; what it holds is read each time that it opens. */
  async toggleFolder(path: string): Promise<void> {
    if (!this.#state.folders.has(path)) return await this.#readFolder(path);
    const folders = new Map(this.#state.folders);
    for (const one of folders.keys()) {
      if (one === path || one.startsWith(path === '/' ? '/' : `${path}/`)) folders.delete(one);
    }
    this.#set({ folders });
  }

  /** Reads all open folders again. */
  async refresh(): Promise<void> {
    for (const path of this.#state.folders.keys()) await this.#readFolder(path);
  }

  /** Opens what is at a path: a file in the editor, a folder in the tree. */
  async open(path: string): Promise<void> {
    const known = this.#file(path);
    if (known !== undefined) return await this.show(path);
    await this.#act(async () => {
      try {
        const found = await this.#api.read(path);
        if (found.kind === 'directory') return await this.#reveal(found);
        const { text, mtime, kernel } = found;
        const old = this.#file(found.path);
        // By another name, it may be open already, with what was typed into it.
        if (old === undefined || !isDirty(old)) {
          this.#put({ path: found.path, saved: text, text, mtime, kernel });
        }
        this.#set({ active: found.path });
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || path.endsWith('/')) throw error;
        this.#set({ question: { kind: 'missing', path } });
      }
    });
  }

  /** Begins a file that is not there yet; it is made when it is saved. */
  create(path: string): void {
    this.#set({ question: null, error: null, saved: null, active: path });
    if (this.#file(path) === undefined) {
      this.#put({ path, saved: '', text: '', mtime: null, kernel: null });
    }
  }

  /** Brings an open file to the front, as the sandbox has it now unless something was typed. */
  async show(path: string): Promise<void> {
    this.#set({ active: path, question: null, error: null, saved: null });
    const file = this.#file(path);
    if (file === undefined || isDirty(file)) return;
    // Quietly: what was read before is there to be seen, and a save says what is wrong.
    const found = await this.#api.read(path).catch(() => null);
    const now = this.#file(path);
    if (found?.kind !== 'file' || found.path !== path || now === undefined || isDirty(now)) return;
    if (found.mtime === now.mtime && found.text === now.text) return;
    this.#put({ ...now, saved: found.text, text: found.text, mtime: found.mtime });
  }

  /** The learner typed. */
  edit(path: string, text: string): void {
    const file = this.#file(path);
    if (file === undefined || file.text === text) return;
    this.#replace({ ...file, text });
    if (this.#state.saved !== null) this.#set({ saved: null });
  }

  /** @param overwrite whatever the sandbox has there */
  async save(path: string, overwrite = false): Promise<void> {
    const file = this.#file(path);
    if (file === undefined || file.kernel !== null || this.#state.busy) return;
    const { text, mtime } = file;
    await this.#act(async () => {
      try {
        const expected = overwrite ? 'any' : mtime === null ? 'new' : { mtime };
        const written = await this.#api.write(path, text, expected);
        const now = this.#file(path);
        // What was typed while it was saved stays typed.
        if (now !== undefined) this.#replace({ ...now, saved: text, mtime: written.mtime });
        this.#set({ saved: path });
      } catch (error) {
        const kind = questionOf(codeOf(error), mtime === null);
        if (kind === null) throw error;
        this.#set({ question: { kind, path } });
      }
    });
    if (this.#state.saved === path && mtime === null) await this.#readParent(path);
  }

  /** After its file went: saves it as a new one. */
  async saveAnew(path: string): Promise<void> {
    const file = this.#file(path);
    if (file === undefined) return;
    this.#replace({ ...file, mtime: null });
    await this.save(path);
  }

  /** Drops what was typed: the file as the sandbox has it. */
  async reload(path: string): Promise<void> {
    await this.#act(async () => {
      const found = await this.#api.read(path);
      if (found.kind !== 'file') throw new FileRefused('EISDIR');
      const { text, mtime, kernel } = found;
      this.#put({ path, saved: text, text, mtime, kernel });
    });
  }

  close(path: string): void {
    const files = this.#state.files.filter((file) => file.path !== path);
    const at = this.#state.files.findIndex((file) => file.path === path);
    const active =
      this.#state.active === path
        ? (files[Math.min(at, files.length - 1)]?.path ?? null)
        : this.#state.active;
    this.#set({ files, active, question: null, error: null, saved: null });
  }

  /** Takes a message away. */
  dismiss(): void {
    this.#set({ question: null, error: null, saved: null });
  }

  #file(path: string): OpenFile | undefined {
    return this.#state.files.find((file) => file.path === path);
  }

  /** With a text from the sandbox. */
  #put(file: Omit<OpenFile, 'version'>): void {
    const old = this.#file(file.path);
    const next: OpenFile = { ...file, version: (old?.version ?? 0) + 1 };
    if (old === undefined) this.#set({ files: [...this.#state.files, next] });
    else this.#replace(next);
  }

  #replace(file: OpenFile): void {
    this.#set({
      files: this.#state.files.map((one) => (one.path === file.path ? file : one)),
    });
  }

  /** A folder that was reached by its path, or through a link: with all folders above it. */
  async #reveal(folder: FileList): Promise<void> {
    const names = folder.path.split('/').slice(1, -1);
    const above = ['/', ...names.map((_, at) => `/${names.slice(0, at + 1).join('/')}`)];
    for (const path of folder.path === '/' ? [] : above) {
      if (!this.#state.folders.has(path)) await this.#readFolder(path);
    }
    await this.#readFolder(folder.path, folder);
  }

  async #readFolder(path: string, known?: FileList): Promise<void> {
    this.#setFolder(path, known ?? this.#state.folders.get(path) ?? null);
    if (known !== undefined) return;
    const found = await this.#api.read(path).catch((error: unknown) => codeOf(error));
    if (!this.#state.folders.has(path)) return; // closed meanwhile
    const isFolder = typeof found !== 'string' && found.kind === 'directory';
    this.#setFolder(path, isFolder ? found : typeof found === 'string' ? found : 'ENOTDIR');
  }

  #setFolder(path: string, value: FileList | string | null): void {
    this.#set({ folders: new Map(this.#state.folders).set(path, value) });
  }

  async #readParent(path: string): Promise<void> {
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    if (this.#state.folders.has(parent)) await this.#readFolder(parent);
  }

  /** One question to the sandbox at a time; what it refuses is told. */
  async #act(action: () => Promise<void>): Promise<void> {
    this.#set({ busy: true, question: null, error: null, saved: null });
    try {
      await action();
    } catch (error) {
      this.#set({ error: codeOf(error) });
    } finally {
      this.#set({ busy: false });
    }
  }

  #set(change: Partial<FilesState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function questionOf(code: string, isNew: boolean): Question['kind'] | null {
  if (code === 'changed') return 'changed';
  if (code === 'EEXIST') return 'exists';
  // Of a new file, it is the folder that is not there.
  return code === 'ENOENT' && !isNew ? 'gone' : null;
}

function codeOf(error: unknown): string {
  return error instanceof FileRefused ? error.code : 'unexpected';
}

/**
 * The browser asks before the page goes, while there is something that is nowhere else, whatever
 * tab is shown. Once for a store.
 */
export function guardUnsaved(store: FilesStore, page: Pick<Window, GuardedBy>): void {
  const ask = (event: Event): void => event.preventDefault();
  let guarded = false;
  store.subscribe(() => {
    const dirty = store.get().files.some(isDirty);
    if (dirty === guarded) return;
    guarded = dirty;
    if (dirty) page.addEventListener('beforeunload', ask);
    else page.removeEventListener('beforeunload', ask);
  });
}

type GuardedBy = 'addEventListener' | 'removeEventListener';

/** The page's one. */
export const filesStore: FilesStore = new FilesStore(filesApi);
if (typeof window !== 'undefined') guardUnsaved(filesStore, window);
