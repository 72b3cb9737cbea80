/**
 * A command's diff told to a learner: whole sentences, the most telling first, in which the same
 * things are taken together (a cgroup that v1 has in four trees is one cgroup). Pure. DiffView has
 * every object of it one by one.
 */
import type { CommandDiff, DiffObject, FieldChange, NamespaceKind } from '@terrarium/timeline';
import { KINDS } from '../kinds.js';
import type { Lang } from '../strings.js';
import { objectText, sortOf, valueText } from './diff-object.js';
import { diffStrings } from './strings.js';
import { type TellWords, tellWords } from './tell-words.js';

/** Things of one sort that are named; the rest is counted. */
const NAMED = 3;
/** Letters of a name; a learner's `sh -c` may be a page long. */
const NAME_LETTERS = 60;

/** Exit statuses with which a shell says what went wrong with the start itself, bash(1). */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
/** What is above is a signal: 128 + 9 is SIGKILL. */
const SIGNALS_ABOVE = 128;

/** Sentences with names in `backticks`; at least one. */
export function tellDiff(diff: CommandDiff, lang: Lang): readonly string[] {
  const words = tellWords(lang);
  const told = [
    ...tellObjects(diff.appeared, 'appeared', words),
    ...diff.changed.flatMap(({ object, fields }) => tellChange(object, fields, lang)),
    ...tellObjects(diff.vanished, 'vanished', words),
    ...tellObjects(diff.passed.filter(isTold(diff)), 'passed', words),
  ];
  const { endedAt, exitCode } = diff.command;
  const end = exitCode === null || exitCode === 0 ? [] : [tellEnd(exitCode, words)];
  const all = [...new Set([...end, ...told])];
  if (all.length > 0) return all;
  return [endedAt === null ? words.nothingYet : words.nothing];
}

/** The sentences as plain text, for who hears them. */
export function spokenDiff(sentences: readonly string[]): string {
  return sentences.join(' ').replaceAll('`', '');
}

/** The fork in which a shell looked in vain for a program is no program that ran. */
function isTold({ command }: CommandDiff): (object: DiffObject) => boolean {
  if (command.exitCode !== NOT_FOUND) return () => true;
  return (object) => object.kind !== 'process' || !/^(ba|da|a)?sh$/.test(object.process.comm);
}

function tellEnd(exitCode: number, words: TellWords): string {
  if (exitCode === NOT_FOUND) return words.notFound;
  if (exitCode === NOT_EXECUTABLE) return words.notExecutable;
  if (exitCode > SIGNALS_ABOVE) return words.signal(exitCode - SIGNALS_ABOVE);
  return words.exit(exitCode);
}

type Fate = 'appeared' | 'vanished' | 'passed';
type Named = Exclude<keyof TellWords['appeared'], 'namespace'>;

/** In the order in which they are told. */
const NAMED_SORTS: readonly Named[] = [
  ...(['process', 'mount', 'cgroup', 'overlay', 'entry', 'whiteout'] as const),
  ...(['link', 'address', 'route', 'listener', 'table', 'other'] as const),
];

function tellObjects(objects: readonly DiffObject[], fate: Fate, words: TellWords): string[] {
  const [first, ...rest] = NAMED_SORTS;
  const of = (sort: Named | undefined) => objects.filter((one) => sortOf(one) === sort);
  return [
    ...tellSort(of(first), first ?? 'process', fate, words),
    ...tellNamespaces(objects, fate, words),
    ...tellCopies(objects, fate, words),
    ...rest.flatMap((sort) => tellSort(of(sort), sort, fate, words)),
  ];
}

function tellSort(
  objects: readonly DiffObject[],
  sort: Named,
  fate: Fate,
  words: TellWords,
): string[] {
  const special = fate === 'appeared' ? objects.map((one) => tellSpecial(one, words)) : [];
  const plain = objects.filter((_, at) => (special[at] ?? null) === null);
  const lifted = plain.filter((one) => fate === 'appeared' && isCopiedUp(one));
  const others = plain.filter((one) => !lifted.includes(one));
  const group = (some: readonly DiffObject[], tell: (names: string, n: number) => string) => {
    const names = [...new Set(some.map((one) => nameOf(one, fate, words)))];
    return names.length === 0 ? [] : [tell(listed(names, words), names.length)];
  };
  return [
    ...special.filter((one) => one !== null),
    ...group(lifted, words.copiedUp),
    ...group(others, words[fate][sort]),
  ];
}

/** Mounts of which the file system's type says little: what they are for does. */
function tellSpecial(object: DiffObject, words: TellWords): string | null {
  if (object.kind !== 'mount') return null;
  const { fsType, root, mountPoint } = object.mount;
  if (fsType === 'nsfs') return words.pinned(root.split(':')[0] ?? '', code(mountPoint));
  return root === '/' || fsType.startsWith('cgroup') ? null : words.bound(code(mountPoint));
}

function isCopiedUp(object: DiffObject): boolean {
  return object.kind === 'entry' && object.entry.came === 'copy-up';
}

function tellNamespaces(objects: readonly DiffObject[], fate: Fate, words: TellWords): string[] {
  return KINDS.flatMap((kind) => {
    const count = objects.filter(
      (one) => one.kind === 'namespace' && one.namespace.kind === kind,
    ).length;
    return count === 0 ? [] : [words[fate].namespace(kind, count)];
  });
}

