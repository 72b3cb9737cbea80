/** What the server draws is what the page asks for: else a parser would be loaded for it. */
import { isValidElement, type ReactElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test, vi } from 'vitest';
import { drawTexts } from './drawn-texts';

// Its emulator needs a browser; the texts here have no commands.
vi.mock('./shell-block', () => ({ ShellBlock: () => null }));

const TEXT = { en: 'A `PID` of *one* on the host', zh: '主机上的 `PID`' };

test('a text is found by itself, in the language of the page', () => {
  const drawn = drawTexts({ inline: [TEXT] }, 'en');
  expect(Object.keys(drawn.inline)).toEqual([TEXT.en]);
  expect(drawn.prose).toEqual({});
  const element = drawn.inline[TEXT.en];
  expect(isValidElement(element)).toBe(true);
  expect(renderToStaticMarkup(element as ReactElement)).toBe(
    'A <code class="unbroken ">PID</code> of <em>one</em> on the host',
  );
});

test('only prose with terms links them', () => {
  const text = { en: 'A namespace.', zh: '命名空间。' };
  const drawn = drawTexts({ terms: [text], prose: [text] }, 'en');
  const html = (element: unknown): string => renderToStaticMarkup(element as ReactElement);
  expect(html(drawn.terms[text.en])).toContain('class="term"');
  expect(html(drawn.prose[text.en])).toBe('<p>A namespace.</p>');
});
