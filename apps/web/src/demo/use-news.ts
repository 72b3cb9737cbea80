'use client';
/** Tells the window with the notes where the presentation is, and does what is pressed there. */
import { useEffect, useRef } from 'react';
import { type DemoChannel, type DemoNews, openChannel } from './channel';
import type { Demo } from './use-demo';

/** The presenting end of the channel. */
export function useNews(lesson: string, demo: Demo): void {
  const { place, waiting, busy, clock } = demo;
  const channel = useRef<DemoChannel | null>(null);
  const latest = useRef(demo);
  latest.current = demo;
  useEffect(() => {
    const opened = openChannel(lesson, (message) => {
      if (message.type === 'hello') opened.send(newsOf(latest.current));
      if (message.type === 'press') latest.current[message.key]();
    });
    channel.current = opened;
    return () => opened.close();
  }, [lesson]);
  useEffect(() => {
    channel.current?.send(newsOf({ place, waiting, busy, clock }));
  }, [place, waiting, busy, clock]);
}

function newsOf(demo: Pick<Demo, 'place' | 'waiting' | 'busy' | 'clock'>): DemoNews {
  const { place, waiting, busy, clock } = demo;
  return {
    type: 'news',
    place: { ...place, reached: [...place.reached] },
    waiting,
    busy: busy !== null,
    ...clock,
    spent: [...clock.spent],
  };
}
