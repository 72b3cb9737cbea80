/**
 * Entry of the daemon: `node dist/main.js [options]`, as root. See options.ts for the options and
 * daemon.ts for what it does. Exit status 0 after SIGTERM or SIGINT, 2 for wrong use, 1 otherwise.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { probeHost } from '@terrarium/engine';
import type { Lesson } from '@terrarium/lesson';
import { formatProblem, lessonDirs, readLesson } from '@terrarium/lesson/load';
import { Daemon } from './daemon.js';
import { EngineSandboxes } from './engine-sandboxes.js';
import { HostedTerminals } from './hosted-terminals.js';
import { imageFindings } from './image-findings.js';
import { createLog, type Log } from './log.js';
import { type DaemonOptions, helpText, parseInvocation, UsageError } from './options.js';
import { ProcessObserver } from './process-observer.js';
import { requirementsOf } from './requirements.js';

/** A stop that takes longer is stuck; the supervisor would kill us a little later. */
const STOP_MS = 18_000;

await main();

async function main(): Promise<void> {
  const defaultLessons = fileURLToPath(new URL('../../../lessons', import.meta.url));
  let options: DaemonOptions;
  try {
    const invocation = parseInvocation(process.argv.slice(2), process.env, defaultLessons);
    if (invocation.run === 'help') {
      process.stdout.write(helpText());
      return;
    }
    options = invocation.options;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`terrarium-daemon: ${error.message}\n`);
    process.exitCode = 2;
    return;
  }
  const log = createLog(options.logLevel);
  try {
    await run(options, log);
  } catch (error) {
    log.fatal({ step: 'start', err: error }, (error as Error).message);
    process.exit(1);
  }
}

async function run(options: DaemonOptions, log: Log): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error('the daemon makes sandboxes, so it must run as root');
  // What it writes (database, token, records) is nobody else's.
  process.umask(0o077);
  const started = Daemon.start(options, async () => {
    const sandboxes = await EngineSandboxes.open(options, (error) => {
      // Shells and sandboxes live on; the supervisor starts us again with a new player.
      log.fatal({ step: 'player', err: error }, 'the player ended');
      process.exit(1);
    });
    const observer = new ProcessObserver({
      name: sandboxes.instance,
      mountDir: join(options.runDir, 'tracefs'),
      log,
    });
    const terminals = new HostedTerminals({
      run: options.runDir,
      maxTerminals: options.terminals,
      shell: sandboxes.shell,
      log,
      ...(options.webGid === null ? {} : { group: options.webGid }),
    });
    return {
      sandboxes,
      terminals,
      observer,
      lessons: loadLessons(options.lessonsDir, log),
      readLessons: () => loadLessons(options.lessonsDir, log),
      requirement: requirementsOf([...probeHost(), ...imageFindings(sandboxes.baseImage)]),
      log,
    };
  });
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ step: 'stop', signal }, 'stopping');
    setTimeout(() => {
      log.fatal({ step: 'stop' }, `not stopped within ${STOP_MS} ms`);
      process.exit(1);
    }, STOP_MS).unref();
    // A start that is under way is finished first: half a daemon can't tell what is its own.
    started
      .then((daemon) => daemon.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.fatal({ step: 'stop', err: error }, 'stop failed');
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('unhandledRejection', (reason) => {
    log.error({ step: 'unhandled', err: reason }, 'a promise was rejected and nobody listened');
  });
  await started;
}

/** A lesson with problems is left out, loudly: the others still work. */
function loadLessons(dir: string, log: Log): Lesson[] {
  const lessons: Lesson[] = [];
  for (const folder of lessonDirs(dir)) {
    const { lesson, problems } = readLesson(folder);
    if (lesson !== null && problems.length === 0) lessons.push(lesson);
    else log.error({ step: 'lessons', problems: problems.map(formatProblem) }, 'lesson left out');
  }
  return lessons;
}
