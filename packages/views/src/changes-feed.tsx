'use client';
import type { State } from '@terrarium/timeline';
import type { Lang } from './strings.js';

export function ChangesFeed(_props: { readonly state: State; readonly lang: Lang }) {
  return null;
}
