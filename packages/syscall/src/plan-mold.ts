/**
 * A plan that is run again and again with another name in its paths, encoded once: making and
 * encoding a plan of 700 calls costs more than most of the calls do. Runs in the daemon; no privilege.
 *
 * The mold is made of a plan in which a *stand-in* takes the name's place. To cast a run, the bytes
 * are copied and the name is written over each stand-in; what is left of a C string's room stays
 * NUL. Nothing else in the message moves, so its lengths stay true.
 */

import type { Block, Plan } from './plan.js';
import { encodeRun } from './plan-codec.js';

/** One place in the message: the stand-in begins at `start`, its string's NUL is at `end`. */
interface Place {
  readonly start: number;
  readonly end: number;
}

/** What stands for a name that is not known yet, and for a number. */
export interface StandIns {
  /** ASCII, at least as long as any name that will be cast; nothing else in the plan contains it */
  readonly name: string;
  /** an argument that no other call has; below 2^53 */
  readonly number: number;
}

/** @see the file's header */
export class PlanMold {
  /** the plan with its stand-ins: reports and errors of a cast run refer to it */
  readonly plan: Plan;
  readonly #standIns: StandIns;
  readonly #message: Uint8Array;
  readonly #names: readonly Place[];
  readonly #numbers: readonly number[];

  /** @returns null when the plan uses the name otherwise than in C strings: it cannot be cast */
  static of(plan: Plan, standIns: StandIns): PlanMold | null {
    return isMoldable(plan, standIns.name) ? new PlanMold(plan, standIns) : null;
  }

  private constructor(plan: Plan, standIns: StandIns) {
    this.plan = plan;
    this.#standIns = standIns;
    this.#message = encodeRun(plan, 0, {});
    this.#names = namesIn(this.#message, standIns.name);
    this.#numbers = numbersIn(this.#message, standIns.number);
  }

  /**
   * The message of a run (`RunOptions.encoded`) with `name` and `number` in their places.
   *
   * @returns null for a name that is too long
   */
  cast(name: string, number: number): Uint8Array | null {
    const bytes = new TextEncoder().encode(name);
    const room = this.#standIns.name.length;
    if (bytes.length > room) return null;
    const message = Uint8Array.from(this.#message);
    for (const { start, end } of this.#names) {
      message.copyWithin(start + bytes.length, start + room, end);
      message.set(bytes, start);
      message.fill(0, end - room + bytes.length, end);
    }
    const view = new DataView(message.buffer);
    for (const at of this.#numbers) view.setBigUint64(at, BigInt(number), true);
    return message;
  }
}

/** A string that holds the name must be all of its block, end with NUL, and nobody ask its length. */
function isMoldable(plan: Plan, name: string): boolean {
  return Object.values(plan.processes).every((steps) =>
    steps.every((step) => {
      if (step.kind !== 'call') return true;
      return step.args.every((argument) => {
        if (argument.kind === 'length') return !holds(argument.block, name);
        return argument.kind !== 'block' || isCastable(argument.block, name);
      });
    }),
  );
}

function isCastable(block: Block, name: string): boolean {
  return block.parts.every((part) => {
    if (part.kind === 'pointer') return isCastable(part.to, name);
    if (part.kind !== 'bytes' || !textOf(part.bytes).includes(name)) return true;
    return block.parts.length === 1 && part.bytes.indexOf(0) === part.bytes.length - 1;
  });
}

function holds(block: Block, name: string): boolean {
  return block.parts.some((part) => part.kind === 'bytes' && textOf(part.bytes).includes(name));
}

const LATIN1 = new TextDecoder('latin1');

function textOf(bytes: Uint8Array): string {
  return LATIN1.decode(bytes);
}

function namesIn(message: Uint8Array, name: string): Place[] {
  const text = textOf(message);
  const places: Place[] = [];
  for (let start = text.indexOf(name); start !== -1; start = text.indexOf(name, start + 1))
    places.push({ start, end: text.indexOf('\0', start) });
  if (new Set(places.map(({ end }) => end)).size < places.length)
    throw new Error('a string of the plan holds the stand-in twice');
  return places;
}

function numbersIn(message: Uint8Array, number: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number), true);
  const [text, wanted] = [textOf(message), textOf(bytes)];
  const places: number[] = [];
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) places.push(at);
  return places;
}
