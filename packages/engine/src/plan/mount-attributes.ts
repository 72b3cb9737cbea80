/**
 * Mount options of the OCI config sorted by the call that each needs: a bind's kind, attributes
 * for mount_setattr(2) (of the one mount or of all below it), propagation, id mapping, and the
 * file system's own options for fsconfig(2). Pure.
 * @see runtime-spec config.md, "Linux mount options"; mount_setattr(2)
 */
import { MOUNT_ATTR, type Shown } from '@terrarium/syscall';

/** One of mount_setattr's four ways to spread. */
export type PropagationFlag = 'MS_SHARED' | 'MS_SLAVE' | 'MS_PRIVATE' | 'MS_UNBINDABLE';

/** Attributes by name: what to take away first, what to set then. */
export interface AttributeChange {
  readonly set: readonly AttributeName[];
  readonly clear: readonly AttributeName[];
}

export type AttributeName = keyof typeof MOUNT_ATTR;

/** A mount's options, each where it belongs. */
export interface SortedOptions {
  readonly bind: 'none' | 'bind' | 'rbind';
  /** of the mount itself */
  readonly attributes: AttributeChange;
  /** of the mount and all mounts below it: rro, rnosuid, … */
  readonly recursive: AttributeChange;
  readonly propagation: readonly { readonly flag: PropagationFlag; readonly recursive: boolean }[];
  /** ids of the mount, or of all below it, are seen through a user namespace */
  readonly idmap: 'none' | 'idmap' | 'ridmap';
  /** of the whole file system: `ro`, `sync` */
  readonly superBlock: readonly string[];
  /** the file system's own; null: an option without a value */
  readonly data: readonly (readonly [key: string, value: string | null])[];
  /** copy what the image has at the destination into the new tmpfs */
  readonly tmpCopyUp: boolean;
}

const set = (...names: AttributeName[]): AttributeChange => ({ set: names, clear: [] });
const clear = (...names: AttributeName[]): AttributeChange => ({ set: [], clear: names });
/** The four ways to keep access times exclude each other: all bits go first. */
const atime = (...names: AttributeName[]): AttributeChange => ({
  set: names,
  clear: ['MOUNT_ATTR__ATIME'],
});

const ATTRIBUTES = table<AttributeChange>({
  ro: set('MOUNT_ATTR_RDONLY'),
  rw: clear('MOUNT_ATTR_RDONLY'),
  nosuid: set('MOUNT_ATTR_NOSUID'),
  suid: clear('MOUNT_ATTR_NOSUID'),
  nodev: set('MOUNT_ATTR_NODEV'),
  dev: clear('MOUNT_ATTR_NODEV'),
  noexec: set('MOUNT_ATTR_NOEXEC'),
  exec: clear('MOUNT_ATTR_NOEXEC'),
  nodiratime: set('MOUNT_ATTR_NODIRATIME'),
  diratime: clear('MOUNT_ATTR_NODIRATIME'),
  nosymfollow: set('MOUNT_ATTR_NOSYMFOLLOW'),
  symfollow: clear('MOUNT_ATTR_NOSYMFOLLOW'),
  noatime: atime('MOUNT_ATTR_NOATIME'),
  strictatime: atime('MOUNT_ATTR_STRICTATIME'),
  relatime: atime(),
  atime: atime(), // "not noatime": the kernel's default, relatime
  norelatime: atime('MOUNT_ATTR_STRICTATIME'),
  nostrictatime: atime(),
});

const PROPAGATION = table<PropagationFlag>({
  shared: 'MS_SHARED',
  slave: 'MS_SLAVE',
  private: 'MS_PRIVATE',
  unbindable: 'MS_UNBINDABLE',
});

/** A Map, so that an option named `constructor` is no entry. */
function table<T>(rows: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(rows));
}

/** fsconfig(2) takes these for every file system (vfs_parse_sb_flag). */
const SUPER_BLOCK = new Set([
  'sync',
  'async',
  'dirsync',
  'lazytime',
  'nolazytime',
  'mand',
  'nomand',
]);

