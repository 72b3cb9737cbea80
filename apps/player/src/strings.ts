/** The player's own words, in both languages of the lessons. */
import type { Lang } from '@terrarium/views';

const en = {
  title: 'Terrarium player',
  lead: 'Plays a recording of a lab: what a kernel did, and what the terminals showed. Nothing leaves this page.',
  choose: 'Choose a .terrarium file',
  drop: 'or drop it here',
  opening: 'Opening the recording…',
  failed: (why: string) => `That could not be opened: ${why}`,
  recordedOn: (when: string, lesson: string | null) =>
    lesson === null ? `Recorded ${when}` : `Lesson ${lesson}, recorded ${when}`,
  cut: 'The recording is cut off: what is whole is shown.',
  capped: 'The recording reached its cap: what came after is not in it.',
  views: 'Views of the kernel',
  tabs: {
    processes: 'Processes',
    namespaces: 'Namespaces',
    mounts: 'Mounts',
    cgroups: 'Cgroups',
    layers: 'Layers',
    network: 'Network',
    calls: 'System calls',
    diff: 'Commands',
  },
  terminals: 'Terminals',
  terminal: (n: number) => `Terminal ${n}`,
  noOutput: 'This terminal showed nothing yet.',
  noTerminals: 'This recording has no terminal in it.',
  play: 'Play',
  pause: 'Pause',
  atEnd: 'the end of the recording',
  another: 'Open another',
};

const zh: typeof en = {
  title: 'Terrarium 播放器',
  lead: '播放实验的录像：内核做了什么，终端显示了什么。任何内容都不会离开本页。',
  choose: '选择 .terrarium 文件',
  drop: '或拖放到这里',
  opening: '正在打开录像…',
  failed: (why) => `无法打开：${why}`,
  recordedOn: (when, lesson) =>
    lesson === null ? `录制于 ${when}` : `课程 ${lesson}，录制于 ${when}`,
  cut: '录像不完整：显示的是完好的部分。',
  capped: '录像达到了大小上限：之后的内容不在其中。',
  views: '内核视图',
  tabs: {
    processes: '进程',
    namespaces: '命名空间',
    mounts: '挂载',
    cgroups: 'cgroup',
    layers: '层',
    network: '网络',
    calls: '系统调用',
    diff: '命令',
  },
  terminals: '终端',
  terminal: (n) => `终端 ${n}`,
  noOutput: '这个终端还没有显示任何内容。',
  noTerminals: '这份录像里没有终端。',
  play: '播放',
  pause: '暂停',
  atEnd: '录像的结尾',
  another: '打开另一份',
};

export type PlayerStrings = typeof en;

export function playerStrings(lang: Lang): PlayerStrings {
  return lang === 'zh' ? zh : en;
}

/** Before a recording says which language its learner read. */
export function readerLanguage(): Lang {
  return navigator.language.startsWith('zh') ? 'zh' : 'en';
}
