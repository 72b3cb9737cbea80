export * from './check.js';
export * from './types.js';
