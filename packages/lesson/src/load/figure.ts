/** Reads and writes `figure.json`, the recorded state beside a lesson. Node only. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateSchema } from '@terrarium/timeline';
import { z } from 'zod';
import { FIGURE_VIEWS, type Figure } from '../figure.js';

/** Its name in the lesson's folder. */
export const FIGURE_FILE = 'figure.json';
/** More is not sent to a page that is read on a phone, bytes. */
export const FIGURE_BYTES: number = 60 * 1024;

const figureSchema: z.ZodType<Figure> = z.strictObject({
  step: z.string(),
  view: z.enum(FIGURE_VIEWS),
  typed: z.array(z.string()),
  recordedAt: z.number().int().positive(),
  kernel: z.string().min(1),
  cgroup: z.enum(['v1', 'v2']),
  state: stateSchema,
});

/**
 * The figure of a lesson.
 *
 * @param dir the lesson's folder
 * @returns null where there is none
 * @throws Error in one sentence for one that cannot be read
 */
export function readFigure(dir: string): Figure | null {
  const file = join(dir, FIGURE_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new Error(`read ${file}: ${code}`);
  }
  try {
    return figureSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${file} is no figure: record it again with lesson walk --figures`, {
      cause: error,
    });
  }
}

/** Writes it. @throws Error when it is too large to be sent along */
export function writeFigure(dir: string, figure: Figure): void {
  const text = `${JSON.stringify(figure)}\n`;
  if (text.length > FIGURE_BYTES) {
    const kib = Math.ceil(text.length / 1024);
    throw new Error(
      `a figure of ${kib} KiB is larger than ${FIGURE_BYTES / 1024}: take another step`,
    );
  }
  writeFileSync(join(dir, FIGURE_FILE), text);
}
