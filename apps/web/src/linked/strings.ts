/** Words of linked highlighting and of predicting by pointing. */
import type { Language } from '../i18n';

const en = {
  /** title of a link in the prose */
  shows: 'shows it in the picture',
  pointing:
    'Point at it in the picture: click it, or go there with the arrow keys and press Enter.',
  notNow: 'Not now',
  chosen: (what: string) => `You picked ${what}.`,
  yours: 'your prediction',
  kernels: "the kernel's answer",
  both: "your prediction, and the kernel's answer",
  missing: 'the hint speaks of this',
};

const zh: typeof en = {
  shows: '在图中显示它',
  pointing: '请在图中指出：用鼠标点击，或用方向键移到那里再按回车。',
  notNow: '先不选',
  chosen: (what) => `你选的是 ${what}。`,
  yours: '你的预测',
  kernels: '内核的答案',
  both: '你的预测，也是内核的答案',
  missing: '提示说的就是它',
};

export function linkedStrings(lang: Language): typeof en {
  return lang === 'zh' ? zh : en;
}
