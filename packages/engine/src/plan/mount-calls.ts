/**
 * Mounts below a root directory that somebody hostile may have filled: the destination is found by
 * openat2(2) with RESOLVE_IN_ROOT (a symlink in the image cannot lead out, CVE-2021-30465), what
 * is missing is made step by step, and the mount is attached to that very fd. It gets all its
 * attributes while it is still detached: nobody ever sees it without them.
 *
 * Who runs them: a process in the mount namespace that gets the mounts, with CAP_SYS_ADMIN in the
 * user namespace that owns it. A source outside of it is cloned before the namespace is entered.
 */
import {
  AT,
  type Block,
  ERRNO,
  type Field,
  FS,
  flagged,
  MOVE_MOUNT,
  MS,
  O,
  OPEN_TREE,
  type Purpose,
  RESOLVE,
  S,
  type Shown,
  type Slot,
  struct,
} from '@terrarium/syscall';
import {
  type AttributeChange,
  attributeBits,
  isNoChange,
  type PropagationFlag,
  type SortedOptions,
  sortMountOptions,
} from './mount-attributes.js';
import { FDCWD, octal, type Script } from './script.js';

/** struct mount_attr of mount_setattr(2): attr_set, attr_clr, propagation, userns_fd */
const MOUNT_ATTR_BYTES = 32;
/** struct open_how of openat2(2): flags, mode, resolve */
const OPEN_HOW_BYTES = 24;
/** fsconfig(2) copies at most this much of a value, its NUL included */
const FSCONFIG_VALUE_BYTES = 256;

/** A root directory and the registers with which mounts are made below it. One per process. */
export interface MountRoot {
  readonly script: Script;
  /** O_PATH fd of the directory that destinations are below */
  readonly root: Slot;
  readonly parent: Slot;
  /** fd of the destination found last; closed by who opened it */
  readonly target: Slot;
  /** fd of the detached mount under work */
  readonly tree: Slot;
  /** directories that this plan has made sure of and that no later mount of it can have hidden */
  readonly known: Set<string>;
}

/** A mount as a config has it. */
export interface MountInput {
  /** absolute, as seen from the root */
  readonly destination: string;
  readonly type: string;
  /** of a bind: a path of the process that clones it; else the name that mountinfo shows */
  readonly source: string;
  readonly options: readonly string[];
  /** fd of the user namespace of `idmap` and `ridmap` */
  readonly userNs?: Slot;
}

/** A directory to mount on, or a file (a bind of a file takes one). */
export type TargetKind = 'directory' | 'file';

/** Allocates the registers. @param root holds an O_PATH fd of the root directory */
export function mountRoot(script: Script, root: Slot): MountRoot {
  const slot = (name: string) => script.builder.slot(`${script.process} ${name}`);
  const [parent, target, tree] = ['parent', 'target', 'tree'].map(slot) as [Slot, Slot, Slot];
  return { script, root, parent, target, tree, known: new Set() };
}

/** Opens a directory as a root: `openRoot(script, '/run/lab/rootfs', slot, why)`. */
export function openRoot(script: Script, path: string, to: Slot, why: Purpose): void {
  script.call('openat', [FDCWD, path, DIRECTORY_FLAGS], why, { store: to });
}

