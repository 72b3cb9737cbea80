/** Words of "What just happened?", in both languages of the page. */
import type { Lang } from '@terrarium/views';

const en = {
  label: 'What just happened?',
  show: 'Tell after each command what it changed in the kernel',
  none: 'Run a command: here stands what it changed in the kernel.',
  running: 'still running',
  all: 'All of it',
  allWhat: 'Every object that this command touched',
  more: (count: number) => `and ${count} more`,
  unnamed: 'the last command',
};

const zh: typeof en = {
  label: '刚才发生了什么？',
  show: '每条命令之后，说明它在内核里改变了什么',
  none: '运行一条命令：这里会说明它在内核里改变了什么。',
  running: '还在运行',
  all: '查看全部',
  allWhat: '这条命令触及的每个对象',
  more: (count) => `还有 ${count} 句`,
  unnamed: '上一条命令',
};

/** The words of one language. */
export function happenedStrings(lang: Lang): typeof en {
  return lang === 'zh' ? zh : en;
}
