/**
 * What happened between two states, in one sentence: for the polite feed of changes that stands
 * beside every picture. Pure, so that a test can say what a person hears.
 */
import {
  type NamespaceKind,
  type NamespaceState,
  type ProcessKey,
  type ProcessState,
  processesOf,
  type State,
  type TimelineEvent,
} from '@terrarium/timeline';
import { cgroupSentences } from './cgroups/changes.js';
import { KINDS, namespaceName } from './kinds.js';
import { overlaySentences } from './layers/changes.js';
import { networkChanges } from './network/network-changes.js';
import { sandboxPid, shortName } from './process-text.js';
import { type Lang, type Strings, strings } from './strings.js';

/** What differs between two states; empty lists where nothing does. */
export interface Changes {
  /** another sandbox, or none: the rest is then empty, as everything is new */
  readonly sandbox: 'started' | 'ended' | null;
  readonly started: readonly ProcessState[];
  /** started and ended in between; known only to who has the events in between */
  readonly passed: readonly ProcessState[];
  /** exec, or a new name, in a process that was there before */
  readonly became: readonly { readonly before: ProcessState; readonly after: ProcessState }[];
  /** setns or unshare in a process that was there before */
  readonly entered: readonly {
    readonly process: ProcessState;
    readonly kinds: readonly NamespaceKind[];
  }[];
  readonly zombies: readonly ProcessState[];
  readonly exited: readonly ProcessState[];
  readonly appeared: readonly NamespaceState[];
  readonly vanished: readonly NamespaceState[];
  /** has lost its last process, and something else keeps it */
  readonly held: readonly NamespaceState[];
  readonly mounted: readonly string[];
  readonly unmounted: readonly string[];
}

const NOTHING: Changes = {
  sandbox: null,
  started: [],
  passed: [],
  became: [],
  entered: [],
  zombies: [],
  exited: [],
  appeared: [],
  vanished: [],
  held: [],
  mounted: [],
  unmounted: [],
};

/**
 * Compares two states.
 *
 * @param passing processes that were born in between (`bornIn`); those in neither state are `passed`
 */
export function changesBetween(
  before: State,
  after: State,
  passing: Iterable<ProcessState> = [],
): Changes {
  if (before.sandbox?.id !== after.sandbox?.id)
    return { ...NOTHING, sandbox: after.sandbox === null ? 'ended' : 'started' };
  const same = processesOf(after).filter((process) => before.processes[process.key] !== undefined);
  const changed = same.filter((process) => before.processes[process.key] !== process);
  return {
    ...NOTHING,
    started: processesOf(after).filter((process) => !(process.key in before.processes)),
    passed: [...passing].filter(
      ({ key }) => !(key in before.processes) && !(key in after.processes),
    ),
    became: changed
      .map((process) => ({ before: before.processes[process.key]!, after: process }))
      .filter((pair) => pair.before.comm !== pair.after.comm),
    entered: changed
      .map((process) => ({ process, kinds: movedKinds(before.processes[process.key]!, process) }))
      .filter(({ kinds }) => kinds.length > 0),
    zombies: changed.filter(
      (process) => process.state === 'Z' && before.processes[process.key]?.state !== 'Z',
    ),
    exited: processesOf(before).filter((process) => !(process.key in after.processes)),
    ...namespaceChanges(before, after),
    ...mountChanges(before, after),
  };
}

/**
 * Processes that these events tell the birth of, as they were last: the states that a page has drawn may
 * lack an exec and an exit that came within one frame.
 */
export function bornIn(events: readonly TimelineEvent[]): readonly ProcessState[] {
  const born = new Map<ProcessKey, ProcessState>();
  const amend = (key: ProcessKey, change: Partial<ProcessState>): void => {
    const process = born.get(key);
    if (process !== undefined) born.set(key, { ...process, ...change });
  };
  for (const event of events) {
    if (event.type === 'process.fork') born.set(event.process.key, event.process);
    if (event.type === 'process.exec') amend(event.key, { comm: event.comm, args: event.args });
    if (event.type === 'process.change') amend(event.key, event.change);
  }
  return [...born.values()];
}

