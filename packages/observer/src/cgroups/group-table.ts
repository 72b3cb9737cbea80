/**
 * The cgroups of one sandbox in all hierarchies: which there are and what is set in each. A change
 * comes from the trace (with who made it), from inotify on the directory, or from a scan; all three
 * lead here, where the directory itself says what is true. Host side, read only.
 */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import type { CgroupKey, ProcessKey } from '@terrarium/timeline';
import { type CgroupPlace, childrenOf, MAX_CGROUPS } from '../cgroup-walk.js';
import type { Emit, Machine } from '../context.js';
import { carriedText, controllerOf, kindOfFile, settingWrittenBy } from './control-files.js';

/** Text of one setting: a list of devices may be long, a hostile one (2 MiB of rules) is cut. */
const MAX_SETTING_BYTES = 4096;
/**
 * Groups whose settings are read again in one full scan, in turn: inotify has told all writes, so
 * this only heals a queue that ran over, and files that change with another group's.
 */
const HEALED_AT_ONCE = 48;

/** A line of the trace that is later than this is about another group of the same name, ms. */
const PASSED_MS = 2000;

/** One group as it is known here. */
export interface Group {
  readonly key: CgroupKey;
  readonly place: CgroupPlace;
  /** below the sandbox's own group */
  readonly path: string;
  readonly dir: string;
  /** tells a group from the next one of its name; 0 for one that was gone when it was heard of */
  readonly inode: number;
  readonly children: Set<string>;
  settings: Record<string, string>;
  /** names of its files that are sampled */
  meters: readonly string[];
  watch: FSWatcher | null;
}

/** What a group's directory had to tell. */
export type Listener = (group: Group, file: string | null) => void;

export class GroupTable {
  readonly groups: Map<CgroupKey, Group> = new Map();
  private readonly machine: Machine;
  private readonly emit: Emit;
  private readonly onFile: Listener;
  private readonly counts = new Map<string, number>();
  private healedTo = 0;
  /** groups whose end was seen and not told, with when: their lines may still come */
  private readonly passed = new Map<CgroupKey, number>();

  /** @param onFile a file or child of a group was touched; null where inotify did not say which */
  constructor(machine: Machine, emit: Emit, onFile: Listener) {
    this.machine = machine;
    this.emit = emit;
    this.onFile = onFile;
  }

  at(place: CgroupPlace, path: string): Group | undefined {
    return this.groups.get(keyOf(place, path));
  }

  /**
   * Makes sure that a group is known, and its parents before it.
   */
  discover(place: CgroupPlace, path: string): void {
    this.find(place, path, undefined, false);
    const group = this.at(place, path);
    if (group === undefined) return;
    for (const child of childrenOf(group.dir)) {
      if (!group.children.has(child)) this.discover(place, join(path, child));
    }
  }

  /**
   * The trace told of a group: it was there, even if it is gone by now. What is in it has lines of
   * its own, which say who made it.
   *
   * @returns the group, where it is there
   */
  made(place: CgroupPlace, path: string, actor: ProcessKey | undefined): Group | undefined {
    // A late line about one that was seen to come and go already.
    if (this.passed.delete(keyOf(place, path)) && this.at(place, path) === undefined) {
      this.discover(place, path);
      return this.at(place, path);
    }
    this.find(place, path, actor, true);
    return this.at(place, path);
  }

  private find(
    place: CgroupPlace,
    path: string,
    actor: ProcessKey | undefined,
    passed: boolean,
  ): void {
    const known = this.at(place, path);
    const dir = path === '/' ? place.dir : `${place.dir}${path}`;
    const stat = statSync(dir, { throwIfNoEntry: false });
    if (known !== undefined) {
      if (stat === undefined || known.inode === stat.ino) return;
      this.forget(known); // another of the same name
    }
    if (stat === undefined && !passed) return;
    if ((this.counts.get(place.controllers) ?? 0) >= MAX_CGROUPS) return;
    if (path !== '/') {
      const above = parentOf(path);
      if (this.at(place, above) === undefined) this.find(place, above, undefined, false);
      const parent = this.at(place, above);
      if (parent === undefined) return;
      parent.children.add(nameOf(path));
    }
    this.add(place, path, dir, stat?.ino ?? 0, actor);
  }

