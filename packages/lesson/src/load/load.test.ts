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
  readLesson,
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

const QUIZ_YAML = `quiz:
  - id: is-it
    answers: [yes, no]
    correct: [yes]
`;
const QUIZ_PROSE = `
## Is it? {#quiz-is-it}

### choices

- yes: Yes.
- no: No.

### because

- yes: It is.
- no: It is not.
`;
/** A field that says the same in both languages. */
const both = (field: string, text: string) => ({ [field]: { en: text, zh: text } });

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
  it('fills in a `where` that a nested condition leaves out', () => {
    const nested = YAML.replace(
      '          - { field: p.comm, equals: sleep }',
      '          - { field: p.comm, equals: sleep }\n          - { not: { exists: { namespace: n } } }',
    );
    writeFileSync(join(dir, 'lesson.yaml'), nested);
    const [clause] = loadLesson(dir).steps[0]?.check.clauses ?? [];
    expect(clause).toMatchObject({
      where: [{ field: 'p.comm' }, { not: { exists: { namespace: 'n' }, where: [] } }],
    });
  });

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

  it('has questions at the end, in both languages, each answer with its reason', () => {
    write({ yaml: YAML + QUIZ_YAML, en: PROSE + QUIZ_PROSE, zh: PROSE + QUIZ_PROSE });
    const [question] = loadLesson(dir).quiz ?? [];
    expect(question?.question).toEqual({ en: 'Is it?', zh: 'Is it?' });
    expect(question?.answers).toEqual([
      { id: 'yes', correct: true, ...both('text', 'Yes.'), ...both('because', 'It is.') },
      { id: 'no', correct: false, ...both('text', 'No.'), ...both('because', 'It is not.') },
    ]);
    expect(loadLesson(dir).steps).toHaveLength(1);
  });

  it('refuses a question that is half written, or cannot be answered', () => {
    const quiz = (yaml: string, zh = QUIZ_PROSE): string => {
      write({ yaml: YAML + yaml, en: PROSE + QUIZ_PROSE, zh: PROSE + zh });
      return problems().join('\n');
    };
    expect(quiz(QUIZ_YAML, '')).toContain('has no section for "quiz-is-it"');
    expect(quiz(QUIZ_YAML, QUIZ_PROSE.replace('- no: It is not.', ''))).toContain(
      '"quiz-is-it" has no text for "no"',
    );
    expect(quiz('')).toContain('lesson.yaml has no question "is-it"');
    expect(quiz(QUIZ_YAML.replace('correct: [yes]', 'correct: [maybe]'))).toContain(
      'correct names no answer: maybe',
    );
    expect(quiz(QUIZ_YAML.replace('correct: [yes]', 'correct: [yes, no]'))).toContain(
      'no answer is wrong',
    );
  });

  it('has notes for presenters where there are any', () => {
    expect(loadLesson(dir).steps[0]).not.toHaveProperty('notes');
    const noted = (text: string): string => `${PROSE}\n### notes\n\n${text}\n`;
    write({ en: noted('Wait here.'), zh: noted('在此\n稍等。') });
    expect(loadLesson(dir).steps[0]?.notes).toEqual({ en: 'Wait here.', zh: '在此稍等。' });
  });

  it('has the commands of one version of control groups, and those of both', () => {
    const both = `[pwd, { line: cd cpu, cgroup: v1 }, { line: cd /, cgroup: v2 }]`;
    write({ yaml: YAML.replace('[sleep 5 &]', both) });
    const lines = (cgroup: 'v1' | 'v2') => readLesson(dir, cgroup).lesson?.steps[0]?.commands;
    const [pwd, v1, v2] = ['pwd', 'cd cpu', 'cd /'].map((line) => ({ line, terminal: 1 }));
    expect(lines('v1')).toEqual([pwd, v1]);
    expect(lines('v2')).toEqual([pwd, v2]);
  });

  it('is plain JSON, so that a page can have it as props', () => {
    const lesson = loadLesson(dir);
    expect(JSON.parse(JSON.stringify(lesson))).toEqual(lesson);
  });

  it('knows the objects that the prose links to, and finds links that lead nowhere', () => {
    const linked = (path: string): string => PROSE.replace('Prose.', `A [sleep](#see:${path}).`);
    write({ en: linked('p.namespaces.pid'), zh: linked('p.namespaces.pid') });
    expect(problems()).toEqual([]);
    write({ en: linked('x'), zh: linked('x') });
    expect(problems()[0]).toMatch(/en\.md:\d+: #see:x: nothing binds "x"/);
    write({ en: linked('p.comm'), zh: linked('p.comm') });
    expect(problems()[0]).toMatch(/#see:p\.comm: it leads to a value/);
    write({ en: linked('p') });
    expect(problems()).toEqual([expect.stringMatching(/zh\.md:\d+: links to other objects/)]);
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

  it('says which language lacks the notes of a step', () => {
    const noted = `${PROSE}\n### notes\n\nWait.\n`;
    const lines = (): string[] =>
      lintLesson(dir, ROOT)
        .map((one) => formatProblem(one).slice(dir.length + 1))
        .filter((text) => text.includes('notes'));
    write({ en: noted });
    expect(lines()).toEqual([expect.stringMatching(/^zh\.md:8: .*has no "### notes"/)]);
    write({ zh: noted });
    expect(lines()).toEqual([
      expect.stringMatching(/en\.md:8: .*has no "### notes"|zh\.md.*notes/),
    ]);
    write({ en: noted, zh: noted });
    expect(lines()).toEqual([]);
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

describe('each rule of lintLesson', () => {
  /** What lint says, as `file:line: message`. */
  const said = (): string[] =>
    lintLesson(dir, ROOT).map((one) => formatProblem(one).slice(dir.length + 1));
  const yaml = (from: string, to: string): string => YAML.replace(from, to);

  it('asks for a wrong answer to each check', () => {
    expect(said()).toContainEqual(expect.stringMatching(/^lesson\.yaml:3: nothing shows.*"one"/));
  });

  it('knows the clause that a wrong answer names', () => {
    const wrong = (clause: string): string =>
      `${YAML}    wrong:\n      - name: looks\n        commands: [ls]\n        clause: ${clause}\n`;
    write({ yaml: wrong('running') });
    expect(said().join()).not.toContain('has no clause');
    write({ yaml: wrong('walking') });
    expect(said()).toContain('lesson.yaml:12: "one" has no clause "walking"');
  });

  it('names a program that the image lacks, whatever the version of control groups', () => {
    write({ yaml: yaml('sleep 5 &', 'sleep 5 | docker ps') });
    expect(said().join()).toMatch(/lesson\.yaml:5: the image has no program "docker"/);
    write({ yaml: yaml('[sleep 5 &]', '[ls, { line: podman ps, cgroup: v1 }]') });
    expect(said().join()).toContain('no program "podman"');
    write({ yaml: yaml('[sleep 5 &]', '[ls, { line: podman ps, cgroup: v2 }]') });
    expect(said().join()).toContain('no program "podman"');
  });

  it('takes neither texts nor own functions for programs', () => {
    write({ yaml: yaml('[sleep 5 &]', '["cat > a <<EOF", docker, EOF, "f() { ls; }", f]') });
    expect(said().join()).not.toContain('no program');
  });

  it('finds a hint that nobody can be shown', () => {
    const again = `      - id: again
        exists: { process: q }
        where:
          - { field: q.comm, equals: CONDITION }
`;
    const prose = PROSE.replace('### hint', '- again: Another one.\n\n### hint');
    write({ yaml: `${YAML}${again.replace('CONDITION', 'sleep')}`, en: prose, zh: prose });
    expect(said().join()).toMatch(/lesson\.yaml:11: "again" holds whenever "running" does/);
    write({ yaml: `${YAML}${again.replace('CONDITION', 'sh')}`, en: prose, zh: prose });
    expect(said().join()).not.toContain('holds whenever');
  });

  it.each([
    ['inline code', /zh\.md:8: "one" does not speak of `ls -l`/, 'Type `ls -l`.', 'Type.'],
    ['more inline code', /zh\.md:8: "one" speaks of `ps`, en\.md does not/, 'Type.', 'Type `ps`.'],
    ['a block', /zh\.md:8: a block of code in "one" is another/, '```\nls\n```', '```\nps\n```'],
  ])('finds %s that differs', (_name, expected, en, zh) => {
    write({ en: PROSE.replace('Prose.', en), zh: PROSE.replace('Prose.', zh) });
    expect(said().join('\n')).toMatch(expected);
  });

  it('lets code be shortened, and what a reader fills in be translated', () => {
    const prose = (text: string): string => PROSE.replace('Prose.', text);
    write({ en: prose('Type `ps -e` or `kill NUMBER`.'), zh: prose('`ps`，`kill 编号`。') });
    expect(said().join()).not.toContain('speak');
  });

  it('finds a part that one language alone has', () => {
    write({ en: PROSE.replace('### hint', '### explain\n\nWhy.\n\n### hint') });
    expect(said()).toContain('zh.md:8: "one" has no "### explain", en.md has one');
  });

  it.each([
    ['a step', '#two', /en\.md:10: the link #two leads to no step/],
    ['a file', 'packages/none.ts', /en\.md:10: packages\/none\.ts is no file of this project/],
    ['a page', 'http://example.org', /en\.md:10: the link .* is not an https one/],
  ])('finds a link that leads to no such thing: %s', (_name, target, expected) => {
    const linked = (to: string): string => PROSE.replace('Prose.', `See [it](${to}).`);
    write({ en: linked(target), zh: linked(target) });
    expect(said().join('\n')).toMatch(expected);
    for (const good of ['#one', 'packages/lesson/src/index.ts', 'https://example.org/a']) {
      write({ en: linked(good), zh: linked(good) });
      expect(said().join()).not.toMatch(/the link|is no file/);
    }
  });

  it('wants the English term beside the Chinese one at its first use', () => {
    write({ zh: PROSE.replace('Prose.', '一个进程。') });
    expect(said().join()).toMatch(/zh\.md:10: "进程" stands without its English term/);
    write({ zh: PROSE.replace('Prose.', '一个进程（process）。') });
    expect(said().join()).not.toContain('English term');
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
