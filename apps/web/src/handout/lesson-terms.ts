/** Which terms of the glossary a lesson's prose uses. Pure. */
import type { Lesson } from '@terrarium/lesson';
import { splitAtTerms } from '../glossary/find-terms';
import { type GlossaryTerm, TERMS } from '../glossary/terms';
import type { Language } from '../i18n';

/** In the order of their names in that language; code is not searched. */
export function termsOfLesson(lesson: Lesson, lang: Language): readonly GlossaryTerm[] {
  const met = new Set<string>();
  const texts = [lesson.introduction, ...lesson.steps.map(({ prose }) => prose)];
  for (const text of texts) splitAtTerms(withoutCode(text[lang]), lang, met);
  const order = new Intl.Collator(lang === 'zh' ? 'zh-Hans' : 'en');
  return TERMS.filter(({ id }) => met.has(id)).sort((a, b) =>
    order.compare(a.name[lang], b.name[lang]),
  );
}

function withoutCode(markdown: string): string {
  return markdown.replace(/```[\s\S]*?```/g, '').replace(/`[^`]*`/g, '`');
}
