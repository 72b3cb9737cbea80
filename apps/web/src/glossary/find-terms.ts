/** Finds the glossary's terms in a text, longest first, so that `mount namespace` is not `mount`. Pure. */
import type { Language } from '../i18n';
import { type GlossaryTerm, TERMS } from './terms';

/** A piece of a text; with a term where it means one. */
export interface TextPiece {
  readonly text: string;
  readonly term?: string;
}

interface Form {
  readonly id: string;
  readonly form: string;
}

/**
 * Splits a text at the terms that were not met before.
 *
 * @param met ids that are linked already; those found here are added
 */
export function splitAtTerms(text: string, lang: Language, met: Set<string>): TextPiece[] {
  const pieces: TextPiece[] = [];
  let from = 0;
  for (const match of text.matchAll(PATTERNS[lang])) {
    const id = FORMS[lang].get(match[0].toLowerCase());
    if (id === undefined || met.has(id)) continue;
    met.add(id);
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    pieces.push({ text: match[0], term: id });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

function formsOf(term: GlossaryTerm, lang: Language): Form[] {
  const forms = [term.name[lang], ...(term.also?.[lang] ?? [])];
  const all = lang === 'en' ? forms.flatMap((form) => [form, `${form}s`]) : forms;
  return all.map((form) => ({ id: term.id, form: form.toLowerCase() }));
}

const ALL: Readonly<Record<Language, readonly Form[]>> = {
  en: TERMS.flatMap((term) => formsOf(term, 'en')),
  zh: TERMS.flatMap((term) => formsOf(term, 'zh')),
};

const FORMS: Readonly<Record<Language, ReadonlyMap<string, string>>> = {
  en: new Map(ALL.en.map(({ form, id }) => [form, id])),
  zh: new Map(ALL.zh.map(({ form, id }) => [form, id])),
};

/** English words end somewhere; Chinese has no spaces, but a Latin term in it must not be cut out of a word. */
const PATTERNS: Readonly<Record<Language, RegExp>> = {
  en: patternOf(ALL.en),
  zh: patternOf(ALL.zh),
};

function patternOf(forms: readonly Form[]): RegExp {
  const longest = forms.map(({ form }) => form).sort((a, b) => b.length - a.length);
  const any = longest.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  // No letter, digit, - _ / around it where the form itself has Latin letters at that end.
  return new RegExp(`(?<![A-Za-z0-9_/-])(?:${any})(?![A-Za-z0-9_/-])`, 'gi');
}
