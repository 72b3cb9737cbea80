/** The figures that stand beside the course's lessons, and what is refused as one. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMPTY_STATE } from '@terrarium/timeline';
import { afterAll, describe, expect, it } from 'vitest';
import { type Figure, staleFigure } from '../figure.js';
import { FIGURE_BYTES, FIGURE_FILE, readFigure, writeFigure } from './figure.js';
import { lessonDirs, readLesson } from './load.js';

const COURSE = fileURLToPath(new URL('../../../../lessons/containers', import.meta.url));
/** The lessons whose figures were recorded; another one may come without. */
const WITH_FIGURE = ['01', '02', '03', '04', '05', '06', '07', '08', '12'];

describe('the figures of the course', () => {
  const dirs = lessonDirs(COURSE).filter((dir) => WITH_FIGURE.includes(basename(dir).slice(0, 2)));

  it('are there', () => expect(dirs).toHaveLength(WITH_FIGURE.length));

  for (const dir of dirs) {
    it(`${basename(dir)} has one of its own, small, of a kernel with processes in it`, () => {
      const figure = readFigure(dir);
      if (figure === null) throw new Error('there is none');
      const { lesson } = readLesson(dir, figure.cgroup);
      expect(lesson === null ? 'no lesson' : staleFigure(lesson, figure, figure.cgroup)).toBeNull();
      expect(statSync(join(dir, FIGURE_FILE)).size).toBeLessThanOrEqual(FIGURE_BYTES);
      expect(Object.keys(figure.state.processes).length).toBeGreaterThan(0);
      expect(figure.state.sandbox?.kernelRelease).toBe(figure.kernel);
    });
  }
});

describe('a figure file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'figure-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const figure: Figure = {
    ...{ step: 'one', view: 'mounts', typed: [], recordedAt: 1, kernel: '6.1', cgroup: 'v2' },
    state: EMPTY_STATE,
  };

  it('is read as it was written', () => {
    expect(readFigure(dir)).toBeNull();
    writeFigure(dir, figure);
    expect(readFigure(dir)).toEqual(figure);
  });

  it('is refused when it is too large, or something else', () => {
    const typed = ['x'.repeat(FIGURE_BYTES)];
    expect(() => writeFigure(dir, { ...figure, typed })).toThrow(/larger than 60/);
    writeFileSync(join(dir, FIGURE_FILE), '{"step":1}');
    expect(() => readFigure(dir)).toThrow(/is no figure/);
  });
});
