export * from './consistency.js';
export * from './events.js';
export * from './fold.js';
export * from './mount-tree.js';
export * from './schema.js';
export * from './selectors.js';
export * from './state.js';
export * from './timeline.js';
