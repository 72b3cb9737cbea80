/** Draws the track on a canvas: one pass over what is in the window, one mark a pixel and lane. */
import { type CommandSpan, firstAfter, type TimelineEvent } from '@terrarium/timeline';
import { kindOf, type Lane, TICK_LANES } from '../timeline-events.js';
import { clockTime } from './moment.js';
import { axisTimes, type Scale, xOf } from './scale.js';
import type { Track } from './track.js';

/** Two rows, so that commands of two terminals do not hide each other. */
const SPAN_PX = 13;
const COMMAND_LANE_PX = 2 * SPAN_PX + 2;
const LANE_PX = 10;
const AXIS_PX = 14;

/** Which lanes stand on each line of the track, from the top; the commands have the first for themselves. */
export type TrackLines = readonly (readonly Lane[])[];
/** Each lane on a line of its own. */
export const ALL_LINES: TrackLines = TICK_LANES.map((lane) => [lane]);
/** The commands, and everything else on one line: what happened when, at a glance. */
export const FEW_LINES: TrackLines = [['command'], TICK_LANES.slice(1)];

/** Height of a line, pixels. */
export function lineHeight(line: number): number {
  return line === 0 ? COMMAND_LANE_PX : LANE_PX;
}

/** Where a line begins, from the top. */
function lineTop(line: number): number {
  return line === 0 ? 0 : COMMAND_LANE_PX + (line - 1) * LANE_PX;
}

/** Height of the whole track with its axis, pixels. */
export function trackHeight(lines: TrackLines): number {
  return lineTop(lines.length) + AXIS_PX;
}

/** The lanes at a height; none below the last. */
export function lanesAt(y: number, lines: TrackLines): readonly Lane[] {
  return lines.find((_, line) => y < lineTop(line) + lineHeight(line)) ?? [];
}

/** A command as it stands on the track: pixels. */
export interface PlacedSpan {
  readonly span: CommandSpan;
  readonly x: number;
  readonly width: number;
  readonly row: 0 | 1;
}

/** The commands in the window, each in the row that is free. */
export function placeSpans(track: Track, scale: Scale, now: number): readonly PlacedSpan[] {
  const placed: PlacedSpan[] = [];
  let busyUntil = Number.NEGATIVE_INFINITY;
  for (const span of track.spans) {
    const end = span.endedAt ?? now;
    const row = span.startedAt < busyUntil ? 1 : 0;
    if (row === 0) busyUntil = end;
    if (end < scale.from || span.startedAt > scale.to) continue;
    const x = Math.max(0, xOf(scale, span.startedAt));
    const right = Math.min(scale.width, xOf(scale, end));
    placed.push({ span, x, width: Math.max(3, right - x), row });
  }
  return placed;
}

export function drawTrack(
  canvas: HTMLCanvasElement,
  track: Track,
  scale: Scale,
  now: number,
  position: number | null,
  lines: TrackLines,
): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const bottom = trackHeight(lines) - AXIS_PX;
  prepare(canvas, context, scale.width, trackHeight(lines));
  const style = getComputedStyle(canvas);
  const ink = (token: string): string => style.getPropertyValue(token).trim() || '#808080';
  const colour = (event: TimelineEvent): string => ink(colourOf(event, track));
  drawAxis(context, scale, ink, style.fontFamily, lines);
  drawBreaks(context, track, scale, ink, bottom);
  drawSpans(context, placeSpans(track, scale, now), ink, style.getPropertyValue('--font-mono'));
  for (const [line, lanes] of lines.entries())
    for (const lane of lanes)
      if (lane !== 'command') drawTicks(context, track.lanes[lane], lineTop(line), scale, colour);
  const at = position === null ? now : track.timeOf(position);
  drawPosition(context, scale, at, position, ink, bottom);
}

function prepare(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
): void {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
}

type Ink = (token: string) => string;

function drawAxis(
  context: CanvasRenderingContext2D,
  scale: Scale,
  ink: Ink,
  font: string,
  lines: TrackLines,
): void {
  const bottom = trackHeight(lines) - AXIS_PX;
  context.fillStyle = ink('--line');
  for (let line = 1; line < lines.length; line++)
    context.fillRect(0, lineTop(line) - 1, scale.width, 1);
  context.fillRect(0, bottom - 1, scale.width, 1);
  context.font = `10px ${font}`;
  context.textBaseline = 'middle';
  for (const t of axisTimes(scale)) {
    const x = Math.round(xOf(scale, t));
    context.fillStyle = ink('--line');
    context.fillRect(x, 0, 1, bottom);
    context.fillStyle = ink('--ink-3');
    if (x + 52 < scale.width) context.fillText(clockTime(t), x + 3, bottom + AXIS_PX / 2);
  }
}

/** A new sandbox: what is left of the line was another one. */
function drawBreaks(
  context: CanvasRenderingContext2D,
  track: Track,
  scale: Scale,
  ink: Ink,
  bottom: number,
): void {
  for (const mark of track.marks) {
    if (mark.kind !== 'start' || mark.t < scale.from || mark.t > scale.to) continue;
    const x = Math.round(xOf(scale, mark.t));
    context.strokeStyle = ink('--ink-2');
    context.setLineDash([3, 2]);
    context.beginPath();
    context.moveTo(x + 0.5, 0);
    context.lineTo(x + 0.5, bottom);
    context.stroke();
    context.setLineDash([]);
  }
}

