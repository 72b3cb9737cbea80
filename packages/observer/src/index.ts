export * from './client.js';
export * from './kernel-calls.js';
export * from './messages.js';
export * from './observer.js';
export type { WatchTarget } from './sandbox-watch.js';
export * from './serve.js';
