/**
 * Search over lessons, their steps and the glossary. Every word of the query has to be somewhere in
 * an entry; where it is decides the order. Works for Chinese, too: nothing is cut into words. Pure.
 */
import { z } from 'zod';

export interface SearchEntry {
  readonly kind: 'lesson' | 'step' | 'term';
  readonly title: string;
  /** where it is: `01 A container is a process` */
  readonly place: string;
  readonly text: string;
  readonly href: string;
}

/** What /[lang]/search.json answers. */
export const searchIndex: z.ZodType<{ entries: SearchEntry[] }> = z.object({
  entries: z.array(
    z.object({
      kind: z.enum(['lesson', 'step', 'term']),
      title: z.string(),
      place: z.string(),
      text: z.string(),
      href: z.string(),
    }),
  ),
});

export interface SearchHit {
  readonly entry: SearchEntry;
  /** a piece of the text around the first word that was found in it */
  readonly snippet: string;
}

/** Points for where a word is. */
const POINTS = { wholeTitle: 40, titleBegins: 20, title: 10, place: 3, text: 1 } as const;
/** A term, then a lesson, then a step: the shorter text is the likelier meaning. */
const KIND_POINTS = { term: 3, lesson: 2, step: 0 } as const;
/** Characters of text before and after what was found. */
const AROUND = { before: 28, after: 72 } as const;

/** The best entries first; nothing for an empty query. */
export function search(
  entries: readonly SearchEntry[],
  query: string,
  most: number,
): readonly SearchHit[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return entries
    .map((entry) => ({ entry, points: pointsOf(entry, words) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points)
    .slice(0, most)
    .map(({ entry }) => ({ entry, snippet: snippetOf(entry.text, words) }));
}

function pointsOf(entry: SearchEntry, words: readonly string[]): number {
  let sum = KIND_POINTS[entry.kind];
  for (const word of words) {
    const points = pointsOfWord(entry, word);
    if (points === 0) return 0;
    sum += points;
  }
  return sum;
}

function pointsOfWord(entry: SearchEntry, word: string): number {
  const title = entry.title.toLowerCase();
  if (title === word) return POINTS.wholeTitle;
  if (title.startsWith(word)) return POINTS.titleBegins;
  if (title.includes(word)) return POINTS.title;
  if (entry.place.toLowerCase().includes(word)) return POINTS.place;
  return entry.text.toLowerCase().includes(word) ? POINTS.text : 0;
}

function snippetOf(text: string, words: readonly string[]): string {
  const low = text.toLowerCase();
  const found = words.map((word) => low.indexOf(word)).filter((at) => at >= 0);
  const at = found.length === 0 ? 0 : Math.min(...found);
  const from = Math.max(0, at - AROUND.before);
  const to = Math.min(text.length, at + AROUND.after);
  return `${from > 0 ? '…' : ''}${text.slice(from, to).trim()}${to < text.length ? '…' : ''}`;
}
