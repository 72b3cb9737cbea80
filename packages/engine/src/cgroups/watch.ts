/**
 * Events of one group as the kernel tells them: nobody polls. Runs in the daemon as root, on the
 * host's paths. All watches of a process share libuv's one inotify fd; no thread waits.
 *
 * What tells, and what nothing tells:
 *
 *   event               v2                              v1
 *   oom                 inotify memory.events           eventfd of memory.oom_control
 *   oom-kill            inotify memory.events           the same, then the counter in that file
 *   populated           inotify cgroup.events           inotify of a write to cgroup.procs or tasks
 *   empty               inotify cgroup.events           nothing (release_agent is one program for the
 *                                                       whole host): call recheck() when a process of
 *                                                       the group has ended, a pidfd tells that
 *   frozen, thawed      inotify cgroup.events           inotify of a write to freezer.state
 *   pids-max            inotify pids.events             nothing: counted in pids.events, read whenever
 *                                                       another event comes, and by recheck()
 *
 * On a hybrid host whatever v2 tells comes from there. The kernel merges what happens within 10 ms.
 * v2 counts what happens below the group too; v1's OOM events are those of the group itself.
 */
import { closeSync, existsSync, type FSWatcher, openSync, watch } from 'node:fs';
import { join } from 'node:path';
import { eventfd, watchEventfd } from '@terrarium/syscall';
import { processesOf, readControl, writeControl } from './files.js';
import { type FreezerState, freezerState } from './freeze.js';
import { groupPath, hierarchyWith } from './layout.js';
import { flatKeyed } from './stats/parse.js';
import type { CgroupLayout } from './types.js';

/** `pids-max`: a fork was refused; `empty`: the last process of the subtree has ended. */
export type CgroupEventKind =
  | 'oom'
  | 'oom-kill'
  | 'populated'
  | 'empty'
  | 'frozen'
  | 'thawed'
  | 'pids-max';

/** Something has happened to a group. */
export interface CgroupEvent {
  readonly kind: CgroupEventKind;
  readonly group: string;
  /** how often it happened since the last event of this kind; the kernel merges what comes fast */
  readonly times: number;
}

/** A running watch. */
export interface GroupWatch {
  /** Looks at once, for what no notification tells: see the table above. */
  recheck(): void;
  close(): void;
}

/** The kernel kills a moment after it has told v1 of the OOM: look again so many ms later. */
const AFTER_OOM_MS = [1, 5, 20, 100, 500, 2000] as const;
/** v1 says FREEZING while the last ones stop, and nothing afterwards: look again, ever later. */
const FREEZING_FIRST_MS = 1;
const FREEZING_LONGEST_MS = 1000;

/**
 * Calls `listener` for each event from now on; never synchronously within this call.
 *
 * @param group must exist; its removal ends the events (after `empty`), not the watch
 * @throws Error when the host's inotify watches are used up
 */
export function watchCgroup(
  layout: CgroupLayout,
  group: string,
  listener: (event: CgroupEvent) => void,
): GroupWatch {
  const watching = new Watching(layout, group, listener);
  try {
    watching.start();
  } catch (error) {
    watching.close();
    throw new Error(`watch cgroup ${group}`, { cause: error });
  }
  return watching;
}

/** What is compared from look to look. */
interface Look {
  readonly ooms: number;
  readonly oomKills: number;
  readonly refusedForks: number;
  readonly populated: boolean;
  readonly freezer: FreezerState;
}

class Watching implements GroupWatch {
  readonly #layout: CgroupLayout;
  readonly #group: string;
  readonly #listener: (event: CgroupEvent) => void;
  readonly #ends: (() => void)[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  /** v1 has no counter of OOMs, so its notifications are counted here */
  #v1Ooms = 0;
  #last: Look | undefined;
  #frozen = false;
  #freezingWait = FREEZING_FIRST_MS;
  #closed = false;

  constructor(layout: CgroupLayout, group: string, listener: (event: CgroupEvent) => void) {
    this.#layout = layout;
    this.#group = group;
    this.#listener = listener;
  }

