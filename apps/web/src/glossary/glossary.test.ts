/** Terms are whole, and found in prose once each, longest first. */
import { describe, expect, it } from 'vitest';
import { splitAtTerms } from './find-terms';
import { linkTerms } from './link-terms';
import { TERMS } from './terms';

function terms(text: string, lang: 'en' | 'zh' = 'en', met = new Set<string>()): string[] {
  return splitAtTerms(text, lang, met).flatMap(({ term }) => (term === undefined ? [] : [term]));
}

describe('the glossary', () => {
  it('has one definition in each language, and each id once', () => {
    expect(new Set(TERMS.map(({ id }) => id)).size).toBe(TERMS.length);
    for (const { text } of TERMS) {
      expect(text.en).toMatch(/[.]$/);
      expect(text.zh).toMatch(/[\u4e00-\u9fff].*。$/);
      expect(text.en).not.toMatch(/[\u4e00-\u9fff]/);
    }
  });
});

describe('terms in prose', () => {
  it('are found whole, in any case and number', () => {
    expect(terms('Mount namespaces hide mounts.')).toEqual(['mount-namespace', 'mount']);
    expect(terms('Two processes, one container runtime')).toEqual(['process', 'runtime']);
  });

  it('are no parts of other words, paths or options', () => {
    expect(terms('subprocess, mount-point, /proc/self, umount, PID_MAX')).toEqual([]);
  });

  it('are found in Chinese, where no space stands around them', () => {
    expect(terms('每个进程都有自己的挂载命名空间和PID。', 'zh')).toEqual([
      'process',
      'mount-namespace',
      'pid',
    ]);
  });

  it('are linked at their first mention alone', () => {
    const met = new Set<string>();
    expect(terms('a process', 'en', met)).toEqual(['process']);
    expect(terms('a process and an image', 'en', met)).toEqual(['image']);
  });

  it('keep every letter of the text', () => {
    const text = 'A process in a namespace, and a mount.';
    const pieces = splitAtTerms(text, 'en', new Set());
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
  });
});

describe('the Markdown plugin', () => {
  it('leaves code and links alone', () => {
    const text = (value: string) => ({ type: 'text', value });
    const tree = {
      type: 'root',
      children: [
        { type: 'link', url: 'x', children: [text('a namespace')] },
        { type: 'inlineCode', value: 'mount' },
        { type: 'paragraph', children: [text('the namespace')] },
      ],
    };
    linkTerms.en()(tree);
    expect(tree.children[0]).toEqual({ type: 'link', url: 'x', children: [text('a namespace')] });
    expect(tree.children[2]).toEqual({
      type: 'paragraph',
      children: [
        text('the '),
        { type: 'link', url: '#term:namespace', children: [text('namespace')] },
      ],
    });
  });
});
