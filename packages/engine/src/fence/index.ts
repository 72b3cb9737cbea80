/** The fence of a process as data, what fences a host offers, and why something was refused. */
export * from './explain-refusal.js';
export { probeFences } from './host-fence.js';
export { isInGroup } from './membership.js';
export { type FenceOptions, NoSuchProcess, readFence } from './read-fence.js';
export {
  type Fence,
  type FenceEntry,
  type FenceFacts,
  fence as fenceSchema,
  type Mechanism as FenceMechanism,
} from './schema.js';
export type { FenceSource } from './source.js';
