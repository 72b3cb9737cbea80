/** Words of the course map. */
import type { Language } from '../i18n';

const en = {
  next: 'Next lesson',
  again: 'Open it again',
  minutesLeft: (n: number) => `about ${n} min left`,
  inAll: (minutes: string, left: string) => `${minutes} in all, ${left} to go`,
  hours: (h: number, min: number) =>
    h === 0 ? `${min} min` : min === 0 ? `${h} h` : `${h} h ${min} min`,
  noProgress:
    'The lab did not say how far you are. Your progress is kept; reload the page to see it.',
  noLessons: 'No lesson could be read here. The log of npm start says which file is at fault.',
  free: 'Take them in any order: nothing is locked.',
  glossary: 'Glossary',
  more: 'What you will learn',
  made: 'What you made in it',
  begun: 'Begun',
};

const zh: typeof en = {
  next: '下一课',
  again: '再看一遍',
  minutesLeft: (n) => `还剩约 ${n} 分钟`,
  inAll: (minutes, left) => `共 ${minutes}，还剩 ${left}`,
  hours: (h, min) => (h === 0 ? `${min} 分钟` : min === 0 ? `${h} 小时` : `${h} 小时 ${min} 分钟`),
  noProgress: '实验室没有说你学到了哪里。进度仍然保存着，重新加载页面就能看到。',
  noLessons: '这里没有能读取的课程。npm start 的日志会说明是哪个文件出了错。',
  free: '想按什么顺序都行：没有一课是锁着的。',
  glossary: '术语表',
  more: '你将学到',
  made: '看看你造出了什么',
  begun: '已开始',
};

export function courseStrings(lang: Language): typeof en {
  return lang === 'zh' ? zh : en;
}

/** `75` minutes as `1 h 15 min`. */
export function timeText(lang: Language, minutes: number): string {
  return courseStrings(lang).hours(Math.floor(minutes / 60), minutes % 60);
}
