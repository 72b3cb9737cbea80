/** Links in prose: to kernel objects (the loader knows them), steps, lessons, files of this project. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SEE } from '../../pointing.js';
import type { Prose } from '../prose.js';
import type { Finding } from './finding.js';

/** @param root the project's folder, where links to files lead from */
export function brokenLinks(prose: Prose, file: Finding['file'], root: string): Finding[] {
  const steps = prose.sections.map(({ id }) => id);
  const texts = [
    { line: 1, text: prose.introduction },
    ...prose.sections.flatMap((section) => [
      { line: section.line, text: section.body },
      ...Object.values(section.parts),
    ]),
  ];
  return texts.flatMap(({ text }) =>
    targetsOf(text).flatMap((target): Finding[] => {
      const problem = linkProblem(target, steps, root);
      return problem === null ? [] : [{ file, at: `](${target})`, message: problem }];
    }),
  );
}

function targetsOf(markdown: string): string[] {
  const prose = markdown.replace(/```[\s\S]*?```|`[^`]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]*)\)/g)].map(([, target]) => target ?? '');
}

function linkProblem(target: string, steps: readonly string[], root: string): string | null {
  if (target.startsWith(SEE) || /^#[a-z]+:/.test(target)) return null;
  if (target.startsWith('#')) {
    const id = target.slice(1);
    return steps.includes(id) ? null : `the link ${target} leads to no step of this lesson`;
  }
  if (/^https:\/\/[^\s]+$/.test(target)) return null;
  if (/^[a-z]+:/.test(target)) return `the link ${target} is not an https one`;
  const path = target.split('#')[0] ?? '';
  return existsSync(join(root, path)) ? null : `${path} is no file of this project`;
}
