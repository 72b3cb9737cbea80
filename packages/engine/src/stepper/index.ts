export * from './blocked.js';
export * from './capture-state.js';
export * from './diff-state.js';
export { facts, type KernelFact } from './facts.js';
export * from './kernel-change.js';
export * from './kernel-state.js';
export * from './registers.js';
export * from './step-events.js';
export * from './step-session.js';
