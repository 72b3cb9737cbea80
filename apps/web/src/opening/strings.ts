/** Words of the opening page: what the lab is, and the container that is made before one's eyes. */
import type { Language } from '../i18n';

const en = {
  what: 'Terrarium is a laboratory on your own machine: you build containers by hand, and see through the glass what the kernel does.',
  title: 'A container, made now',
  idle: 'Watch a container being made: every system call real, on this very kernel.',
  soon: 'In a moment a container is made here, call by call.',
  watch: 'Watch one being made',
  again: 'Make it again',
  pause: 'Pause',
  resume: 'Go on',
  end: 'End it',
  making: 'The engine is making a container in your sandbox, one system call after the other.',
  paused: 'It waits in the middle, half made.',
  runs: (pid: string) => `It runs: process ${pid} in your sandbox. That is all a container is.`,
  ended: (calls: number) =>
    `${calls} system calls made a container, and one signal ended it. Nothing of it is left.`,
  failed: 'The kernel refused a call, and everything made so far was taken back.',
  calls: (done: number, all: number) => `${done} of ${all} system calls`,
  list: 'What was done so far',
  own: 'Namespaces of its own',
  ownCount: (n: number) => `${n} of 8`,
  here: (release: string) => `on Linux ${release}, this machine's own kernel`,
  notReady: 'Waiting for your sandbox…',
};

const zh: typeof en = {
  what: 'Terrarium 是你自己机器上的实验室：亲手搭建容器，并隔着玻璃看清内核在做什么。',
  title: '此刻正在制作的容器',
  idle: '看一个容器如何做成：每一次系统调用都是真的，就在这个内核上。',
  soon: '片刻之后，这里会一个调用接一个调用地做出一个容器。',
  watch: '看一次制作过程',
  again: '再做一次',
  pause: '暂停',
  resume: '继续',
  end: '结束它',
  making: '引擎正在你的沙箱里制作一个容器，系统调用一个接一个。',
  paused: '做到一半，停在这里。',
  runs: (pid) => `它运行起来了：你的沙箱里的进程 ${pid}。容器不过如此。`,
  ended: (calls) => `${calls} 次系统调用做成了一个容器，一个信号结束了它，什么也没留下。`,
  failed: '内核拒绝了一次调用，已做的一切都已收回。',
  calls: (done, all) => `${all} 次系统调用中的 ${done} 次`,
  list: '到目前为止做了什么',
  own: '它自己的命名空间',
  ownCount: (n) => `8 种里的 ${n} 种`,
  here: (release) => `在 Linux ${release} 上，也就是这台机器自己的内核`,
  notReady: '正在等待你的沙箱……',
};

export function openingStrings(lang: Language): typeof en {
  return lang === 'zh' ? zh : en;
}
