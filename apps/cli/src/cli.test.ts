/** The command line without a lab: exit codes, one-sentence errors, and what `new` writes. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatProblem, lintLesson, loadLesson } from '@terrarium/lesson/load';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { newLessonFiles } from './commands/new-lesson.js';
import { atLeast } from './doctor/findings.js';
import { findLessons, ROOT } from './project.js';
import { findChromium } from './walk/browser.js';
import { NAMES } from './walk/names.js';

vi.setConfig({ testTimeout: 30_000 }); // each starts Node, which takes its time beside other suites

const dir = mkdtempSync(join(tmpdir(), 'terrarium-cli-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs the built command, as npx does. */
function terrarium(...args: string[]): { status: number | null; out: string; error: string } {
  const bin = fileURLToPath(new URL('../bin/terrarium.mjs', import.meta.url));
  const env = { ...process.env, TERRARIUM_RUN: join(dir, 'no-such-run') };
  const ended = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8', env });
  return { status: ended.status, out: ended.stdout, error: ended.stderr };
}

describe('terrarium', () => {
  it('lists its commands with --help', () => {
    const { status, out } = terrarium('--help');
    expect(status).toBe(0);
    for (const name of ['lesson', 'doctor']) expect(out).toContain(name);
  });

  it('ends with 2 on wrong use', () => {
    expect(terrarium('no-such-command').status).toBe(2);
    expect(terrarium('lesson', 'walk', 'containers/01', '--route', 'flying').status).toBe(2);
  });

  it('says in one sentence that no lab runs', () => {
    const { status, error } = terrarium('lesson', 'walk', 'containers/01');
    expect(status).toBe(1);
    expect(error).toMatch(
      /^terrarium: no running lab was found .*: run npm start, or give --url\n$/,
    );
  });

  it('lints the lessons of this project', () => {
    const { status, out } = terrarium('lesson', 'lint');
    expect(out).toMatch(/^\d+ lessons?, no problems$/m);
    expect(status).toBe(0);
  });

  it('prints what doctor found as JSON', () => {
    const lines = JSON.parse(terrarium('doctor', '--json').out) as { id: string; level: string }[];
    expect(lines.map(({ id }) => id)).toEqual(expect.arrayContaining(['kernel', 'namespace.pid']));
    for (const { level } of lines) expect(['ok', 'reduced', 'missing']).toContain(level);
  });
});

describe('lesson new', () => {
  it('writes a lesson that loads', () => {
    const lesson = join(dir, 'containers', '09-new');
    mkdirSync(lesson, { recursive: true });
    for (const [file, text] of Object.entries(newLessonFiles())) {
      writeFileSync(join(lesson, file), text);
    }
    expect(loadLesson(lesson).id).toBe('containers/09');
  });

  it('writes a lesson that passes lint once its prose is written', () => {
    const lesson = join(dir, 'containers', '10-filled');
    mkdirSync(lesson, { recursive: true });
    const prose = { en: 'A sentence that says it. '.repeat(8), zh: '这句话说得清楚。'.repeat(8) };
    for (const [file, text] of Object.entries(newLessonFiles())) {
      // The first text below each step's title is its prose.
      const written = file === 'zh.md' ? prose.zh : prose.en;
      const filled = text.replace(/^(## .*\n\n)(?!- ).*$/gm, `$1${written}`);
      writeFileSync(join(lesson, file), filled);
    }
    expect(lintLesson(lesson, ROOT).map(formatProblem)).toEqual([]);
  });
});

describe('findLessons', () => {
  it('takes an id, a course, and nothing', () => {
    expect(findLessons('containers/01')).toHaveLength(1);
    expect(findLessons('containers').length).toBeGreaterThan(0);
    expect(findLessons(undefined).length).toBeGreaterThan(0);
  });

  it('names what there is when there is no such lesson', () => {
    expect(() => findLessons('containers/99')).toThrow(/there is no lesson "containers\/99"/);
  });
});

describe('atLeast', () => {
  it.each([
    ['6.18.44-fc', true],
    ['5.12.0', true],
    ['5.4.0-100-generic', false],
    ['20.9.0', true],
  ])('%s is at least 5.12: %s', (version, expected) => {
    expect(atLeast(version, { major: 5, minor: 12 })).toBe(expected);
  });
});

describe('findChromium', () => {
  it('finds nothing on an empty PATH', () => expect(findChromium(dir)).toBeNull());
});

describe('NAMES', () => {
  it('tells a step that is done from one that was or is not', () => {
    const { step, done } = NAMES.en;
    expect(`${step(1)}Title, done`.endsWith(done)).toBe(true);
    expect(`${step(1)}Title, not done yet`.endsWith(done)).toBe(false);
  });

  it('tells terminal 1 from terminal 10', () => {
    expect('Terminal 1 pts/0').toMatch(NAMES.en.terminalTab(1));
    expect('Terminal 10 pts/9').not.toMatch(NAMES.en.terminalTab(1));
    expect('终端 2，/dev/pts/1').toMatch(NAMES.zh.terminalTab(2));
  });
});
