/** Words of the handout and of recorded figures. */
import type { Language } from '../i18n';

const en = {
  handout: 'Handout',
  options: 'What is in the handout',
  solutions: 'Solutions and answers',
  glossary: 'Glossary',
  figure: 'Recorded figure',
  print: 'Print',
  back: 'To the lesson',
  noHints:
    'Hints are not printed: the first of them is made from the learner’s own sandbox, at the moment they ask.',
  withoutSolutions: 'Solutions are left out, so that the handout can be worked through.',
  introduction: 'Before you begin',
  objectives: 'Afterwards you can',
  commands: 'Type',
  terminal: (n: number) => `terminal ${n}`,
  look: 'Look at',
  predict: 'Predict first',
  answer: 'Afterwards',
  yours: 'Your answer:',
  shows: 'The kernel has to show',
  solution: 'One way that works',
  breakIt: 'breaks something, safely',
  deeper: 'Go deeper',
  terms: 'Terms of this lesson',
  recorded: 'Recorded, not live.',
  recordedAt: (when: string, kernel: string, cgroup: string) =>
    `recorded ${when} from a real kernel, ${kernel}, cgroup ${cgroup}`,
  figureOf: (step: number, title: string, view: string) => `Step ${step}, ${title}: ${view}`,
  meanwhile: 'Until the lab answers: what this lesson’s kernel showed when it was recorded',
  from: 'Do it on a real kernel:',
};

const zh: typeof en = {
  handout: '讲义',
  options: '讲义里放什么',
  solutions: '解法与答案',
  glossary: '术语表',
  figure: '录制的图',
  print: '打印',
  back: '回到课程',
  noHints: '讲义里没有提示：第一级提示是在学习者提问的那一刻，根据其自己的沙箱生成的。',
  withoutSolutions: '解法没有印出来，这样讲义可以边看边做。',
  introduction: '开始之前',
  objectives: '学完之后，你能够',
  commands: '输入',
  terminal: (n) => `终端 ${n}`,
  look: '观察',
  predict: '先预测',
  answer: '答案',
  yours: '你的答案：',
  shows: '内核里应当看到',
  solution: '一种可行的做法',
  breakIt: '安全地弄坏一样东西',
  deeper: '深入阅读',
  terms: '本课术语',
  recorded: '录制的数据，不是实时的。',
  recordedAt: (when, kernel, cgroup) => `${when} 录自真实的内核 ${kernel}，cgroup ${cgroup}`,
  figureOf: (step, title, view) => `第 ${step} 步“${title}”，${view}`,
  meanwhile: '实验室还没有应答。先看看录制这一课时内核显示的内容',
  from: '在真实的内核上动手做：',
};

export function handoutStrings(lang: Language): typeof en {
  return lang === 'zh' ? zh : en;
}
