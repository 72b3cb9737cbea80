import type { State } from '@terrarium/timeline';
import type { Lang } from './strings.js';

export function changesBetween(_before: State, _after: State): readonly string[] {
  return [];
}

export function summarise(_before: State, _after: State, _lang: Lang): string {
  return '';
}
