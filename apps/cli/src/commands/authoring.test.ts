/** The lesson that docs/authoring.md builds is one: what stands there loads and passes lint. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatProblem, lintLesson, loadLesson } from '@terrarium/lesson/load';
import { afterAll, expect, it } from 'vitest';
import { ROOT } from '../project.js';

const dir = mkdtempSync(join(tmpdir(), 'terrarium-guide-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** The blocks of code of one language, in order. */
function blocks(language: string): string[] {
  const guide = readFileSync(join(ROOT, 'docs/authoring.md'), 'utf8');
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...guide.matchAll(fence)].map(([, text]) => text ?? '');
}

it('the authoring guide builds a lesson that passes lint', () => {
  const lesson = join(dir, 'containers', '90-orphans');
  mkdirSync(lesson, { recursive: true });
  writeFileSync(
    join(lesson, 'lesson.yaml'),
    blocks('yaml')
      .join('\n')
      .replace(/\nsteps:\n {2}# …/, '\n  # …'),
  );
  for (const [index, text] of blocks('text').entries()) {
    writeFileSync(join(lesson, index === 0 ? 'en.md' : 'zh.md'), text);
  }
  expect(lintLesson(lesson, ROOT).map(formatProblem)).toEqual([]);
  expect(loadLesson(lesson).steps.map(({ id }) => id)).toEqual(['child', 'orphan']);
});