function drawSpans(
  context: CanvasRenderingContext2D,
  spans: readonly PlacedSpan[],
  ink: Ink,
  mono: string,
): void {
  context.font = `10px ${mono || 'monospace'}`;
  context.textBaseline = 'middle';
  for (const { span, x, width, row } of spans) {
    const failed = span.exitCode !== null && span.exitCode !== 0;
    const top = 1 + row * SPAN_PX;
    context.fillStyle = ink(failed ? '--bad-soft' : '--accent-soft');
    context.fillRect(x, top, width, SPAN_PX - 1);
    context.fillStyle = ink(failed ? '--bad' : '--accent');
    context.fillRect(x, top, 2, SPAN_PX - 1);
    const line = span.line ?? '';
    if (width < 16 || line === '') continue;
    context.save();
    context.beginPath();
    context.rect(x + 4, top, width - 5, SPAN_PX - 1);
    context.clip();
    context.fillStyle = ink('--ink-1');
    context.fillText(line, x + 5, top + SPAN_PX / 2);
    context.restore();
  }
}

function drawTicks(
  context: CanvasRenderingContext2D,
  ticks: readonly TimelineEvent[],
  top: number,
  scale: Scale,
  colour: (event: TimelineEvent) => string,
): void {
  let last = Number.NEGATIVE_INFINITY;
  for (let i = firstAfter(ticks, ({ t }) => t >= scale.from); i < ticks.length; i++) {
    const event = ticks[i]!;
    if (event.t > scale.to) break;
    const x = Math.round(xOf(scale, event.t));
    // A fork bomb makes thousands of events a second; more marks than pixels say nothing.
    if (x === last && !isLoud(event)) continue;
    last = x;
    context.fillStyle = colour(event);
    drawMark(context, event, x, top);
  }
}

/** Is drawn whatever is at the same pixel. */
function isLoud(event: TimelineEvent): boolean {
  return event.type === 'check' || event.type === 'cgroup.oom';
}

/** Shape says what: up for a beginning, down for an end, a dot for a change, a diamond for a check. */
function drawMark(context: CanvasRenderingContext2D, event: TimelineEvent, x: number, top: number) {
  const middle = top + LANE_PX / 2;
  const verb = event.type.split('.')[1];
  if (event.type === 'check' || event.type === 'cgroup.oom') {
    const r = LANE_PX / 2 - 0.5;
    context.beginPath();
    context.moveTo(x, middle - r);
    context.lineTo(x + r, middle);
    context.lineTo(x, middle + r);
    context.lineTo(x - r, middle);
    context.fill();
  } else if (verb === 'fork' || verb === 'appear' || verb === 'attach' || verb === 'start') {
    context.fillRect(x - 1, top + 1, 2, LANE_PX - 3);
  } else if (verb === 'exit' || verb === 'vanish' || verb === 'detach' || verb === 'forget') {
    context.fillRect(x - 0.5, middle, 1, LANE_PX / 2 - 2);
    context.fillRect(x - 2, top + LANE_PX - 3, 4, 1.5);
  } else {
    context.beginPath();
    context.arc(x, middle, 1.8, 0, 2 * Math.PI);
    context.fill();
  }
}

function colourOf(event: TimelineEvent, track: Track): string {
  switch (event.type.split('.')[0]) {
    case 'namespace': {
      const kind = kindOf(event, track.lanes.namespace, track.history.newest);
      return kind === null ? '--ink-3' : `--ns-${kind}`;
    }
    case 'mount':
      return '--ns-mnt';
    case 'cgroup':
      return event.type === 'cgroup.oom' ? '--bad' : '--ns-cgroup';
    case 'network':
      return '--ns-net';
    case 'check':
      return event.type === 'check' && event.passed ? '--good' : '--warn';
    default:
      return event.type === 'process.exit' ? '--ink-3' : '--ink-2';
  }
}

/** The line of the moment; what is right of a past one is veiled: it has not happened yet there. */
function drawPosition(
  context: CanvasRenderingContext2D,
  scale: Scale,
  t: number,
  position: number | null,
  ink: Ink,
  bottom: number,
): void {
  const x = Math.round(xOf(scale, t));
  if (position === null || x > scale.width + 8) return;
  context.save();
  context.globalAlpha = 0.62;
  context.fillStyle = ink('--past-soft');
  context.fillRect(x, 0, scale.width - x, bottom);
  context.restore();
  context.fillStyle = ink('--past');
  context.fillRect(x - 1, 0, 2, bottom + AXIS_PX - 4);
  context.beginPath();
  context.moveTo(x - 6, bottom + AXIS_PX - 1);
  context.lineTo(x + 6, bottom + AXIS_PX - 1);
  context.lineTo(x, bottom + AXIS_PX - 11);
  context.fill();
}
