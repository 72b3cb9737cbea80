/**
 * Which of the page's two languages a browser prefers.
 */

export type Language = 'en' | 'zh';

/** Where the page keeps the learner's own choice; see components/language-switch. */
export const LANGUAGE_COOKIE = 'terrarium_lang';

/**
 * Chooses by the learner's earlier choice, then by Accept-Language in the order of its weights.
 * Any kind of Chinese gets the Simplified texts; whoever asks for neither gets English.
 */
export function chooseLanguage(cookie: string | undefined, accept: string | undefined): Language {
  const chosen = /(?:^|;\s*)terrarium_lang=(en|zh)(?:;|$)/.exec(cookie ?? '')?.[1];
  if (chosen === 'en' || chosen === 'zh') return chosen;
  const ranked = (accept ?? '')
    .split(',')
    .map((part) => {
      const [tag = '', q] = part.trim().split(/;\s*q=/);
      return { tag: tag.toLowerCase(), weight: q === undefined ? 1 : Number(q) || 0 };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  for (const { tag } of ranked) {
    if (/^zh\b/.test(tag)) return 'zh';
    if (/^en\b/.test(tag)) return 'en';
  }
  return 'en';
}
