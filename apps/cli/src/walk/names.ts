/**
 * The accessible names of the page in both languages: what a screen reader announces and what
 * the walkthrough holds on to. Nothing else of the page's markup is used.
 */

export type Language = 'en' | 'zh';

export interface Names {
  readonly steps: string;
  /** a step's name, up to its title */
  readonly step: (number: number) => string;
  /** how a step's name ends once it has passed */
  readonly done: string;
  readonly terminal: string;
  readonly terminalTab: (number: number) => RegExp;
  readonly openTerminal: string;
  readonly run: string;
  readonly predict: string;
  readonly hint: string;
  readonly solution: string;
  readonly reset: string;
  readonly resetConfirm: string;
  readonly next: string;
  readonly processes: string;
  readonly namespaces: string;
  /** said by the open step while its check holds */
  readonly agrees: string;
  /** how a clause of the check ends: it holds, or not yet */
  readonly clauseHolds: string;
  readonly clauseOpen: string;
  readonly predictionRight: string;
  readonly predictionWrong: string;
  readonly youPredicted: string;
  readonly kernelSays: string;
  /** the link that switches to the other language */
  readonly otherLanguage: RegExp;
}

export const NAMES: Readonly<Record<Language, Names>> = {
  en: {
    steps: 'Steps',
    step: (number) => `Step ${number}: `,
    done: ', done',
    terminal: 'Terminal',
    terminalTab: (number) => new RegExp(`^Terminal ${number}\\b`),
    openTerminal: 'Open another terminal',
    run: 'Run',
    predict: 'Predict',
    hint: 'Hint',
    solution: 'Solution',
    reset: 'Reset step',
    resetConfirm: 'Reset',
    next: 'Next',
    processes: 'Processes',
    namespaces: 'Namespaces',
    agrees: 'The kernel agrees.',
    clauseHolds: '(holds)',
    clauseOpen: '(not yet)',
    predictionRight: 'As you said.',
    predictionWrong: 'The kernel sees it differently.',
    youPredicted: 'You',
    kernelSays: 'Kernel',
    otherLanguage: /^中文/,
  },
  zh: {
    steps: '步骤',
    step: (number) => `第 ${number} 步：`,
    done: '，已完成',
    terminal: '终端',
    terminalTab: (number) => new RegExp(`^终端 ${number}\\b`),
    openTerminal: '再开一个终端',
    run: '运行',
    predict: '预测',
    hint: '提示',
    solution: '答案',
    reset: '重置本步',
    resetConfirm: '重置',
    next: '下一步',
    processes: '进程',
    namespaces: '命名空间',
    agrees: '内核确认了。',
    clauseHolds: '(成立)',
    clauseOpen: '(尚未成立)',
    predictionRight: '和你说的一样。',
    predictionWrong: '内核的看法不同。',
    youPredicted: '你',
    kernelSays: '内核',
    otherLanguage: /^English/,
  },
};
