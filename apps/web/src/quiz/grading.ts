/** Whether an answer to a question is right, and what is said beside each of its choices. Pure. */
import type { Question } from '@terrarium/lesson';

/** What stands beside one choice once an answer was checked; null: nothing. */
export type Remark = 'right' | 'wrong' | 'lacking' | null;

/** All that are right were chosen, and no other. */
export function isRight({ answers }: Question, chosen: ReadonlySet<string>): boolean {
  return answers.every(({ id, correct }) => correct === chosen.has(id));
}

/**
 * A choice that was made is right or wrong. One that was not made is only spoken of where the rest of
 * the answer was right: else the page would tell the answer before the learner has found it.
 */
export function remarkOn(
  question: Question,
  chosen: ReadonlySet<string>,
  answer: Question['answers'][number],
): Remark {
  if (chosen.has(answer.id)) return answer.correct ? 'right' : 'wrong';
  const noneWrong = question.answers.every(({ id, correct }) => correct || !chosen.has(id));
  return answer.correct && noneWrong ? 'lacking' : null;
}
