'use client';
/**
 * The session on one time axis: commands as spans, kernel events as ticks in lanes, and a position
 * that can be dragged back. One canvas; for a keyboard and a screen reader it is a slider whose
 * value is a sentence. The caller owns the position and the history.
 */
import type { History, TimelineEvent } from '@terrarium/timeline';
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Chevron } from '../glyphs.js';
import type { Lang } from '../strings.js';
import {
  ALL_LINES,
  drawTrack,
  FEW_LINES,
  lineHeight,
  placeSpans,
  type TrackLines,
  trackHeight,
} from './draw.js';
import { keyPosition } from './keys.js';
import { momentText } from './moment.js';
import { held, including, panned, type Scale, scaleOf, type Window, zoomed } from './scale.js';
import { type ScrubberStrings, scrubberStrings } from './strings.js';
import { type Track, trackOf } from './track.js';
import { type PointerActions, usePointer } from './use-pointer.js';

export interface ScrubberProps {
  readonly history: History;
  /** number of the newest event: another one means that the history has grown */
  readonly newest: number;
  /** the event whose state is shown; null while it is the present (or a recording's end) */
  readonly position: number | null;
  readonly onSeek: (position: number | null) => void;
  readonly lang: Lang;
  /** false for a recording: time stands still at its end, and everything is shown at first */
  readonly live?: boolean;
  /** commands and one line for everything else, instead of a line for each kind of object */
  readonly compact?: boolean;
  /** the other amount of lines is wanted; without it there is no button for that */
  readonly onCompact?: (compact: boolean) => void;
  /** a command's span was clicked */
  readonly onCommand?: (command: string) => void;
  /** the event under the pointer, to light up what it touched */
  readonly onHover?: (event: TimelineEvent | null) => void;
  /** somebody is about to look back: the time to fetch what is not here yet */
  readonly onUse?: () => void;
}

/** Lengths to choose from, minutes; null is everything. */
const SPANS: readonly (number | null)[] = [1, 10, 60, null];
const MINUTE_MS = 60_000;
/** Live, the picture moves on this often: four times a second is calm and still looks alive. */
const LIVE_MS = 250;
const ZOOM_STEP = 1.5;

export function Scrubber(props: ScrubberProps) {
  const { history, newest, position, lang, live = true, compact = false, onSeek, onUse } = props;
  const lines = compact ? FEW_LINES : ALL_LINES;
  const words = scrubberStrings(lang);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [window, setWindow] = useState<Window>({ span: live ? MINUTE_MS : null, right: null });
  const clock = useClock(history, newest, live);
  const scale = useCallback(
    (track: Track): Scale =>
      scaleOf(window, track.begins, clock(), canvas.current?.clientWidth ?? 1),
    [window, clock],
  );
  const paint = useCallback(() => {
    if (canvas.current === null) return;
    const track = trackOf(history);
    drawTrack(canvas.current, track, scale(track), clock(), position, lines);
  }, [history, position, scale, clock, lines]);
  usePainting(canvas, paint, newest, live);

  const seek = useCallback(
    (to: number | null): void => {
      onUse?.();
      onSeek(to);
    },
    [onSeek, onUse],
  );
  // Wherever a key or a link leads, it is in sight.
  useEffect(() => {
    if (position === null) {
      setWindow((now) => (now.right === null ? now : { ...now, right: null }));
      return;
    }
    const track = trackOf(history);
    setWindow((now) =>
      including(
        held(now, clock()),
        scaleOf(now, track.begins, clock(), 1),
        track.timeOf(position),
        clock(),
      ),
    );
  }, [position, history, clock]);

  const actions: PointerActions = {
    track: () => trackOf(history),
    scale,
    now: clock,
    seek,
    zoom: (t, factor) => {
      const track = trackOf(history);
      onUse?.();
      setWindow(zoomed(scale(track), t, factor, track.begins, clock()));
    },
    pan: (part) => {
      const track = trackOf(history);
      setWindow(panned(window, scale(track), part, track.begins, clock()));
    },
    command: (id) => props.onCommand?.(id),
    hover: (event) => props.onHover?.(event),
    lines,
    spans: (track) => placeSpans(track, scale(track), clock()),
  };
  const tip = usePointer(canvas, actions, lang);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const track = trackOf(history);
    if (event.key === '+' || event.key === '-') {
      event.preventDefault();
      const t = position === null ? clock() : track.timeOf(position);
      actions.zoom(t, event.key === '+' ? 1 / ZOOM_STEP : ZOOM_STEP);
      return;
    }
    const to = keyPosition(event.key, event.shiftKey, position, track);
    if (to === undefined) return;
    event.preventDefault();
    seek(to);
  };

  return (
    <div className="tr-scrubber" data-past={position !== null || undefined}>
      <div>
        <LaneNames words={words} lines={lines} />
        {props.onCompact !== undefined && (
          <button
            type="button"
            className="tr-scrubber-more"
            aria-expanded={!compact}
            onClick={() => props.onCompact?.(!compact)}
          >
            {compact ? words.moreLines : words.fewerLines}
            <Chevron />
          </button>
        )}
      </div>
      <div className="tr-scrubber-picture">
        <div
          className="tr-scrubber-slider"
          role="slider"
          tabIndex={0}
          aria-label={words.label}
          aria-orientation="horizontal"
          aria-valuemin={history.oldest.seq}
          aria-valuemax={newest}
          aria-valuenow={position ?? newest}
          aria-valuetext={
            position === null ? words.liveText : momentText(trackOf(history), position, lang)
          }
          title={words.how}
          onKeyDown={onKeyDown}
          onFocus={onUse}
        >
          <canvas ref={canvas} style={{ blockSize: `${trackHeight(lines)}px` }} />
        </div>
        <div className="tr-scrubber-foot">
          <span className="tr-tip" aria-hidden="true">
            {tip}
          </span>
          <SpanChoice
            words={words}
            window={window}
            onChoose={(span) => {
              onUse?.();
              setWindow({ span, right: null });
            }}
          />
        </div>
      </div>
    </div>
  );
}

