/** `terrarium lesson …`: lint, new, schema, walk. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  formatProblem,
  lessonJsonSchema,
  lintLesson,
  loadLesson,
  readFigure,
} from '@terrarium/lesson/load';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CommandFailure } from '../failure.js';
import { findLessons, LESSONS, ROOT } from '../project.js';
import type { Language } from '../walk/names.js';
import type { Route } from '../walk/walk.js';
import { newLessonFiles } from './new-lesson.js';
import { watchLessons } from './watch-lessons.js';

/** Adds the commands. */
export function addLesson(program: Command): void {
  const lesson = program.command('lesson').description('Write, check and walk lessons.');
  lesson
    .command('lint')
    .description('Check lessons: format, both languages, experiments, wrong answers, style.')
    .argument('[path]', 'folder of a lesson or a course, or an id such as containers/01')
    .action(lint);
  lesson
    .command('new')
    .description('Make the files of a new lesson.')
    .argument('<lesson>', 'course, number and name, as in containers/02-eight-namespaces')
    .argument('[name]', 'the last part, when the first is the course alone')
    .action(create);
  lesson
    .command('schema')
    .description('Print the JSON schema of lesson.yaml; --write puts it where editors look.')
    .option('--write', 'write lessons/lesson.schema.json')
    .action(schema);
  lesson
    .command('walk')
    .description('Do lessons in a real Chromium, as a learner would, and check that they work.')
    .argument('[lesson]', 'a lesson or a course, by id or folder, as in containers/01')
    .option('--url <url>', 'the address that npm start printed (default: of the running lab)')
    .option('--lang <lang>', 'language, en or zh; may be given several times (default: both)', lang)
    .addOption(
      new Option('--route <route>', 'how the commands are given')
        .choices(['typing', 'buttons', 'both'])
        .default('both'),
    )
    .option('--from <step>', 'begin with this step, reset to its beginning')
    .option('--headed', 'show the browser')
    .option('--no-wrong', 'leave the wrong answers out')
    .option('--output <dir>', 'write screenshots, film, recording and transcript there')
    .option(
      '--repeat <n>',
      'walk so often, and tell how many walks differ between rounds',
      count,
      1,
    )
    .option('--abreast <n>', 'so many walks at the same time', count, 2)
    .option(
      '--figures [step]',
      'record the figure of each lesson: the state of that step, or of the last one that can be drawn',
    )
    .option('--step-timeout <seconds>', 'longest wait for a step to turn green', seconds, 120)
    .action(walk);
  lesson
    .command('watch')
    .description('Lint a lesson at every save, and show it at once in the open pages of the lab.')
    .argument('[path]', 'as with lint')
    .action(watchLessons);
}

function lint(path: string | undefined): void {
  const dirs = findLessons(path);
  const problems = dirs.flatMap((dir) => lintLesson(relative(process.cwd(), dir) || '.', ROOT));
  for (const problem of problems) console.error(formatProblem(problem));
  const lessons = `${dirs.length} ${dirs.length === 1 ? 'lesson' : 'lessons'}`;
  for (const dir of dirs.filter(lacksFigure)) {
    const name = relative(LESSONS, dir);
    console.log(`note: ${name} has no figure (lesson walk ${name.replace(/-.*/, '')} --figures)`);
  }
  if (problems.length > 0) throw new CommandFailure(`${problems.length} problems in ${lessons}`);
  console.log(`${lessons}, no problems`);
}

/** A new lesson has none until its walk is green, so this is no problem. */
function lacksFigure(dir: string): boolean {
  try {
    return readFigure(dir) === null;
  } catch {
    return false; // the linter has said what is wrong with it
  }
}

function create(lesson: string, rest?: string): void {
  const [course = '', name = ''] = rest === undefined ? lesson.split('/') : [lesson, rest];
  if (!['containers', 'kubernetes'].includes(course)) {
    throw new CommandFailure(`"${course}" is no course; there are containers and kubernetes`);
  }
  if (!/^\d\d-[a-z0-9-]+$/.test(name)) {
    throw new CommandFailure(`"${name}" is no lesson's name; write it as in 02-eight-namespaces`);
  }
  const dir = join(LESSONS, course, name);
  if (existsSync(dir)) throw new CommandFailure(`${dir} exists already`);
  mkdirSync(dir, { recursive: true });
  for (const [file, text] of Object.entries(newLessonFiles())) writeFileSync(join(dir, file), text);
  console.log(`${dir}: fill lesson.yaml, en.md and zh.md, then run terrarium lesson lint`);
}

function schema(options: { write?: true }): void {
  const text = `${JSON.stringify(lessonJsonSchema(), null, 2)}\n`;
  if (options.write === undefined) process.stdout.write(text);
  else writeFileSync(join(LESSONS, 'lesson.schema.json'), text);
}

interface WalkOptions {
  readonly url?: string;
  readonly lang?: readonly Language[];
  readonly route: Route | 'both';
  readonly headed?: true;
  readonly wrong: boolean;
  readonly from?: string;
  readonly output?: string;
  readonly repeat: number;
  readonly abreast: number;
  readonly stepTimeout: number;
  /** true: of the step that it shows already, or the last */
  readonly figures?: string | true;
}

async function walk(name: string | undefined, options: WalkOptions): Promise<void> {
  // Only here: the browser driver takes half a second to load.
  const { summary, walkCourse } = await import('../walk/course.js');
  const dirs = findLessons(name);
  const lessons = dirs.map(loadLesson);
  if (options.from !== undefined && lessons.length > 1) {
    throw new CommandFailure('--from names a step of one lesson; name the lesson, too');
  }
  const { figures } = options;
  if (typeof figures === 'string' && lessons.length > 1) {
    throw new CommandFailure('--figures names a step of one lesson; name the lesson, too');
  }
  // Recorded once: who makes figures does not test the lesson.
  const once = figures === undefined ? {} : { lang: ['en'] as const, route: 'typing' as const };
  const { figuresInto } = await import('../walk/figures.js');
  const results = await walkCourse({
    lessons,
    url: options.url ?? runningLab(),
    languages: once.lang ?? options.lang ?? ['en', 'zh'],
    routes: routesOf(once.route ?? options.route),
    wrongAnswers: options.wrong && figures === undefined,
    figures: figures === undefined ? null : figuresInto(dirs, lessons, figures),
    repeat: options.repeat,
    abreast: options.abreast,
    headed: options.headed === true,
    output: options.output ?? null,
    from: options.from ?? null,
    stepTimeoutMs: options.stepTimeout * 1000,
    say: (line) => console.log(line),
  });
  for (const line of summary(results)) console.log(line);
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  if (failed > 0) throw new CommandFailure(`${failed} of ${results.length} walks failed`);
}

function routesOf(route: Route | 'both'): Route[] {
  return route === 'both' ? ['typing', 'buttons'] : [route];
}

/** The address that a running lab wrote down for root. */
function runningLab(): string {
  const file = join(process.env['TERRARIUM_RUN'] ?? '/run/terrarium', 'url');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new CommandFailure(
      code === 'EACCES'
        ? `${file} belongs to root: run this with sudo, or give --url`
        : `no running lab was found (${file}: ${code}): run npm start, or give --url`,
    );
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('not a time');
  return value;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('not a count');
  return value;
}

function lang(text: string, before: readonly Language[] = []): Language[] {
  if (text !== 'en' && text !== 'zh') throw new InvalidArgumentError('en or zh');
  return [...before.filter((one) => one !== text), text];
}
