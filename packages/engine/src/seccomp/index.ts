export * from './compile.js';
export * from './deny-list.js';
