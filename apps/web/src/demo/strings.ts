/** Words of the presentation and of its notes, in both languages of the page. */
import type { Lang } from '@terrarium/views';
import { keyName } from '../terminal/typing';
import type { Action } from './actions';

const en = {
  demo: 'Presentation',
  place: (at: number, all: number) => `Step ${at} of ${all}`,
  opening: 'Introduction',
  end: 'The end',
  endBody: 'What you saw was this machine’s kernel, live. Every step can be done again by hand.',
  begin: 'Press Space to begin, ? for all keys.',
  used: 'Something was done in this sandbox before. Press J to begin with a fresh one.',
  back: 'Back',
  next: 'Next',
  nextIs: (what: string) => `Space: ${what}`,
  typing: 'typing…',
  resetting: 'making the step’s state…',
  waiting: 'waiting for the kernel…',
  insist: 'The check is still red. Space once more goes on without it.',
  terminalHas:
    'The terminal has the keyboard. Ctrl+` gives it back; PageDown works from here, too.',
  askRoom: 'Press a number for the room’s answer.',
  kernelHas: 'The kernel’s answer',
  jump: 'Steps',
  jumpTitle: 'Go to a step',
  jumpBody: 'The step’s own state is made in a fresh sandbox; what runs now ends.',
  onlyShow: 'only show',
  onlyShowName: (title: string) => `Only show “${title}”, leave the sandbox as it is`,
  notes: 'Notes',
  notesBlocked: 'The browser has blocked the window with the notes: allow it and press N again.',
  help: 'Keys',
  close: 'Close',
  exit: 'To the lesson',
  elapsed: 'Time since the beginning',
  keys: [
    ['Space · PageDown · →', 'the next action: reveal, type, run, answer, next step'],
    ['PageUp · ← · Shift+Space', 'back one reveal'],
    ['J', 'go to any step, with its state'],
    ['N', 'presenter notes in a second window'],
    ['1 … 9', 'the room’s answer to a question with choices'],
    ['+ · −', 'larger or smaller type'],
    ['C', 'high contrast for a projector'],
    ['L (hold)', 'laser pointer'],
    ['S', 'spotlight on what the pointer is at in the view'],
    ['B · .', 'black screen'],
    ['T', 'show or hide the timer'],
    ['F', 'full screen'],
    ['Ctrl+`', 'to the terminal, and back'],
    ['? · F1', 'these keys'],
  ],
  recording: 'The whole presentation can be saved as a recording:',
  spotlight: 'Spotlight: on',
  black: 'The screen is black. Any key brings it back.',
  size: (step: number) => `Type size ${step > 0 ? '+' : ''}${step}`,
  contrastOn: 'High contrast: on',
  contrastOff: 'High contrast: off',
  actions: {
    text: 'reveal the text',
    question: 'ask the question',
    check: 'ask the kernel',
    answer: 'reveal the answer',
    step: 'next step',
    end: 'the end',
    type: (line: string) => `type ${line}`,
    run: 'press Enter',
    key: (name: string) => `press ${name}`,
  },
  presenter: {
    title: 'Presenter notes',
    wait: 'Waiting for the presentation. Open it in another window of this browser.',
    now: 'Now',
    comesNext: 'Next',
    after: 'After this step',
    notes: 'Notes',
    noNotes: 'No notes for this step.',
    look: 'What to look at',
    hint: 'If it does not work',
    solution: 'Solution',
    question: 'The answer',
    timer: 'Time',
    elapsed: 'in all',
    here: 'this step',
    keysHere: 'Space, PageDown and PageUp work in this window, too.',
    lesson: (minutes: number) => `planned: ${minutes} min`,
  },
} as const;

type Widened<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Widened<T[K]> };
/** All words of the presentation. */
export type DemoStrings = Widened<typeof en>;

