/** The learner's answers, kept in this browser alone: they are nobody else's business. */
import { z } from 'zod';

const KEY = 'terrarium.quiz';
/** by lesson, then by question: ids of the chosen answers */
const schema = z.record(z.string(), z.record(z.string(), z.array(z.string())));

/** The answer that was checked last; null where there is none, or the browser keeps nothing. */
export function keptAnswer(lesson: string, question: string): readonly string[] | null {
  return all()[lesson]?.[question] ?? null;
}

/** Instead of the one before. */
export function keepAnswer(lesson: string, question: string, chosen: readonly string[]): void {
  const kept = all();
  const answers = { ...kept[lesson], [question]: [...chosen] };
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...kept, [lesson]: answers }));
  } catch {
    // A browser that keeps nothing: the answer is forgotten with the page.
  }
}

function all(): z.infer<typeof schema> {
  try {
    const parsed = schema.safeParse(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}
