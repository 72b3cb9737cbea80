/** Words around the glossary. */
import type { Language } from '../i18n';

const en = {
  title: 'Glossary',
  lead: 'The terms of the lessons, each with one definition. In a lesson, a dotted underline leads to the same text.',
  all: 'Glossary',
  close: 'Close',
  what: (name: string) => `What is meant by “${name}”`,
};

const zh: typeof en = {
  title: '术语表',
  lead: '课程里的术语，每个一条定义。课文里带点状下划线的词，点开就是同样的文字。',
  all: '术语表',
  close: '关闭',
  what: (name) => `“${name}”是什么意思`,
};

export function glossaryStrings(lang: Language): typeof en {
  return lang === 'zh' ? zh : en;
}
