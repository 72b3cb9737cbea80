/**
 * Loads lessons from disk: lesson.yaml (machinery) joined with en.md and zh.md (prose). Node only.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Check, Clause, Query } from '../check.js';
import { pathOf } from '../evaluate.js';
import { objectPathProblem } from '../fields.js';
import { SEE, seeLinks } from '../pointing.js';
import type { Command, Deeper, Lesson, LocalText, Predict, Question, Step } from '../types.js';
import { type CgroupVersion, cgroupVersion } from './machine.js';
import { LessonError, type Problem } from './problem.js';
import { type Part, type Prose, parseList, parseProse, type Section } from './prose.js';
import {
  type CommandFile,
  type LessonFile,
  lessonSchema,
  type QuestionFile,
  type StepFile,
} from './schema.js';
import { checkObjectPath, checkPath, checkVariables, type Scope } from './variables.js';
import { type Located, parseYaml } from './yaml.js';

const COURSES = ['containers', 'kubernetes'] as const;
const LANGUAGES = ['en', 'zh'] as const;
type Language = (typeof LANGUAGES)[number];

/**
 * Loads the lesson in one folder, `…/containers/01-a-container-is-a-process`.
 *
 * @throws LessonError with every problem, each with file, line and hint
 */
export function loadLesson(dir: string): Lesson {
  const { lesson, problems } = readLesson(dir);
  if (lesson === null || problems.length > 0) throw new LessonError(problems);
  return lesson;
}

/** Loads every lesson of a course folder (`lessons/containers`), in their order. */
export function loadCourse(dir: string): Lesson[] {
  return lessonDirs(dir).map(loadLesson);
}

/** The lesson folders below a course folder, or below the folder of all courses. */
export function lessonDirs(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(dir, entry.name))
    .sort()
    .flatMap((path) => (existsSync(join(path, 'lesson.yaml')) ? [path] : lessonDirs(path)));
}

/**
 * Reads a lesson as far as it goes, for those who want the problems rather than an exception.
 *
 * @param cgroup whose commands it has; this machine's by default
 */
export function readLesson(
  dir: string,
  cgroup: CgroupVersion = cgroupVersion(),
): { lesson: Lesson | null; problems: Problem[] } {
  const problems: Problem[] = [];
  const file = join(dir, 'lesson.yaml');
  const text = read(file, problems);
  const machinery = text === null ? null : parseYaml(text, lessonSchema, file, problems);
  const prose = readProse(dir, problems);
  if (machinery === null || prose === null) return { lesson: null, problems };
  const joiner = new Joiner(machinery, file, prose, problems, cgroup);
  return { lesson: joiner.lesson(dir), problems };
}

function read(file: string, problems: Problem[]): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    problems.push({ file, line: 1, message: `cannot be read: ${code}` });
    return null;
  }
}

function readProse(dir: string, problems: Problem[]): Record<Language, Prose> | null {
  const [en, zh] = LANGUAGES.map((language) => {
    const file = join(dir, `${language}.md`);
    const text = read(file, problems);
    return text === null ? null : parseProse(text, file, problems);
  });
  return en && zh ? { en, zh } : null;
}

/** Joins machinery and prose; whatever one of them lacks becomes a problem. */
class Joiner {
  readonly #yaml: Located<LessonFile>;
  readonly #file: string;
  readonly #prose: Record<Language, Prose>;
  readonly #problems: Problem[];
  readonly #cgroup: CgroupVersion;

  constructor(
    yaml: Located<LessonFile>,
    file: string,
    prose: Record<Language, Prose>,
    problems: Problem[],
    cgroup: CgroupVersion,
  ) {
    this.#cgroup = cgroup;
    this.#yaml = yaml;
    this.#file = file;
    this.#prose = prose;
    this.#problems = problems;
  }

