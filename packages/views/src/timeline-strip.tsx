'use client';
import type { State, TimelineEvent } from '@terrarium/timeline';
import type { Lang } from './strings.js';

export interface TimelineStripProps {
  readonly events: readonly TimelineEvent[];
  readonly lang: Lang;
  readonly state?: State;
}

export function TimelineStrip(_props: TimelineStripProps) {
  return null;
}
