export * from './messages.js';
export * from './terminal-frames.js';
