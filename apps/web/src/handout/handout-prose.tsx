/**
 * Prose of a lesson on paper: nothing in it can be pressed, so what is a button or a popover on the
 * lesson's page is plain text here. Needs no lab around it.
 */
import { SEE } from '@terrarium/lesson';
import Markdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';

const PLUGINS = [remarkGfm];

const COMPONENTS: Components = {
  a: ({ href, children }) =>
    href?.startsWith(SEE) === true ? <span>{children}</span> : <a href={href}>{children}</a>,
  pre: ({ children }) => <pre className="code-block">{children}</pre>,
};

/** Markdown as paragraphs. */
export function HandoutProse(props: { readonly text: string }) {
  return (
    <div className="prose">
      <Markdown remarkPlugins={PLUGINS} components={COMPONENTS}>
        {props.text}
      </Markdown>
    </div>
  );
}

/** One line of Markdown, without a paragraph of its own. */
export function HandoutInline(props: { readonly text: string }) {
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
