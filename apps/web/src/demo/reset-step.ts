/** Asks for the state with which a step begins, and says when it is there. */
import type { Lab, LabStore } from '../live/lab-store';

/** A reset that the daemon refuses never begins, ms. It says why in a notice. */
const BEGINS_WITHIN_MS = 5000;

/** @returns when the sandbox runs again, or could not be made, or the reset was refused */
export async function resetStep(store: LabStore, lesson: string, step: string): Promise<void> {
  store.seek(null);
  if (!store.send({ type: 'step.reset', lesson, step })) return;
  const began = await until(store, (lab) => lab.sandbox.status === 'resetting', BEGINS_WITHIN_MS);
  if (began) await until(store, (lab) => lab.sandbox.status !== 'resetting');
}

/** @returns false when the time was over first */
function until(store: LabStore, holds: (lab: Lab) => boolean, ms?: number): Promise<boolean> {
  return new Promise((resolve) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (value: boolean): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve(value);
    };
    const look = (): void => {
      if (holds(store.get())) end(true);
    };
    const unsubscribe = store.subscribe(look);
    if (ms !== undefined) timer = setTimeout(() => end(false), ms);
    look();
  });
}
