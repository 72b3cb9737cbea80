/** Where the player gets a recording from: the page itself, an address, or a file of the reader's. */
import {
  bytesSource,
  type History,
  openRecording,
  type Recording,
  TerminalTape,
} from '@terrarium/timeline';

/** A recording that is open, all in memory: seeking waits for nothing. */
export interface OpenRecording {
  readonly name: string;
  readonly recording: Recording;
  readonly history: History;
  /** by terminal, in the order of their first words */
  readonly tapes: ReadonlyMap<string, TerminalTape>;
}

/** What a tape of the player may hold: a recording has a cap of its own. */
const NO_BOUND = Number.POSITIVE_INFINITY;

/** @throws RecordingError when it is none */
export async function openBytes(name: string, bytes: Uint8Array): Promise<OpenRecording> {
  const recording = await openRecording(bytesSource(bytes));
  const history = await recording.history({ maxEvents: NO_BOUND });
  const tapes = new Map<string, TerminalTape>();
  for await (const record of recording.records()) {
    if (record.type !== 'terminal.output' && record.type !== 'terminal.resize') continue;
    const tape = tapes.get(record.terminal) ?? new TerminalTape({ maxBytes: NO_BOUND });
    tapes.set(record.terminal, tape);
    if (record.type === 'terminal.output') tape.write(record.t, record.bytes);
    else tape.resize(record.t, record.cols, record.rows);
  }
  return { name, recording, history, tapes };
}

/** The recording inside of this page, put there by `terrarium record player` or by the lab; or null. */
export function embeddedRecording(): Uint8Array | null {
  const text = document.getElementById('recording')?.textContent?.trim() ?? '';
  if (text === '') return null;
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** @throws Error that says what the address answered */
export async function fetchRecording(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The event's number that `#t=77` (or a lab's `#t=EPOCH.77`) names; null when it names none. */
export function momentOfHash(hash: string): number | null {
  const found = /(?:^#|&)t=(?:[A-Za-z0-9-]+\.)?(\d{1,15})(?:&|$)/.exec(hash);
  return found === null ? null : Number(found[1]);
}
