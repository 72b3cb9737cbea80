/** Changes of one process on their way into words: shared by the functions that compare. Pure. */
import type { ChangeKind, KernelChange } from './kernel-change.js';
import type { Words } from './kernel-state.js';

/** A change of a process, before it is told whose it is. */
export interface Draft {
  readonly kind: ChangeKind;
  readonly effect: KernelChange['effect'];
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly words: Words;
  /** file below /proc/PID */
  readonly file: string | null;
}

/** `none` for an empty list. */
export function list(values: readonly (string | number)[]): string {
  return values.length === 0 ? 'none' : values.join(' ');
}

/** A change with words of its own. */
export function changed(
  kind: ChangeKind,
  subject: string,
  before: string,
  after: string,
  file: string,
  words: Words,
): Draft {
  return { kind, effect: 'changed', subject, before, after, file, words };
}

/** `name: before → after`. */
export function plain(
  kind: ChangeKind,
  subject: string,
  en: string,
  zh: string,
  before: string,
  after: string,
  file: string,
): Draft {
  const inChinese = (value: string): string => (value === 'none' ? '无' : value);
  return changed(kind, subject, before, after, file, {
    en: `${en}: ${before} → ${after}`,
    zh: `${zh}：${inChinese(before)} → ${inChinese(after)}`,
  });
}
