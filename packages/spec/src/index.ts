export * from './container-state.js';
export * from './runtime-config.js';
