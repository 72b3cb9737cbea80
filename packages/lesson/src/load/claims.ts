/** The table of claims, lessons/claims.yaml: what the course says is shown in some step, by a clause of its check. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Lesson } from '../types.js';
import type { Problem } from './problem.js';
import { parseYaml } from './yaml.js';

const slug = z.string().regex(/^[a-z][a-z0-9-]*$/);
const lesson = z.string().regex(/^(containers|kubernetes)\/\d\d$/);

/** lessons/claims.yaml as a whole. */
export const claimsSchema = z.array(
  z.strictObject({
    id: slug,
    en: z.string().min(10).describe('the claim, in one sentence of our own'),
    zh: z.string().min(6),
    shown: z
      .array(z.strictObject({ lesson, step: slug, clause: slug }))
      .default([])
      .describe('steps that cause it, each with the clause of its check that the kernel fulfils'),
    toCome: z
      .array(z.strictObject({ lesson, step: slug.optional() }))
      .default([])
      .describe('lessons or steps that are not written yet'),
  }),
);

/** Reads the table and holds it against the lessons that there are. */
export function claimProblems(file: string, lessons: readonly Lesson[]): Problem[] {
  const problems: Problem[] = [];
  if (!existsSync(file)) return [{ file, line: 1, message: 'there is no table of claims' }];
  const table = parseYaml(readFileSync(file, 'utf8'), claimsSchema, file, problems);
  if (table === null) return problems;
  const say = (path: readonly PropertyKey[], message: string, hint?: string): void => {
    problems.push({ file, line: table.lineOf(path), message, hint });
  };
  const ids = new Set<string>();
  for (const [i, claim] of table.value.entries()) {
    if (ids.has(claim.id)) say([i], `claim "${claim.id}" stands twice`);
    ids.add(claim.id);
    if (claim.shown.length + claim.toCome.length === 0) {
      say([i], `claim "${claim.id}" is shown nowhere`, 'name a step, or what is to come');
    }
    for (const [n, place] of claim.shown.entries()) {
      const problem = placeProblem(place, lessons);
      if (problem !== null) say([i, 'shown', n], `claim "${claim.id}": ${problem}`);
    }
    for (const [n, place] of claim.toCome.entries()) {
      if (!isThere(place, lessons)) continue;
      const what = [place.lesson, place.step].filter(Boolean).join(' ');
      say([i, 'toCome', n], `claim "${claim.id}": ${what} is there now`, 'move it to shown');
    }
  }
  return problems;
}

function placeProblem(
  place: { readonly lesson: string; readonly step: string; readonly clause: string },
  lessons: readonly Lesson[],
): string | null {
  const found = lessons.find(({ id }) => id === place.lesson);
  if (found === undefined) return `there is no lesson ${place.lesson}`;
  const step = found.steps.find(({ id }) => id === place.step);
  if (step === undefined) return `${place.lesson} has no step "${place.step}"`;
  if (step.check.clauses.some(({ id }) => id === place.clause)) return null;
  return `${place.lesson} ${place.step} has no clause "${place.clause}"`;
}

function isThere(
  place: { readonly lesson: string; readonly step?: string | undefined },
  lessons: readonly Lesson[],
): boolean {
  const found = lessons.find(({ id }) => id === place.lesson);
  if (found === undefined || place.step === undefined) return found !== undefined;
  return found.steps.some(({ id }) => id === place.step);
}
