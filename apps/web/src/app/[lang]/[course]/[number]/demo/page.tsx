/** One lesson as a presentation; with `?notes` the presenter's own window. */
import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { notFound } from 'next/navigation';
import { findLesson } from '../../../../../content/lessons';
import { DemoPage } from '../../../../../demo/demo-page';
import { NotesPage } from '../../../../../demo/notes-page';
import { demoStrings } from '../../../../../demo/strings';
import { isLanguage } from '../../../../../i18n/index';
import { readPreferences } from '../../../../../live/preferences';
import { LabProvider } from '../../../../../live/use-lab';
import '../../../../../demo/demo.css';

interface PageProps {
  readonly params: Promise<{
    readonly lang: string;
    readonly course: string;
    readonly number: string;
  }>;
  readonly searchParams: Promise<Readonly<Record<string, string | string[] | undefined>>>;
}

export async function generateMetadata({ params, searchParams }: PageProps): Promise<Metadata> {
  const { lang, course, number } = await params;
  const lesson = findLesson(course, number);
  if (lesson === null || !isLanguage(lang)) return {};
  const words = demoStrings(lang);
  const name = 'notes' in (await searchParams) ? words.presenter.title : words.demo;
  return { title: `${lesson.title[lang]} · ${name}` };
}

export default async function Page({ params, searchParams }: PageProps) {
  const { lang, course, number } = await params;
  const lesson = findLesson(course, number);
  if (lesson === null || !isLanguage(lang)) notFound();
  if ('notes' in (await searchParams)) return <NotesPage lesson={lesson} />;
  const preferences = readPreferences((await cookies()).toString());
  return (
    <LabProvider lesson={lesson.id} preferences={preferences}>
      <DemoPage lesson={lesson} />
    </LabProvider>
  );
}
