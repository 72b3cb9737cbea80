/** Every primitive of a container, alone: see primitive.ts; together: `writePlan`. */
import { networkPrimitives } from '../network/primitives.js';
import { MOUNT_PRIMITIVES } from './mounts.js';
import { NAMESPACE_PRIMITIVES } from './namespaces.js';
import type { Primitive, Words } from './primitive.js';
import { PROCESS_PRIMITIVES } from './process.js';
import { ROOT_PRIMITIVES } from './roots.js';

export { listedNamespaces } from './listed.js';
export {
  type PrimitiveContext,
  type PrimitiveEnd,
  type PrimitivePlan,
  writePlan,
} from './plan-of.js';
export type { PreparedPrimitive, Primitive } from './primitive.js';

/** Those that make a plan in a `PrimitiveContext`, in the order in which a course meets them. */
export const primitives: readonly Primitive[] = [
  ...NAMESPACE_PRIMITIVES,
  ...MOUNT_PRIMITIVES,
  ...ROOT_PRIMITIVES,
  ...PROCESS_PRIMITIVES,
];

/** @throws Error naming those that exist */
export function primitiveNamed(name: string): Primitive {
  const found = primitives.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `there is no primitive ${name}; there are ${primitives.map((one) => one.name).join(', ')}`,
  );
}

/** All of them for a page, those of the network (which make plans of their own) included. */
export function listPrimitives(): readonly {
  name: string;
  words: Words;
  room: 'process' | 'network';
}[] {
  return [
    ...primitives.map(({ name, words }) => ({ name, words, room: 'process' as const })),
    ...networkPrimitives.map(({ name, en, zh }) => ({
      name,
      words: { en, zh },
      room: 'network' as const,
    })),
  ];
}
