/**
 * Traffic: what went through an interface between two samples of its counters. Sampled counters
 * come only when they moved, so silence is told by a clock and not by an event.
 */
import type { LinkCounters, State } from '@terrarium/timeline';
import { useEffect, useReducer, useRef } from 'react';
import { linkId } from './network-model.js';

/** What went through one interface, both ways. */
export interface Flow {
  /** per second */
  readonly bytes: number;
  readonly packets: number;
}

/** Samples come at 4 Hz at most; a longer pause was silence, and not slow traffic. */
const SAMPLE_S = { shortest: 0.25, longest: 1 } as const;
/** How long a rate stays written after the last sample that moved. */
const SHOWN_MS = 2000;

/** What moved from one sample to the next, by `linkId`. */
export function flowsBetween(
  before: State['traffic'],
  after: State['traffic'],
  seconds: number,
): ReadonlyMap<string, Flow> {
  const flows = new Map<string, Flow>();
  const span = Math.min(Math.max(seconds, SAMPLE_S.shortest), SAMPLE_S.longest);
  for (const [netNs, links] of Object.entries(after ?? {})) {
    for (const [index, now] of Object.entries(links)) {
      const old = before?.[netNs]?.[index];
      if (old === undefined || old === now) continue;
      const packets = packetsOf(now) - packetsOf(old);
      const bytes = bytesOf(now) - bytesOf(old);
      if (packets <= 0) continue;
      flows.set(linkId(Number(netNs), Number(index)), {
        bytes: bytes / span,
        packets: Math.max(1, Math.round(packets / span)),
      });
    }
  }
  return flows;
}

export interface Flows {
  readonly byLink: ReadonlyMap<string, Flow>;
  /** grows with every sample that moved something */
  readonly sample: number;
}

const SILENCE: Flows = { byLink: new Map(), sample: 0 };

/** The flows of the newest sample; gone a moment after traffic stops. */
export function useFlows(state: State): Flows {
  const [, wake] = useReducer((n: number) => n + 1, 0);
  const last = useRef({ traffic: state.traffic, t: state.t, flows: SILENCE, until: 0 });
  const now = performance.now();
  const { traffic, t, flows } = last.current;
  if (traffic !== state.traffic) {
    // A step back in time is no traffic.
    const span = (state.t - t) / 1000;
    const byLink = span < 0 ? SILENCE.byLink : flowsBetween(traffic, state.traffic, span);
    const moved = byLink.size > 0;
    last.current = {
      ...{ traffic: state.traffic, t: state.t },
      flows: moved ? { byLink, sample: flows.sample + 1 } : flows,
      until: moved ? now + SHOWN_MS : last.current.until,
    };
  } else if (flows.byLink.size > 0 && now >= last.current.until) {
    last.current = { ...last.current, flows: { ...flows, byLink: SILENCE.byLink } };
  }
  const { until } = last.current;
  const shown = last.current.flows.byLink.size > 0;
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(wake, Math.max(0, until - performance.now()) + 20);
    return () => clearTimeout(timer);
  }, [shown, until]);
  return last.current.flows;
}

function packetsOf({ rxPackets, txPackets }: LinkCounters): number {
  return rxPackets + txPackets;
}

function bytesOf({ rxBytes, txBytes }: LinkCounters): number {
  return rxBytes + txBytes;
}
