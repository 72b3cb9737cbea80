/**
 * How a container's end gets on disk: written by whoever hears it, which is the engine whose
 * player is init's parent. Every other process sees the end by a pidfd and reads the status here;
 * when that engine had been killed by then, nobody knows the status.
 */
import type { ContainerRecord } from './container-record.js';
import { type EngineContext, exclusively } from './engine-context.js';

/** Exit status as wait(2) has it. */
export function waitStatusOf(exitCode: number): number {
  return (exitCode & 0xff) << 8;
}

/** Writes the end of a container that init's parent has heard of. Called with its lock. */
export async function recordExit(
  { store }: EngineContext,
  { id, init }: ContainerRecord,
  end: { readonly waitStatus: number } | { readonly exitCode: number },
): Promise<void> {
  const record = store.find(id);
  if (record === undefined || record.exit !== null || record.init?.pid !== init?.pid) return;
  const waitStatus = 'waitStatus' in end ? end.waitStatus : waitStatusOf(end.exitCode);
  const exit = { waitStatus, at: Date.now() };
  store.write({ ...record, status: 'stopped', paused: false, consoleFd: null, exit });
}

/** From create on: writes the end down when it comes. */
export function recordExitLater(context: EngineContext, record: ContainerRecord): void {
  const { id, init } = record;
  const exited = init === null ? null : context.inits.known(id, init)?.exited;
  void exited?.then(async (waitStatus) => {
    if (context.closed) return;
    await exclusively(context, id, `record the end of container ${id}`, async () =>
      recordExit(context, record, { waitStatus }),
    ).catch(() => {}); // its file cannot be read or written: whoever asks is told so
  });
}
