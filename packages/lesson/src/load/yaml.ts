/** YAML with places: parses, validates by a zod schema, and reports problems with file and line. */
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import type { Problem } from './problem.js';

/** A parsed document that still knows on which line each value stands. */
export interface Located<T> {
  readonly value: T;
  lineOf(path: readonly PropertyKey[]): number;
}

/**
 * Parses and validates.
 *
 * @param firstLine the document's first line in its file, for front matter
 * @returns null when there are problems; they are appended to `problems`
 */
export function parseYaml<S extends z.ZodType>(
  text: string,
  schema: S,
  file: string,
  problems: Problem[],
  firstLine = 1,
): Located<z.output<S>> | null {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const lineAt = (offset: number): number => counter.linePos(offset).line + firstLine - 1;
  const [error] = document.errors;
  if (error !== undefined) {
    // The first one alone: those that follow it in broken YAML are mostly its consequences.
    const message = error.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? 'is not YAML';
    problems.push({ file, line: lineAt(error.pos[0]), message: lower(message) });
    return null;
  }

  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return lineAt(node.range[0]);
    }
    return firstLine;
  };
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return { value: parsed.data, lineOf };
  for (const issue of parsed.error.issues) {
    const where = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
    problems.push({ file, line: lineOf(issue.path), message: `${where}${lower(issue.message)}` });
  }
  return null;
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
