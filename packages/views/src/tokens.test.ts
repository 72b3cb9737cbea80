/**
 * The palette keeps its promises: contrast of marks and text on every surface, one dark theme
 * and not two, and namespace hues that stay apart for colour-blind eyes.
 */
import { readFileSync } from 'node:fs';
import { NAMESPACE_KINDS } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';

type Theme = Record<string, string>;

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8').replaceAll('"', "'");

/** The custom properties of the rule that follows `selector`. */
function theme(selector: string): Theme {
  const start = css.indexOf(selector);
  const open = css.indexOf('{', start);
  const body = css.slice(open, css.indexOf('}', open));
  return Object.fromEntries(
    [...body.matchAll(/--([\w-]+):\s*([^;]+);/g)].map((match) => [match[1]!, match[2]!.trim()]),
  );
}

const light = theme(":root,\n[data-theme='light']");
const dark = theme("\n[data-theme='dark']");
const systemDark = theme(":root:not([data-theme='light'])");

function channels(hex: string): [number, number, number] {
  const linear = (offset: number) => {
    const value = Number.parseInt(hex.slice(offset, offset + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [linear(1), linear(3), linear(5)];
}

/** WCAG 2.2, "relative luminance" and "contrast ratio". */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [r, g, b] = channels(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Linear RGB as the three kinds of colour blindness see it, at full severity: Machado et al. 2009. */
const VISIONS = {
  full: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [
    0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998,
  ],
  deuteranopia: [
    0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881,
  ],
  tritanopia: [
    1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039,
  ],
} as const;

/** OKLab of a colour in one vision: equal distances look about equally far apart. */
function oklab(hex: string, m: readonly number[]): [number, number, number] {
  const rgb = channels(hex);
  const row = (i: number) =>
    Math.min(1, Math.max(0, m[i]! * rgb[0] + m[i + 1]! * rgb[1] + m[i + 2]! * rgb[2]));
  const [r, g, b] = [row(0), row(3), row(6)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const n = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * n - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * n + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * n - 0.808675766 * s,
  ];
}

/** About four times the step that an eye just notices; the glyph and the letter carry the rest. */
const APART = 0.08;

describe.each([
  ['light', light],
  ['dark', dark],
])('%s palette', (_name, palette) => {
  const grounds = ['ground', 'raised', 'sunken'] as const;
  const colour = (name: string) => palette[name] ?? expect.fail(`--${name} is not defined`);

  it.each(NAMESPACE_KINDS)('shows %s marks at 3:1 and text at 4.5:1 on every surface', (kind) => {
    for (const ground of grounds) {
      expect(contrast(colour(`ns-${kind}`), colour(ground))).toBeGreaterThanOrEqual(3);
      expect(contrast(colour(`ns-${kind}-text`), colour(ground))).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each(NAMESPACE_KINDS)('shows %s text at 4.5:1 where a row is chosen or past', (kind) => {
    for (const ground of ['accent-soft', 'past-ground', 'past-soft'])
      expect(contrast(colour(`ns-${kind}-text`), colour(ground)), ground).toBeGreaterThanOrEqual(
        4.5,
      );
  });

  it.each(['ink-1', 'ink-2', 'ink-3', 'accent', 'good', 'bad', 'warn', 'past', 'predicted'])(
    'shows %s as text at 4.5:1 on every surface',
    (name) => {
      for (const ground of grounds)
        expect(contrast(colour(name), colour(ground))).toBeGreaterThanOrEqual(4.5);
    },
  );

  it.each(Object.entries(VISIONS))('keeps the eight hues apart in %s vision', (_name, matrix) => {
    for (const a of NAMESPACE_KINDS)
      for (const b of NAMESPACE_KINDS) {
        if (a >= b) continue;
        const [p, q] = [oklab(colour(`ns-${a}`), matrix), oklab(colour(`ns-${b}`), matrix)];
        const distance = Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
        expect(distance, `${a} and ${b}`).toBeGreaterThanOrEqual(APART);
      }
  });

  it('shows meaning on its own soft ground at 4.5:1', () => {
    for (const name of ['good', 'bad', 'warn', 'past', 'predicted']) {
      expect(contrast(colour(name), colour(`${name}-soft`))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour('ink-1'), colour(`${name}-soft`))).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(colour('accent-ink'), colour('accent'))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colour('accent-ink'), colour('accent-strong'))).toBeGreaterThanOrEqual(4.5);
    for (const ink of ['ink-1', 'ink-2', 'ink-3'])
      for (const soft of ['accent-soft', 'past-ground', 'past-soft'])
        expect(contrast(colour(ink), colour(soft))).toBeGreaterThanOrEqual(4.5);
  });

  it('shows neutral rings and strong lines at 3:1', () => {
    for (const ground of grounds) {
      expect(contrast(colour('crown'), colour(ground))).toBeGreaterThanOrEqual(3);
      expect(contrast(colour('ns-own'), colour(ground))).toBeGreaterThanOrEqual(3);
      expect(contrast(colour('line-strong'), colour(ground))).toBeGreaterThanOrEqual(3);
      expect(contrast(colour('focus'), colour(ground))).toBeGreaterThanOrEqual(3);
    }
  });

  it('gives the terminal sixteen inks; all but black are readable on its sheet', () => {
    const names = ['red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
    for (const name of [...names, 'bright-black', ...names.map((name) => `bright-${name}`), 'ink'])
      expect(contrast(colour(`term-${name}`), colour('term-ground')), name).toBeGreaterThanOrEqual(
        4.5,
      );
    expect(colour('term-black')).toMatch(/^#/);
  });
});

it('has one dark theme, by attribute and by the wish of the system', () => {
  expect(Object.keys(dark).length).toBeGreaterThan(50);
  expect(systemDark).toEqual(dark);
  expect(Object.keys(dark)).toEqual(Object.keys(light));
});
