/** No claim without a live step: the table of claims against the lessons, and the check of the table itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lesson } from '../types.js';
import { claimProblems } from './claims.js';
import { lessonDirs, readLesson } from './load.js';
import { formatProblem } from './problem.js';

const LESSONS = fileURLToPath(new URL('../../../../lessons', import.meta.url));

it('every claim of the course is shown by a step that there is', () => {
  const lessons = lessonDirs(LESSONS).flatMap((dir) => readLesson(dir).lesson ?? []);
  const problems = claimProblems(join(LESSONS, 'claims.yaml'), lessons);
  expect(problems.map(formatProblem)).toEqual([]);
});

describe('claimProblems', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'claims-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const lesson = {
    id: 'containers/01',
    steps: [{ id: 'one', check: { clauses: [{ id: 'there' }] } }],
  } as unknown as Lesson;

  function problems(lines: string): string[] {
    const file = join(dir, 'claims.yaml');
    const claim = 'id: c\n  en: A claim of ten letters.\n  zh: 一个足够长的论断。';
    writeFileSync(file, `- ${claim}\n${lines}`);
    return claimProblems(file, [lesson]).map(({ line, message }) => `${line} ${message}`);
  }

  it('accepts a step with its clause, and what is to come', () => {
    expect(problems('  shown: [{ lesson: containers/01, step: one, clause: there }]\n')).toEqual(
      [],
    );
    expect(problems('  toCome: [{ lesson: containers/09 }]\n')).toEqual([]);
    expect(problems('  toCome: [{ lesson: containers/01, step: two }]\n')).toEqual([]);
  });

  it('refuses a claim that is shown nowhere, or where nothing is', () => {
    expect(problems('')).toEqual(['1 claim "c" is shown nowhere']);
    expect(problems('  shown: [{ lesson: containers/02, step: one, clause: there }]\n')).toEqual([
      '4 claim "c": there is no lesson containers/02',
    ]);
    expect(problems('  shown: [{ lesson: containers/01, step: two, clause: there }]\n')).toEqual([
      '4 claim "c": containers/01 has no step "two"',
    ]);
    expect(problems('  shown: [{ lesson: containers/01, step: one, clause: gone }]\n')).toEqual([
      '4 claim "c": containers/01 one has no clause "gone"',
    ]);
  });

  it('turns red when what was to come has come', () => {
    expect(problems('  toCome: [{ lesson: containers/01 }]\n')).toEqual([
      '4 claim "c": containers/01 is there now',
    ]);
    expect(problems('  toCome: [{ lesson: containers/01, step: one }]\n')).toEqual([
      '4 claim "c": containers/01 one is there now',
    ]);
  });
});
