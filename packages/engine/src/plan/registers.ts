/**
 * Copying and comparing registers inside a plan. The player decides nothing and a plan does not
 * branch; so what a set-up must be sure of (is this really /dev/null?) is asked of the kernel by
 * calls that fail when it is not so, and what depends on a tolerated failure is prepared by
 * setting registers beforehand. Who runs them: any process; they touch nothing but memory.
 */
import {
  ALL_BITS,
  FUTEX,
  flagged,
  type Load,
  type Purpose,
  type Slot,
  struct,
} from '@terrarium/syscall';
import type { CallExtras, Script } from './script.js';

/** "No fd": calls on it answer EBADF. */
export const NO_FD = ALL_BITS;

/** bytes of a register */
const WIDTH = 8;

/** Registers with what they become: a number, or what another register holds. */
export type Assignments = readonly (readonly [to: Slot, value: Slot | bigint])[];

/**
 * Sets registers. Needed before a call whose failure is tolerated: it would leave in its register
 * the number of an fd that is closed, or by now another file.
 *
 * getrandom of no bytes does nothing, on every kernel, for every process; the loads are the point.
 */
export function setRegisters(script: Script, pairs: Assignments, why: Purpose): void {
  const block = struct(
    pairs.map(([, value]) => (typeof value === 'bigint' ? [value, WIDTH] : [value, WIDTH])),
  );
  const loads = pairs.map(
    ([to], index): Load => ({ from: block, offset: index * WIDTH, width: WIDTH, to }),
  );
  const words = pairs.map(([to, value]) => {
    const text = typeof value === 'bigint' ? BigInt.asIntN(64, value) : `<${value.name}>`;
    return `<${to.name}>=${text}`;
  });
  script.call('getrandom', [block, 0, 0], why, {
    loads,
    display: `getrandom({${words.join(', ')}}, 0, 0)`,
  });
}

/**
 * Fails with EAGAIN unless the low 32 bits of a register are `expected`: FUTEX_CMP_REQUEUE
 * compares before it wakes or moves anybody, and here there is nobody.
 */
export function expectRegister(
  script: Script,
  slot: Slot,
  expected: number,
  why: Purpose,
  extras: CallExtras = {},
): void {
  const word = struct([[slot, 4]]);
  script.call(
    'futex',
    [word, flagged(FUTEX, 'FUTEX_CMP_REQUEUE_PRIVATE'), 0, 0, word, expected],
    why,
    {
      display: `futex({<${slot.name}>}, FUTEX_CMP_REQUEUE_PRIVATE, 0, 0, …, ${expected})`,
      ...extras,
    },
  );
}
