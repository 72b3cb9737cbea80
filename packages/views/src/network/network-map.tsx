'use client';
/**
 * The picture: boxes with ports at their edges, wires between them. Decoration beside the tree,
 * which says the same to keys and screen readers; still, except that a wire whose counters moved
 * pulses once a sample.
 */
import type { LinkRef, PacketPath, State } from '@terrarium/timeline';
import {
  type CSSProperties,
  type MouseEvent,
  type PointerEvent,
  type RefObject,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { Lang } from '../strings.js';
import { boxSlots } from './box-slots.js';
import type { Flow, Flows } from './flows.js';
import { NetworkBox } from './network-box.js';
import { type Layout, layoutOf, type Wire } from './network-layout.js';
import { type BoxModel, bytesText, linkId } from './network-model.js';
import { isGood } from './path-panel.js';
import { networkStrings } from './strings.js';

/** Where nothing can be measured (a test, the first paint). */
const USUAL_WIDTH = 820;
const NARROWEST = 480;

export interface NetworkMapProps {
  readonly mapRef: RefObject<HTMLDivElement | null>;
  readonly state: State;
  readonly boxes: readonly BoxModel[];
  readonly gone: ReadonlySet<string>;
  readonly lang: Lang;
  /** id of what the card is about */
  readonly lit: string | null;
  readonly path: PacketPath | null;
  readonly flows: Flows;
  readonly onLook: (id: string) => void;
  readonly onChoose: (id: string) => void;
}

export function NetworkMap(props: NetworkMapProps) {
  const { mapRef, state, boxes, flows, path, lit } = props;
  const width = useWidth(mapRef);
  const sandbox = state.sandbox?.id ?? '';
  const layout = useMemo(() => {
    const others = boxes.filter(({ own }) => !own).map(({ netNs }) => netNs);
    return layoutOf(boxes, boxSlots(sandbox, others), width);
  }, [boxes, sandbox, width]);
  const sides = useMemo(() => sidesOf(layout), [layout]);
  const way = useMemo(() => wayOf(path), [path]);
  const pick = (event: MouseEvent | PointerEvent): string | null => {
    const part = (event.target as Element).closest('[data-id], [data-for]');
    return part?.getAttribute('data-id') ?? part?.getAttribute('data-for') ?? null;
  };
  const pointer = {
    onClick: (event: MouseEvent): void => {
      const id = pick(event);
      if (id !== null) props.onChoose(id);
    },
    onPointerOver: (event: PointerEvent): void => {
      const id = pick(event);
      if (id !== null && event.pointerType !== 'touch') props.onLook(id);
    },
  };
  return (
    <div
      {...pointer}
      ref={mapRef}
      className="tr-net-map"
      aria-hidden="true"
      data-asked={path !== null || undefined}
      style={{ blockSize: layout.height } as CSSProperties}
    >
      <svg aria-hidden="true" className="tr-wires" width={width} height={layout.height}>
        {layout.wires.map((wire) => (
          <WireLine key={wire.id} wire={wire} way={way} lit={lit} flows={flows} />
        ))}
      </svg>
      {layout.boxes.map((placed) => (
        <NetworkBox
          key={placed.box.netNs}
          state={state}
          placed={placed}
          gone={props.gone}
          lang={props.lang}
          lit={lit !== null && isIn(placed.box, lit) ? lit : null}
          sides={sides}
          onWay={way.links}
          isOnWay={way.boxes.has(placed.box.netNs)}
          end={way.end?.netNs === placed.box.netNs ? way.end.how : undefined}
        />
      ))}
      {layout.wires.map((wire) => (
        <WireLabel
          key={wire.id}
          wire={wire}
          flows={flows}
          lang={props.lang}
          short={layout.gutter < ROOM_FOR_WORDS}
        />
      ))}
    </div>
  );
}

/** Ids of the parts of a box have its inode as their second word. */
function isIn({ netNs }: BoxModel, id: string): boolean {
  return id.split(' ')[1] === `${netNs}`;
}

/** The edge at which each interface has its plug. */
function sidesOf({ wires }: Layout): ReadonlyMap<string, 'left' | 'right'> {
  const ends = wires.flatMap((wire) => wire.ends.filter((end) => end !== null));
  return new Map(ends.map(({ netNs, port, plug }) => [linkId(netNs, port.link.index), plug.side]));
}

interface Way {
  readonly links: ReadonlySet<string>;
  readonly boxes: ReadonlySet<number>;
  /** wires in the direction in which they are crossed: id of the first end, of the second */
  readonly wires: ReadonlySet<string>;
  readonly end: { readonly netNs: number; readonly how: 'good' | 'bad' } | null;
}

function wayOf(path: PacketPath | null): Way {
  const idOf = ({ netNs, index }: LinkRef): string => linkId(netNs, index);
  const hops = path?.hops ?? [];
  const end = path?.end;
  return {
    end:
      end === undefined || !('netNs' in end)
        ? null
        : { netNs: end.netNs, how: isGood(end) ? 'good' : 'bad' },
    links: new Set(hops.flatMap(({ links }) => links.map(idOf))),
    boxes: new Set(hops.map(({ netNs }) => netNs)),
    wires: new Set(
      hops.filter(({ fact }) => fact.kind === 'wire').map(({ links }) => links.map(idOf).join(' ')),
    ),
  };
}

function endIds({ ends }: Wire): readonly string[] {
  return ends.flatMap((end) => (end === null ? [] : [linkId(end.netNs, end.port.link.index)]));
}

/** The flow of a wire: the fuller of what its two ends counted. */
function flowOf(wire: Wire, flows: Flows): Flow | null {
  const found = endIds(wire).flatMap((id) => flows.byLink.get(id) ?? []);
  return found.reduce<Flow | null>(
    (most, flow) => (most === null || flow.bytes > most.bytes ? flow : most),
    null,
  );
}

function WireLine(props: {
  readonly wire: Wire;
  readonly way: Way;
  readonly lit: string | null;
  readonly flows: Flows;
}) {
  const { wire, way, lit, flows } = props;
  const pulse = useRef<SVGPathElement>(null);
  const ids = endIds(wire);
  const flow = flowOf(wire, flows);
  const { sample } = flows;
  const moves = flow !== null;
  useEffect(() => {
    if (moves && sample > 0) pulseOnce(pulse.current);
  }, [moves, sample]);
  const [there, back] = [ids.join(' '), [...ids].reverse().join(' ')];
  const direction = way.wires.has(there) ? 'there' : way.wires.has(back) ? 'back' : undefined;
  return (
    <g
      className="tr-wire"
      data-for={ids[0]}
      data-up={wire.up || undefined}
      data-open={wire.ends[1] === null || undefined}
      data-way={direction}
      data-highlighted={(lit !== null && ids.includes(lit)) || undefined}
    >
      <path className="tr-wire-grip" d={wire.path} />
      <path className="tr-wire-line" d={wire.path} />
      <path ref={pulse} className="tr-wire-pulse" d={wire.path} />
      {direction !== undefined && <Arrow wire={wire} back={direction === 'back'} />}
    </g>
  );
}

/** A mark in the middle of a wire that says which way. */
function Arrow({ wire, back }: { readonly wire: Wire; readonly back: boolean }) {
  const [a, b] = wire.ends;
  const same = b === null || a.plug.x === b.plug.x;
  const angle = same
    ? 90
    : (Math.atan2(b.plug.y - a.plug.y, (b.plug.x - a.plug.x) / 2) * 180) / Math.PI;
  const { x, y } = wire.middle;
  return (
    <path
      className="tr-wire-arrow"
      d="M-8 -7 9 0 -8 7z"
      transform={`translate(${x} ${y}) rotate(${angle + (back ? 180 : 0)})`}
    />
  );
}

/** Longer than the glow of a row: a wire is thin. */
const PULSE_MS = 600;

function pulseOnce(line: SVGPathElement | null): void {
  if (line === null || typeof line.animate !== 'function') return; // jsdom cannot animate
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    line.animate([{ opacity: 1 }, { opacity: 1 }], { duration: PULSE_MS });
    return;
  }
  line.animate([{ opacity: 0 }, { opacity: 1, offset: 0.3 }, { opacity: 0 }], {
    duration: PULSE_MS,
    easing: 'ease-out',
  });
}

/** A rate with its packets is this wide, pixels. */
const ROOM_FOR_WORDS = 190;

function WireLabel(props: {
  readonly short: boolean;
  readonly wire: Wire;
  readonly flows: Flows;
  readonly lang: Lang;
}) {
  const flow = flowOf(props.wire, props.flows);
  if (flow === null) return null;
  const { x, y } = props.wire.middle;
  const words = networkStrings(props.lang);
  return (
    <span className="tr-wire-label" style={{ insetInlineStart: x, insetBlockStart: y }}>
      {props.short
        ? words.rateShort(bytesText(flow.bytes))
        : words.rate(bytesText(flow.bytes), flow.packets)}
    </span>
  );
}

/** The width of the pane that the picture may fill. */
function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(USUAL_WIDTH);
  useEffect(() => {
    const { current } = element;
    if (current === null || typeof ResizeObserver === 'undefined') return;
    const measure = (): void => setWidth(Math.max(NARROWEST, Math.floor(current.clientWidth)));
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
