export * from './check.js';
export * from './difference/index.js';
export * from './evaluate.js';
export { FIELDS, type FieldType, type NodeKind, pathProblem } from './fields.js';
export * from './figure.js';
export { kindsOf } from './mentions.js';
export * from './pointing.js';
export * from './types.js';