function tellCopies(objects: readonly DiffObject[], fate: Fate, words: TellWords): string[] {
  const count = objects.filter((one) => sortOf(one) === 'copy').length;
  return count === 0 || fate !== 'appeared' ? [] : [words.copies(count)];
}

function tellChange(object: DiffObject, fields: readonly FieldChange[], lang: Lang): string[] {
  const words = tellWords(lang);
  const name = nameOf(object, 'changed', words);
  return fields.flatMap((change) => tellField(object, name, change, lang) ?? []);
}

function tellField(
  object: DiffObject,
  name: string,
  change: FieldChange,
  lang: Lang,
): string | null {
  const words = tellWords(lang);
  const { field, from, to } = change;
  switch (object.kind) {
    case 'process':
      return tellProcessField(name, change, lang);
    case 'cgroup':
      return words.setting(code(field), code(object.cgroup.path), value(to), value(from));
    case 'namespace': {
      const { kind } = object.namespace;
      if (field === 'label') return words.hostname(value(to));
      if (field === 'holders') return words.held(kind, sizeOf(to) > sizeOf(from));
      return null; // who owns it and what it is called inside are for the whole diff
    }
    case 'entry':
      if (field === 'opaque') return words.opaque(name);
      if (field === 'kind' && to === 'whiteout') return words.appeared.whiteout(name, 1);
      return field === 'size' && object.entry.kind !== 'whiteout'
        ? words.appeared.entry(name, 1)
        : null;
    case 'link':
      if (field === 'flags') return words.switched(name, (to as readonly string[]).includes('UP'));
      break;
    case 'table':
      return words.rules(name, ruleCount(to), ruleCount(from));
    default:
      break;
  }
  return tellOther(name, change, lang);
}

function tellProcessField(name: string, change: FieldChange, lang: Lang): string | null {
  const words = tellWords(lang);
  const { field, from, to } = change;
  switch (field) {
    case 'args':
      return words.became(name, code((to as readonly string[]).join(' ')));
    case 'cgroup':
      return words.moved(name, value(to));
    case 'cgroups':
      return words.moved(
        name,
        movedTo(from as Paths, to as Paths)
          .map(code)
          .join(words.comma),
      );
    case 'namespaces': {
      const [was, is] = [from, to] as Readonly<Record<NamespaceKind, number>>[];
      return words.entered(
        name,
        KINDS.filter((kind) => was?.[kind] !== is?.[kind]),
      );
    }
    case 'uid':
      return words.user(name, (to as { readonly inside: number }).inside);
    case 'root':
      return words.root(name, value(to));
    case 'state':
      if (to === 'T') return words.stopped(name);
      return to === 'Z' ? words.zombie(name) : null;
    case 'comm': // with args, or unimportant; the rest follows from what is told
    case 'cwd':
    case 'parent':
    case 'processGroup':
      return null;
    default:
      return tellOther(name, change, lang);
  }
}

type Paths = Readonly<Record<string, string>> | undefined;

/** The groups of the v1 trees in which it stands elsewhere now; one that is in many trees, once. */
function movedTo(from: Paths, to: Paths): string[] {
  const trees = new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})]);
  const moved = [...trees].filter((tree) => from?.[tree] !== to?.[tree]);
  return [...new Set(moved.map((tree) => to?.[tree] ?? '/'))];
}

function tellOther(name: string, { field, from, to }: FieldChange, lang: Lang): string {
  const words = diffStrings(lang);
  const [was, is] = [valueText(from, to, words.none), valueText(to, from, words.none)];
  return tellWords(lang).changed(name, words.fields[field] ?? field, code(is), code(was));
}

function ruleCount(chains: unknown): number {
  return (chains as readonly { readonly rules: readonly unknown[] }[]).reduce(
    (sum, { rules }) => sum + rules.length,
    0,
  );
}

function sizeOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

function nameOf(object: DiffObject, fate: Fate | 'changed', words: TellWords): string {
  switch (object.kind) {
    case 'process': {
      const { args, comm, pids, hostPid } = object.process;
      const program = code(args.length > 0 ? args.join(' ') : comm);
      // Of what has ended, the number is of no interest.
      return fate === 'passed' ? program : words.process(program, pids[1] ?? hostPid);
    }
    case 'overlay':
      return object.overlay.layers.map(({ dir }) => code(dir)).join(' + ');
    case 'mount':
      return `${object.mount.fsType} (${code(object.mount.mountPoint)})`;
    case 'address':
      return `${code(object.address)} (${code(object.link)})`;
    case 'route': {
      const { to, via, dev } = object.route;
      const by = [via === null ? '' : ` via ${via}`, dev === null ? '' : ` dev ${dev}`];
      return code(`${to}${by.join('')}`);
    }
    default:
      return code(objectText(object).name);
  }
}

function listed(names: readonly string[], words: TellWords): string {
  const rest = names.length - NAMED;
  if (rest <= 1) return names.join(words.comma); // a last one by name is as short as its number
  return [...names.slice(0, NAMED), words.more(rest)].join(words.comma);
}

/** A name, marked as such: one line, and no mark in it. */
function code(name: string): string {
  const line = name.replaceAll('`', '’').replaceAll(/\s+/g, ' ').trim();
  return `\`${line.length > NAME_LETTERS ? `${line.slice(0, NAME_LETTERS - 1)}…` : line}\``;
}

function value(of: unknown): string {
  return code(typeof of === 'string' && of !== '' ? of : (JSON.stringify(of) ?? '?'));
}
