'use client';
/**
 * The last minute as ticks in lanes: processes, namespaces, mounts, checks. One canvas, drawn when
 * events come and once a second as time moves on; the words for it are the feed of changes and
 * the sentence that appears under the pointer.
 */
import type { State, TimelineEvent } from '@terrarium/timeline';
import { type PointerEvent, useCallback, useEffect, useRef, useState } from 'react';
import { type Lang, type Strings, strings } from './strings.js';
import { describeEvent, kindOf, LANES, type Lane, laneOf } from './timeline-events.js';

export interface TimelineStripProps {
  /** in order of seq; the caller may keep as many as it likes, only the window is drawn */
  readonly events: readonly TimelineEvent[];
  readonly lang: Lang;
  /** for the names of processes and kinds of namespaces that no event in the window tells */
  readonly state?: State;
  /** length of the window */
  readonly seconds?: number;
  /** right edge, milliseconds since the epoch; leave out for the present */
  readonly until?: number;
  /** the event under the pointer, to light up what it touched */
  readonly onHover?: (event: TimelineEvent | null) => void;
}

/** Ticks nearer than this to the pointer are meant, CSS pixels. */
const REACH_PX = 7;
const LANE_PX = 15;

interface Tip {
  readonly text: string;
  readonly ago: string;
  readonly x: number;
}

export function TimelineStrip(props: TimelineStripProps) {
  const { events, lang, state, seconds = 60, until, onHover } = props;
  const words = strings(lang);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [tip, setTip] = useState<Tip | null>(null);
  const clock = useClock(events);

  const edge = useCallback(() => until ?? clock(), [until, clock]);
  const paint = useCallback(() => {
    if (canvas.current !== null) draw(canvas.current, events, state, edge(), seconds);
  }, [events, state, edge, seconds]);

  useEffect(() => {
    const frame = requestAnimationFrame(paint);
    const tick = until === undefined ? setInterval(paint, 1000) : undefined;
    return () => {
      cancelAnimationFrame(frame);
      clearInterval(tick);
    };
  }, [paint, until]);
  useRepaint(canvas, paint);

  function onPointerMove(event: PointerEvent<HTMLCanvasElement>): void {
    const box = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - box.left;
    const lane = LANES[Math.floor((event.clientY - box.top) / LANE_PX)];
    const right = edge();
    const found = nearest(events, lane, x, box.width, right, seconds);
    setTip(
      found === null
        ? null
        : {
            x,
            text: describeEvent(found, events, state, lang),
            ago: words.ago(Math.max(0, (right - found.t) / 1000)),
          },
    );
    onHover?.(found);
  }

  const counted = windowStart(events, edge() - seconds * 1000);
  return (
    <div className="tr-strip">
      <div className="tr-lanes" aria-hidden="true">
        {LANES.map((lane) => (
          <span key={lane}>{laneName(lane, words)}</span>
        ))}
      </div>
      <div className="tr-strip-picture">
        <canvas
          ref={canvas}
          role="img"
          aria-label={`${words.timeline}: ${words.stripSummary(events.length - counted)}`}
          style={{ blockSize: `${LANES.length * LANE_PX}px` }}
          onPointerMove={onPointerMove}
          onPointerLeave={() => {
            setTip(null);
            onHover?.(null);
          }}
        />
        <div className="tr-axis" aria-hidden="true">
          <span>{words.stripSeconds(seconds)}</span>
          <span className="tr-tip">{tip === null ? '' : `${tip.text} · ${tip.ago}`}</span>
          <span>{until === undefined ? words.stripNow : ''}</span>
        </div>
      </div>
    </div>
  );
}

/**
 * The present on the clock of the events: the server's, which need not be the browser's. Taken
 * from the newest event and the time that has passed here since it came.
 */
function useClock(events: readonly TimelineEvent[]): () => number {
  const last = events.at(-1);
  const anchor = useRef({ seq: -1, t: 0, at: 0 });
  useEffect(() => {
    if (last !== undefined && last.seq !== anchor.current.seq)
      anchor.current = { seq: last.seq, t: last.t, at: performance.now() };
  }, [last]);
  return useCallback(() => {
    const { seq, t, at } = anchor.current;
    return seq < 0 ? 0 : t + (performance.now() - at);
  }, []);
}