  lesson(dir: string): Lesson {
    const { minutes, requires, steps, quiz } = this.#yaml.value;
    const { course, number, slug } = this.#names(dir);
    this.#compareSections();
    const { en, zh } = this.#prose;
    if (en.meta.objectives.length !== zh.meta.objectives.length) {
      this.#say(zh.file, 1, 'has another number of objectives than en.md');
    }
    return {
      id: `${course}/${number}`,
      course,
      number,
      slug,
      title: { en: en.meta.title, zh: zh.meta.title },
      summary: { en: en.meta.summary, zh: zh.meta.summary },
      objectives: en.meta.objectives.map((text, i) => ({
        en: text,
        zh: zh.meta.objectives[i] ?? '',
      })),
      minutes,
      requires,
      introduction: { en: en.introduction, zh: zh.introduction },
      steps: steps.map((step, index) => this.#step(step, index)),
      deeper: this.#deeper(),
      ...(quiz.length > 0 && { quiz: quiz.map((one) => this.#question(one)) }),
    };
  }

  #names(dir: string): { course: Lesson['course']; number: string; slug: string } {
    const [, number = '00', slug = ''] = /^(\d\d)-([a-z0-9-]+)$/.exec(basename(dir)) ?? [];
    const course = COURSES.find((one) => one === basename(dirname(dir)));
    if (course === undefined || slug === '') {
      const hint = 'lessons/containers/01-name or lessons/kubernetes/01-name';
      this.#say(this.#file, 1, `the folder ${dir} is not named as a lesson`, hint);
    }
    return { course: course ?? 'containers', number, slug };
  }

  /** Both languages have the sections of lesson.yaml, in its order. */
  #compareSections(): void {
    const { steps: ofSteps, quiz } = this.#yaml.value;
    const wanted = [...ofSteps.map(({ id }) => id), ...quiz.map(({ id }) => `${QUIZ}${id}`)];
    for (const language of LANGUAGES) {
      const { file, sections } = this.#prose[language];
      const steps = sections.filter((section) => section.id !== 'deeper');
      for (const section of steps) {
        if (!wanted.includes(section.id)) {
          this.#say(file, section.line, `lesson.yaml has no ${sectionName(section.id)}`);
        }
      }
      const known = steps.filter((section) => wanted.includes(section.id));
      const moved = known.find(
        (section, i) => wanted.filter((id) => known.some((one) => one.id === id))[i] !== section.id,
      );
      if (moved !== undefined) {
        const message = `${sectionName(moved.id)} stands in another order than lesson.yaml`;
        this.#say(file, moved.line, message);
      }
    }
  }

  #step(step: StepFile, index: number): Step {
    const at = ['steps', index];
    const report = (path: readonly PropertyKey[], message: string): void =>
      this.#say(this.#file, this.#yaml.lineOf(path), message);
    const earlier = this.#yaml.value.steps.slice(0, index);
    if (earlier.some((one) => one.id === step.id)) report(at, `step "${step.id}" stands twice`);
    const scope = checkVariables(step.check as never, [...at, 'check'], report);
    if (step.predict !== undefined) {
      const path = pathOf(step.predict.actual);
      const place = [...at, 'predict', 'actual'];
      if (step.predict.kind === 'pick') checkObjectPath(path, place, scope, report);
      else checkPath(path, place, scope, report);
    }
    this.#checkLinks(step.id, scope);
    const commands = this.#commands(step.commands);
    return {
      id: step.id,
      title: this.#each(step.id, (section) => section.title),
      prose: this.#each(step.id, (section) => section.body),
      view: step.view,
      look: this.#part(step.id, 'look'),
      commands,
      ...(step.predict === undefined ? {} : { predict: this.#predict(step) }),
      check: this.#check(step),
      once: step.once,
      hint: this.#part(step.id, 'hint'),
      ...this.#notes(step.id),
      solution: step.solution === undefined ? commands : this.#commands(step.solution),
      wrong: step.wrong.map(({ name, commands, clause }) => ({
        name,
        commands: this.#commands(commands),
        ...(clause !== undefined && { clause }),
      })),
      setup: this.#commands(step.setup),
      breakIt: step.breakIt,
      ...(step.requires.length > 0 && { requires: step.requires }),
    };
  }

  #commands(commands: readonly CommandFile[]): Command[] {
    return commandsFor(this.#cgroup, commands);
  }

  /** Links of the prose to kernel objects lead somewhere, and say the same in both languages. */
  #checkLinks(id: string, scope: Scope): void {
    const [en = [], zh = []] = LANGUAGES.map((language) => {
      const section = this.#prose[language].sections.find((one) => one.id === id);
      if (section === undefined) return [];
      const texts = [section.body, ...Object.values(section.parts).map(({ text }) => text)];
      const paths = texts.flatMap(seeLinks);
      const { file } = this.#prose[language];
      for (const path of paths) {
        const problem = objectPathProblem(path, scope);
        if (problem !== null) this.#say(file, section.line, `${SEE}${path}: ${problem}`);
      }
      return [...paths].sort();
    });
    if (en.join() === zh.join()) return;
    const { file, sections } = this.#prose.zh;
    const line = sections.find((one) => one.id === id)?.line ?? 1;
    this.#say(file, line, `links to other objects than en.md: ${zh.join(', ') || 'none'}`);
  }

  #check(step: StepFile): Check {
    const messages = this.#list(
      step.id,
      'messages',
      step.check.map((clause) => clause.id),
    );
    return {
      clauses: step.check.map((clause) => {
        const { that, ...rest } = clause;
        const claim =
          that === undefined
            ? { ...rest, where: (clause.where ?? []).map(withWhere) }
            : { that: that.map(withWhere) };
        return { ...claim, id: clause.id, message: messages(clause.id) } as Clause;
      }),
    };
  }

