export * from './archive.js';
export { FILE_BYTES, LISTED_ENTRIES } from './file-plans.js';
export type { DirectoryEntry, EntryKind } from './readings.js';
export * from './sandbox-files.js';
