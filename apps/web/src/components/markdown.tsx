'use client';
/**
 * Texts of a lesson, as the server has drawn them (drawn-texts.tsx). One that it could not know, of
 * a lesson that is being written or of a hint made of the kernel's state, is drawn here by the
 * same renderer, which is loaded then.
 */
import { createContext, lazy, type ReactNode, Suspense, useContext } from 'react';
import type { TextLook } from './render-markdown';

/** What the server has drawn: for each look, a text's elements by the text. */
export type DrawnTexts = Readonly<Record<TextLook, Readonly<Record<string, ReactNode>>>>;

const DrawnContext = createContext<DrawnTexts | null>(null);
const LateMarkdown = lazy(() => import('./late-markdown'));

/** Hands the server's texts to what is inside. */
export function DrawnTextsProvider(props: {
  readonly texts: DrawnTexts;
  readonly children: ReactNode;
}) {
  return <DrawnContext value={props.texts}>{props.children}</DrawnContext>;
}

/**
 * Markdown as the page's prose.
 *
 * @param props.terms whether the first mention of each term of the glossary opens its definition
 */
export function Prose(props: {
  readonly text: string;
  readonly className?: string;
  readonly terms?: boolean;
}) {
  return (
    <div className={`prose ${props.className ?? ''}`}>
      <Text text={props.text} look={props.terms === true ? 'terms' : 'prose'} />
    </div>
  );
}

/** One line of Markdown (a choice, a look sentence): code and emphasis, but no paragraph. */
export function Inline(props: { readonly text: string }) {
  return <Text text={props.text} look="inline" />;
}

/** A line of these is the same in Markdown and without: an answer, a name, a plain sentence. */
const PLAIN = /^[\p{L}\p{N}][\p{L}\p{N} ,;]*$/u;

function Text(props: { readonly text: string; readonly look: TextLook }) {
  const { text, look } = props;
  const drawn = useContext(DrawnContext)?.[look];
  if (drawn !== undefined && Object.hasOwn(drawn, text)) return drawn[text];
  if (look === 'inline' && PLAIN.test(text)) return text;
  return (
    <Suspense fallback={text.replaceAll('`', '')}>
      <LateMarkdown text={text} look={look} />
    </Suspense>
  );
}