  private add(
    place: CgroupPlace,
    path: string,
    dir: string,
    inode: number,
    actor: ProcessKey | undefined,
  ): void {
    const key = keyOf(place, path);
    const group: Group = {
      ...{ key, place, path, dir, inode, settings: {}, meters: [], watch: null },
      children: new Set(),
    };
    this.groups.set(key, group);
    this.counts.set(place.controllers, (this.counts.get(place.controllers) ?? 0) + 1);
    // The watch first: what is written between it and the reading is read, or told, or both.
    if (inode !== 0) group.watch = this.watchOf(group);
    const names = namesIn(dir);
    group.meters = names.filter((name) => kindOfFile(name) === 'meter');
    group.settings = this.read(group, names);
    this.emit({
      type: 'cgroup.appear',
      cgroup: {
        ...{ key, path, hierarchy: place.controllers, files: group.settings },
        bornAt: this.machine.now(),
      },
      ...(actor && { actor }),
    });
  }

  /** A group is no longer there, and none below it. */
  forget(group: Group, actor?: ProcessKey): void {
    for (const child of [...group.children]) {
      const below = this.at(group.place, join(group.path, child));
      if (below !== undefined) this.forget(below, actor);
    }
    group.watch?.close();
    this.groups.delete(group.key);
    const { controllers } = group.place;
    this.counts.set(controllers, (this.counts.get(controllers) ?? 1) - 1);
    if (group.path !== '/') {
      this.at(group.place, parentOf(group.path))?.children.delete(nameOf(group.path));
    }
    this.emit({ type: 'cgroup.vanish', key: group.key, ...(actor && { actor }) });
  }

  /** Makes the children of a group those of its directory; the group itself may have gone, too. */
  compareChildren(group: Group): void {
    if (!this.isThere(group)) {
      this.forget(group);
      this.passed.set(group.key, this.machine.now());
      this.discover(group.place, group.path); // another of its name, perhaps
      return;
    }
    const present = new Set(childrenOf(group.dir));
    for (const name of [...group.children]) {
      const child = this.at(group.place, join(group.path, name));
      if (child === undefined) group.children.delete(name);
      else if (!present.has(name)) {
        this.forget(child);
        this.passed.set(child.key, this.machine.now());
      }
    }
    for (const name of present) {
      const child = this.at(group.place, join(group.path, name));
      if (child === undefined || !this.isThere(child)) {
        this.discover(group.place, join(group.path, name));
      }
    }
  }

  private isThere(group: Group): boolean {
    return statSync(group.dir, { throwIfNoEntry: false })?.ino === group.inode;
  }

  /**
   * Groups that are not as their directories: to be compared a moment later, as the trace may have
   * a line on its way that says who did it. See `WatchPart.scan`.
   */
  scan(depth: 'stat' | 'full', places: readonly CgroupPlace[]): readonly Group[] {
    for (const place of places) {
      if (this.at(place, '/') === undefined) this.discover(place, '/');
    }
    const now = this.machine.now();
    for (const [key, at] of this.passed) if (now - at > PASSED_MS) this.passed.delete(key);
    if (depth === 'full') this.heal();
    return [...this.groups.values()].filter((group) => this.differs(group, depth === 'full'));
  }

  private differs(group: Group, list: boolean): boolean {
    const stat = statSync(group.dir, { throwIfNoEntry: false });
    if (stat === undefined || group.inode !== stat.ino) return true;
    // The link count of a cgroup directory is that of its children and two more.
    if (!list && stat.nlink >= 2) return stat.nlink - 2 !== group.children.size;
    const present = childrenOf(group.dir);
    return (
      present.length !== group.children.size || present.some((name) => !group.children.has(name))
    );
  }