  /** First the watches, then the first look: what happens in between is seen twice, not never. */
  start(): void {
    for (const file of this.#notifyingFiles()) this.#watchFile(file);
    this.#watchV1Oom();
    this.#last = this.#look();
    this.#frozen = this.#last.freezer === 'frozen';
  }

  recheck(): void {
    if (this.#closed || this.#last === undefined) return;
    const before = this.#last;
    const now = this.#look();
    this.#last = now;
    this.#emit('oom', now.ooms - before.ooms);
    this.#emit('oom-kill', now.oomKills - before.oomKills);
    this.#emit('pids-max', now.refusedForks - before.refusedForks);
    if (now.populated !== before.populated) this.#emit(now.populated ? 'populated' : 'empty', 1);
    this.#compareFreezer(now.freezer);
  }

  close(): void {
    this.#closed = true;
    for (const end of this.#ends.splice(0)) end();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #compareFreezer(state: FreezerState): void {
    if (state === 'freezing') {
      this.#later(this.#freezingWait);
      this.#freezingWait = Math.min(this.#freezingWait * 2, FREEZING_LONGEST_MS);
      return;
    }
    this.#freezingWait = FREEZING_FIRST_MS;
    const frozen = state === 'frozen';
    if (frozen === this.#frozen) return;
    this.#frozen = frozen;
    this.#emit(frozen ? 'frozen' : 'thawed', 1);
  }

  #emit(kind: CgroupEventKind, times: number): void {
    if (times > 0 && !this.#closed) this.#listener({ kind, group: this.#group, times });
  }

  #later(milliseconds: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.recheck();
    }, milliseconds);
    timer.unref();
    this.#timers.add(timer);
  }

  #notifyingFiles(): string[] {
    const files: string[] = [];
    for (const hierarchy of this.#layout.hierarchies) {
      const names =
        hierarchy.version === 2
          ? ['cgroup.events', 'memory.events', 'pids.events']
          : v1NotifyingFiles(hierarchy.controllers);
      for (const name of names) files.push(join(groupPath(hierarchy, this.#group), name));
    }
    return files.filter((file) => existsSync(file));
  }

  #watchFile(file: string): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(file, { persistent: false }, () => this.recheck());
    } catch (error) {
      // Removed since we looked: the group is going, and its last events with it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error; // ENOSPC: /proc/sys/fs/inotify/max_user_watches
    }
    watcher.on('error', () => watcher.close());
    this.#ends.push(() => watcher.close());
  }

  #watchV1Oom(): void {
    const memory = hierarchyWith(this.#layout, 'memory');
    if (memory?.version !== 1) return;
    const directory = groupPath(memory, this.#group);
    const counter = eventfd();
    this.#ends.push(watchEventfd(counter, (count) => this.#onV1Oom(directory, count)));
    try {
      registerEventfd(directory, counter);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENODEV') throw error; // the group is going: no OOM there
    }
  }

  /** The kernel adds to the counter at the group's removal, too. */
  #onV1Oom(directory: string, count: bigint): void {
    if (existsSync(directory)) {
      this.#v1Ooms += Number(count);
      for (const milliseconds of AFTER_OOM_MS) this.#later(milliseconds);
    }
    this.recheck();
  }

  #look(): Look {
    const memory = hierarchyWith(this.#layout, 'memory');
    const isV1 = memory?.version === 1;
    const last = this.#last;
    const count = (controller: string, file: string, key: string) => {
      const hierarchy = hierarchyWith(this.#layout, controller);
      if (hierarchy === undefined) return null;
      const content = readControl(join(groupPath(hierarchy, this.#group), file));
      return content === null ? null : flatKeyed(key)(content);
    };
    return {
      ooms: isV1 ? this.#v1Ooms : (count('memory', 'memory.events', 'oom') ?? last?.ooms ?? 0),
      oomKills:
        count('memory', isV1 ? 'memory.oom_control' : 'memory.events', 'oom_kill') ??
        last?.oomKills ??
        0,
      refusedForks: count('pids', 'pids.events', 'max') ?? last?.refusedForks ?? 0,
      populated: this.#isPopulated(),
      freezer: freezerState(this.#layout, this.#group),
    };
  }

  /** v2's word, where it has the group; else v1's lists of processes. */
  #isPopulated(): boolean {
    const v2 = this.#layout.hierarchies.find(({ version }) => version === 2);
    if (v2 !== undefined) {
      const events = readControl(join(groupPath(v2, this.#group), 'cgroup.events'));
      if (events !== null) return flatKeyed('populated')(events) === 1;
    }
    return this.#layout.hierarchies.some(
      (hierarchy) => processesOf(groupPath(hierarchy, this.#group)).length > 0,
    );
  }
}

function v1NotifyingFiles(controllers: readonly string[]): readonly string[] {
  const members = ['cgroup.procs', 'tasks'];
  return controllers.includes('freezer') ? ['freezer.state', ...members] : members;
}

/** "eventfd, fd of memory.oom_control" in cgroup.event_control: kernel docs cgroup-v1/memory, 10. */
function registerEventfd(directory: string, counter: number): void {
  const control = openSync(join(directory, 'memory.oom_control'), 'r');
  try {
    writeControl(join(directory, 'cgroup.event_control'), `${counter} ${control}`);
  } finally {
    closeSync(control);
  }
}
