'use client';
/**
 * Tombstones of the picture: a namespace or an interface that has gone stays in its place, pale,
 * for a moment, so that the eye sees what went before everything closes up.
 */
import type { LinkState } from '@terrarium/timeline';
import { useEffect, useReducer, useRef } from 'react';
import { TOMBSTONE_MS } from '../displayed.js';
import { type BoxModel, linkId, type PortModel } from './network-model.js';

export interface Ghosts {
  /** those that are, with those that were until a moment ago */
  readonly boxes: readonly BoxModel[];
  /** ids of `network N` and `link N I` that are gone */
  readonly gone: ReadonlySet<string>;
}

interface Memory {
  readonly sandbox: string | null;
  readonly boxes: readonly BoxModel[];
  readonly goneBoxes: readonly { readonly box: BoxModel; readonly until: number }[];
  readonly gonePorts: readonly {
    readonly netNs: number;
    readonly port: PortModel;
    readonly until: number;
  }[];
}

export function useGhosts(boxes: readonly BoxModel[], sandbox: string | null): Ghosts {
  const [, wake] = useReducer((n: number) => n + 1, 0);
  const memory = useRef<Memory>({ sandbox, boxes, goneBoxes: [], gonePorts: [] });
  // Written while rendering on purpose: `remember` gives the same for the same boxes and moment.
  memory.current = remember(memory.current, boxes, sandbox, performance.now());
  const { goneBoxes, gonePorts } = memory.current;
  const next = Math.min(...[...goneBoxes, ...gonePorts].map(({ until }) => until));
  useEffect(() => {
    if (!Number.isFinite(next)) return;
    const timer = setTimeout(wake, Math.max(0, next - performance.now()) + 20);
    return () => clearTimeout(timer);
  }, [next]);
  return shown(memory.current);
}

function remember(
  before: Memory,
  boxes: readonly BoxModel[],
  sandbox: string | null,
  now: number,
): Memory {
  const { goneBoxes, gonePorts } = before;
  const expired = [...goneBoxes, ...gonePorts].some(({ until }) => until <= now);
  if (before.boxes === boxes && before.sandbox === sandbox && !expired) return before;
  if (before.sandbox !== sandbox) return { sandbox, boxes, goneBoxes: [], gonePorts: [] };
  const present = new Map(boxes.map((box) => [box.netNs, box]));
  const until = now + TOMBSTONE_MS;
  const lost = before.boxes.filter(({ netNs }) => !present.has(netNs));
  const lostPorts = before.boxes.flatMap(({ netNs, ports }) => {
    const after = present.get(netNs);
    if (after === undefined) return [];
    const still = new Set(after.ports.map(({ link }) => link.index));
    return ports.filter(({ link }) => !still.has(link.index)).map((port) => ({ netNs, port }));
  });
  const hasPort = (netNs: number, { index }: LinkState): boolean =>
    present.get(netNs)?.ports.some(({ link }) => link.index === index) ?? true;
  return {
    ...{ sandbox, boxes },
    goneBoxes: [...goneBoxes, ...lost.map((box) => ({ box, until }))].filter(
      (one) => one.until > now && !present.has(one.box.netNs),
    ),
    gonePorts: [...gonePorts, ...lostPorts.map((lostPort) => ({ ...lostPort, until }))].filter(
      (one) => one.until > now && !hasPort(one.netNs, one.port.link),
    ),
  };
}

function shown({ boxes, goneBoxes, gonePorts }: Memory): Ghosts {
  if (goneBoxes.length === 0 && gonePorts.length === 0) return { boxes, gone: new Set() };
  const gone = new Set([
    ...goneBoxes.flatMap(({ box }) => [
      `network ${box.netNs}`,
      ...box.ports.map(({ link }) => linkId(box.netNs, link.index)),
    ]),
    ...gonePorts.map(({ netNs, port }) => linkId(netNs, port.link.index)),
  ]);
  const withPorts = boxes.map((box) => {
    const own = gonePorts.filter(({ netNs }) => netNs === box.netNs);
    return own.length === 0
      ? box
      : { ...box, ports: [...box.ports, ...own.map((one) => one.port)] };
  });
  return { boxes: [...withPorts, ...goneBoxes.map(({ box }) => box)], gone };
}