const DIRECTORY_FLAGS = flagged(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
const PATH_FLAGS = flagged(O, 'O_PATH', 'O_CLOEXEC');

/**
 * Opens a path below the root; `..` and symlinks stay below it, and the links of /proc that lead
 * anywhere are not followed.
 *
 * @param tolerate errnos after which the register keeps what it had: set it to NO_FD before
 * @param whenFound another register, and what it becomes if the path is there
 */
export function openBelow(
  { script, root }: MountRoot,
  path: string,
  to: Slot,
  openFlags: Shown,
  why: Purpose,
  tolerate: readonly number[] = [],
  whenFound?: { readonly to: Slot; readonly value: Slot },
): void {
  const resolve = flagged(RESOLVE, 'RESOLVE_NO_MAGICLINKS', 'RESOLVE_IN_ROOT');
  const fields: Field[] = [
    [openFlags, 8],
    [0, 8],
    [resolve, 8],
  ];
  // Behind what the kernel reads stands what is loaded after a success only.
  const how = struct(whenFound === undefined ? fields : [...fields, [whenFound.value, 8]]);
  const relative = relativeOf(path);
  script.call('openat2', [root, relative, how, OPEN_HOW_BYTES], why, {
    store: to,
    tolerate,
    ...(whenFound !== undefined && {
      loads: [{ from: how, offset: OPEN_HOW_BYTES, width: 8, to: whenFound.to }],
    }),
    display: `openat2(<${root.name}>, ${JSON.stringify(relative)}, {flags=${openFlags.display}, resolve=${resolve.display}}, ${OPEN_HOW_BYTES})`,
  });
}

/**
 * Finds the destination, making it and the directories on the way where they are missing. A
 * symlink on the way counts as being there: where it leads to must exist.
 *
 * @returns the register with its O_PATH fd, for the caller to close: `at.target`
 */
export function openTarget(
  at: MountRoot,
  destination: string,
  kind: TargetKind,
  why: Purpose,
): Slot {
  const names = componentsOf(destination);
  names.forEach((name, depth) => {
    const isLast = depth === names.length - 1;
    const isFile = isLast && kind === 'file';
    const path = names.slice(0, depth + 1).join('/');
    if (!isFile && at.known.has(path)) return;
    openBelow(at, names.slice(0, depth).join('/'), at.parent, DIRECTORY_FLAGS, why);
    if (isFile) makeFile(at, name, why);
    else makeDirectory(at, name, why);
    if (!isFile) at.known.add(path);
    at.script.call('close', [at.parent], why);
  });
  openBelow(at, destination, at.target, PATH_FLAGS, why);
  return at.target;
}

const EXISTS = [ERRNO.EEXIST];

function makeDirectory({ script, parent }: MountRoot, name: string, why: Purpose): void {
  script.call('mkdirat', [parent, name, octal(0o755)], why, { tolerate: EXISTS });
}

/** mknodat, as it needs no fd that would have to be closed only if it was opened. */
function makeFile({ script, parent }: MountRoot, name: string, why: Purpose): void {
  const mode = { value: BigInt(S.S_IFREG | 0o644), display: 'S_IFREG|0644' };
  script.call('mknodat', [parent, name, mode, 0], why, { tolerate: EXISTS });
}

/** Mounts as the config says: a bind of its source, or a new file system. */
export function mountBelow(at: MountRoot, input: MountInput, kind: TargetKind, why: Purpose): void {
  const options = sortMountOptions(input.options);
  if (options.bind === 'none') makeFileSystem(at, input, options, why);
  else cloneTree(at, input.source, options.bind === 'rbind', why);
  changeTree(at.script, at.tree, options, input.userNs, why);
  attachTree(at, input.destination, kind, why);
}

/**
 * Takes a detached copy of a mounted tree. Where the source lies outside of the container, this
 * runs before its mount namespace is entered.
 *
 * @param to register for the tree's fd; `at.tree` when not given
 */
export function cloneTree(
  { script, tree }: Pick<MountRoot, 'script' | 'tree'>,
  source: string,
  recursive: boolean,
  why: Purpose,
  from: Slot | Shown = FDCWD,
): void {
  script.call('open_tree', [from, source, cloneFlags(recursive, source === '')], why, {
    store: tree,
  });
}

/** Flags of an open_tree that clones; AT_ flags share the argument with OPEN_TREE_ ones. */
export function cloneFlags(recursive: boolean, emptyPath: boolean): Shown {
  const names: (readonly [number, string])[] = [[OPEN_TREE.OPEN_TREE_CLONE, 'OPEN_TREE_CLONE']];
  if (emptyPath) names.push([AT.AT_EMPTY_PATH, 'AT_EMPTY_PATH']);
  if (recursive) names.push([AT.AT_RECURSIVE, 'AT_RECURSIVE']);
  names.push([OPEN_TREE.OPEN_TREE_CLOEXEC, 'OPEN_TREE_CLOEXEC']);
  return {
    value: names.reduce((bits, [bit]) => bits | BigInt(bit), 0n),
    display: names.map(([, name]) => name).join('|'),
  };
}

/** A new file system as a detached mount: what mount(2) does in one go, in its four parts. */
export function makeFileSystem(
  { script, tree, parent: context }: Pick<MountRoot, 'script' | 'tree' | 'parent'>,
  { type, source }: Pick<MountInput, 'type' | 'source'>,
  options: Pick<SortedOptions, 'superBlock' | 'data' | 'attributes'>,
  why: Purpose,
): void {
  const configure = (command: keyof typeof FS, key: string | 0, value: string | 0) =>
    script.call('fsconfig', [context, flagged(FS, command), key, value, 0], why);
  script.call('fsopen', [type, flagged(FS, 'FSOPEN_CLOEXEC')], why, { store: context });
  configure('FSCONFIG_SET_STRING', 'source', fitting('source', source));
  for (const name of options.superBlock) configure('FSCONFIG_SET_FLAG', name, 0);
  for (const [key, value] of options.data) {
    if (value === null) configure('FSCONFIG_SET_FLAG', key, 0);
    else configure('FSCONFIG_SET_STRING', key, fitting(key, value));
  }
  configure('FSCONFIG_CMD_CREATE', 0, 0);
  const attributes = attributeBits(options.attributes.set);
  script.call('fsmount', [context, flagged(FS, 'FSMOUNT_CLOEXEC'), attributes], why, {
    store: tree,
  });
  script.call('close', [context], why);
}

function fitting(key: string, value: string): string {
  if (new TextEncoder().encode(value).length < FSCONFIG_VALUE_BYTES) return value;
  throw new Error(
    `mount option ${key}: longer than the ${FSCONFIG_VALUE_BYTES} bytes of fsconfig(2)`,
  );
}

/** Attributes, id mapping and propagation of a detached (or any) mount, by its fd. */
export function changeTree(
  script: Script,
  tree: Slot,
  options: Pick<SortedOptions, 'bind' | 'attributes' | 'recursive' | 'propagation' | 'idmap'>,
  userNs: Slot | undefined,
  why: Purpose,
): void {
  // A new file system got its own attributes at fsmount.
  if (options.bind !== 'none' && !isNoChange(options.attributes))
    changeAttributes(script, tree, options.attributes, false, why);
  if (!isNoChange(options.recursive)) changeAttributes(script, tree, options.recursive, true, why);
  if (options.idmap !== 'none') {
    if (userNs === undefined) throw new Error(`mount option ${options.idmap} without id mappings`);
    mapIds(script, tree, userNs, options.idmap === 'ridmap', why);
  }
  for (const { flag, recursive } of options.propagation)
    setPropagation(script, tree, flag, recursive, why);
}

/**
 * Sets and clears attributes. Unlike a remount it leaves the others as they are: those that are
 * locked (by a more privileged user namespace) too, which a remount would have to repeat.
 */
export function changeAttributes(
  script: Script,
  tree: Slot,
  change: AttributeChange,
  recursive: boolean,
  why: Purpose,
  tolerate: readonly number[] = [],
): void {
  const [set, clear] = [attributeBits(change.set), attributeBits(change.clear)];
  const fields = [`attr_set=${set.display}`];
  if (change.clear.length > 0) fields.push(`attr_clr=${clear.display}`);
  setAttributes(script, tree, attributeStruct({ set, clear }), fields, recursive, why, tolerate);
}

/** Files of the mount belong to whom `userNs` maps their owners to. Only while it is detached. */
export function mapIds(
  script: Script,
  tree: Slot,
  userNs: Slot,
  recursive: boolean,
  why: Purpose,
): void {
  const set = attributeBits(['MOUNT_ATTR_IDMAP']);
  const fields = ['attr_set=MOUNT_ATTR_IDMAP', `userns_fd=<${userNs.name}>`];
  setAttributes(script, tree, attributeStruct({ set, userNs }), fields, recursive, why);
}

/** Whether mounts made here travel to copies of the tree, and theirs to here. */
export function setPropagation(
  script: Script,
  tree: Slot,
  flag: PropagationFlag,
  recursive: boolean,
  why: Purpose,
): void {
  const memory = attributeStruct({ propagation: MS[flag] });
  setAttributes(script, tree, memory, [`propagation=${flag}`], recursive, why);
}

function attributeStruct(fields: {
  set?: Shown;
  clear?: Shown;
  propagation?: number;
  userNs?: Slot;
}): Block {
  return struct(
    [
      [fields.set?.value ?? 0, 8],
      [fields.clear?.value ?? 0, 8],
      [fields.propagation ?? 0, 8],
      fields.userNs === undefined ? [0, 8] : [fields.userNs, 8],
    ],
    MOUNT_ATTR_BYTES,
  );
}

function setAttributes(
  script: Script,
  tree: Slot,
  memory: Block,
  fields: readonly string[],
  recursive: boolean,
  why: Purpose,
  tolerate: readonly number[] = [],
): void {
  const where = recursive
    ? flagged(AT, 'AT_EMPTY_PATH', 'AT_RECURSIVE')
    : flagged(AT, 'AT_EMPTY_PATH');
  script.call('mount_setattr', [tree, '', where, memory, MOUNT_ATTR_BYTES], why, {
    tolerate,
    display: `mount_setattr(<${tree.name}>, "", ${where.display}, {${fields.join(', ')}}, ${MOUNT_ATTR_BYTES})`,
  });
}

/** Attaches `at.tree` at a destination below the root, and closes both. */
export function attachTree(
  at: MountRoot,
  destination: string,
  kind: TargetKind,
  why: Purpose,
): void {
  openTarget(at, destination, kind, why);
  moveTree(at.script, at.tree, at.target, why);
  forgetAllBut(at, destination);
  at.script.call('close', [at.target], why);
  at.script.call('close', [at.tree], why);
}

/** A new mount may hide anything, symlinks being what they are, but not the way to itself. */
function forgetAllBut({ known }: MountRoot, destination: string): void {
  const own = componentsOf(destination).map((_, depth, names) =>
    names.slice(0, depth + 1).join('/'),
  );
  for (const path of [...known]) if (!own.includes(path)) known.delete(path);
}

/** move_mount(2) from fd to fd: no path that could come to mean something else. */
export function moveTree(
  script: Script,
  tree: Slot,
  target: Slot,
  why: Purpose,
  tolerate: readonly number[] = [],
): void {
  const both = flagged(MOVE_MOUNT, 'MOVE_MOUNT_F_EMPTY_PATH', 'MOVE_MOUNT_T_EMPTY_PATH');
  script.call('move_mount', [tree, '', target, '', both], why, { tolerate });
}

function componentsOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function relativeOf(path: string): string {
  const relative = componentsOf(path).join('/');
  return relative === '' ? '.' : relative;
}
