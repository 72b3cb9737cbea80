'use client';
/** The scrubber under a pointer: drag to seek, click a command, wheel to zoom, hover for words. */
import { firstAfter, type TimelineEvent } from '@terrarium/timeline';
import { type RefObject, useEffect, useRef, useState } from 'react';
import type { Lang } from '../strings.js';
import { describeEvent } from '../timeline-events.js';
import { lanesAt, type PlacedSpan, type TrackLines } from './draw.js';
import { agoText, clockTime, short } from './moment.js';
import { type Scale, timeAt, xOf } from './scale.js';
import type { Track } from './track.js';

/** What the pointer may do. */
export interface PointerActions {
  readonly track: () => Track;
  readonly scale: (track: Track) => Scale;
  readonly now: () => number;
  readonly seek: (position: number | null) => void;
  readonly zoom: (t: number, factor: number) => void;
  /** by a part of the window's length */
  readonly pan: (part: number) => void;
  readonly command: (id: string) => void;
  readonly hover: (event: TimelineEvent | null) => void;
  readonly lines: TrackLines;
  readonly spans: (track: Track) => readonly PlacedSpan[];
}

/** Ticks nearer than this to the pointer are meant, CSS pixels. */
const REACH_PX = 7;
/** A press that moves less than this is a click. */
const CLICK_PX = 4;
/** Dropped this near to the present it is live again. */
const LIVE_PX = 6;
/** A notch of a wheel is about 100. */
const WHEEL_STEP = 300;
/** Events before the hovered one in which names are looked for. */
const NAMES_BEFORE = 2000;

/** @returns words for what is under the pointer */
export function usePointer(
  canvas: RefObject<HTMLCanvasElement | null>,
  actions: PointerActions,
  lang: Lang,
): string {
  const [tip, setTip] = useState('');
  const latest = useRef({ actions, lang });
  latest.current = { actions, lang };
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    let pressedAt: number | null = null;
    let dragging = false;
    const place = (event: PointerEvent | WheelEvent): { x: number; y: number } => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const onDown = (event: PointerEvent): void => {
      if (event.button !== 0) return;
      pressedAt = place(event).x;
      dragging = false;
      element.setPointerCapture(event.pointerId);
    };
    const onMove = (event: PointerEvent): void => {
      const { x, y } = place(event);
      if (pressedAt !== null) {
        dragging ||= Math.abs(x - pressedAt) >= CLICK_PX;
        if (dragging) seekTo(latest.current.actions, x);
      }
      const { actions: now, lang: words } = latest.current;
      const found = under(now, x, y);
      setTip(found === null ? '' : textOf(now, found, words));
      now.hover(found !== null && 'type' in found ? found : null);
    };
    const onUp = (event: PointerEvent): void => {
      if (pressedAt === null) return;
      pressedAt = null;
      if (dragging) return;
      const { x, y } = place(event);
      click(latest.current.actions, x, y);
    };
    const onLeave = (): void => {
      setTip('');
      latest.current.actions.hover(null);
    };
    const onCancel = (): void => {
      pressedAt = null;
    };
    // React listens to wheels passively, and the page must not scroll while this zooms.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const now = latest.current.actions;
      const across = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (Math.abs(across) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        now.pan(across / Math.max(1, element.clientWidth));
        return;
      }
      const t = timeAt(now.scale(now.track()), place(event).x);
      now.zoom(t, 2 ** (event.deltaY / WHEEL_STEP));
    };
    element.addEventListener('pointerdown', onDown);
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', onUp);
    element.addEventListener('pointercancel', onCancel);
    element.addEventListener('pointerleave', onLeave);
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      element.removeEventListener('pointerdown', onDown);
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', onUp);
      element.removeEventListener('pointercancel', onCancel);
      element.removeEventListener('pointerleave', onLeave);
      element.removeEventListener('wheel', onWheel);
    };
  }, [canvas]);
  return tip;
}

/** The last event at or before the place; live at the right edge of what there is. */
function seekTo(actions: PointerActions, x: number): void {
  const track = actions.track();
  const scale = actions.scale(track);
  const t = timeAt(scale, x);
  const isLive = x >= Math.min(scale.width, xOf(scale, actions.now())) - LIVE_PX;
  actions.seek(isLive ? null : (track.history.seqAt(t) ?? track.history.oldest.seq));
}

function click(actions: PointerActions, x: number, y: number): void {
  const found = under(actions, x, y);
  if (found === null) {
    seekTo(actions, x);
  } else if ('type' in found) {
    actions.seek(found.seq);
  } else {
    actions.seek(actions.track().before(found.span));
    actions.command(found.span.id);
  }
}

/** The command or the event that is meant by a place. */
function under(actions: PointerActions, x: number, y: number): PlacedSpan | TimelineEvent | null {
  const lanes = lanesAt(y, actions.lines);
  const track = actions.track();
  if (lanes.includes('command')) {
    const hit = actions.spans(track).filter((one) => x >= one.x - 2 && x <= one.x + one.width + 2);
    return hit.find(({ row }) => row === (y > 14 ? 1 : 0)) ?? hit.at(-1) ?? null;
  }
  const scale = actions.scale(track);
  let best: TimelineEvent | null = null;
  for (const lane of lanes) best = nearest(track.lanes[lane], scale, x, best);
  return best;
}

/** The tick nearest to a place within reach; `best` when none is nearer than that. */
function nearest(
  ticks: readonly TimelineEvent[],
  scale: Scale,
  x: number,
  best: TimelineEvent | null,
): TimelineEvent | null {
  const distanceOf = (event: TimelineEvent): number => Math.abs(xOf(scale, event.t) - x);
  const from = timeAt(scale, x - REACH_PX);
  let found = best;
  let bestDistance = best === null ? REACH_PX : distanceOf(best);
  for (let i = firstAfter(ticks, ({ t }) => t >= from); i < ticks.length; i++) {
    const event = ticks[i]!;
    if (xOf(scale, event.t) > x + REACH_PX) break;
    if (distanceOf(event) > bestDistance) continue;
    found = event;
    bestDistance = distanceOf(event);
  }
  return found;
}

function textOf(actions: PointerActions, found: PlacedSpan | TimelineEvent, lang: Lang): string {
  const now = actions.now();
  if (!('type' in found)) {
    const { line, startedAt } = found.span;
    return `$ ${short(line ?? '')} · ${clockTime(startedAt)} · ${agoText(startedAt, now, lang)}`;
  }
  const { history } = actions.track();
  const around = history.between(found.seq - NAMES_BEFORE, found.seq);
  const words = describeEvent(found, around, history.newest, lang);
  return `${words} · ${clockTime(found.t)} · ${agoText(found.t, now, lang)}`;
}