  #predict(step: StepFile): Predict {
    const predict = step.predict as NonNullable<StepFile['predict']>;
    const ids = predict.choices ?? [];
    const texts = ids.length === 0 ? null : this.#list(step.id, 'choices', ids);
    return {
      question: this.#part(step.id, 'question'),
      kind: predict.kind,
      ...(predict.view === undefined ? {} : { view: predict.view }),
      ...(texts === null ? {} : { choices: ids.map((id) => ({ id, text: texts(id) })) }),
      actual: predict.actual as Query,
      explain: this.#part(step.id, 'explain'),
    };
  }

  #question({ id, answers, correct }: QuestionFile): Question {
    const section = `${QUIZ}${id}`;
    const texts = this.#list(section, 'choices', answers);
    const because = this.#list(section, 'because', answers);
    return {
      id,
      question: this.#each(section, ({ title }) => title),
      answers: answers.map((answer) => ({
        ...{ id: answer, text: texts(answer), because: because(answer) },
        correct: correct.includes(answer),
      })),
    };
  }

  #deeper(): Deeper[] {
    const { deeper } = this.#yaml.value;
    if (deeper.length === 0) return [];
    const ids = deeper.map((one) => one.id);
    const why = this.#texts(ids, 'deeper', (section) => ({
      line: section.line,
      text: section.body,
    }));
    return deeper.map(({ id, kind, reference }) => ({ kind, reference, why: why(id) }));
  }

  /** `- id: text` lists of both languages, complete and with nothing that nobody asks for. */
  #list(step: string, part: Part, ids: readonly string[]): (id: string) => LocalText {
    return this.#texts(ids, step, (section) => section.parts[part], part);
  }

  #texts(
    ids: readonly string[],
    sectionId: string,
    pick: (section: Section) => { line: number; text: string } | undefined,
    part?: Part,
  ): (id: string) => LocalText {
    const found = LANGUAGES.map((language) => {
      const { file } = this.#prose[language];
      const section = this.#section(language, sectionId);
      const text = section === null ? undefined : pick(section);
      const list = parseList(text?.text ?? '');
      const line = text?.line ?? section?.line ?? 1;
      const hint = `add "- id: text" ${part === undefined ? 'there' : `below "### ${part}"`}`;
      for (const id of ids) {
        if (!list.has(id)) this.#say(file, line, `"${sectionId}" has no text for "${id}"`, hint);
      }
      for (const id of list.keys()) {
        if (!ids.includes(id)) this.#say(file, line, `"${id}" is not in lesson.yaml`);
      }
      return list;
    });
    return (id) => ({ en: found[0]?.get(id) ?? '', zh: found[1]?.get(id) ?? '' });
  }

  #part(step: string, part: Part): LocalText {
    return this.#each(step, (section, file) => {
      const text = section.parts[part]?.text ?? '';
      if (text === '') {
        this.#say(file, section.line, `step "${step}" has no ${part}`, `add "### ${part}"`);
      }
      return text;
    });
  }

  /** Notes may be left out: what one language alone lacks is for the lint to say. */
  #notes(step: string): { notes?: LocalText } {
    const notes = this.#each(step, (section) => section.parts.notes?.text ?? '');
    return notes.en === '' && notes.zh === '' ? {} : { notes };
  }

  #each(step: string, pick: (section: Section, file: string) => string): LocalText {
    const [en = '', zh = ''] = LANGUAGES.map((language) => {
      const section = this.#section(language, step);
      return section === null ? '' : pick(section, this.#prose[language].file);
    });
    return { en, zh };
  }

  #section(language: Language, id: string): Section | null {
    const { file, sections } = this.#prose[language];
    const section = sections.find((one) => one.id === id);
    if (section !== undefined) return section;
    const message = `has no section for "${id}"`;
    if (!this.#problems.some((one) => one.file === file && one.message === message)) {
      this.#say(file, 1, message, `add "## Title {#${id}}"`);
    }
    return null;
  }

  #say(file: string, line: number, message: string, hint?: string): void {
    this.#problems.push({ file, line, message, ...(hint === undefined ? {} : { hint }) });
  }
}

/** What is typed on this machine, out of what is typed on any. */
function commandsFor(cgroup: CgroupVersion, commands: readonly CommandFile[]): Command[] {
  return commands.flatMap((command): Command[] => {
    if (typeof command === 'string') return [{ line: command, terminal: 1 }];
    const { cgroup: only, ...rest } = command;
    return only === undefined || only === cgroup ? [rest] : [];
  });
}

/** What the section of a question is called by, before its id. */
const QUIZ = 'quiz-';

function sectionName(id: string): string {
  return id.startsWith(QUIZ) ? `question "${id.slice(QUIZ.length)}"` : `step "${id}"`;
}

type RawCondition = Readonly<Record<string, unknown>> & {
  readonly any?: readonly RawCondition[];
  readonly not?: RawCondition;
  readonly where?: readonly RawCondition[];
};

/** `where` may be left out in lesson.yaml; who evaluates a condition finds it everywhere. */
function withWhere(condition: RawCondition): RawCondition {
  const { any, not, where } = condition;
  const looksFor = ['exists', 'notExists', 'count'].some((key) => key in condition);
  return {
    ...condition,
    ...(any !== undefined && { any: any.map(withWhere) }),
    ...(not !== undefined && { not: withWhere(not) }),
    ...(looksFor && { where: (where ?? []).map(withWhere) }),
  };
}
