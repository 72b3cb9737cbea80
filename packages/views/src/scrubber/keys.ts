/** What a key does to the position. Pure: the slider's whole keyboard in one table. */
import { type History, markAfter, markBefore } from '@terrarium/timeline';
import type { Track } from './track.js';

/** A new position (null: live), or undefined for a key that is not the slider's. */
export function keyPosition(
  key: string,
  shift: boolean,
  position: number | null,
  track: Track,
): number | null | undefined {
  const { history } = track;
  const at = position ?? history.newest.seq;
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return shift
        ? inside(history, at - 1)
        : inside(history, markBefore(track.marks, at)?.seq ?? history.oldest.seq);
    case 'ArrowRight':
    case 'ArrowUp': {
      if (position === null) return null;
      return shift ? forward(history, at + 1) : (markAfter(track.marks, at)?.seq ?? null);
    }
    case 'Home':
      return history.oldest.seq;
    case 'End':
    case 'Escape':
      return null;
    default:
      return undefined;
  }
}

function inside({ oldest }: History, seq: number): number {
  return Math.max(oldest.seq, seq);
}

function forward({ newest }: History, seq: number): number | null {
  return seq >= newest.seq ? null : seq;
}
