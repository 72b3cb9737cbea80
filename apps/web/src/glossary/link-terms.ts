/**
 * Makes the first mention of each term in a piece of prose a link `#term:ID`, as a plugin of the
 * Markdown renderer. Code, headings and links are left as they are.
 */
import type { Language } from '../i18n';
import { splitAtTerms } from './find-terms';

/** How a link to a term begins. */
export const TERM = '#term:';

interface Node {
  readonly type: string;
  value?: string;
  url?: string;
  children?: Node[];
}

const UNTOUCHED = new Set(['link', 'linkReference', 'code', 'inlineCode', 'heading', 'html']);

/** One function for each language, always the same: the renderer compares plugins by identity. */
export const linkTerms: Readonly<Record<Language, () => (tree: object) => void>> = {
  en: () => (tree) => walk(tree as Node, 'en', new Set()),
  zh: () => (tree) => walk(tree as Node, 'zh', new Set()),
};

function walk(node: Node, lang: Language, met: Set<string>): void {
  if (node.children === undefined) return;
  node.children = node.children.flatMap((child) => {
    if (child.type === 'text' && child.value !== undefined) return linked(child.value, lang, met);
    if (!UNTOUCHED.has(child.type)) walk(child, lang, met);
    return [child];
  });
}

function linked(value: string, lang: Language, met: Set<string>): Node[] {
  return splitAtTerms(value, lang, met).map(({ text, term }) => {
    const node: Node = { type: 'text', value: text };
    return term === undefined ? node : { type: 'link', url: `${TERM}${term}`, children: [node] };
  });
}
