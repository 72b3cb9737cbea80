/**
 * Reads en.md and zh.md: front matter, introduction, one `## Title {#step-id}` for each step with
 * its `### look`, `### hint`, `### messages` and so on, and one `## Question {#quiz-id}` for each
 * question at the end. The keywords are the same in both files.
 */
import type { z } from 'zod';
import type { Problem } from './problem.js';
import { proseSchema } from './schema.js';
import { parseYaml } from './yaml.js';

/** Parts of a step, or of a question, below their `###` headings. */
export const PARTS = [
  'look',
  'question',
  'choices',
  'explain',
  'because',
  'messages',
  'hint',
  'notes',
] as const;
export type Part = (typeof PARTS)[number];

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly line: number;
  /** Markdown before the first part */
  readonly body: string;
  readonly parts: Readonly<Partial<Record<Part, Text>>>;
}

export interface Text {
  readonly line: number;
  readonly text: string;
}

export interface Prose {
  readonly file: string;
  readonly meta: z.output<typeof proseSchema>;
  readonly introduction: string;
  readonly sections: readonly Section[];
}

/** Parses one language. Returns null when even the front matter is missing. */
export function parseProse(text: string, file: string, problems: Problem[]): Prose | null {
  const match = /^---\n([\s\S]*?)\n---\n/.exec(text);
  if (match === null) {
    const hint = 'begin with --- and title, summary, objectives';
    problems.push({ file, line: 1, message: 'has no front matter', hint });
    return null;
  }
  const meta = parseYaml(match[1] ?? '', proseSchema, file, problems, 2);
  if (meta === null) return null;
  const firstLine = match[0].split('\n').length;
  const blocks = splitAtHeadings(text.slice(match[0].length).split('\n'), 2, firstLine);
  const [introduction, ...rest] = blocks;
  return {
    file,
    meta: meta.value,
    introduction: finish(introduction?.lines ?? []),
    sections: rest.flatMap((block) => parseSection(block, file, problems)),
  };
}

/** A line break between two Chinese characters, which a browser would draw as a space. */
const CHINESE = '[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef\u2018-\u201d]';
const CHINESE_BREAK = new RegExp(`(${CHINESE})\\n(?=${CHINESE})`, 'g');

/** Markdown as it is handed on. */
function finish(lines: readonly string[]): string {
  return lines.join('\n').replace(CHINESE_BREAK, '$1').trim();
}

interface Block {
  /** null before the first heading */
  readonly heading: string | null;
  readonly line: number;
  readonly lines: string[];
}

/** Splits at headings of one level, leaving fenced code alone. */
function splitAtHeadings(lines: readonly string[], level: number, firstLine: number): Block[] {
  const mark = `${'#'.repeat(level)} `;
  const blocks: Block[] = [{ heading: null, line: firstLine, lines: [] }];
  let fenced = false;
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('```')) fenced = !fenced;
    if (!fenced && line.startsWith(mark)) {
      blocks.push({ heading: line.slice(mark.length).trim(), line: firstLine + index, lines: [] });
    } else blocks.at(-1)?.lines.push(line);
  }
  return blocks;
}

function parseSection(block: Block, file: string, problems: Problem[]): Section[] {
  const match = /^(.+?)\s*\{#([a-z0-9-]+)\}$/.exec(block.heading ?? '');
  if (match === null) {
    const message = `the heading "${block.heading}" names no step`;
    problems.push({ file, line: block.line, message, hint: 'write ## Title {#step-id}' });
    return [];
  }
  const [body, ...rest] = splitAtHeadings(block.lines, 3, block.line + 1);
  const parts: Partial<Record<Part, Text>> = {};
  for (const part of rest) {
    const name = PARTS.find((one) => one === part.heading);
    if (name === undefined) {
      const message = `"### ${part.heading}" is no part of a step`;
      problems.push({ file, line: part.line, message, hint: `parts are ${PARTS.join(', ')}` });
    } else parts[name] = { line: part.line, text: finish(part.lines) };
  }
  const [, title = '', id = ''] = match;
  return [{ id, title, line: block.line, body: finish(body?.lines ?? []), parts }];
}

/** Reads `- id: text` lines; a line that begins with spaces goes on with the text before it. */
export function parseList(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  let last: string | null = null;
  for (const line of text.split('\n')) {
    const match = /^- ([a-z][a-z0-9-]*): (.+)$/.exec(line);
    if (match !== null) {
      last = match[1] ?? '';
      entries.set(last, match[2]?.trim() ?? '');
    } else if (last !== null && /^\s+\S/.test(line)) {
      entries.set(last, `${entries.get(last)} ${line.trim()}`);
    }
  }
  return entries;
}
