'use client';
/**
 * Prose of a lesson. Code blocks marked `sh` can be typed into the terminal by a click; nothing
 * in a lesson's text can become HTML.
 */
import Markdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { useTexts } from '../i18n/use-texts';
import { useTerminals } from '../terminal/terminals';
import { Icon } from './icons';

const PLUGINS = [remarkGfm];

/** Renders Markdown as the page's prose. */
export function Prose(props: { readonly text: string; readonly className?: string }) {
  return (
    <div className={`prose ${props.className ?? ''}`}>
      <Markdown remarkPlugins={PLUGINS} components={COMPONENTS}>
        {props.text}
      </Markdown>
    </div>
  );
}

/** One line of Markdown (a choice, a look sentence): code and emphasis, but no paragraph. */
export function Inline(props: { readonly text: string }) {
  return (
    <Markdown
      remarkPlugins={PLUGINS}
      allowedElements={['code', 'em', 'strong', 'a', 'del']}
      unwrapDisallowed
      components={COMPONENTS}
    >
      {props.text}
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
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ),
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

/** Each line of a shell block is a button that types it. */
function ShellBlock(props: { readonly text: string }) {
  const { t } = useTexts();
  const terminals = useTerminals();
  const lines = props.text.split('\n').filter((line) => line.trim() !== '');
  return (
    <div className="shell-block">
      {lines.map((line) => (
        <button
          key={line}
          type="button"
          title={t.step.typeThis}
          disabled={terminals.typing}
          onClick={() => void terminals.run([{ line, terminal: 1 }])}
        >
          <code>{line}</code>
          <Icon name="run" size={12} />
        </button>
      ))}
    </div>
  );
}
