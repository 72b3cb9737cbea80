/** What happened to cgroups between two states, in sentences for the feed of changes. Pure. */
import {
  type CgroupState,
  cgroupIn,
  hierarchiesOf,
  type ProcessState,
  processesOf,
  type State,
} from '@terrarium/timeline';
import { shortName } from '../process-text.js';
import type { Lang } from '../strings.js';
import { hierarchyTag } from './texts.js';

/** More of one sort than this are counted, not named. */
const NAMED = 2;
/** A text longer than this is said to have changed only: lists of devices. */
const MAX_TEXT = 40;

const en = {
  made: (group: string) => `new cgroup ${group}`,
  madeMany: (n: number) => `${n} new cgroups`,
  gone: (group: string) => `cgroup ${group} gone`,
  goneMany: (n: number) => `${n} cgroups gone`,
  set: (file: string, path: string, text: string) => `${file} of ${path} is ${text}`,
  setLong: (file: string, path: string) => `${file} of ${path} changed`,
  setMany: (n: number) => `${n} settings of cgroups changed`,
  moved: (who: string, group: string) => `${who} moved to cgroup ${group}`,
  movedMany: (n: number) => `${n} processes moved to other cgroups`,
  oom: (path: string, victim: string | null) =>
    victim === null ? `out of memory in ${path}` : `out of memory in ${path}: ${victim} killed`,
};
const zh: typeof en = {
  made: (group) => `新的 cgroup ${group}`,
  madeMany: (n) => `${n} 个新 cgroup`,
  gone: (group) => `cgroup ${group} 消失了`,
  goneMany: (n) => `${n} 个 cgroup 消失了`,
  set: (file, path, text) => `${path} 的 ${file} 现为 ${text}`,
  setLong: (file, path) => `${path} 的 ${file} 改变了`,
  setMany: (n) => `cgroup 的 ${n} 项设置改变了`,
  moved: (who, group) => `${who} 移入 cgroup ${group}`,
  movedMany: (n) => `${n} 个进程移入其他 cgroup`,
  oom: (path, victim) =>
    victim === null ? `${path} 内存耗尽` : `${path} 内存耗尽：${victim} 被终止`,
};

export function cgroupSentences(before: State, after: State, lang: Lang): readonly string[] {
  const words = lang === 'zh' ? zh : en;
  return [...ofGroups(before, after, words), ...ofMembers(before, after, words)];
}

function ofGroups(before: State, after: State, words: typeof en): readonly string[] {
  // The first picture of a sandbox is no news; what nobody has seen cannot have changed.
  if (before.cgroups === undefined || before.cgroups === after.cgroups) return [];
  const [old, now] = [before.cgroups, after.cgroups ?? {}];
  const made = byPath(Object.values(now).filter(({ key }) => !(key in old)));
  const gone = byPath(Object.values(old).filter(({ key }) => !(key in now)));
  const changed = Object.values(now).filter(({ key }) => key in old && old[key] !== now[key]);
  const texts = changed.flatMap((group) => settings(old[group.key], group, words));
  const kills = changed.filter(({ key, lastOom }) => lastOom?.t !== old[key]?.lastOom?.t);
  return [
    ...counted(made, words.made, words.madeMany),
    ...counted(texts, (text) => text, words.setMany),
    ...kills.map(({ path, lastOom }) => words.oom(path, lastOom?.victim ?? null)),
    ...counted(gone, words.gone, words.goneMany),
  ];
}

/** One name for the directories of one path: `/box (memory, pids)`. */
function byPath(groups: readonly CgroupState[]): readonly string[] {
  const hierarchies = new Map<string, string[]>();
  for (const { path, hierarchy } of groups) {
    hierarchies.set(path, [...(hierarchies.get(path) ?? []), hierarchy]);
  }
  return [...hierarchies].map(([path, in_]) => named(path, in_));
}

function named(path: string, hierarchies: readonly string[]): string {
  if (hierarchies.every((hierarchy) => hierarchy === '')) return path;
  return `${path} (${hierarchies.map(hierarchyTag).join(', ')})`;
}

function settings(
  old: CgroupState | undefined,
  { path, files }: CgroupState,
  words: typeof en,
): readonly string[] {
  return Object.entries(files)
    .filter(([name, text]) => old?.files[name] !== text)
    .map(([name, text]) =>
      text.length > MAX_TEXT || text.includes('\n')
        ? words.setLong(name, path)
        : words.set(name, path, text),
    );
}

function ofMembers(before: State, after: State, words: typeof en): readonly string[] {
  if (before.processes === after.processes) return [];
  const hierarchies = hierarchiesOf(after);
  const moves = processesOf(after).flatMap((process) => {
    const old = before.processes[process.key];
    return old === undefined || old === process ? [] : movesOf(old, process, hierarchies);
  });
  const text = (move: Move) => words.moved(shortName(after, move.process), move.group);
  return counted(moves, text, words.movedMany);
}

interface Move {
  readonly process: ProcessState;
  readonly group: string;
}

/** One for each group that it came into. */
function movesOf(
  old: ProcessState,
  process: ProcessState,
  hierarchies: readonly string[],
): readonly Move[] {
  if (old.cgroup === process.cgroup && old.cgroups === process.cgroups) return [];
  const into = new Map<string, string[]>();
  for (const hierarchy of hierarchies) {
    const path = cgroupIn(process, hierarchy);
    if (path === cgroupIn(old, hierarchy)) continue;
    into.set(path, [...(into.get(path) ?? []), hierarchy]);
  }
  return [...into].map(([path, in_]) => ({ process, group: named(path, in_) }));
}

function counted<T>(
  things: readonly T[],
  text: (thing: T) => string,
  many: (n: number) => string,
): readonly string[] {
  return things.length > NAMED ? [many(things.length)] : things.map(text);
}
