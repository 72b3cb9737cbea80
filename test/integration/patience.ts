/**
 * How much slower than a machine this kernel runs its tests: TERRARIUM_SLOW, 1 unless it is an
 * emulated one (scripts/guest). It stretches how long tests wait, and nothing that they claim.
 */

/** A factor, at least 1. */
export const SLOWNESS: number = Math.max(1, Number(process.env['TERRARIUM_SLOW'] ?? 1));

/** A bound for a wait, in milliseconds, as an emulated machine needs it. */
export function patient(milliseconds: number): number {
  return milliseconds * SLOWNESS;
}

/** A wait that is in vain ends then, ms; far above what a busy machine takes. */
const IN_VAIN_MS = 30_000;
const LOOK_EVERY_MS = 5;

/**
 * Waits for a condition, never for a time.
 *
 * @param what completes "waited in vain until …"
 * @returns what `look` gave once that was neither undefined nor false
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs: number = IN_VAIN_MS,
): Promise<T> {
  const end = performance.now() + patient(timeoutMs);
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
