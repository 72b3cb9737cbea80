export * from './live-client.js';
export * from './messages.js';
export * from './terminal-frames.js';
