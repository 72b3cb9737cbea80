'use client';
/**
 * The text twin of every picture: what changed, in words, politely. Collects for a moment, so that
 * fork and exec become one sentence, and speaks at most once in two seconds.
 */
import type { State, TimelineEvent } from '@terrarium/timeline';
import { useEffect, useRef, useState } from 'react';
import { bornIn, summarise } from './changes.js';
import { type Lang, strings } from './strings.js';

/** At most one message in this time, milliseconds: a screen reader must be able to finish. */
export const FEED_INTERVAL_MS = 2000;
/** Waits this long for what belongs together: fork, exec and a namespace come one by one. */
const COLLECT_MS = 300;
/** Sentences kept on screen, the newest first. */
const KEPT = 4;

interface Message {
  readonly id: number;
  readonly text: string;
}

/**
 * @param since the events after this number, as far as they are remembered: what came and went
 *   between two drawn states
 * @param visible false hides the sentences from the eye; they are still spoken
 */
export function ChangesFeed(props: {
  readonly state: State;
  readonly lang: Lang;
  readonly since: (seq: number) => readonly TimelineEvent[];
  readonly visible?: boolean;
}) {
  const { state, lang, since, visible = true } = props;
  const words = strings(lang);
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const said = useRef<State>(state);
  const latest = useRef(state);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const spokeAt = useRef(Number.NEGATIVE_INFINITY);
  const asked = useRef({ lang, since });
  asked.current = { lang, since };

  useEffect(() => {
    const previous = latest.current;
    latest.current = state;
    if (previous === state) return;
    // The first snapshot fills the page; there is nothing to tell about it.
    if (previous.sandbox === null && said.current.sandbox === null && previous.seq === 0) {
      said.current = state;
      return;
    }
    if (timer.current !== undefined) return;
    const wait = Math.max(COLLECT_MS, spokeAt.current + FEED_INTERVAL_MS - performance.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      const before = said.current;
      const passing = bornIn(asked.current.since(before.seq));
      const text = summarise(before, latest.current, asked.current.lang, passing);
      said.current = latest.current;
      if (text === '') return;
      spokeAt.current = performance.now();
      const id = latest.current.seq;
      setMessages((before) => [{ id, text }, ...before.slice(0, KEPT - 1)]);
    }, wait);
  }, [state]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const [newest, ...older] = messages;
  return (
    <div className="tr-feed" data-hidden={!visible || undefined}>
      <p role="status" aria-live="polite" aria-atomic="true" aria-label={words.changes}>
        {newest === undefined ? '' : newest.text}
      </p>
      {newest === undefined && <p className="tr-dim">{words.quiet}</p>}
      <ol aria-hidden="true">
        {older.map((message) => (
          <li key={message.id}>{message.text}</li>
        ))}
      </ol>
    </div>
  );
}
