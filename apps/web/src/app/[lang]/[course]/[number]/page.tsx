/** One lesson. */
import type { Lesson } from '@terrarium/lesson';
import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { notFound } from 'next/navigation';
import type { AheadLesson } from '../../../../completion/ahead';
import { drawLesson } from '../../../../components/drawn-texts';
import { DrawnTextsProvider } from '../../../../components/markdown';
import { CURRICULUM } from '../../../../content/curriculum';
import { allLessons, findLesson } from '../../../../content/lessons';
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
      <DrawnTextsProvider texts={drawLesson(lesson, lang)}>
        <LessonPage
          lesson={lesson}
          total={CURRICULUM[lesson.course].length}
          course={lessonsOf(lesson.course)}
        />
      </DrawnTextsProvider>
    </LabProvider>
  );
}

/** No more of each than the end of a lesson speaks of. */
function lessonsOf(course: Lesson['course']): AheadLesson[] {
  return allLessons()
    .filter((one) => one.course === course)
    .map(({ id, title, minutes, steps }) => ({
      ...{ id, title, minutes },
      steps: steps.map((step) => ({ id: step.id })),
    }));
}