const zh: DemoStrings = {
  demo: '演示',
  place: (at, all) => `第 ${at} 步，共 ${all} 步`,
  opening: '导言',
  end: '结束',
  endBody: '刚才看到的，都是这台机器的内核现场给出的。每一步都可以亲手再做一遍。',
  begin: '按空格键开始，按 ? 查看全部按键。',
  used: '这个沙箱之前用过。按 J 可以从全新的沙箱开始。',
  back: '后退',
  next: '继续',
  nextIs: (what) => `空格键：${what}`,
  typing: '正在输入……',
  resetting: '正在准备这一步的状态……',
  waiting: '等待内核……',
  insist: '检查还没有通过。再按一次空格键就跳过。',
  terminalHas: '键盘在终端里。按 Ctrl+` 离开；翻页键在这里照样有效。',
  askRoom: '按数字键记下大家的答案。',
  kernelHas: '内核的答案',
  jump: '步骤',
  jumpTitle: '转到某一步',
  jumpBody: '会在全新的沙箱里准备好这一步的状态；现在运行的一切都会结束。',
  onlyShow: '只显示',
  onlyShowName: (title) => `只显示“${title}”，不动沙箱`,
  notes: '备注',
  notesBlocked: '浏览器拦截了备注窗口：请允许弹出窗口，然后再按一次 N。',
  help: '按键',
  close: '关闭',
  exit: '回到课程',
  elapsed: '开始以来的时间',
  keys: [
    ['空格 · PageDown · →', '下一个动作：显示、输入、运行、答案、下一步'],
    ['PageUp · ← · Shift+空格', '后退一次显示'],
    ['J', '转到任意一步，连同它的状态'],
    ['N', '在另一个窗口打开演讲备注'],
    ['1 … 9', '选择题：大家的答案'],
    ['+ · −', '放大或缩小文字'],
    ['C', '适合投影的高对比度'],
    ['L（按住）', '激光笔'],
    ['S', '聚光灯：照亮视图里指针所指的东西'],
    ['B · .', '黑屏'],
    ['T', '显示或隐藏计时'],
    ['F', '全屏'],
    ['Ctrl+`', '进入终端，再按返回'],
    ['? · F1', '显示这些按键'],
  ],
  recording: '整场演示可以保存为录像：',
  spotlight: '聚光灯：开',
  black: '屏幕已变黑。按任意键恢复。',
  size: (step) => `字号 ${step > 0 ? '+' : ''}${step}`,
  contrastOn: '高对比度：开',
  contrastOff: '高对比度：关',
  actions: {
    text: '显示文字',
    question: '提出问题',
    check: '问问内核',
    answer: '揭晓答案',
    step: '下一步',
    end: '结束',
    type: (line) => `输入 ${line}`,
    run: '按回车键',
    key: (name) => `按 ${name}`,
  },
  presenter: {
    title: '演讲备注',
    wait: '正在等待演示。请在这个浏览器的另一个窗口里打开它。',
    now: '现在',
    comesNext: '接下来',
    after: '这一步之后',
    notes: '备注',
    noNotes: '这一步没有备注。',
    look: '看什么',
    hint: '如果不成功',
    solution: '参考做法',
    question: '答案',
    timer: '时间',
    elapsed: '总共',
    here: '这一步',
    keysHere: '在这个窗口里，空格键和翻页键同样有效。',
    lesson: (minutes) => `计划：${minutes} 分钟`,
  },
};

/** The words in one language. */
export function demoStrings(lang: Lang): DemoStrings {
  return lang === 'zh' ? zh : en;
}

/** What a press does, in words. @param action null: the next slide */
export function actionText(action: Action | null, isLast: boolean, words: DemoStrings): string {
  if (action === null) return isLast ? words.actions.end : words.actions.step;
  if (action.kind !== 'type' && action.kind !== 'run') return words.actions[action.kind];
  const command = action.commands.at(action.kind === 'type' ? 0 : -1);
  if (command !== undefined && 'key' in command) return words.actions.key(keyName(command.key));
  if (action.kind === 'run' || command === undefined) return words.actions.run;
  return words.actions.type(command.line);
}
