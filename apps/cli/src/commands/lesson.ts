/** `terrarium lesson …`: lint, new, schema, walk. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { formatProblem, lessonJsonSchema, lintLesson, loadLesson } from '@terrarium/lesson/load';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CommandFailure } from '../failure.js';
import { findLessons, LESSONS, ROOT } from '../project.js';
import type { Language } from '../walk/names.js';
import type { Route } from '../walk/walk.js';
import { newLessonFiles } from './new-lesson.js';

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
    .argument('<course>', 'containers or kubernetes')
    .argument('<name>', 'number and name, as in 02-eight-namespaces')
    .action(create);
  lesson
    .command('schema')
    .description('Print the JSON schema of lesson.yaml; --write puts it where editors look.')
    .option('--write', 'write lessons/lesson.schema.json')
    .action(schema);
  lesson
    .command('walk')
    .description('Do a lesson in a real Chromium, as a learner would, and check that it works.')
    .argument('<lesson>', 'id or folder, as in containers/01')
    .option('--url <url>', 'the address that npm start printed (default: of the running lab)')
    .addOption(new Option('--lang <lang>', 'language').choices(['en', 'zh']).default('en'))
    .addOption(
      new Option('--route <route>', 'how the commands are given')
        .choices(['typing', 'buttons', 'both'])
        .default('both'),
    )
    .option('--from <step>', 'begin with this step, reset to its beginning')
    .option('--headed', 'show the browser')
    .option('--no-wrong', 'leave the wrong answers out')
    .option('--video <dir>', 'write screenshots and a video there')
    .option('--step-timeout <seconds>', 'longest wait for a step to turn green', seconds, 30)
    .action(walk);
}

function lint(path: string | undefined): void {
  const dirs = findLessons(path);
  const problems = dirs.flatMap((dir) => lintLesson(relative(process.cwd(), dir) || '.', ROOT));
  for (const problem of problems) console.error(formatProblem(problem));
  const lessons = `${dirs.length} ${dirs.length === 1 ? 'lesson' : 'lessons'}`;
  if (problems.length > 0) throw new CommandFailure(`${problems.length} problems in ${lessons}`);
  console.log(`${lessons}, no problems`);
}

function create(course: string, name: string): void {
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
  readonly lang: Language;
  readonly route: Route | 'both';
  readonly headed?: true;
  readonly wrong: boolean;
  readonly from?: string;
  readonly video?: string;
  readonly stepTimeout: number;
}

async function walk(name: string, options: WalkOptions): Promise<void> {
  const [dir, another] = findLessons(name);
  if (dir === undefined || another !== undefined) {
    throw new CommandFailure(`"${name}" names several lessons; walk one at a time`);
  }
  // Only here: the browser driver takes half a second to load.
  const { walkLesson } = await import('../walk/walk.js');
  const lesson = loadLesson(dir);
  const url = options.url ?? runningLab();
  const routes: Route[] = options.route === 'both' ? ['typing', 'buttons'] : [options.route];
  let failed = 0;
  for (const [index, route] of routes.entries()) {
    const report = await walkLesson({
      lesson,
      url,
      language: options.lang,
      route,
      headed: options.headed === true,
      // Wrong answers are typed in any case: once is enough.
      wrongAnswers: options.wrong && index === 0,
      output: options.video ?? null,
      from: options.from ?? null,
      stepTimeoutMs: options.stepTimeout * 1000,
      say: (line) => console.log(line),
    });
    failed += report.failed;
    console.log(`${route}: ${report.passed} passed, ${report.failed} failed`);
  }
  if (failed > 0) throw new CommandFailure(`${failed} things were not as the lesson says`);
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
