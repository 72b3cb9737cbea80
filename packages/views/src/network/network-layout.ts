/**
 * Where everything of the picture is, in CSS pixels: the sandbox's own box at the left, the others
 * below each other at the right, wires between. Pure arithmetic over counts of rows, so that the
 * same state gives the same picture and text never has to be measured.
 */
import type { NsInode } from '@terrarium/timeline';
import type { BoxModel, PortModel } from './network-model.js';
import { linkId } from './network-model.js';

/** Heights of the parts of a box; network.css has the same. */
export const METRICS = { head: 34, row: 24, line: 21, pad: 8, gap: 14 } as const;

/** Lines that a box shows of its listeners and of its rules before it counts the rest. */
export const LISTENERS_SHOWN = 3;
export const RULES_SHOWN = 4;

/** A box with less keeps the room of a usual one: lo, eth0, a route and a listener. */
const USUAL_HEIGHT = METRICS.head + 2 * METRICS.row + 2 * METRICS.line + METRICS.pad;

/** A column's part of the width; the rest is room for wires, and for those beyond the right edge. */
const COLUMNS = { left: 0.41, margin: 28 } as const;
const WIDEST_BOX = 400;
const WIDEST_GUTTER = 300;

export interface PlacedBox {
  readonly box: BoxModel;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The plug of an interface at the edge of its box, and where it points. */
export interface Plug extends Point {
  readonly side: 'left' | 'right';
}

/** A veth pair, or one end of it when the other is not in sight. */
export interface Wire {
  readonly id: string;
  readonly ends: readonly [EndOfWire, EndOfWire | null];
  /** an SVG path from the first end to the second */
  readonly path: string;
  /** where its label stands */
  readonly middle: Point;
  readonly up: boolean;
}

export interface EndOfWire {
  readonly netNs: NsInode;
  readonly port: PortModel;
  readonly plug: Plug;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** room between the columns */
  readonly gutter: number;
  readonly boxes: readonly PlacedBox[];
  readonly wires: readonly Wire[];
}

/** @param slots place of each box in the right column; the sandbox's own has none */
export function layoutOf(
  boxes: readonly BoxModel[],
  slots: ReadonlyMap<NsInode, number>,
  width: number,
): Layout {
  const columns = columnsOf(width);
  const placed = placeBoxes(boxes, slots, columns);
  const height = placed.reduce((most, box) => Math.max(most, box.y + box.height), 0);
  return { width, height, gutter: columns.gutter, boxes: placed, wires: wiresOf(placed) };
}

interface Columns {
  readonly left: number;
  readonly right: number;
  readonly box: number;
  readonly gutter: number;
}

function columnsOf(width: number): Columns {
  const inner = width - 2 * COLUMNS.margin;
  const box = Math.min(WIDEST_BOX, Math.floor(inner * COLUMNS.left));
  const gutter = Math.min(inner - 2 * box, WIDEST_GUTTER);
  const left = COLUMNS.margin / 2;
  return { left, right: left + box + gutter, box, gutter };
}

/** Rows of a box below its head, in pixels. */
export function heightOf({ network, ports }: BoxModel): number {
  if (network === null) return METRICS.head + METRICS.line + METRICS.pad;
  const rules = network.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
  const lines =
    network.routes.filter(({ to }) => to === 'default').length +
    cappedLines(network.listeners.length, LISTENERS_SHOWN) +
    network.tables.length +
    cappedLines(rules.length, RULES_SHOWN);
  return METRICS.head + ports.length * METRICS.row + lines * METRICS.line + METRICS.pad;
}

/** Lines that `count` things take when the rest beyond `shown` is one line. */
export function cappedLines(count: number, shown: number): number {
  return count > shown ? shown + 1 : count;
}

function placeBoxes(
  boxes: readonly BoxModel[],
  slots: ReadonlyMap<NsInode, number>,
  columns: Columns,
): readonly PlacedBox[] {
  const heights: number[] = [];
  for (const box of boxes) {
    const slot = slots.get(box.netNs);
    if (slot !== undefined) heights[slot] = Math.max(USUAL_HEIGHT, heightOf(box));
  }
  const top = (slot: number): number => {
    let y = 0;
    for (let i = 0; i < slot; i++) y += (heights[i] ?? USUAL_HEIGHT) + METRICS.gap;
    return y;
  };
  return boxes.map((box) => {
    const slot = slots.get(box.netNs);
    const at = slot === undefined ? { x: columns.left, y: 0 } : { x: columns.right, y: top(slot) };
    return { box, ...at, width: columns.box, height: heightOf(box) };
  });
}

function wiresOf(placed: readonly PlacedBox[]): readonly Wire[] {
  const ends = new Map<string, { at: PlacedBox; port: PortModel; row: number }>();
  for (const at of placed) {
    at.box.ports.forEach((port, row) => {
      ends.set(linkId(at.box.netNs, port.link.index), { at, port, row });
    });
  }
  const wires: Wire[] = [];
  const drawn = new Set<string>();
  let brackets = 0;
  for (const [id, { at, port, row }] of ends) {
    if (port.link.kind !== 'veth' || drawn.has(id)) continue;
    const { peer } = port.link;
    const otherId = peer?.netNs == null ? null : linkId(peer.netNs, peer.index);
    const other = otherId === null ? undefined : ends.get(otherId);
    drawn.add(id);
    if (other === undefined || otherId === null) {
      wires.push(stub(id, { at, port, row }));
      continue;
    }
    drawn.add(otherId);
    if (other.at.x === at.x) brackets++;
    wires.push(wireBetween(`${id} ${otherId}`, { at, port, row }, other, brackets));
  }
  return wires;
}

interface Socket {
  readonly at: PlacedBox;
  readonly port: PortModel;
  readonly row: number;
}

function plugOf({ at, row }: Socket, side: Plug['side']): Plug {
  const y = at.y + METRICS.head + row * METRICS.row + METRICS.row / 2;
  return { x: side === 'left' ? at.x : at.x + at.width, y, side };
}

function endOf(socket: Socket, side: Plug['side']): EndOfWire {
  return { netNs: socket.at.box.netNs, port: socket.port, plug: plugOf(socket, side) };
}

/** How far a wire that comes back to the same edge stands off, and each further one beyond it. */
const BRACKET = { first: 10, step: 7, most: 60 } as const;

function wireBetween(id: string, a: Socket, b: Socket, bracket: number): Wire {
  const up = isUp(a.port) && isUp(b.port);
  if (a.at.x === b.at.x) {
    const ends = [endOf(a, 'right'), endOf(b, 'right')] as const;
    const [from, to] = [ends[0].plug, ends[1].plug];
    const out = from.x + Math.min(BRACKET.first + BRACKET.step * bracket, BRACKET.most);
    const path = `M${from.x} ${from.y}C${out} ${from.y} ${out} ${to.y} ${to.x} ${to.y}`;
    return { id, ends, path, up, middle: { x: out, y: (from.y + to.y) / 2 } };
  }
  const [left, right] = a.at.x < b.at.x ? [a, b] : [b, a];
  const ends = [endOf(left, 'right'), endOf(right, 'left')] as const;
  const [from, to] = [ends[0].plug, ends[1].plug];
  const bend = (to.x - from.x) / 2;
  const path = `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
  return { id, ends, path, up, middle: { x: from.x + bend, y: (from.y + to.y) / 2 } };
}

/** The other end is the host's or not known: the wire ends in the open. */
function stub(id: string, socket: Socket): Wire {
  const end = endOf(socket, 'right');
  const { x, y } = end.plug;
  const middle = { x: x + 22, y };
  return { id, ends: [end, null], path: `M${x} ${y}h18`, middle, up: isUp(socket.port) };
}

function isUp({ link }: PortModel): boolean {
  return link.flags.includes('UP');
}
