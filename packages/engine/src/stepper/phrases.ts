/** Pieces of sentences: numbers of things, and lists that are cut. */
import type { Words } from './kernel-state.js';

/** `n` things, in English. */
export function count(n: number, one: string, many: string): string {
  return n === 1 ? `1 ${one}` : `${n} ${many}`;
}

/** The first few of a list, and how many more. */
export function some(names: readonly string[], most = 6): Words {
  const head = names.slice(0, most).join(', ');
  const rest = names.length - most;
  if (rest <= 0) return { en: head, zh: names.join('、') };
  return {
    en: `${head} and ${rest} more`,
    zh: `${names.slice(0, most).join('、')}，另有 ${rest} 个`,
  };
}
