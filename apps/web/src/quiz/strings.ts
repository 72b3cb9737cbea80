/** Words of the questions at the end of a lesson. */
import type { Language } from '../i18n';

const en = {
  several: 'Choose all that hold.',
  check: 'Check',
  right: 'Right.',
  wrong: 'Not so. Look at what each answer says, and try again.',
  isRight: 'right',
  isWrong: 'not so',
  isLacking: 'holds as well',
};

const zh: typeof en = {
  several: '选出所有成立的。',
  check: '核对',
  right: '答对了。',
  wrong: '不是这样。看看每个答案下面的说明，再试一次。',
  isRight: '对',
  isWrong: '不对',
  isLacking: '也成立',
};

export function quizStrings(lang: Language): typeof en {
  return lang === 'zh' ? zh : en;
}
