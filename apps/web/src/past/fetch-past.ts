/** What the daemon remembers of this session, from before the page was opened. */
import { HISTORY_EPOCH } from '@terrarium/protocol';
import { bytesSource, type History, openRecording } from '@terrarium/timeline';

export interface FetchedPast {
  /** the numbering that the history is in */
  readonly epoch: string;
  readonly history: History;
}

/** @throws Error when the daemon does not answer, RecordingError when it answers something else */
export async function fetchPast(): Promise<FetchedPast> {
  const response = await fetch('/api/history');
  if (!response.ok) throw new Error(`GET /api/history: ${response.status}`);
  const epoch = response.headers.get(HISTORY_EPOCH) ?? '';
  const recording = await openRecording(bytesSource(new Uint8Array(await response.arrayBuffer())));
  const history = await recording.history();
  // What is damaged ends the history early; it would not reach the page's own, and that is said.
  return { epoch, history };
}
