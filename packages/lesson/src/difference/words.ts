/** Conditions of a check in words: what is, beside what should be. Pure. */
import type { State } from '@terrarium/timeline';
import {
  type Amount,
  type Comparison,
  type Condition,
  type Literal,
  type Path,
  type Subject,
  subjectOf,
} from '../check.js';
import type { FieldType } from '../fields.js';
import type { Bindings } from '../resolve.js';
import type { LocalText } from '../types.js';
import { KINDS, text } from './labels.js';
import { absent, both, code, pathName, readPath, valueName } from './names.js';

/** What a sentence is said about. */
export interface Context {
  readonly bindings: Bindings;
  readonly state: State;
  /** the variable that the sentence before has named */
  readonly own: string | null;
}

/** One condition: "name: `bash`; wanted: `sleep`", and only what is where it holds. */
export function factText(condition: Condition, holds: boolean, context: Context): LocalText {
  if (!('field' in condition)) {
    const wanted = wantedText(condition, context);
    return holds ? wanted : text(`wanted: ${wanted.en}`, `应为：${wanted.zh}`);
  }
  const { label, actual } = comparisonParts(condition, context);
  const is = text(`${label.en}: ${actual.en}`, `${label.zh}：${actual.zh}`);
  if (holds) return is;
  const wanted = comparatorText(condition, context);
  return text(`${is.en}; wanted: ${wanted.en}`, `${is.zh}；应为${wanted.zh}`);
}

/** One condition as a demand, where there is no object yet to compare with: "name: `sleep`". */
export function wantedText(condition: Condition, context: Context): LocalText {
  if ('field' in condition) {
    const label = pathName(condition.field, context.bindings, context.state, context.own);
    const wanted = comparatorText(condition, context);
    return text(`${label.en}: ${wanted.en}`, `${label.zh}：${wanted.zh}`);
  }
  if ('any' in condition) {
    const parts = condition.any.map((one) => wantedText(one, context));
    return text(parts.map(({ en }) => en).join(', or '), parts.map(({ zh }) => zh).join('，或者'));
  }
  if ('not' in condition) {
    const part = wantedText(condition.not, context);
    return text(`not: ${part.en}`, `不能是：${part.zh}`);
  }
  if ('exists' in condition) return amountOf(condition.exists, condition.where, null, context);
  if ('notExists' in condition) {
    return amountOf(condition.notExists, condition.where, { exactly: 0 }, context);
  }
  return amountOf(condition.count, condition.where, condition, context);
}

/** "a process with name: `sleep`", "no process with …", "at least 4 processes with …" */
function amountOf(
  subject: Subject,
  where: readonly Condition[],
  amount: Amount | null,
  context: Context,
): LocalText {
  const { kind, name } = subjectOf(subject);
  const bindings = { ...context.bindings, [name]: absent(kind) };
  const parts = where.map((one) => wantedText(one, { ...context, bindings, own: name }));
  const how = amount === null ? text('one', '一个') : amountText(amount);
  const withEn = parts.length === 0 ? '' : ` (${parts.map(({ en }) => en).join('; ')})`;
  const withZh = parts.length === 0 ? '' : `（${parts.map(({ zh }) => zh).join('；')}）`;
  return text(`${KINDS[kind].en}, ${how.en}${withEn}`, `${KINDS[kind].zh}，${how.zh}${withZh}`);
}

/** "at least 4", "none" */
export function amountText(amount: Amount): LocalText {
  if ('atLeast' in amount) return text(`at least ${amount.atLeast}`, `至少 ${amount.atLeast} 个`);
  if ('atMost' in amount) return text(`at most ${amount.atMost}`, `最多 ${amount.atMost} 个`);
  if (amount.exactly === 0) return text('none', '一个也没有');
  return text(`exactly ${amount.exactly}`, `正好 ${amount.exactly} 个`);
}

function comparisonParts(
  { field }: Comparison,
  { bindings, state, own }: Context,
): { label: LocalText; actual: LocalText } {
  const { value, type } = readPath(field, bindings, state);
  return {
    label: pathName(field, bindings, state, own),
    actual: valueName(value, type, lastOf(field), state),
  };
}

function comparatorText(comparison: Comparison, context: Context): LocalText {
  const { field } = comparison;
  const { type } = readPath(field, context.bindings, context.state);
  const value = (one: Literal): LocalText => valueName(one, type, lastOf(field), context.state);
  if ('equals' in comparison) return value(comparison.equals);
  if ('notEquals' in comparison) {
    const not = value(comparison.notEquals);
    return text(`anything but ${not.en}`, `${not.zh} 以外的值`);
  }
  if ('oneOf' in comparison) {
    const all = comparison.oneOf.map(value);
    return text(all.map(({ en }) => en).join(' or '), all.map(({ zh }) => zh).join(' 或 '));
  }
  if ('atLeast' in comparison) {
    const least = value(comparison.atLeast);
    return text(`at least ${least.en}`, `至少 ${least.zh}`);
  }
  if ('atMost' in comparison) {
    const most = value(comparison.atMost);
    return text(`at most ${most.en}`, `最多 ${most.zh}`);
  }
  if ('endsWith' in comparison) {
    const end = code(comparison.endsWith.join(' '));
    return text(`${end} at the end`, `以 ${end} 结尾`);
  }
  if ('includes' in comparison) {
    const part = both(code(String(comparison.includes)));
    return text(`${part.en} in it`, `含有 ${part.zh}`);
  }
  if ('sameAs' in comparison) return sameText(comparison.sameAs, context);
  return otherText(comparison.differsFrom, context);
}

function sameText(path: Path, context: Context): LocalText {
  const { value, label } = otherSide(path, context);
  return text(`${value.en}, the ${bareName(label.en)}`, `${value.zh}，即${label.zh}`);
}

function otherText(path: Path, context: Context): LocalText {
  const { label } = otherSide(path, context);
  return text(`another than the ${bareName(label.en)}`, `与${label.zh}不同`);
}

function otherSide(
  path: Path,
  { bindings, state, own }: Context,
): {
  readonly value: LocalText;
  readonly label: LocalText;
} {
  const { value, type }: { value: unknown; type: FieldType | null } = readPath(
    path,
    bindings,
    state,
  );
  return {
    value: valueName(value, type, lastOf(path), state),
    label: pathName(path, bindings, state, own),
  };
}

function bareName(name: string): string {
  return name.replace(/^the /, '');
}

function lastOf(path: Path): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
