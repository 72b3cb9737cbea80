export * from './constants.js';
export * from './errno.js';
export * from './namespace-kinds.js';
export * from './plan.js';
export * from './plan-builder.js';
export * from './player.js';
export * from './syscall-error.js';
export * from './syscall-numbers.js';
