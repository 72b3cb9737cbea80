/** Loader and lint over small lessons in temporary folders, and over the lessons of this project. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  formatProblem,
  LessonError,
  lessonDirs,
  lessonJsonSchema,
  lintLesson,
  loadLesson,
} from './index.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

const YAML = `minutes: 5
steps:
  - id: one
    view: processes
    commands: [sleep 5 &]
    check:
      - id: running
        exists: { process: p }
        where:
          - { field: p.comm, equals: sleep }
`;
const PROSE = `---
title: Title
summary: Summary.
objectives: [know]
---
Introduction.

## One {#one}

Prose.

\`\`\`sh
## not a heading
\`\`\`

### look

Look.

### messages

- running: A running
  sleep.

### hint

Hint.
`;

let dir = '';
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'lesson-')), 'containers', '01-name');
  mkdirSync(dir, { recursive: true });
  write({});
});
afterEach(() => rmSync(join(dir, '..', '..'), { recursive: true }));

function write(files: { yaml?: string; en?: string; zh?: string }): void {
  writeFileSync(join(dir, 'lesson.yaml'), files.yaml ?? YAML);
  writeFileSync(join(dir, 'en.md'), files.en ?? PROSE);
  writeFileSync(join(dir, 'zh.md'), files.zh ?? PROSE);
}

function problems(): string[] {
  try {
    loadLesson(dir);
    return [];
  } catch (error) {
    if (!(error instanceof LessonError)) throw error;
    return error.problems.map((one) => formatProblem(one).slice(dir.length + 1));
  }
}

describe('loadLesson', () => {
  it('joins machinery and prose', () => {
    const lesson = loadLesson(dir);
    expect(lesson.id).toBe('containers/01');
    expect(lesson.slug).toBe('name');
    const [step] = lesson.steps;
    expect(step?.title).toEqual({ en: 'One', zh: 'One' });
    expect(step?.prose.en).toContain('## not a heading');
    expect(step?.check.clauses[0]?.message.en).toBe('A running sleep.');
    expect(step?.solution).toEqual([{ line: 'sleep 5 &', terminal: 1 }]);
  });

  it('is plain JSON, so that a page can have it as props', () => {
    const lesson = loadLesson(dir);
    expect(JSON.parse(JSON.stringify(lesson))).toEqual(lesson);
  });

  it('joins Chinese lines without a space, and leaves English ones alone', () => {
    write({ zh: PROSE.replace('Prose.', '第一行，\n第二行。\nEnglish\nlines') });
    expect(loadLesson(dir).steps[0]?.prose.zh).toMatch(/^第一行，第二行。\nEnglish\nlines/);
  });

  it.each([
    [
      'a misspelt field',
      /lesson\.yaml:10: p\.com: a process has no field "com"/,
      'p.comm',
      'p.com',
    ],
    ['an unknown variable', /lesson\.yaml:10: q\.comm: nothing binds "q"/, 'p.comm', 'q.comm'],
    [
      'two operators',
      /lesson\.yaml:10: .*exactly one operator/,
      'equals: sleep',
      'equals: a, atLeast: 1',
    ],
    ['an unknown key', /lesson\.yaml:\d+: steps\.0: unrecognized key: "veiw"/, 'view:', 'veiw:'],
    ['broken YAML', /lesson\.yaml:\d+: /, 'where:', 'where: ]'],
  ])('says where %s is', (_name, expected, from, to) => {
    write({ yaml: YAML.replace(from, to) });
    expect(problems().join('\n')).toMatch(expected);
  });

  it.each([
    ['no hint', /zh\.md:8: step "one" has no hint \(add "### hint"\)/, '### hint', ''],
    ['no message', /zh\.md:20: "one" has no text for "running"/, '- running', '- walking'],
    ['an unknown part', /zh\.md:25: "### tip" is no part/, '### hint', '### tip'],
    ['no section for a step', /zh\.md:1: has no section for "one"/, '{#one}', '{#two}'],
    ['no front matter', /zh\.md:1: has no front matter/, '---\ntitle', 'title'],
  ])('says where the Chinese prose has %s', (_name, expected, from, to) => {
    write({ zh: PROSE.replace(from, to) });
    expect(problems().join('\n')).toMatch(expected);
  });

  it('names a missing file', () => {
    rmSync(join(dir, 'zh.md'));
    expect(problems()).toEqual(['zh.md:1: cannot be read: ENOENT']);
  });
});

describe('lintLesson', () => {
  it('asks for wrong answers, a prediction and a fault', () => {
    const said = lintLesson(dir, ROOT).map((one) => one.message);
    expect(said).toContain('has 0 wrong answers of at least 2');
    expect(said).toContain('asks for no prediction');
    expect(said).toContain('breaks nothing');
  });

  it('finds a command that is too long, a spelling and a source that is not there', () => {
    write({
      yaml: `${YAML.replace('sleep 5 &', `sleep ${'5'.repeat(90)}`)}deeper: [{ id: x, kind: source, reference: no/such.ts }]\n`,
      en: `${PROSE.replace('Prose.', 'The pid of a filesystem.')}\n## Deeper {#deeper}\n\n- x: Why.\n`,
      zh: `${PROSE}\n## Deeper {#deeper}\n\n- x: Why.\n`,
    });
    const said = lintLesson(dir, ROOT).map((one) => one.message);
    expect(said).toContain('a command is 96 characters long');
    expect(said).toContain('"pid" is written PID');
    expect(said).toContain('no/such.ts is no file of this project');
  });
});

describe('the lessons of this project', () => {
  const dirs = lessonDirs(join(ROOT, 'lessons'));

  it('are there', () => expect(dirs.length).toBeGreaterThan(0));

  it.each(dirs)('%s has no problem', (path) => {
    expect(lintLesson(path, ROOT).map(formatProblem)).toEqual([]);
  });

  it('have the JSON schema that this code makes (terrarium lesson schema --write)', () => {
    const written = readFileSync(join(ROOT, 'lessons/lesson.schema.json'), 'utf8');
    expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(lessonJsonSchema())));
  });
});
