/** Words of the command palette. */
import type { Language } from '../i18n';

const en = {
  open: 'Search and commands',
  title: 'Search and commands',
  placeholder: 'A lesson, a word, or something to do',
  list: 'Results',
  nothing: 'Nothing found.',
  loading: 'Reading the lessons…',
  failed: 'The lessons could not be searched: the lab does not answer.',
  keys: '↑ ↓ to choose, Enter to go, Esc to close',
  kinds: { lesson: 'Lesson', step: 'Step', term: 'Term' },
  groups: { step: 'This step', view: 'View', page: 'Go to', look: 'Look' },
  runStep: 'Run this step’s commands',
  resetStep: 'Reset this step',
  skipHere: 'Go to this step in a fresh sandbox',
  nextStep: 'Go to the next step',
  previousStep: 'Go to the step before',
  toTerminal: 'Go to the terminal',
  showView: (name: string) => `Show ${name}`,
  course: 'All lessons',
  glossary: 'Glossary',
  help: 'Help and keyboard map',
  theme: (name: string) => `Theme: ${name}`,
  present: 'Larger type for a projector, on or off',
};

const zh: typeof en = {
  open: '搜索与命令',
  title: '搜索与命令',
  placeholder: '一节课、一个词，或要做的事',
  list: '结果',
  nothing: '没有找到。',
  loading: '正在读取课程……',
  failed: '无法搜索课程：实验室没有回答。',
  keys: '↑ ↓ 选择，回车前往，Esc 关闭',
  kinds: { lesson: '课', step: '步骤', term: '术语' },
  groups: { step: '本步', view: '视图', page: '前往', look: '外观' },
  runStep: '运行本步的命令',
  resetStep: '重置本步',
  skipHere: '在全新的沙箱里直接到这一步',
  nextStep: '去下一步',
  previousStep: '去上一步',
  toTerminal: '去终端',
  showView: (name) => `显示${name}`,
  course: '全部课程',
  glossary: '术语表',
  help: '帮助与键盘一览',
  theme: (name) => `主题：${name}`,
  present: '投影用大字号，打开或关闭',
};

export function paletteStrings(lang: Language): typeof en {
  return lang === 'zh' ? zh : en;
}
