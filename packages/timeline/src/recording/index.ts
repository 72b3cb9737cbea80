export * from './reader.js';
export * from './recording-error.js';
export {
  bytesSource,
  type IndexedChunk,
  type RecordingIndex,
  type RecordingSource,
} from './recording-index.js';
export type {
  LessonRecord,
  RecordingEnd,
  RecordingHeader,
  RecordingRecord,
  RecordingSnapshot,
  TerminalRecord,
  TerminalScreen,
} from './records.js';
export * from './share-state.js';
export * from './stream.js';
export * from './writer.js';
