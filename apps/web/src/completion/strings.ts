/** Words of the end of a lesson and of a course. */
import type { Language } from '../i18n';
import type { Counted } from './built';

type Counts = Readonly<Record<Counted, (n: number) => string>>;
const s = (n: number, one: string, more = `${one}s`): string => (n === 1 ? one : more);

const en = {
  built: 'What your commands made',
  since: (from: string, to: string) =>
    `Counted on this kernel’s timeline, ${from} to ${to}: what can be put down to one of your commands.`,
  forgotten:
    'What was made is not counted here: the lab no longer remembers the commands of this lesson.',
  counts: {
    commands: (n) => s(n, 'command'),
    processes: (n) => s(n, 'process', 'processes'),
    namespaces: (n) => s(n, 'namespace'),
    mounts: (n) => s(n, 'mount'),
    cgroups: (n) => s(n, 'control group'),
    overlays: (n) => s(n, 'overlay'),
    links: (n) => s(n, 'network interface'),
  } satisfies Counts as Counts,
  how: 'How you did it',
  time: (minutes: number) =>
    minutes < 1
      ? 'under a minute from the first green step to the last'
      : `${minutes} ${s(minutes, 'minute')} from the first green step to the last`,
  predictions: (right: number, all: number) =>
    `${right} of ${all} ${s(all, 'prediction')} as the kernel has it`,
  unaided: (n: number, all: number) => `${n} of ${all} ${s(all, 'step')} without help`,
  next: (title: string) => `Next: ${title}`,
  end: 'And that was the course',
  endBody: (lessons: number, steps: number) =>
    `All ${lessons} lessons that there are so far, ${steps} steps, each proven by the kernel.`,
  coming: (n: number) =>
    `${n} more ${s(n, 'lesson')} of this course ${n === 1 ? 'is' : 'are'} to come.`,
};

const zh: typeof en = {
  built: '你的命令造出了',
  since: (from, to) => `按内核时间线统计，${from} 至 ${to}，只算能归到你某一条命令的。`,
  forgotten: '这里没有统计造出了什么：实验室已经不记得这一课的命令了。',
  counts: {
    commands: () => '条命令',
    processes: () => '个进程',
    namespaces: () => '个命名空间',
    mounts: () => '个挂载',
    cgroups: () => '个控制组',
    overlays: () => '个联合挂载',
    links: () => '个网络接口',
  },
  how: '你是怎么做的',
  time: (minutes) =>
    minutes < 1 ? '从第一步变绿到最后一步，不到一分钟' : `从第一步变绿到最后一步，${minutes} 分钟`,
  predictions: (right, all) => `${all} 次预测中有 ${right} 次与内核一致`,
  unaided: (n, all) => `${all} 步中有 ${n} 步没有看帮助`,
  next: (title) => `下一课：${title}`,
  end: '整门课程到此完成',
  endBody: (lessons, steps) => `目前的 ${lessons} 课，共 ${steps} 步，每一步都由内核证明。`,
  coming: (n) => `这门课程还有 ${n} 课尚未推出。`,
};

export function completionStrings(lang: Language): typeof en {
  return lang === 'zh' ? zh : en;
}
