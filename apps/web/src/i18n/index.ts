/** The page's languages and their texts. Nothing of React here: server components use it too. */
import { type Dictionary, en } from './en';
import { zh } from './zh';

export type { Dictionary } from './en';

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export const DICTIONARIES: Readonly<Record<Language, Dictionary>> = { en, zh };

/** The value of `lang` in HTML: Simplified Chinese has a script, and fonts are chosen by it. */
export const HTML_LANG: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-Hans' };

/** Tells whether a part of the address is one of the page's languages. */
export function isLanguage(text: string): text is Language {
  return (LANGUAGES as readonly string[]).includes(text);
}
