export * from './namespace-kinds.js';
export * from './plan.js';
export * from './plan-builder.js';
export * from './player.js';
