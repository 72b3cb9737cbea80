/** Words of looking back, in both languages of the page. */
import type { Lang } from '@terrarium/views';

const en = {
  banner: 'You are looking back',
  moment: (what: string, ago: string) => `${what}, ${ago}`,
  back: 'Back to live',
  copy: 'Copy link to this moment',
  copied: 'Link copied',
  copyWhat: 'It opens this moment in your own browser, as long as the lab remembers it.',
  again: 'Start again from here',
  againTitle: (step: string) => `Start again from “${step}”?`,
  againBody: (step: string) =>
    `A sandbox cannot be wound back. A new one is made, as it is at the start of the step “${step}”, which had begun by then. What runs in your sandbox now ends, and the files you made in it go. Your progress stays.`,
  againConfirm: 'Make a new sandbox',
  keep: 'Keep it',
  export: 'Export recording',
  loading: 'Fetching what happened before this page was opened…',
  failed: 'What happened before this page was opened could not be fetched.',
  forgotten: 'The lab does not remember that moment any more. This is the present.',
  screenLabel: (n: number) => `Terminal ${n} as it was then`,
  notRecorded: 'This page was not open then: what the terminal showed was not recorded here.',
  noTerminal: 'This terminal was not there yet.',
  noKeys: 'You are looking back: keys go nowhere. Press Escape to return to the present.',
  exportTitle: 'Export the recording',
  exportBody:
    'Everything this page knows of the session in one file: the kernel’s events, what the terminals showed, the checks. The file stays on your computer; whoever you give it to can read all of it.',
  exportCap: (size: string) =>
    `A recording has ${size} at most; what does not fit any more is left out at its end, and it says so.`,
  exportFile: 'Save as .terrarium',
  exportPage: 'Save as a page',
  exportPageWhat:
    'The page is a player with the recording in it: one file that needs no lab and no network.',
  exporting: (percent: number) => `Writing the recording: ${percent} %`,
  exported: (size: string) => `Saved, ${size}.`,
  exportedCut: (size: string) => `Saved, ${size}. The end did not fit in.`,
  exportFailed: (why: string) => `The recording could not be written: ${why}`,
  noPlayer: 'the player page is not built on this lab',
  close: 'Close',
  noCommands: 'No command has run yet.',
};

const zh: typeof en = {
  banner: '正在回看过去',
  moment: (what, ago) => `${what}，${ago}`,
  back: '回到实时',
  copy: '复制此刻的链接',
  copied: '链接已复制',
  copyWhat: '只要实验室还记得，它会在你自己的浏览器里打开这一刻。',
  again: '从这里重新开始',
  againTitle: (step) => `从“${step}”重新开始？`,
  againBody: (step) =>
    `沙箱不能倒带。会新建一个沙箱，状态是步骤“${step}”开始时的样子（那时该步骤已经开始）。沙箱里正在运行的一切都会结束，你创建的文件会消失。进度保留。`,
  againConfirm: '新建沙箱',
  keep: '保留现在的',
  export: '导出录像',
  loading: '正在获取打开本页之前发生的事…',
  failed: '无法获取打开本页之前发生的事。',
  forgotten: '实验室已不记得那一刻。现在显示的是当前状态。',
  screenLabel: (n) => `终端 ${n} 当时的画面`,
  notRecorded: '那时本页还没有打开：终端的画面没有记录在这里。',
  noTerminal: '那时还没有这个终端。',
  noKeys: '正在回看过去：按键不会发送。按 Esc 回到现在。',
  exportTitle: '导出录像',
  exportBody:
    '本页知道的一切都在一个文件里：内核事件、终端显示的内容、检查。文件只保存在你的电脑上；拿到它的人可以读到全部内容。',
  exportCap: (size) => `录像最大 ${size}；放不下的部分会从末尾舍去，并会注明。`,
  exportFile: '保存为 .terrarium',
  exportPage: '保存为网页',
  exportPageWhat: '网页是带有录像的播放器：一个文件，不需要实验室，也不需要网络。',
  exporting: (percent) => `正在写录像：${percent} %`,
  exported: (size) => `已保存，${size}。`,
  exportedCut: (size) => `已保存，${size}。末尾放不下。`,
  exportFailed: (why) => `无法写录像：${why}`,
  noPlayer: '这个实验室没有构建播放器页面',
  close: '关闭',
  noCommands: '还没有执行过命令。',
};

/** The words of looking back. */
export type PastStrings = typeof en;

export function pastStrings(lang: Lang): PastStrings {
  return lang === 'zh' ? zh : en;
}
