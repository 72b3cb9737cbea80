/** Makes the search's entries from lessons and glossary, in one language. For the server. */
import type { Lesson } from '@terrarium/lesson';
import { TERMS } from '../glossary/terms';
import type { Language } from '../i18n';
import type { SearchEntry } from './search';

/** All that can be found: each lesson, each step, each term. */
export function entriesOf(lessons: readonly Lesson[], lang: Language): SearchEntry[] {
  return [
    ...lessons.flatMap((lesson) => lessonEntries(lesson, lang)),
    ...TERMS.map(
      (term): SearchEntry => ({
        kind: 'term',
        title: term.name[lang],
        place: term.name[lang === 'en' ? 'zh' : 'en'],
        text: term.text[lang],
        href: `/${lang}/glossary#${term.id}`,
      }),
    ),
  ];
}

function lessonEntries(lesson: Lesson, lang: Language): SearchEntry[] {
  const href = `/${lang}/${lesson.id}`;
  const place = `${lesson.number} ${lesson.title[lang]}`;
  return [
    {
      kind: 'lesson',
      title: lesson.title[lang],
      place: lesson.number,
      text: plainText(`${lesson.summary[lang]} ${lesson.introduction[lang]}`),
      href,
    },
    ...lesson.steps.map(
      (step): SearchEntry => ({
        kind: 'step',
        title: step.title[lang],
        place,
        text: plainText(step.prose[lang]),
        href: `${href}#${step.id}`,
      }),
    ),
  ];
}

/** Markdown without its marks, in one line. */
export function plainText(markdown: string): string {
  return markdown
    .replace(/```\w*\n?/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/(^|[\s（(])[_*]{1,2}([^_*\n]+)[_*]{1,2}/g, '$1$2')
    .replace(/`/g, '')
    .replace(/^#+\s+/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}
