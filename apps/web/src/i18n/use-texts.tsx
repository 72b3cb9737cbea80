'use client';
/** Carries the language from the address to every client component. */
import type { LocalText } from '@terrarium/lesson';
import { createContext, type ReactNode, useContext } from 'react';
import { DICTIONARIES, type Dictionary, type Language } from './index';

const LanguageContext = createContext<Language>('en');

/** Sets the page's language for what is inside. */
export function LanguageProvider(props: { readonly lang: Language; readonly children: ReactNode }) {
  return <LanguageContext value={props.lang}>{props.children}</LanguageContext>;
}

/** What a component needs to speak: the language, its texts, and the choice from a lesson's two. */
export interface Texts {
  readonly lang: Language;
  readonly t: Dictionary;
  readonly pick: (text: LocalText) => string;
}

/** The page's language and texts. */
export function useTexts(): Texts {
  const lang = useContext(LanguageContext);
  return { lang, t: DICTIONARIES[lang], pick: (text) => text[lang] };
}
