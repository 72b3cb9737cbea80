'use client';
/** The Markdown renderer in the browser, loaded for a text that the server did not draw. */
import { useTexts } from '../i18n/use-texts';
import { renderMarkdown, type TextLook } from './render-markdown';

/** Draws any text. */
export default function LateMarkdown(props: { readonly text: string; readonly look: TextLook }) {
  const { lang } = useTexts();
  return renderMarkdown(props.text, props.look, lang);
}
