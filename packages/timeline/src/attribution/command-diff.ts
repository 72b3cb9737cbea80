/**
 * What one command did to the kernel: the sum of the events that it caused, object by object.
 * Diffs of all commands add up: what one made and another removed is in the first's `appeared` and
 * in the second's `vanished`; what one made and removed itself is in its `passed` only.
 */
import type { History } from '../history.js';
import type { MountState, NamespaceState, NsInode, ProcessKey, ProcessState } from '../state.js';
import { Attribution } from './attribution.js';
import { type CreditedEvent, livingPart } from './credited-event.js';
import type { CommandSpan } from './spans.js';

/** One kernel object, as it was last seen by what the command did to it. */
export type DiffObject =
  | { readonly kind: 'process'; readonly process: ProcessState }
  | { readonly kind: 'namespace'; readonly namespace: NamespaceState }
  | {
      readonly kind: 'mount';
      readonly mountNs: NsInode;
      readonly mount: MountState;
      /** not mounted by anyone: a new mount namespace begins as a copy of its maker's */
      readonly copied: boolean;
    };

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

type Known = ProcessState | NamespaceState | MountState;

/** What one event did to one object: `null` is "not there". */
interface Touch {
  readonly id: string;
  readonly before: Known | null;
  readonly after: Known | null;
  readonly object: DiffObject;
}

/** What the whole command did to it. */
interface Trace {
  readonly first: Known | null;
  last: Known | null;
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

function touches({ event, before, mounts, copied }: CreditedEvent): Touch[] {
  switch (event.type) {
    case 'process.fork':
      return [processTouch(event.process.key, before, event.process)];
    case 'process.exec': {
      const { key, comm, args } = event;
      return before === null ? [] : [processTouch(key, before, { ...before, comm, args } as Known)];
    }
    case 'process.change': {
      const { key } = event;
      const change = livingPart(event.change);
      return before === null ? [] : [processTouch(key, before, { ...before, ...change } as Known)];
    }
    case 'process.exit':
      return before === null ? [] : [processTouch(event.key, before, null)];
    case 'namespace.appear':
      return [namespaceTouch(event.namespace.inode, before, event.namespace)];
    case 'namespace.change': {
      const { inode, change } = event;
      if (before === null) return [];
      return [namespaceTouch(inode, before, { ...before, ...change } as Known)];
    }
    case 'namespace.vanish':
      return before === null ? [] : [namespaceTouch(event.inode, before, null)];
    case 'mount.attach':
    case 'mount.change':
      return [mountTouch(event.mountNs, before, event.mount, copied)];
    case 'mount.detach':
      return before === null ? [] : [mountTouch(event.mountNs, before, null)];
    case 'mount.forget':
      return (mounts ?? []).map((mount) => mountTouch(event.mountNs, mount, null));
    default:
      return [];
  }
}

function processTouch(key: ProcessKey, before: Known | null, after: Known | null): Touch {
  const process = (after ?? before) as ProcessState;
  return { id: `process ${key}`, before, after, object: { kind: 'process', process } };
}

function namespaceTouch(inode: NsInode, before: Known | null, after: Known | null): Touch {
  const namespace = (after ?? before) as NamespaceState;
  return { id: `namespace ${inode}`, before, after, object: { kind: 'namespace', namespace } };
}

function mountTouch(
  mountNs: NsInode,
  before: Known | null,
  after: Known | null,
  copied = false,
): Touch {
  const mount = (after ?? before) as MountState;
  const id = `mount ${mountNs} ${mount.mountId}`;
  return { id, before, after, object: { kind: 'mount', mountNs, mount, copied } };
}

/** Running and sleeping come and go by themselves; stopped and dead are news. */
const RESTLESS = new Set(['R', 'S', 'D', 'I']);

function changedFields(before: Known, after: Known): string[] {
  return Object.keys(after).filter((field) => {
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
