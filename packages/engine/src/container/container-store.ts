/**
 * The directory of containers. `ROOT/ID/` holds state.json and the FIFOs of one container;
 * `ROOT/ID.lock` is locked (flock(2)) by whoever changes it, in whatever process. Daemon or
 * command line, root. Needs nothing else to be running.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { lock, tryLock } from '@terrarium/syscall';
import { writeFileAtomically } from '../state/atomic-file.js';
import { ContainerError } from './container-error.js';
import { type ContainerRecord, containerId, containerRecord } from './container-record.js';

/** The lock of one container, held. */
export interface HeldLock {
  /** open file description that carries the lock */
  readonly fd: number;
  /** @param remove the container is gone, and its lock file goes too */
  release(remove?: boolean): void;
}

const STATE_FILE = 'state.json';
const LOCK_SUFFIX = '.lock';

/** Reads and writes what is in ROOT; decides nothing. */
export class ContainerStore {
  readonly root: string;
  /** configs as JSON: they do not change while an engine has them in hand */
  readonly #configs = new WeakMap<object, string>();
  /** what was read or written last; the file is a new one after each write, by whomever */
  readonly #known = new Map<string, { readonly file: string; readonly record: ContainerRecord }>();
  #scratches = 0;

  constructor(root: string) {
    this.root = root;
    mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  /** Path of a container's directory, or of a file in it. */
  path(id: string, ...file: readonly string[]): string {
    return join(this.root, id, ...file);
  }

  /** Path of a file that its maker removes at once: nobody else uses that name. */
  scratch(): string {
    return join(this.root, `.scratch-${process.pid}-${++this.#scratches}`);
  }

  /** Ids of all containers, readable or not. */
  ids(): string[] {
    return readdirSync(this.root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(this.path(entry.name, STATE_FILE)))
      .map((entry) => entry.name)
      .sort();
  }

  /** Every name that has left something: containers, half-removed directories, lock files. */
  traces(): string[] {
    const names = visible(readdirSync(this.root)).map((name) =>
      name.endsWith(LOCK_SUFFIX) ? name.slice(0, -LOCK_SUFFIX.length) : name,
    );
    return [...new Set(names)].sort();
  }

  /**
   * Waits for the container's lock. Files of containers that are gone are removed by the last one
   * who held them; who waited for such a file tries again with the new one.
   */
  async lock(id: string): Promise<HeldLock> {
    const path = join(this.root, `${id}${LOCK_SUFFIX}`);
    for (;;) {
      const fd = openSync(path, 'a', 0o600);
      await lock(fd);
      if (isSameFile(fd, path)) return heldLock(fd, path);
      closeSync(fd);
    }
  }

  /** Scratch files that are there, with the process that made each. */
  scratches(): { readonly path: string; readonly pid: number }[] {
    return readdirSync(this.root).flatMap((name) => {
      const pid = /^\.scratch-(\d+)-/.exec(name)?.[1];
      return pid === undefined ? [] : [{ path: join(this.root, name), pid: Number(pid) }];
    });
  }

  /** Whether a container may have that name. */
  isId(id: string): boolean {
    return containerId.safeParse(id).success;
  }

  /** Whether anything of that container is on disk, its lock aside. */
  exists(id: string): boolean {
    return existsSync(this.path(id));
  }

  /** The same without waiting. @returns undefined while somebody else holds it */
  tryLock(id: string): HeldLock | undefined {
    const path = join(this.root, `${id}${LOCK_SUFFIX}`);
    const fd = openSync(path, 'a', 0o600);
    if (tryLock(fd) && isSameFile(fd, path)) return heldLock(fd, path);
    closeSync(fd);
    return undefined;
  }

  /** Makes the directory of a new container. */
  makeDirectory(id: string): void {
    mkdirSync(this.path(id), { recursive: true, mode: 0o700 });
  }

  write(record: ContainerRecord): void {
    const { config, ...rest } = record;
    let text = this.#configs.get(config);
    if (text === undefined) {
      text = JSON.stringify(config);
      this.#configs.set(config, text);
    }
    const content = `${JSON.stringify(rest).slice(0, -1)},"config":${text}}\n`;
    const path = this.path(record.id, STATE_FILE);
    writeFileAtomically(path, content);
    const file = fileIdentity(path); // nobody else writes: we hold the lock
    if (file !== undefined) this.#known.set(record.id, { file, record });
  }

  /** @returns undefined when there is no such container */
  find(id: string): ContainerRecord | undefined {
    const path = this.path(id, STATE_FILE);
    const file = fileIdentity(path); // before the content: a newer one is then read again
    const known = this.#known.get(id);
    if (file === undefined) this.#known.delete(id);
    else if (known?.file === file) return known.record;
    let content: string;
    try {
      content = readFileSync(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw unreadable(id, path, (error as Error).message);
    }
    const record = parseRecord(id, path, content);
    if (file !== undefined) this.#known.set(id, { file, record });
    return record;
  }

  /** @throws ContainerError not-found, unreadable */
  read(id: string, what: string): ContainerRecord {
    if (!containerId.safeParse(id).success || !existsSync(this.path(id))) {
      throw new ContainerError({ code: 'not-found', what, reason: 'there is no such container' });
    }
    const record = this.find(id);
    if (record !== undefined) return record;
    throw new ContainerError({ code: 'not-found', what, reason: 'there is no such container' });
  }

  /** Removes the directory; the state last, so that a crash meanwhile leaves something to go on with. */
  remove(id: string): void {
    const directory = this.path(id);
    this.#known.delete(id);
    const names = listed(directory);
    for (const name of names) if (name !== STATE_FILE) unlinkQuietly(join(directory, name));
    unlinkQuietly(join(directory, STATE_FILE));
    try {
      rmdirSync(directory);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

function parseRecord(id: string, path: string, content: string): ContainerRecord {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw unreadable(id, path, 'it is not JSON');
  }
  const parsed = containerRecord.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unreadable(id, path, `${issue?.path.join('.') || 'state'}: ${issue?.message ?? 'wrong'}`);
  }
  if (parsed.data.id !== id) throw unreadable(id, path, `it is the state of ${parsed.data.id}`);
  return parsed.data;
}

/** Tells one content of a path from another: each is an inode of its own. */
function fileIdentity(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined
    ? undefined
    : `${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.size}`;
}

function unreadable(id: string, path: string, why: string): ContainerError {
  return new ContainerError({
    code: 'unreadable',
    what: `read the state of container ${id}`,
    reason: `${path} cannot be used: ${why}; delete with force removes what is left`,
  });
}

function heldLock(fd: number, path: string): HeldLock {
  return {
    fd,
    release: (remove = false) => {
      if (remove) unlinkQuietly(path);
      closeSync(fd);
    },
  };
}

/** Without scratch files. */
function visible(names: readonly string[]): string[] {
  return names.filter((name) => !name.startsWith('.'));
}

function isSameFile(fd: number, path: string): boolean {
  try {
    return statSync(path).ino === fstatSync(fd).ino;
  } catch {
    return false; // removed while we waited
  }
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
