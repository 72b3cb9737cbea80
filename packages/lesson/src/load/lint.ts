/**
 * `terrarium lesson lint`: what the loader refuses, and beyond it what makes a lesson a good one
 * by the curriculum: experiments, wrong answers, predictions, a fault, short plain texts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { staleFigure } from '../figure.js';
import type { Command, Lesson, LocalText, Step } from '../types.js';
import { FIGURE_FILE, readFigure } from './figure.js';
import { GLOSSARY, SPELLINGS } from './glossary.js';
import { drift } from './lint/drift.js';
import type { Finding } from './lint/finding.js';
import { brokenLinks } from './lint/links.js';
import { imagePrograms, missingPrograms } from './lint/programs.js';
import { unreachableHints } from './lint/reach.js';
import { readLesson } from './load.js';
import type { CgroupVersion } from './machine.js';
import { formatProblem, type Problem } from './problem.js';
import { parseProse } from './prose.js';

/** Cells that a command has beside the prose on a screen 1280 pixels wide. */
const COMMAND_CELLS = 80;
/** Characters of one step's prose: one idea fits, two do not. */
const PROSE = { en: { least: 120, most: 1200 }, zh: { least: 40, most: 500 } } as const;
/** Words of an English sentence, characters of a Chinese one. */
const SENTENCE = { en: 32, zh: 90 } as const;
/** Wrong answers in a lesson. */
const WRONG_ANSWERS = 2;

/**
 * Lints one lesson folder, with the commands of both versions of control groups.
 *
 * @param root the project's folder, where references of kind source lead to
 */
export function lintLesson(dir: string, root: string): Problem[] {
  const found = (['v1', 'v2'] as const).flatMap((cgroup) => {
    const { lesson, problems } = readLesson(dir, cgroup);
    if (lesson !== null) {
      new Linter(dir, root, problems).all(lesson);
      problems.push(...figureProblems(dir, lesson, cgroup));
    }
    return problems;
  });
  return [...new Map(found.map((problem) => [formatProblem(problem), problem])).values()];
}

/** A figure that does not belong to the lesson any more. */
function figureProblems(dir: string, lesson: Lesson, cgroup: CgroupVersion): Problem[] {
  const at = { file: join(dir, FIGURE_FILE), line: 1 };
  try {
    const figure = readFigure(dir);
    const stale = figure === null ? null : staleFigure(lesson, figure, cgroup);
    if (stale === null) return [];
    return [{ ...at, message: stale, hint: 'terrarium lesson walk … --figures' }];
  } catch (error) {
    return [{ ...at, message: (error as Error).message }];
  }
}

class Linter {
  readonly #dir: string;
  readonly #root: string;
  readonly #problems: Problem[];
  readonly #sources: Record<string, string[]>;

