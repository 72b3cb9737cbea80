/**
 * Makes two states share what is equal in them, as states of one fold do: a seek from another
 * snapshot then redraws only what differs.
 */
import type { State } from '../state.js';

/** @returns `state`, with every part that is equal to that of `known` replaced by that */
export function shareState(known: State, state: State): State {
  return share(known, state) as State;
}

function share(known: unknown, value: unknown): unknown {
  if (known === value) return known;
  if (!isRecord(known) || !isRecord(value) || Array.isArray(known) !== Array.isArray(value)) {
    return value;
  }
  const names = Object.keys(value);
  let isSame = names.length === Object.keys(known).length;
  const shared: Record<string, unknown> = Array.isArray(value)
    ? ([] as unknown as Record<string, unknown>)
    : {};
  for (const name of names) {
    shared[name] = share(known[name], value[name]);
    isSame &&= name in known && shared[name] === known[name];
  }
  return isSame ? known : shared;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
