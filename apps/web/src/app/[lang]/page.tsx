/**
 * The opening page: both courses, what is there, and where the learner left off. It has no lesson:
 * the container that is made here for show must not turn a step of a lesson green.
 */
import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { notFound } from 'next/navigation';
import { drawTexts } from '../../components/drawn-texts';
import { DrawnTextsProvider } from '../../components/markdown';
import { allLessons } from '../../content/lessons';
import { CoursePage } from '../../course/course-page';
import { DICTIONARIES, isLanguage } from '../../i18n/index';
import { readPreferences } from '../../live/preferences';
import { LabProvider } from '../../live/use-lab';

interface PageProps {
  readonly params: Promise<{ readonly lang: string }>;
}

export async function generateMetadata({ params }: PageProps): Promise<Metadata> {
  const { lang } = await params;
  return isLanguage(lang)
    ? { title: { absolute: `Terrarium · ${DICTIONARIES[lang].tagline}` } }
    : {};
}

export default async function Page({ params }: PageProps) {
  const { lang } = await params;
  if (!isLanguage(lang)) notFound();
  const preferences = readPreferences((await cookies()).toString());
  const lessons = allLessons().map(({ id, title, summary, objectives, minutes, steps }) => ({
    id,
    title,
    summary,
    objectives,
    minutes,
    steps: steps.map(({ id: step }) => ({ id: step })),
  }));
  const objectives = lessons.flatMap((lesson) => lesson.objectives);
  return (
    <LabProvider lesson={null} preferences={preferences}>
      <DrawnTextsProvider texts={drawTexts({ inline: objectives }, lang)}>
        <CoursePage lessons={lessons} />
      </DrawnTextsProvider>
    </LabProvider>
  );
}
