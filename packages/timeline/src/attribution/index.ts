export * from './attribution.js';
export * from './command-diff.js';
export type { Credit } from './credit.js';
export type { CreditedEvent } from './credited-event.js';
export * from './describe-diff.js';
export type { CommandSpan } from './spans.js';