function LaneNames(props: { readonly words: ScrubberStrings; readonly lines: TrackLines }) {
  return (
    <div className="tr-scrubber-lanes" aria-hidden="true">
      {props.lines.map((lanes, line) => (
        <span
          key={lanes[0]}
          style={{ blockSize: lineHeight(line), lineHeight: `${lineHeight(line)}px` }}
        >
          {lanes.length === 1 ? props.words.lanes[lanes[0]!] : props.words.kernel}
        </span>
      ))}
    </div>
  );
}

function SpanChoice(props: {
  readonly words: ScrubberStrings;
  readonly window: Window;
  readonly onChoose: (span: number | null) => void;
}) {
  const { words, window, onChoose } = props;
  return (
    <fieldset className="tr-scrubber-spans">
      <legend className="tr-sr">{words.zoom}</legend>
      {SPANS.map((minutes) => {
        const span = minutes === null ? null : minutes * MINUTE_MS;
        return (
          <button
            key={minutes}
            type="button"
            aria-pressed={window.span === span}
            onClick={() => onChoose(span)}
          >
            {minutes === null ? words.all : words.minutes(minutes)}
          </button>
        );
      })}
    </fieldset>
  );
}

/**
 * The present on the clock of the events: the server's, which need not be the browser's. Taken
 * from the newest event and the time that has passed here since it came.
 */
function useClock(history: History, newest: number, live: boolean): () => number {
  const anchor = useRef({ seq: -1, t: 0, at: 0 });
  if (anchor.current.seq !== newest || anchor.current.t !== history.newest.t)
    anchor.current = { seq: newest, t: history.newest.t, at: performance.now() };
  return useMemo(
    () => () => anchor.current.t + (live ? performance.now() - anchor.current.at : 0),
    [live],
  );
}

/** Paints when something changed, at most once a frame; live, also as time goes on. */
function usePainting(
  canvas: React.RefObject<HTMLCanvasElement | null>,
  paint: () => void,
  newest: number,
  live: boolean,
): void {
  const latest = useRef(paint);
  latest.current = paint;
  useEffect(() => {
    const frame = requestAnimationFrame(() => paint());
    return () => cancelAnimationFrame(frame);
  }, [paint]);
  const drawn = useRef(0);
  useEffect(() => {
    if (live && newest >= 0) return; // the timer below sees to it, and not thirty times a second
    drawn.current = newest;
    latest.current();
  }, [newest, live]);
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => latest.current(), LIVE_MS);
    return () => clearInterval(timer);
  }, [live]);
  useEffect(() => {
    const element = canvas.current;
    if (element === null || typeof ResizeObserver === 'undefined') return;
    const repaint = (): void => latest.current();
    const resized = new ResizeObserver(repaint);
    resized.observe(element);
    const themed = new MutationObserver(repaint);
    themed.observe(document.documentElement, { attributeFilter: ['data-theme', 'class'] });
    const wish = matchMedia('(prefers-color-scheme: dark)');
    wish.addEventListener('change', repaint);
    return () => {
      resized.disconnect();
      themed.disconnect();
      wish.removeEventListener('change', repaint);
    };
  }, [canvas]);
}
