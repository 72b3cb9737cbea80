/**
 * `terrarium lesson watch`: at every save the lesson is linted here, and the running daemon reads the
 * lessons again and gives them to the open pages. Sandboxes and shells stay.
 */
import { watch } from 'node:fs';
import { request } from 'node:http';
import { join, relative } from 'node:path';
import { formatProblem, lintLesson } from '@terrarium/lesson/load';
import { findLessons, LESSONS, ROOT } from '../project.js';

/** An editor writes a file in several steps; what follows within this time is the same save, ms. */
const SAVE_MS = 150;

/** Goes on until it is ended. */
export async function watchLessons(path: string | undefined): Promise<void> {
  const dirs = findLessons(path);
  await lookAgain(dirs);
  let saving = false;
  const onChange = (): void => {
    if (saving) return;
    saving = true;
    setTimeout(() => {
      saving = false;
      void lookAgain(dirs);
    }, SAVE_MS);
  };
  for (const dir of dirs) watch(dir, onChange);
  console.log(`watching ${dirs.map((dir) => relative(LESSONS, dir)).join(', ')}`);
}

async function lookAgain(dirs: readonly string[]): Promise<void> {
  const problems = dirs.flatMap((dir) => lintLesson(relative(process.cwd(), dir) || '.', ROOT));
  for (const problem of problems) console.log(formatProblem(problem));
  const found = problems.length === 0 ? 'no problems' : `${problems.length} problems`;
  console.log(`${new Date().toTimeString().slice(0, 8)} ${found}; ${await tellDaemon()}`);
}

/** What became of it, for a person; never throws: the lint goes on without a lab. */
function tellDaemon(): Promise<string> {
  const socketPath = join(process.env['TERRARIUM_RUN'] ?? '/run/terrarium', 'daemon.sock');
  return new Promise((resolve) => {
    const asked = request({ socketPath, method: 'POST', path: '/lessons' }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => {
        text += chunk;
      });
      answer.on('end', () => resolve(said(answer.statusCode, text)));
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const hint = error.code === 'EACCES' ? 'use sudo' : 'npm start makes one';
      resolve(`no lab to show it in (${socketPath}: ${error.code}; ${hint})`);
    });
    asked.end();
  });
}

function said(status: number | undefined, text: string): string {
  if (status !== 200) return `the lab answered ${status}`;
  const { changed } = JSON.parse(text) as { readonly changed: readonly string[] };
  return changed.length === 0 ? 'the lab has nothing new' : `the lab shows ${changed.join(', ')}`;
}
