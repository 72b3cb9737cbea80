/** Where the player stands: an event and a time, moved by hand, by the address, or by playing. */
import type { History } from '@terrarium/timeline';
import { useCallback, useEffect, useState } from 'react';
import { momentOfHash } from './recording-input.js';

/** How often playing moves on, ms. */
const TICK_MS = 100;
/** Nothing happens for longer than this: the pause is left out, but for a moment. */
const PAUSE_MS = 3000;

interface Position {
  /** null: the end */
  readonly position: number | null;
  /** the terminals' time */
  readonly t: number;
}

export function usePosition(history: History): Position & {
  readonly seek: (position: number | null) => void;
  readonly playing: boolean;
  readonly setPlaying: (on: boolean) => void;
} {
  const [at, setAt] = useState<Position>(() => startOf(history));
  const [playing, setPlaying] = useState(false);
  const seek = useCallback(
    (position: number | null) => setAt(placed(history, position)),
    [history],
  );
  useEffect(() => {
    const open = (): void => {
      const seq = momentOfHash(window.location.hash);
      if (seq !== null) setAt(placed(history, seq));
    };
    window.addEventListener('hashchange', open);
    return () => window.removeEventListener('hashchange', open);
  }, [history]);
  useEffect(() => {
    if (!playing) return;
    // Playing from the end begins at the beginning.
    setAt((now) => (now.position === null ? placed(history, history.oldest.seq) : now));
    const timer = setInterval(() => setAt((now) => later(history, now)), TICK_MS);
    return () => clearInterval(timer);
  }, [playing, history]);
  useEffect(() => {
    if (at.position === null) setPlaying(false);
  }, [at.position]);
  return { ...at, seek, playing, setPlaying };
}

function startOf(history: History): Position {
  return placed(history, momentOfHash(window.location.hash));
}

function placed(history: History, position: number | null): Position {
  // Terminals go on after the last event.
  if (position === null || position >= history.newest.seq)
    return { position: null, t: Number.POSITIVE_INFINITY };
  const seq = Math.max(position, history.oldest.seq);
  const [next] = history.between(seq, seq + 1);
  const t = history.stateAtSeq(seq)?.t ?? 0;
  return { position: seq, t: t > 0 ? t + 1 : (next?.t ?? 1) - 1 };
}

function later(history: History, { position, t }: Position): Position {
  if (position === null) return { position, t };
  const [next] = history.between(position, position + 1);
  if (next === undefined) return placed(history, null);
  const jumped = next.t - t > PAUSE_MS ? next.t - TICK_MS : t + TICK_MS;
  const seq = history.seqAt(jumped) ?? position;
  if (seq >= history.newest.seq) return placed(history, null);
  return { position: Math.max(seq, position), t: jumped };
}
