'use client';
/** The bar on top: where we are, and how the page looks and speaks. */
import { Logo } from '@terrarium/views';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { DropdownMenu } from 'radix-ui';
import { type ReactNode, useEffect } from 'react';
import { PresentLink } from '../demo/present-link';
import { useTexts } from '../i18n/use-texts';
import { usePreferences } from '../live/use-lab';
import { PaletteButton } from '../palette/palette-button';
import { IconButton } from './button';
import { ConnectionMark } from './connection';
import { HelpDialog } from './help-dialog';
import type { IconName } from './icons';

/** @param props.children what stands between the mark and the tools: the place in the course */
export function Header(props: { readonly children?: ReactNode }) {
  const { t, lang } = useTexts();
  return (
    <header className="top">
      <Link className="brand" href={`/${lang}`} title={t.nav.home}>
        <Logo size={26} />
        <span>{t.name}</span>
      </Link>
      <div className="top-place">{props.children}</div>
      <div className="top-tools">
        <ConnectionMark />
        <PresentLink />
        <PaletteButton />
        <LanguageSwitch />
        <ThemeMenu />
        <PresentSwitch />
        <HelpDialog />
      </div>
    </header>
  );
}

/** A plain link to the same place in the other language; the choice is remembered. */
function LanguageSwitch() {
  const { t } = useTexts();
  const { prefer } = usePreferences();
  const path = usePathname();
  const { code, name, label } = t.otherLanguage;
  return (
    <a
      className="text-tool"
      href={path.replace(/^\/(en|zh)/, `/${code}`)}
      hrefLang={code}
      lang={code === 'zh' ? 'zh-Hans' : code}
      aria-label={label}
      onClick={(event) => {
        // The open step is in the hash, which the server never sees.
        event.currentTarget.hash = window.location.hash;
        prefer('lang', code);
      }}
    >
      {name}
    </a>
  );
}

const THEMES = ['light', 'dark', 'system'] as const;
type Theme = (typeof THEMES)[number];
const THEME_ICONS: Readonly<Record<Theme, IconName>> = {
  light: 'sun',
  dark: 'moon',
  system: 'auto',
};

function ThemeMenu() {
  const { t } = useTexts();
  const { preferences, prefer } = usePreferences();
  const theme: Theme = THEMES.find((one) => one === preferences.theme) ?? 'system';
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  const names: Readonly<Record<Theme, string>> = {
    light: t.nav.themeLight,
    dark: t.nav.themeDark,
    system: t.nav.themeSystem,
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <IconButton icon={THEME_ICONS[theme]} label={`${t.nav.theme}: ${names[theme]}`} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
          <DropdownMenu.RadioGroup value={theme} onValueChange={(value) => prefer('theme', value)}>
            {THEMES.map((one) => (
              <DropdownMenu.RadioItem key={one} value={one} className="menu-item">
                {names[one]}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function PresentSwitch() {
  const { t } = useTexts();
  const { preferences, prefer } = usePreferences();
  const on = preferences.present === '1';
  useEffect(() => {
    document.documentElement.toggleAttribute('data-present', on);
    // The panes and the emulators measure themselves in pixels.
    window.dispatchEvent(new Event('resize'));
  }, [on]);
  return (
    <IconButton
      icon="present"
      className="present-switch"
      label={on ? t.nav.presentOn : t.nav.presentOff}
      aria-pressed={on}
      onClick={() => prefer('present', on ? '0' : '1')}
    />
  );
}
