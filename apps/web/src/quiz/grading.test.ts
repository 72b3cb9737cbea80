import type { Question } from '@terrarium/lesson';
import { describe, expect, it } from 'vitest';
import { isRight, remarkOn } from './grading';

const text = { en: 'text', zh: '文' };
const question: Question = {
  id: 'q',
  question: text,
  answers: ['a', 'b', 'c'].map((id) => ({ id, text, because: text, correct: id !== 'c' })),
};
const chosen = (...ids: string[]) => new Set(ids);
const remarks = (...ids: string[]) =>
  question.answers.map((answer) => remarkOn(question, chosen(...ids), answer));

describe('an answer', () => {
  it('is right with all that hold, and with nothing else', () => {
    expect(isRight(question, chosen('a', 'b'))).toBe(true);
    expect(isRight(question, chosen('a'))).toBe(false);
    expect(isRight(question, chosen('a', 'b', 'c'))).toBe(false);
    expect(isRight(question, chosen())).toBe(false);
  });

  it('says of each choice that was made whether it holds', () => {
    expect(remarks('a', 'b')).toEqual(['right', 'right', null]);
    expect(remarks('a', 'c')).toEqual(['right', null, 'wrong']);
  });

  it('names what is lacking only where nothing is wrong', () => {
    expect(remarks('a')).toEqual(['right', 'lacking', null]);
    expect(remarks('c')).toEqual([null, null, 'wrong']);
  });
});
