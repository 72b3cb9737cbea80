/**
 * Makes a page's elements of a lesson's Markdown. Runs on the server for all that a page shows, so
 * that a browser has no parser to load; `late-markdown.tsx` is the same for what only it can know.
 * Code blocks marked `sh` can be typed into the terminal by a click; nothing in a lesson's text can
 * become HTML.
 */
import { SEE } from '@terrarium/lesson';
import type { ReactElement } from 'react';
import Markdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { linkTerms, TERM } from '../glossary/link-terms';
import { TermLink } from '../glossary/term-link';
import { termById } from '../glossary/terms';
import type { Language } from '../i18n/index';
import { SeeLink } from '../linked/see-link';
import { ShellBlock } from './shell-block';

const PLUGINS = [remarkGfm];
const PLUGINS_WITH_TERMS = {
  en: [remarkGfm, linkTerms.en],
  zh: [remarkGfm, linkTerms.zh],
} as const;

/** How a text is drawn: prose, prose whose terms open their definition, or one line of a sentence. */
export type TextLook = 'prose' | 'terms' | 'inline';

/** The elements of one text; a line has code and emphasis, but no paragraph. */
export function renderMarkdown(text: string, look: TextLook, lang: Language): ReactElement {
  if (look === 'inline') {
    return (
      <Markdown
        remarkPlugins={PLUGINS}
        allowedElements={['code', 'em', 'strong', 'a', 'del']}
        unwrapDisallowed
        components={COMPONENTS}
      >
        {text}
      </Markdown>
    );
  }
  const plugins = look === 'terms' ? [...PLUGINS_WITH_TERMS[lang]] : PLUGINS;
  return (
    <Markdown remarkPlugins={plugins} components={COMPONENTS}>
      {text}
    </Markdown>
  );
}

/** Up to this many characters, code in a sentence is not broken over two lines. */
const UNBROKEN = 24;

const COMPONENTS: Components = {
  code: ({ node, className, children }) => {
    const text = node?.children[0];
    const short = text?.type === 'text' && text.value.length <= UNBROKEN;
    return <code className={short ? `unbroken ${className ?? ''}` : className}>{children}</code>;
  },
  a: ({ href, children }) => {
    if (href?.startsWith(SEE) === true) {
      return <SeeLink path={href.slice(SEE.length)}>{children}</SeeLink>;
    }
    if (href?.startsWith(TERM) === true) {
      const id = href.slice(TERM.length);
      return termById(id) === undefined ? children : <TermLink id={id}>{children}</TermLink>;
    }
    return (
      <a href={href} target="_blank" rel="noopener noreferrer">
        {children}
      </a>
    );
  },
  pre: ({ node, children }) => {
    const code = node?.children[0];
    const isShell =
      code?.type === 'element' &&
      Array.isArray(code.properties['className']) &&
      code.properties['className'].includes('language-sh');
    if (!isShell || code?.type !== 'element') return <pre className="code-block">{children}</pre>;
    const text = code.children.map((child) => (child.type === 'text' ? child.value : '')).join('');
    return <ShellBlock text={text} />;
  },
};
