/** Search finds in titles before texts, in both languages. */
import { describe, expect, it } from 'vitest';
import { plainText } from './index-of';
import { type SearchEntry, search, searchIndex } from './search';

function entry(kind: SearchEntry['kind'], title: string, text: string, place = ''): SearchEntry {
  return { kind, title, text, place, href: `/en/${title}` };
}

const ENTRIES = [
  entry('step', 'One optional flag', 'unshare starts a program in new namespaces', '01'),
  entry('lesson', 'Eight namespaces', 'all the kinds, one after the other', '02'),
  entry('term', 'namespace', 'a view of one sort of thing'),
  entry('step', '只属于自己的编号', '进程编号的命名空间', '01'),
];

const titles = (query: string): string[] =>
  search(ENTRIES, query, 10).map((hit) => hit.entry.title);

describe('search', () => {
  it('puts titles before texts', () => {
    expect(titles('namespace')).toEqual(['namespace', 'Eight namespaces', 'One optional flag']);
  });

  it('wants every word, anywhere in an entry', () => {
    expect(titles('program flag')).toEqual(['One optional flag']);
    expect(titles('program mount')).toEqual([]);
  });

  it('finds Chinese without spaces', () => {
    expect(titles('命名空间')).toEqual(['只属于自己的编号']);
  });

  it('finds nothing for nothing, and no more than asked for', () => {
    expect(titles('  ')).toEqual([]);
    expect(search(ENTRIES, 'a', 1)).toHaveLength(1);
  });

  it('shows what is around the word', () => {
    const long = [entry('step', 'x', `${'a '.repeat(100)}needle ${'b '.repeat(100)}`)];
    expect(search(long, 'needle', 1)[0]?.snippet).toMatch(/^….*needle.*…$/);
  });
});

describe('the index', () => {
  it('has texts without marks', () => {
    const markdown = 'Ask [the shell](#see:p) with `$$`: _who_ is **it**?\n\n```sh\necho $$\n```\n';
    expect(plainText(markdown)).toBe('Ask the shell with $$: who is it? echo $$');
  });

  it('is checked when it arrives', () => {
    expect(searchIndex.safeParse({ entries: ENTRIES }).success).toBe(true);
    expect(searchIndex.safeParse({ entries: [{ kind: 'page' }] }).success).toBe(false);
  });
});
