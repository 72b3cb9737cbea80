/** One lesson. */
import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { notFound } from 'next/navigation';
import { CURRICULUM } from '../../../../content/curriculum';
import { findLesson } from '../../../../content/lessons';
import { isLanguage } from '../../../../i18n/index';
import { LessonPage } from '../../../../lesson/lesson-page';
import { readPreferences } from '../../../../live/preferences';
import { LabProvider } from '../../../../live/use-lab';

interface PageProps {
  readonly params: Promise<{
    readonly lang: string;
    readonly course: string;
    readonly number: string;
  }>;
}

export async function generateMetadata({ params }: PageProps): Promise<Metadata> {
  const { lang, course, number } = await params;
  const lesson = findLesson(course, number);
  return lesson !== null && isLanguage(lang) ? { title: lesson.title[lang] } : {};
}

export default async function Page({ params }: PageProps) {
  const { lang, course, number } = await params;
  const lesson = findLesson(course, number);
  if (lesson === null || !isLanguage(lang)) notFound();
  const preferences = readPreferences((await cookies()).toString());
  return (
    <LabProvider lesson={lesson.id} preferences={preferences}>
      <LessonPage lesson={lesson} total={CURRICULUM[lesson.course].length} />
    </LabProvider>
  );
}