/** Paints again when the size or the theme changes. */
function useRepaint(canvas: React.RefObject<HTMLCanvasElement | null>, paint: () => void): void {
  useEffect(() => {
    const element = canvas.current;
    if (element === null || typeof ResizeObserver === 'undefined') return;
    const resized = new ResizeObserver(paint);
    resized.observe(element);
    const themed = new MutationObserver(paint);
    themed.observe(document.documentElement, { attributeFilter: ['data-theme', 'class'] });
    const wish = matchMedia('(prefers-color-scheme: dark)');
    wish.addEventListener('change', paint);
    return () => {
      resized.disconnect();
      themed.disconnect();
      wish.removeEventListener('change', paint);
    };
  }, [canvas, paint]);
}

function laneName(lane: Lane, words: Strings): string {
  switch (lane) {
    case 'process':
      return words.laneProcess;
    case 'namespace':
      return words.laneNamespace;
    case 'mount':
      return words.laneMount;
    case 'check':
      return words.laneCheck;
  }
}

/** Index of the first event at or after `from`; events are in order of time. */
function windowStart(events: readonly TimelineEvent[], from: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]!.t < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nearest(
  events: readonly TimelineEvent[],
  lane: Lane | undefined,
  x: number,
  width: number,
  right: number,
  seconds: number,
): TimelineEvent | null {
  let best: TimelineEvent | null = null;
  let bestDistance = REACH_PX;
  for (let i = windowStart(events, right - seconds * 1000); i < events.length; i++) {
    const event = events[i]!;
    if (laneOf(event) !== lane) continue;
    const distance = Math.abs(place(event.t, width, right, seconds) - x);
    if (distance <= bestDistance) {
      best = event;
      bestDistance = distance;
    }
  }
  return best;
}

function place(t: number, width: number, right: number, seconds: number): number {
  return width - ((right - t) / (seconds * 1000)) * width;
}

function draw(
  canvas: HTMLCanvasElement,
  events: readonly TimelineEvent[],
  state: State | undefined,
  right: number,
  seconds: number,
): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const width = canvas.clientWidth;
  const height = LANES.length * LANE_PX;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  const ink = (token: string) => style.getPropertyValue(token).trim() || '#808080';

  context.fillStyle = ink('--line');
  for (let lane = 0; lane < LANES.length; lane++)
    context.fillRect(0, lane * LANE_PX + LANE_PX - 1, width, 1);
  for (let s = 10; s < seconds; s += 10)
    context.fillRect(Math.round(width - (s / seconds) * width), 0, 1, height);

  for (let i = windowStart(events, right - seconds * 1000); i < events.length; i++) {
    const event = events[i]!;
    const lane = laneOf(event);
    if (lane === null) continue;
    const x = Math.round(place(event.t, width, right, seconds));
    const top = LANES.indexOf(lane) * LANE_PX;
    context.fillStyle = ink(colour(event, events, state));
    mark(context, event, x, top);
  }
}

/** Shape says what: up for a beginning, down for an end, a dot for a change, a diamond for a check. */
function mark(context: CanvasRenderingContext2D, event: TimelineEvent, x: number, top: number) {
  const middle = top + LANE_PX / 2 - 0.5;
  switch (event.type) {
    case 'process.fork':
    case 'namespace.appear':
    case 'mount.attach':
    case 'sandbox.start':
      context.fillRect(x - 1, top + 2, 2, LANE_PX - 4);
      return;
    case 'process.exit':
    case 'namespace.vanish':
    case 'mount.detach':
    case 'mount.forget':
    case 'sandbox.end':
      context.fillRect(x - 0.5, middle, 1, LANE_PX / 2 - 2);
      context.fillRect(x - 2.5, top + LANE_PX - 4, 5, 1.5);
      return;
    case 'check':
      context.beginPath();
      context.moveTo(x, middle - 5);
      context.lineTo(x + 5, middle);
      context.lineTo(x, middle + 5);
      context.lineTo(x - 5, middle);
      context.fill();
      return;
    default:
      context.beginPath();
      context.arc(x, middle, 2.2, 0, 2 * Math.PI);
      context.fill();
  }
}

function colour(
  event: TimelineEvent,
  events: readonly TimelineEvent[],
  state: State | undefined,
): string {
  switch (event.type) {
    case 'namespace.appear':
    case 'namespace.change':
    case 'namespace.vanish': {
      const kind = kindOf(event, events, state);
      return kind === null ? '--ink-3' : `--ns-${kind}`;
    }
    case 'mount.attach':
    case 'mount.change':
    case 'mount.detach':
    case 'mount.forget':
      return '--ns-mnt';
    case 'check':
      return event.passed ? '--good' : '--warn';
    case 'process.exit':
      return '--ink-3';
    default:
      return '--ink-2';
  }
}
