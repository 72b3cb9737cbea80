/** The glossary. */
import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { notFound } from 'next/navigation';
import { GlossaryPage } from '../../../glossary/glossary-page';
import { glossaryStrings } from '../../../glossary/strings';
import { isLanguage } from '../../../i18n/index';
import { readPreferences } from '../../../live/preferences';
import { LabProvider } from '../../../live/use-lab';

interface PageProps {
  readonly params: Promise<{ readonly lang: string }>;
}

export async function generateMetadata({ params }: PageProps): Promise<Metadata> {
  const { lang } = await params;
  return isLanguage(lang) ? { title: glossaryStrings(lang).title } : {};
}

export default async function Page({ params }: PageProps) {
  const { lang } = await params;
  if (!isLanguage(lang)) notFound();
  const preferences = readPreferences((await cookies()).toString());
  return (
    <LabProvider lesson={null} preferences={preferences}>
      <GlossaryPage />
    </LabProvider>
  );
}
