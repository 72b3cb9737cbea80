/** The compiler holds the dictionaries to one shape; this holds them to what shapes can't say. */
import { describe, expect, it } from 'vitest';
import { CURRICULUM } from '../content/curriculum';
import { en } from './en';
import { zh } from './zh';

type Leaf = readonly [path: string, en: unknown, zh: unknown];

function leaves(a: unknown, b: unknown, path: string): Leaf[] {
  if (typeof a !== 'object' || a === null) return [[path, a, b]];
  return Object.keys(a).flatMap((key) =>
    leaves(
      (a as Record<string, unknown>)[key],
      (b as Record<string, unknown> | undefined)?.[key],
      `${path}.${key}`,
    ),
  );
}

/** Names that are the same everywhere. */
const SAME = /name$|kubernetes\.title$|shortcuts\.|limitCpu$|jar\.(comma|kernel)$|otherLanguage/;

const ALL = leaves(en, zh, 'texts');

/** What a text says for some arguments. */
function say(text: unknown): string {
  return typeof text === 'function' ? String(text(3, 'x', 'y')) : String(text);
}

describe('dictionaries', () => {
  it('have the same keys', () => {
    expect(leaves(zh, en, 'texts').map(([path]) => path)).toEqual(ALL.map(([path]) => path));
  });

  it('say something in both languages, everywhere', () => {
    const silent = ALL.filter(
      ([, english, chinese]) =>
        say(english).trim() === '' ||
        say(chinese).trim() === '' ||
        typeof chinese !== typeof english,
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  it('are translated, everywhere but where the name is the same', () => {
    const foreign = ALL.filter(
      ([path, english, chinese]) =>
        !SAME.test(path) &&
        (!/[\u4e00-\u9fff]|^[\d\s/]+$/.test(say(chinese)) || /[\u4e00-\u9fff]/.test(say(english))),
    );
    expect(foreign.map(([path]) => path)).toEqual([]);
  });

  it('keep the names that scripts and the README rely on', () => {
    expect([
      en.terminal.label,
      en.lesson.steps,
      en.step.run,
      en.step.predict,
      en.step.hint,
    ]).toEqual(['Terminal', 'Steps', 'Run', 'Predict', 'Hint']);
    expect([en.step.solution, en.step.reset, en.lesson.next]).toEqual([
      'Solution',
      'Reset step',
      'Next',
    ]);
  });
});

describe('curriculum', () => {
  it('has 12 and 10 lessons, numbered, titled in both languages', () => {
    expect(CURRICULUM.containers.map(({ number }) => number)).toHaveLength(12);
    expect(CURRICULUM.kubernetes.at(-1)?.number).toBe('10');
    for (const { title } of [...CURRICULUM.containers, ...CURRICULUM.kubernetes]) {
      expect(title.en).not.toBe('');
      expect(title.zh).not.toBe('');
    }
  });
});
