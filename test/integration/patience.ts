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
