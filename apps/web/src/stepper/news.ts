/** Folds what the daemon says of the stepper into what the page has of it. Pure. */
import type { StepperServerMessage, StepperState } from '@terrarium/protocol';

type News = Extract<StepperServerMessage, { type: 'stepper.news' }>;

/** News of another stepper than the page's are of one that is no more. A record may come again, amended. */
export function withNews(stepper: StepperState | null, news: News): StepperState | null {
  if (stepper === null || stepper.id !== news.id) return stepper;
  const records = [...stepper.records];
  for (const record of news.records) records[record.seq] = record;
  return { ...stepper, ...news.progress, records };
}
