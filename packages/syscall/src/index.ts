export * from './namespace-kinds.js';
export * from './plan.js';
export * from './player.js';