/** The sentence for what happened between two states; empty when nothing worth saying did. */
export function summarise(
  before: State,
  after: State,
  lang: Lang,
  passing: Iterable<ProcessState> = [],
): string {
  const words = strings(lang);
  const changes = changesBetween(before, after, passing);
  if (changes.sandbox !== null)
    return changes.sandbox === 'started' ? words.sandboxStarted : words.sandboxEnded;
  const name = (process: ProcessState) =>
    shortName(process.key in after.processes ? after : before, process);
  return [
    ...startedText(changes.started, before, after, words),
    ...passedText(changes.passed, before, after, words),
    ...several(changes.became, (pair) =>
      words.became(
        `${pair.before.comm} ${sandboxPid(before, pair.before)}`,
        pair.after.comm || pair.after.state,
      ),
    ),
    ...namespaceText(changes.appeared, words.newNamespace),
    ...several(changes.entered, ({ process, kinds }) =>
      words.entered(name(process), enteredText(process, kinds)),
    ),
    ...several(changes.zombies, (process) => words.zombie(name(process))),
    ...exitedText(changes.exited, name, words),
    ...namespaceText(changes.vanished, words.goneNamespace),
    ...several(changes.held, (one) => words.heldNow(namespaceName(one.kind, one.inode))),
    ...mountText(changes.mounted, changes.unmounted, words),
    ...cgroupSentences(before, after, lang),
    ...overlaySentences(before, after, lang),
    ...networkChanges(before, after, lang),
  ].join(words.joint);
}

/** More of one sort than this are counted, not named. */
const NAMED = 2;

function several<T>(things: readonly T[], text: (thing: T) => string): string[] {
  return things.slice(0, NAMED).map(text);
}

function startedText(
  started: readonly ProcessState[],
  before: State,
  after: State,
  words: Strings,
): string[] {
  if (started.length > NAMED) return [words.moreStarted(started.length)];
  return started.map((process) => {
    const parent = parentOf(process, before, after);
    if (parent === null) return words.appeared(shortName(after, process));
    return words.started(parent, process.comm);
  });
}

function passedText(
  passed: readonly ProcessState[],
  before: State,
  after: State,
  words: Strings,
): string[] {
  if (passed.length > NAMED) return [words.ranMany(passed.length)];
  return passed.map((process) => {
    const parent = parentOf(process, before, after);
    return parent === null ? words.ranAlone(process.comm) : words.ran(parent, process.comm);
  });
}

function exitedText(
  exited: readonly ProcessState[],
  name: (process: ProcessState) => string,
  words: Strings,
): string[] {
  if (exited.length === 0) return [];
  if (exited.length === 1) return [words.exitedOne(name(exited[0]!))];
  return [words.exited(exited.length)];
}

function namespaceText(
  namespaces: readonly NamespaceState[],
  text: (kinds: string, n: number) => string,
): string[] {
  if (namespaces.length === 0) return [];
  const kinds = KINDS.filter((kind) => namespaces.some((one) => one.kind === kind));
  return [text(kinds.join(', '), namespaces.length)];
}

function mountText(
  mounted: readonly string[],
  unmounted: readonly string[],
  words: Strings,
): string[] {
  const count = mounted.length + unmounted.length;
  if (count > NAMED) return [words.mountsChanged(count)];
  return [...mounted.map(words.mounted), ...unmounted.map(words.unmounted)];
}

function enteredText(process: ProcessState, kinds: readonly NamespaceKind[]): string {
  if (kinds.length > NAMED) return kinds.join(', ');
  return kinds.map((kind) => namespaceName(kind, process.namespaces[kind])).join(', ');
}

function parentOf(process: ProcessState, before: State, after: State): string | null {
  if (process.parent === null) return null;
  const state = process.parent in after.processes ? after : before;
  const parent = state.processes[process.parent];
  return parent === undefined ? null : shortName(state, parent);
}

function movedKinds(before: ProcessState, after: ProcessState): readonly NamespaceKind[] {
  if (before.namespaces === after.namespaces || after.state === 'Z') return [];
  return KINDS.filter((kind) => before.namespaces[kind] !== after.namespaces[kind]);
}

function namespaceChanges(before: State, after: State) {
  if (before.namespaces === after.namespaces && before.processes === after.processes) return {};
  const used = (state: State) =>
    new Set(processesOf(state).flatMap((process) => Object.values(process.namespaces)));
  const usedBefore = used(before);
  const usedAfter = used(after);
  const all = Object.values(after.namespaces);
  return {
    appeared: all.filter((one) => !(one.inode in before.namespaces)),
    vanished: Object.values(before.namespaces).filter((one) => !(one.inode in after.namespaces)),
    held: all.filter(
      (one) => one.holders.length > 0 && usedBefore.has(one.inode) && !usedAfter.has(one.inode),
    ),
  };
}

/** Mounts by where they are, in namespaces that exist before and after: a copy is not news. */
function mountChanges(before: State, after: State) {
  if (before.mounts === after.mounts) return {};
  const mounted = new Set<string>();
  const unmounted = new Set<string>();
  for (const [inode, rows] of Object.entries(after.mounts)) {
    const old = before.mounts[inode];
    if (old === undefined || old === rows) continue;
    for (const [id, mount] of Object.entries(rows)) if (!(id in old)) mounted.add(mount.mountPoint);
    for (const [id, mount] of Object.entries(old))
      if (!(id in rows)) unmounted.add(mount.mountPoint);
  }
  return { mounted: [...mounted], unmounted: [...unmounted] };
}
