/**
 * Where one language has what the other lacks: parts of a step, commands, inline code, blocks of
 * code. Prose may differ as it likes; what a learner types may not.
 */
import { PARTS, type Part, type Prose, type Section } from '../prose.js';
import type { Finding } from './finding.js';

/** @param prose both languages, as read from their files */
export function drift(en: Prose, zh: Prose): Finding[] {
  const introduction = codeDrift(en.introduction, zh.introduction, 'introduction', 1);
  const sections = en.sections.flatMap((section) => {
    const other = zh.sections.find(({ id }) => id === section.id);
    return other === undefined ? [] : sectionDrift(section, other); // the loader says which are missing
  });
  return [...introduction, ...sections];
}

function sectionDrift(en: Section, zh: Section): Finding[] {
  const parts = PARTS.flatMap((part): Finding[] => {
    const [one, other] = [en.parts[part], zh.parts[part]];
    if (one !== undefined && other !== undefined) {
      return codeDrift(one.text, other.text, place(en, part), other.line);
    }
    if (one !== undefined) return [missing('zh.md', zh, part, 'en.md')];
    return other === undefined ? [] : [missing('en.md', en, part, 'zh.md')];
  });
  return [...codeDrift(en.body, zh.body, place(en), zh.line), ...parts];
}

function place({ id }: Section, part?: Part): string {
  return part === undefined ? `"${id}"` : `"### ${part}" of "${id}"`;
}

function missing(file: 'en.md' | 'zh.md', section: Section, part: Part, other: string): Finding {
  const message = `"${section.id}" has no "### ${part}", ${other} has one`;
  return { file, at: section.line, message };
}

function codeDrift(en: string, zh: string, where: string, line: number): Finding[] {
  const found: Finding[] = [];
  const say = (message: string): void => void found.push({ file: 'zh.md', at: line, message });
  if (blocks(en).join('\n') !== blocks(zh).join('\n')) {
    say(`a block of code in ${where} is another one than in en.md`);
  }
  const only = unmatched(codes(en), codes(zh));
  const more = unmatched(codes(zh), codes(en));
  for (const code of only) say(`${where} does not speak of \`${code}\`, en.md does`);
  for (const code of more) say(`${where} speaks of \`${code}\`, en.md does not`);
  return found;
}

const BLOCK = /^```[^\n]*\n([\s\S]*?)^```/gm;

function blocks(markdown: string): string[] {
  return [...markdown.matchAll(BLOCK)].map(([, code]) => code ?? '');
}

function codes(markdown: string): string[] {
  const prose = markdown.replace(BLOCK, '');
  return [...new Set([...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? ''))];
}

/** Those with no counterpart: one that is the same, or the same in fewer or more words. */
function unmatched(codes: readonly string[], others: readonly string[]): string[] {
  const known = others.map(words);
  return codes.filter((code) => {
    const own = words(code);
    return !known.some((other) => within(own, other) || within(other, own));
  });
}

/** Words; what a reader fills in (`PID`, `种类`) is one and the same in every language. */
function words(code: string): string[] {
  return code
    .replace(/[\u4e00-\u9fff]+|\b[A-Z]{3,}\b/g, '…')
    .split(/\s+/)
    .filter((word) => word !== '');
}

function within(few: readonly string[], many: readonly string[]): boolean {
  return few.every((word) => many.includes(word));
}
