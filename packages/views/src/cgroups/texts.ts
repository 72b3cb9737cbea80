/** How amounts of a cgroup are put into words: the same in a row, a card and a test. */
import type { CgroupFact } from '@terrarium/timeline';
import type { CgroupStrings } from './strings.js';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `50 MiB`, `1.4 GiB`: three digits are enough to compare. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = value < 10 && unit > 0 && !Number.isInteger(value) ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** `20 ms`, `1.5 s`, from microseconds. */
export function microsText(micros: number): string {
  if (micros < 1000) return `${micros} µs`;
  if (micros < 1_000_000) return `${trimmed(micros / 1000)} ms`;
  return `${trimmed(micros / 1_000_000)} s`;
}

/** Processors with two digits: `0.2`, `1.25`. */
export function cpusText(cpus: number): string {
  return trimmed(cpus);
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 0)));
}

/** A fact's value in words, with its unit. */
export function valueText({ id, value, unit }: CgroupFact, words: CgroupStrings): string {
  if (value === null || (value === '' && id.startsWith('io.'))) return words.noLimit;
  if (typeof value === 'string') return value === '' ? '–' : value;
  switch (unit) {
    case 'bytes':
      return bytesText(value);
    case 'µs':
      return microsText(value);
    case 'switch':
      return value === 0 ? words.no : words.yes;
    default:
      return String(value);
  }
}

/** `memory`, `systemd`, `v2`: a hierarchy as a small tag. */
export function hierarchyTag(hierarchy: string): string {
  if (hierarchy === '') return 'v2';
  return hierarchy.startsWith('name=') ? hierarchy.slice('name='.length) : hierarchy;
}
