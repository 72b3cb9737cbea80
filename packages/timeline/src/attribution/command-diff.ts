/**
 * What one command did to the kernel: the sum of the events that it caused, object by object.
 * Diffs of all commands add up: what one made and another removed is in the first's `appeared` and
 * in the second's `vanished`; what one made and removed itself is in its `passed` only.
 */
import type { History } from '../history.js';
import { Attribution } from './attribution.js';
import type { CommandSpan } from './spans.js';
import { type DiffObject, type Touch, touches } from './touches.js';

export type { DiffObject } from './touches.js';

/** One field of an object that stays, with both values. */
export interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

export interface ChangedObject {
  readonly object: DiffObject;
  readonly fields: readonly FieldChange[];
}

/** See the head of this file; all lists are in the order in which the command first touched things. */
export interface CommandDiff {
  readonly command: CommandSpan;
  readonly appeared: readonly DiffObject[];
  readonly changed: readonly ChangedObject[];
  readonly vanished: readonly DiffObject[];
  /** came and went within the command: the programs that it ran */
  readonly passed: readonly DiffObject[];
  /** number of the last event in it; a background job may still add some */
  readonly upTo: number;
}

/** Attribution of everything that a history remembers, kept up to date; one per history. */
const attributions = new WeakMap<History, Attribution>();

/** The attribution of a history: of all its events, whenever it is asked. */
export function attributionOf(history: History): Attribution {
  let found = attributions.get(history);
  if (found === undefined || found.upTo < history.oldest.seq) {
    found = new Attribution(history.oldest);
    attributions.set(history, found);
  }
  found.append(history.between(found.upTo));
  found.forget(history.oldest.seq);
  return found;
}

/** @returns null for a command that the history does not know (any more) */
export function commandDiff(history: History, command: string): CommandDiff | null {
  return diffOf(attributionOf(history), command);
}

/** The same, for who has an attribution and no history. */
export function diffOf(attribution: Attribution, command: string): CommandDiff | null {
  const span = attribution.span(command);
  if (span === null) return null;
  const traces = new Map<string, Trace>();
  const caused = attribution.causedBy(command);
  for (const entry of caused) for (const touch of touches(entry)) follow(traces, touch);
  const kept = { appeared: [], changed: [], vanished: [], passed: [] } as {
    appeared: DiffObject[];
    changed: ChangedObject[];
    vanished: DiffObject[];
    passed: DiffObject[];
  };
  for (const trace of traces.values()) {
    if (trace.first === null && trace.last === null) kept.passed.push(trace.object);
    else if (trace.first === null) kept.appeared.push(trace.object);
    else if (trace.last === null) kept.vanished.push(trace.object);
    else if (trace.fields.size > 0) {
      const fields = [...trace.fields.values()].filter(({ from, to }) => !isEqual(from, to));
      if (fields.length > 0) kept.changed.push({ object: trace.object, fields });
    }
  }
  return { command: span, ...kept, upTo: caused.at(-1)?.event.seq ?? span.startSeq };
}

/** What the whole command did to it. */
interface Trace {
  readonly first: object | null;
  last: object | null;
  object: DiffObject;
  readonly fields: Map<string, FieldChange>;
}

function follow(traces: Map<string, Trace>, { id, before, after, object }: Touch): void {
  const trace = traces.get(id) ?? { first: before, last: after, object, fields: new Map() };
  traces.set(id, trace);
  trace.last = after;
  trace.object = object;
  if (before === null || after === null) return;
  for (const field of changedFields(before, after)) {
    const from = trace.fields.get(field)?.from ?? Reflect.get(before, field);
    trace.fields.set(field, { field, from, to: Reflect.get(after, field) });
  }
}

/** Running and sleeping come and go by themselves; stopped and dead are news. */
const RESTLESS = new Set(['R', 'S', 'D', 'I']);

function changedFields(before: object, after: object): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((field) => {
    const [from, to] = [Reflect.get(before, field), Reflect.get(after, field)];
    if (field === 'state' && RESTLESS.has(from as string) && RESTLESS.has(to as string))
      return false;
    return !isEqual(from, to);
  });
}

/** For plain JSON values whose keys come in one order. */
function isEqual(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
