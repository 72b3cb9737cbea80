/** Sentences of the daemon that a learner reads, in both languages of the page. */
import type { LocalText } from '@terrarium/protocol';

/** The sandbox ended by itself while a page was open. */
export const SANDBOX_DIED: LocalText = {
  en: 'Your sandbox ended: its process 1 was killed, and with it everything inside. Here is a fresh one.',
  zh: '你的沙箱结束了：它的 1 号进程被杀死，里面的一切也随之消失。这是一个全新的沙箱。',
};

/** The sandbox did not survive a restart of the machine or of the daemon. */
export const SANDBOX_LOST: LocalText = {
  en: 'The sandbox you had before is gone (the machine or Terrarium was restarted). Here is a fresh one; your progress is kept.',
  zh: '你之前的沙箱已经不在了（机器或 Terrarium 重启过）。这是一个全新的沙箱，学习进度已保留。',
};

/** It dies again and again: no new one until the learner asks. */
export const SANDBOX_KEEPS_DYING: LocalText = {
  en: 'Your sandbox ended several times in a row. Press "Reset step" or reload the page for a fresh one.',
  zh: '你的沙箱接连结束了好几次。按“重置步骤”或刷新页面可以得到一个新的沙箱。',
};

/** Shown while it could not be made, with the kernel's own words. */
export function sandboxFailed(problem: string): LocalText {
  return {
    en: `The sandbox could not be made: ${problem}`,
    zh: `无法创建沙箱：${problem}`,
  };
}
