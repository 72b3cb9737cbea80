/**
 * A primitive: one thing that containers are made of, callable alone. It appends its calls to the
 * list of a plan's process; what surrounds it (joining a sandbox, a mount namespace of its own,
 * how it ends) is the context's. Pure.
 */
import type { z } from 'zod';
import { type PrimitiveContext, type PrimitivePlan, writePlan } from './plan-of.js';
import type { Room } from './room.js';

/** A sentence in the reader's languages. */
export interface Words {
  readonly en: string;
  readonly zh: string;
}

/** One row of the table; `params` is also its manual. */
export interface Primitive {
  /** stable: lessons and messages name it */
  readonly name: string;
  readonly words: Words;
  /** the page that says more: `unshare(2)` */
  readonly man: string;
  readonly params: z.ZodType;
  /** @throws ZodError naming the parameter; Error on what no plan can do */
  plan(params: unknown, context: PrimitiveContext): PrimitivePlan;
  /** The same with its parameters fixed, to be put together with others. */
  with(params: unknown): PreparedPrimitive;
}

/** A primitive with its parameters. */
export interface PreparedPrimitive {
  readonly name: string;
  /** @returns what comes after the process became root */
  prepare(room: Room): () => void;
}

/** What a primitive's file says about it. */
export interface PrimitiveInput<P> {
  readonly name: string;
  readonly words: Words;
  readonly man: string;
  readonly params: z.ZodType<P>;
  /** the second phase, as root */
  readonly write?: (room: Room, params: P) => void;
  /** the first phase, before; what it returns is the second */
  readonly prepare?: (room: Room, params: P) => (() => void) | undefined;
}

/** Makes a row. */
export function primitive<P>(input: PrimitiveInput<P>): Primitive {
  const { name, words, man, params } = input;
  const prepared = (values: P): PreparedPrimitive => ({
    name,
    prepare: (room) => input.prepare?.(room, values) ?? (() => input.write?.(room, values)),
  });
  return {
    name,
    words,
    man,
    params,
    with: (values) => prepared(params.parse(values)),
    plan: (values, context) => writePlan([prepared(params.parse(values))], context),
  };
}
