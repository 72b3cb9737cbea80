export * from './files.js';
export * from './live-client.js';
export * from './messages.js';
export * from './stepper.js';
export * from './terminal-connection.js';
export * from './terminal-frames.js';
export * from './terminal-queries.js';
