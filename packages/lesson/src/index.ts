export * from './check.js';
export * from './evaluate.js';
export { FIELDS, type FieldType, type NodeKind, pathProblem } from './fields.js';
export * from './types.js';
