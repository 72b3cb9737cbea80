/** Words of the scrubber, in both languages. */
import type { Lang } from '../strings.js';
import type { Lane } from '../timeline-events.js';

const en = {
  label: 'Timeline',
  lanes: {
    command: 'commands',
    process: 'processes',
    namespace: 'namespaces',
    mount: 'mounts',
    cgroup: 'cgroups',
    layer: 'layers',
    network: 'network',
    check: 'checks',
  } satisfies Record<Lane, string> as Record<Lane, string>,
  /** the line on which all lanes but the commands stand together */
  kernel: 'kernel',
  moreLines: 'more lanes',
  fewerLines: 'fewer lanes',
  live: 'now',
  liveText: 'now: what you see is live',
  zoom: 'How much of the session is shown',
  all: 'All',
  minutes: (n: number) => (n >= 60 ? `${n / 60} h` : `${n} min`),
  how: 'Drag, or use the arrow keys, to look back. Shift and arrow: event by event. Wheel: zoom. Escape: back to live.',
  before: (command: string) => `before \`${command}\``,
  during: (command: string) => `during \`${command}\``,
  after: (command: string) => `after \`${command}\``,
  atStart: 'a new sandbox begins',
  atOldest: 'as far back as is remembered',
  check: (step: string, passed: boolean) => `check ${step}: ${passed ? 'passed' : 'not yet'}`,
  oom: (who: string) => `out of memory: ${who} was killed`,
  fault: (signal: string) => `ended by ${signal}`,
  ago: (seconds: number) => {
    if (seconds < 60) return `${Math.round(seconds)} s ago`;
    if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
    return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min ago`;
  },
  unnamed: 'a command',
  newSandbox: 'new sandbox',
};

const zh: typeof en = {
  label: '时间线',
  lanes: {
    command: '命令',
    process: '进程',
    namespace: '命名空间',
    mount: '挂载',
    cgroup: 'cgroup',
    layer: '层',
    network: '网络',
    check: '检查',
  },
  kernel: '内核',
  moreLines: '展开',
  fewerLines: '收起',
  live: '现在',
  liveText: '现在：显示的是实时状态',
  zoom: '显示多长的时间',
  all: '全部',
  minutes: (n) => (n >= 60 ? `${n / 60} 小时` : `${n} 分钟`),
  how: '拖动或用方向键回看。Shift 加方向键：逐个事件。滚轮：缩放。Esc：回到实时。',
  before: (command) => `\`${command}\` 执行之前`,
  during: (command) => `\`${command}\` 执行期间`,
  after: (command) => `\`${command}\` 执行之后`,
  atStart: '新的沙箱开始',
  atOldest: '记得的最早时刻',
  check: (step, passed) => `检查 ${step}：${passed ? '通过' : '尚未通过'}`,
  oom: (who) => `内存耗尽：${who} 被终止`,
  fault: (signal) => `被 ${signal} 终止`,
  ago: (seconds) => {
    if (seconds < 60) return `${Math.round(seconds)} 秒前`;
    if (seconds < 3600) return `${Math.round(seconds / 60)} 分钟前`;
    return `${Math.floor(seconds / 3600)} 小时 ${Math.round((seconds % 3600) / 60)} 分钟前`;
  },
  unnamed: '某个命令',
  newSandbox: '新沙箱',
};

/** The scrubber's words. */
export type ScrubberStrings = typeof en;

export function scrubberStrings(lang: Lang): ScrubberStrings {
  return lang === 'zh' ? zh : en;
}
