/**
 * The frame of every page. Drawn per request: the nonce of the security policy and the learner's
 * theme are in it.
 */
import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import { notFound } from 'next/navigation';
import type { ReactNode } from 'react';
import { DICTIONARIES, HTML_LANG, isLanguage } from '../../i18n/index';
import { LanguageProvider } from '../../i18n/use-texts';
import { readPreferences } from '../../live/preferences';
import '@fontsource-variable/source-sans-3/wght.css';
import '@fontsource-variable/source-sans-3/wght-italic.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '@xterm/xterm/css/xterm.css';
import '../../styles/globals.css';

export const metadata: Metadata = {
  title: { default: 'Terrarium', template: '%s · Terrarium' },
  referrer: 'same-origin',
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  colorScheme: 'light dark',
};

interface LayoutProps {
  readonly params: Promise<{ readonly lang: string }>;
  readonly children: ReactNode;
}

export default async function Layout({ params, children }: LayoutProps) {
  const { lang } = await params;
  if (!isLanguage(lang)) notFound();
  const { theme, present } = readPreferences((await cookies()).toString());
  return (
    <html
      lang={HTML_LANG[lang]}
      data-theme={theme === 'light' || theme === 'dark' ? theme : undefined}
      data-present={present === '1' ? '' : undefined}
      suppressHydrationWarning
    >
      <body>
        <a className="skip-link" href="#lesson">
          {DICTIONARIES[lang].nav.skip}
        </a>
        <LanguageProvider lang={lang}>{children}</LanguageProvider>
      </body>
    </html>
  );
}
