/**
 * Draws on the server every text of a lesson that its page can show, in the page's language: the
 * browser gets elements instead of a parser of 47 kB. For server components.
 */
import type { Lesson, LocalText, Question, Step } from '@terrarium/lesson';
import type { ReactNode } from 'react';
import type { Language } from '../i18n/index';
import type { DrawnTexts } from './markdown';
import { renderMarkdown, type TextLook } from './render-markdown';

type Wanted = Readonly<Record<TextLook, readonly LocalText[]>>;

/** All texts of a lesson's page. */
export function drawLesson(lesson: Lesson, lang: Language): DrawnTexts {
  const { introduction, steps, deeper, quiz = [] } = lesson;
  return drawTexts(
    {
      terms: [introduction, ...steps.map(({ prose }) => prose)],
      prose: [...deeper.map(({ why }) => why), ...steps.flatMap(proseOf)],
      inline: [...steps.flatMap(linesOf), ...quiz.flatMap(questionLines)],
    },
    lang,
  );
}

/** The texts that are named. */
export function drawTexts(wanted: Partial<Wanted>, lang: Language): DrawnTexts {
  const drawn = (look: TextLook): Record<string, ReactNode> =>
    Object.fromEntries(
      (wanted[look] ?? []).map((text) => [text[lang], renderMarkdown(text[lang], look, lang)]),
    );
  return { prose: drawn('prose'), terms: drawn('terms'), inline: drawn('inline') };
}

function proseOf({ hint, predict }: Step): readonly LocalText[] {
  return predict === undefined ? [hint] : [hint, predict.question, predict.explain];
}

function linesOf({ look, predict, check }: Step): readonly LocalText[] {
  const choices = predict?.choices ?? [];
  return [look, ...choices.map(({ text }) => text), ...check.clauses.map(({ message }) => message)];
}

function questionLines({ question, answers }: Question): readonly LocalText[] {
  return [question, ...answers.flatMap(({ text, because }) => [text, because])];
}