  private heal(): void {
    const all = [...this.groups.values()];
    for (let i = 0; i < Math.min(HEALED_AT_ONCE, all.length); i++) {
      const group = all[(this.healedTo + i) % all.length];
      if (group !== undefined && this.isThere(group)) this.readAll(group);
    }
    this.healedTo = all.length === 0 ? 0 : (this.healedTo + HEALED_AT_ONCE) % all.length;
  }

  /**
   * Reads again what a write to this file may have changed, here and below.
   *
   * @returns true when the group is still on its way to what was written (a freezer)
   */
  written(group: Group, file: string, actor?: ProcessKey): boolean {
    const setting = settingWrittenBy(file);
    if (setting === null || this.groups.get(group.key) !== group) return false;
    const controller = controllerOf(setting);
    const names = namesIn(group.dir).filter(
      (name) => kindOfFile(name) === 'setting' && controllerOf(name) === controller,
    );
    const before = group.settings[setting];
    this.update(group, this.read(group, names), names, actor);
    const changed = group.settings[setting] !== before;
    if (changed && GOES_DOWN.has(setting)) this.readBelow(group);
    return group.settings['freezer.state'] === 'FREEZING';
  }

  private readBelow(group: Group): void {
    for (const name of group.children) {
      const child = this.at(group.place, join(group.path, name));
      if (child === undefined) continue;
      this.readAll(child);
      this.readBelow(child);
    }
  }

  /** Everything of one group, also files that came or went (a controller was handed on). */
  private readAll(group: Group): void {
    const names = namesIn(group.dir);
    if (names.length === 0) return; // on its way out: its end is told elsewhere
    group.meters = names.filter((name) => kindOfFile(name) === 'meter');
    const known = Object.keys(group.settings);
    const settings = this.read(group, names);
    this.update(group, settings, [...new Set([...known, ...Object.keys(settings)])]);
  }

  private update(
    group: Group,
    settings: Readonly<Record<string, string>>,
    names: readonly string[],
    actor?: ProcessKey,
  ): void {
    const files: Record<string, string | null> = {};
    for (const name of names) {
      const text = settings[name];
      if (text === group.settings[name]) continue;
      files[name] = text ?? null;
    }
    if (Object.keys(files).length === 0) return;
    const after = { ...group.settings };
    for (const [name, text] of Object.entries(files)) {
      if (text === null) delete after[name];
      else after[name] = text;
    }
    group.settings = after;
    this.emit({ type: 'cgroup.change', key: group.key, files, ...(actor && { actor }) });
  }

  private read(group: Group, names: readonly string[]): Record<string, string> {
    const { proc } = this.machine;
    const found: Record<string, string> = {};
    for (const name of names) {
      if (kindOfFile(name) !== 'setting') continue;
      const text = proc.readText(`${group.dir}/${name}`, MAX_SETTING_BYTES);
      if (text !== null) found[name] = carriedText(name, text);
    }
    return found;
  }

  /** inotify; null where the kernel has no watch left (fs.inotify.max_user_watches): scans heal. */
  private watchOf(group: Group): FSWatcher | null {
    try {
      const watcher = watch(group.dir, { persistent: false });
      watcher.on('change', (_, file) => this.onFile(group, file === null ? null : String(file)));
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return null;
    }
  }

  close(): void {
    for (const group of this.groups.values()) group.watch?.close();
    this.groups.clear();
  }
}

/** A write to one of these changes what groups below have or are. */
const GOES_DOWN = new Set([
  ...['cgroup.subtree_control', 'freezer.state', 'cgroup.freeze', 'cgroup.type'],
  ...['cpuset.cpus', 'cpuset.mems', 'cpuset.cpus.partition', 'devices.list'],
]);

/** `HIERARCHY:PATH`, see CgroupKey. */
export function keyOf(place: CgroupPlace, path: string): CgroupKey {
  return `${place.controllers}:${path}`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function join(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}

/** Names of its files, in an order that does not depend on the kernel's; empty when it is gone. */
function namesIn(dir: string): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}