/** They say what is the case anyway, or what a kernel of today no longer has. */
const WITHOUT_EFFECT = new Set([
  'defaults',
  'silent',
  'loud',
  'iversion',
  'noiversion',
  'acl',
  'noacl',
]);

/**
 * Sorts options; later ones win over earlier ones of the same attribute.
 *
 * @throws Error on `remount` (a config has nothing to remount) and on what contradicts a bind
 */
export function sortMountOptions(options: readonly string[]): SortedOptions {
  const own = new Attributes();
  const recursive = new Attributes();
  const propagation: SortedOptions['propagation'][number][] = [];
  const superBlock: string[] = [];
  const data: [string, string | null][] = [];
  let bind: SortedOptions['bind'] = 'none';
  let idmap: SortedOptions['idmap'] = 'none';
  let tmpCopyUp = false;
  for (const option of options) {
    const ofAll = option.startsWith('r') ? option.slice(1) : '';
    const flag = PROPAGATION.get(option) ?? PROPAGATION.get(ofAll);
    const ownChange = ATTRIBUTES.get(option);
    const change = ownChange ?? ATTRIBUTES.get(ofAll);
    if (option === 'bind' || option === 'rbind') bind = option;
    else if (option === 'idmap' || option === 'ridmap') idmap = option;
    else if (option === 'tmpcopyup') tmpCopyUp = true;
    else if (option === 'remount')
      throw new Error('mount option remount: there is nothing to remount');
    else if (flag !== undefined) propagation.push({ flag, recursive: !PROPAGATION.has(option) });
    else if (change !== undefined) (ownChange === undefined ? recursive : own).apply(change);
    else if (SUPER_BLOCK.has(option)) superBlock.push(option);
    else if (!WITHOUT_EFFECT.has(option) && option !== '') data.push(keyAndValue(option));
  }
  if (bind !== 'none') refuseForBind([...superBlock, ...data.map(([key]) => key)], tmpCopyUp);
  const attributes = own.change();
  // A new file system that is read-only is so in every mount of it.
  if (bind === 'none' && attributes.set.includes('MOUNT_ATTR_RDONLY')) superBlock.push('ro');
  return {
    bind,
    attributes,
    recursive: recursive.change(),
    propagation,
    idmap,
    superBlock,
    data,
    tmpCopyUp,
  };
}

/** A bind shows a file system that is mounted already: its own options cannot be given again. */
function refuseForBind(options: readonly string[], tmpCopyUp: boolean): void {
  const refused = tmpCopyUp ? [...options, 'tmpcopyup'] : options;
  if (refused.length === 0) return;
  throw new Error(`mount option ${refused.join(', ')}: a bind mount has no such option`);
}

function keyAndValue(option: string): [string, string | null] {
  const at = option.indexOf('=');
  return at === -1 ? [option, null] : [option.slice(0, at), option.slice(at + 1)];
}

/** True where a change has nothing to do. */
export function isNoChange(change: AttributeChange): boolean {
  return change.set.length === 0 && change.clear.length === 0;
}

/** Attribute names as a number and as strace shows them. */
export function attributeBits(names: readonly AttributeName[]): Shown {
  const value = names.reduce((bits, name) => bits | BigInt(MOUNT_ATTR[name]), 0n);
  return { value, display: names.length === 0 ? '0' : names.join('|') };
}

/** Collects changes; what is set is no longer to be cleared, and the other way round. */
class Attributes {
  readonly #set = new Set<AttributeName>();
  readonly #clear = new Set<AttributeName>();

  apply(change: AttributeChange): void {
    for (const name of change.clear) {
      for (const other of this.#set)
        if (MOUNT_ATTR[name] & MOUNT_ATTR[other]) this.#set.delete(other);
      this.#clear.add(name);
    }
    for (const name of change.set) {
      this.#clear.delete(name);
      this.#set.add(name);
    }
  }

  change(): AttributeChange {
    const order = (a: AttributeName, b: AttributeName) => MOUNT_ATTR[a] - MOUNT_ATTR[b];
    return { set: [...this.#set].sort(order), clear: [...this.#clear].sort(order) };
  }
}
