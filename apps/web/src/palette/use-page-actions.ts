'use client';
/** What the palette can do on every page: other pages, language, theme, type size, help. */
import { useRouter } from 'next/navigation';
import { useMemo } from 'react';
import { useTexts } from '../i18n/use-texts';
import { usePreferences } from '../live/use-lab';
import type { PaletteAction } from './actions';
import { paletteStrings } from './strings';

/** Actions that are always there. */
export function usePageActions(): readonly PaletteAction[] {
  const { t, lang } = useTexts();
  const router = useRouter();
  const { preferences, prefer } = usePreferences();
  return useMemo(() => {
    const s = paletteStrings(lang);
    const themes = [
      ['light', t.nav.themeLight],
      ['dark', t.nav.themeDark],
      ['system', t.nav.themeSystem],
    ] as const;
    const { name } = t.otherLanguage;
    return [
      { id: 'course', group: s.groups.page, title: s.course, run: () => router.push(`/${lang}`) },
      {
        id: 'glossary',
        group: s.groups.page,
        title: s.glossary,
        run: () => router.push(`/${lang}/glossary`),
      },
      ...themes.map(([theme, label]) => ({
        id: `theme-${theme}`,
        group: s.groups.look,
        title: s.theme(label),
        run: () => prefer('theme', theme),
      })),
      {
        id: 'present',
        group: s.groups.look,
        title: s.present,
        run: () => prefer('present', preferences.present === '1' ? '0' : '1'),
      },
      {
        id: 'language',
        group: s.groups.look,
        title: name,
        run: () => document.querySelector<HTMLElement>('.top-tools a[hreflang]')?.click(),
      },
      {
        id: 'help',
        group: s.groups.page,
        title: s.help,
        keys: 'F1',
        run: () => window.dispatchEvent(new KeyboardEvent('keydown', { key: 'F1' })),
      },
    ];
  }, [t, lang, router, preferences.present, prefer]);
}
