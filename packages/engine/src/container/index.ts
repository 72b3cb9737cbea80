export * from './container-plan.js';
export * from './plan-input.js';
export * from './supported.js';
