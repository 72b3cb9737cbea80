/** The words of the link to the presentation: all that a lesson's page has of it. */
import type { Lang } from '@terrarium/views';

const WORDS = {
  en: { present: 'Present', what: 'Present this lesson to a room, one key per action' },
  zh: { present: '演示', what: '把这一课演示给大家看，一键一步' },
} as const;

/** The words in one language. */
export function presentStrings(lang: Lang): { readonly present: string; readonly what: string } {
  return WORDS[lang];
}
