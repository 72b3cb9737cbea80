/** The fence of a process as data, and why it refused something. */
export * from './explain-refusal.js';
export * from './read-fence.js';
export * from './schema.js';
export { type FenceSource, KERNEL_SOURCE } from './source.js';