  constructor(dir: string, root: string, problems: Problem[]) {
    this.#dir = dir;
    this.#root = root;
    this.#problems = problems;
    this.#sources = Object.fromEntries(
      ['lesson.yaml', 'en.md', 'zh.md'].map((name) => [
        name,
        readFileSync(join(dir, name), 'utf8').split('\n'),
      ]),
    );
  }

  all(lesson: Lesson): void {
    this.#lesson(lesson);
    for (const step of lesson.steps) this.#step(step);
    this.#references(lesson);
    for (const finding of missingPrograms(lesson, imagePrograms(this.#root))) this.#add(finding);
    this.#bothLanguages();
  }

  #lesson(lesson: Lesson): void {
    const wrong = lesson.steps.flatMap((step) => step.wrong).length;
    if (wrong < WRONG_ANSWERS) {
      const hint = 'plausible mistakes, in `wrong` of a step';
      this.#say('lesson.yaml', 'steps:', `has ${wrong} wrong answers of at least 2`, hint);
    }
    if (!lesson.steps.some((step) => step.predict !== undefined)) {
      this.#say('lesson.yaml', 'steps:', 'asks for no prediction', 'add `predict` to a step');
    }
    if (!lesson.steps.some((step) => step.breakIt)) {
      this.#say('lesson.yaml', 'steps:', 'breaks nothing', 'add `breakIt: true` to a step');
    }
    for (const part of ['title', 'summary', 'introduction'] as const) {
      this.#text(lesson[part], `${part}:`);
    }
    this.#glossary(lesson);
  }

  #step(step: Step): void {
    const place = `id: ${step.id}`;
    if (step.check.clauses.length === 0) this.#say('lesson.yaml', place, 'checks nothing');
    if (step.solution.length === 0) this.#say('lesson.yaml', place, 'has no solution');
    if (step.wrong.length === 0) {
      const message = `nothing shows that the check of "${step.id}" can be red for a mistake`;
      this.#say('lesson.yaml', place, message, 'add a plausible one to `wrong`');
    }
    const clauses = step.check.clauses.map((one) => one.id);
    for (const { name, clause } of step.wrong) {
      if (clause !== undefined && !clauses.includes(clause)) {
        this.#say('lesson.yaml', `name: ${name}`, `"${step.id}" has no clause "${clause}"`);
      }
    }
    for (const finding of unreachableHints(step)) this.#add(finding, place);
    const names = step.wrong.map((one) => one.name);
    if (new Set(names).size < names.length) {
      this.#say('lesson.yaml', place, 'has two wrong answers of one name');
    }
    const typed = [step.commands, step.solution, step.setup, ...step.wrong.map((w) => w.commands)];
    for (const command of typed.flat()) this.#command(command, place);
    this.#predict(step, place);
    this.#length(step);
    for (const text of textsOf(step)) this.#text(text, `{#${step.id}}`);
  }

  #references(lesson: Lesson): void {
    for (const { kind, reference } of lesson.deeper) {
      if (kind === 'source' && !existsSync(join(this.#root, reference))) {
        this.#say('lesson.yaml', reference, `${reference} is no file of this project`);
      }
      if (kind === 'man' && !/^[a-z0-9_.-]+\(\d\)$/i.test(reference)) {
        this.#say('lesson.yaml', reference, `${reference} is no man page`, 'as in clone(2)');
      }
    }
  }

  /** What one language has and the other lacks, and where links lead. */
  #bothLanguages(): void {
    const [en, zh] = (['en.md', 'zh.md'] as const).map((name) => {
      const text = (this.#sources[name] ?? []).join('\n');
      const prose = parseProse(text, name, []); // what it finds wrong has been said by the loader
      if (prose === null) return null;
      for (const finding of brokenLinks(prose, name, this.#root)) this.#add(finding);
      return prose;
    });
    if (en && zh) for (const finding of drift(en, zh)) this.#add(finding);
  }

  #command(command: Command, place: string): void {
    if (!('line' in command)) return;
    if (command.line.length > COMMAND_CELLS) {
      const message = `a command is ${command.line.length} characters long`;
      this.#say('lesson.yaml', command.line.slice(0, 30), message, `at most ${COMMAND_CELLS}`);
    }
    if (/[\n\t]/.test(command.line)) {
      const hint = 'one command a line; a tab asks the shell to complete';
      this.#say('lesson.yaml', place, 'a command has a tab or a line break', hint);
    }
  }

  #predict(step: Step, place: string): void {
    const predict = step.predict;
    if (predict === undefined) return;
    const choices = predict.choices?.map((choice) => choice.id) ?? [];
    if ((predict.kind === 'choice') !== choices.length > 0) {
      this.#say('lesson.yaml', place, 'a choice has choices, and only a choice has them');
    }
    for (const { answer } of predict.actual.cases ?? []) {
      if (!choices.includes(answer)) {
        this.#say('lesson.yaml', place, `the prediction has no choice "${answer}"`);
      }
    }
  }

  #length(step: Step): void {
    for (const language of ['en', 'zh'] as const) {
      const { least, most } = PROSE[language];
      const { length } = step.prose[language];
      if (length < least || length > most) {
        const message = `the prose of "${step.id}" is ${length} characters long`;
        this.#say(`${language}.md`, `{#${step.id}}`, message, `${least} to ${most}: one idea`);
      }
    }
  }

  /** Sentences of bearable length, in the project's spelling. Code is left alone. */
  #text(text: LocalText, place: string): void {
    const en = withoutCode(text.en);
    for (const sentence of en.split(/(?<=[.!?:])\s+|\n\n/)) {
      const words = sentence.split(/\s+/).length;
      if (words > SENTENCE.en) {
        const message = `a sentence has ${words} words: "${sentence.slice(0, 40).trim()}…"`;
        this.#say('en.md', place, message, `at most ${SENTENCE.en}`);
      }
    }
    for (const { wrong, right } of SPELLINGS) {
      const found = wrong.exec(en);
      if (found !== null) this.#say('en.md', place, `"${found[0]}" is written ${right}`);
    }
    for (const sentence of withoutCode(text.zh).split(/[。！？\n]/)) {
      if (sentence.length > SENTENCE.zh) {
        const message = `a sentence has ${sentence.length} characters: "${sentence.slice(0, 16)}…"`;
        this.#say('zh.md', place, message, `at most ${SENTENCE.zh}`);
      }
    }
  }

  /** In reading order: introduction, then step by step. Titles may do without the English term. */
  #glossary(lesson: Lesson): void {
    const parts = lesson.steps.map((step) => step.prose.zh);
    let text = withoutCode([lesson.introduction.zh, ...parts].join('\n'));
    for (const { zh, en } of GLOSSARY) {
      const first = text.indexOf(zh);
      if (first < 0) continue;
      const follows = text.slice(first + zh.length).replace(/^”/, '');
      if (!follows.startsWith(`（${en}`)) {
        const hint = `at first use: ${zh}（${en}）`;
        this.#say('zh.md', zh, `"${zh}" stands without its English term`, hint);
      }
      text = text.replaceAll(zh, '');
    }
  }

  /** Finds the line by the first place in the file where `needle` stands, after that of `step`. */
  #say(name: string, needle: string, message: string, hint?: string, step?: string): void {
    const lines = this.#sources[name] ?? [];
    const begin = step === undefined ? 0 : lines.findIndex((text) => text.includes(step));
    const line = lines.findIndex((text, i) => i >= begin && text.includes(needle)) + 1;
    this.#add({
      file: name as Finding['file'],
      at: Math.max(line, 1),
      message,
      ...(hint && { hint }),
    });
  }

  #add({ file, at, message, hint }: Finding, step?: string): void {
    if (typeof at === 'string') this.#say(file, at, message, hint, step);
    else this.#problems.push({ file: join(this.#dir, file), line: at, message, hint });
  }
}

function textsOf(step: Step): LocalText[] {
  const { predict } = step;
  return [
    step.title,
    step.prose,
    step.look,
    step.hint,
    ...(step.notes === undefined ? [] : [step.notes]),
    ...step.check.clauses.map((clause) => clause.message),
    ...(predict === undefined ? [] : [predict.question, predict.explain]),
    ...(predict?.choices ?? []).map((choice) => choice.text),
  ];
}

function withoutCode(markdown: string): string {
  return markdown.replace(/```[\s\S]*?```/g, '').replace(/`[^`]*`/g, 'CODE');
}
