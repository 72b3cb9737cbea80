/** One lesson as a handout: for paper, for a PDF, for reading without a lab. */
import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { figureWithStep } from '../../../../../content/figures';
import { findLesson } from '../../../../../content/lessons';
import { HandoutPage } from '../../../../../handout/handout-page';
import { handoutStrings } from '../../../../../handout/strings';
import { isLanguage } from '../../../../../i18n/index';
import '../../../../../handout/handout.css';

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
  if (lesson === null || !isLanguage(lang)) return {};
  return { title: `${lesson.title[lang]} · ${handoutStrings(lang).handout}` };
}

export default async function Page({ params }: PageProps) {
  const { lang, course, number } = await params;
  const lesson = findLesson(course, number);
  if (lesson === null || !isLanguage(lang)) notFound();
  return <HandoutPage lesson={lesson} recorded={figureWithStep(course, number)} />;
}
