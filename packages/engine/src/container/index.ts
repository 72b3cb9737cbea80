export * from './container-engine.js';
export * from './container-error.js';
export * from './container-plan.js';
export type { ContainerRecord } from './container-record.js';
export type { CreateContainerInput, CreatedContainer } from './create.js';
export type { DeleteOptions } from './delete.js';
export * from './plan-input.js';
export * from './supported.js';
export type { ContainerExit } from './wait.js';
