'use client';
/** From a lesson to its handout, by a link and by Ctrl+P. */
import { usePathname } from 'next/navigation';
import { useEffect } from 'react';
import { useTexts } from '../i18n/use-texts';

/** Kept apart from the handout's words, which the lesson's page does not need. */
const WORDS = {
  en: { link: 'Handout', title: 'This lesson to read or print, without a lab (Ctrl+P)' },
  zh: { link: '讲义', title: '不用实验室，阅读或打印本课（Ctrl+P）' },
} as const;

/** On a lesson's page. Ctrl+P in a terminal is the shell's: the command before. */
export function HandoutLink() {
  const { lang } = useTexts();
  const address = `${usePathname().replace(/\/$/, '')}/print`;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isPrint = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
      if (!isPrint || event.key.toLowerCase() !== 'p' || event.defaultPrevented) return;
      if (event.target instanceof Element && event.target.closest('.xterm, .cm-editor')) return;
      // A window of its own keeps the lab open. A browser that refuses it prints this page.
      if (window.open(`${address}#print`, '_blank') !== null) event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [address]);
  return (
    <a className="handout-link" href={address} title={WORDS[lang].title}>
      {WORDS[lang].link}
    </a>
  );
}
