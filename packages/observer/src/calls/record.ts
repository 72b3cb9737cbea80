/**
 * The record of one system call as the programs in the kernel write it (programs.ts) and as it is
 * read here: the one place that knows its layout.
 *
 *     0 began  8 ended  16 result  24 tid  28 tgid  32 sandbox  36 number
 *     40 six arguments  88 five lengths  112 flags  120 what each slot holds  128 five slots
 */

/** Texts (or other memory of the caller) that a record has room for, and how long each may be. */
export const SLOTS = 5;
export const SLOT_BYTES = 384;

export const AT = {
  began: 0,
  ended: 8,
  result: 16,
  tid: 24,
  tgid: 28,
  sandbox: 32,
  number: 36,
  args: 40,
  lengths: 88,
  flags: 112,
  slots: 120,
  memory: 128,
} as const;
export const RECORD_BYTES = AT.memory + SLOTS * SLOT_BYTES;

/** What a slot holds: the low three bits of its byte name the argument, the rest says how. */
export const SLOT_MODE = {
  /** the text that the argument points to */
  text: 1,
  /** struct clone_args */
  cloneArgs: 2,
  /** and above: the text that the argument's (mode - 3)th pointer points to */
  list: 3,
} as const;

/** Bytes of struct clone_args that every kernel with the call has, and more: 11 words. */
export const CLONE_ARGS_BYTES = 88;

/** A call that never returns is told when it begins. */
export const NO_RETURN = 2;
export const TAPED = 1;

/** One call, not yet decoded. */
export interface CallRecord {
  /** CLOCK_MONOTONIC, nanoseconds */
  readonly began: bigint;
  readonly ended: bigint;
  readonly result: bigint;
  readonly tid: number;
  readonly tgid: number;
  /** as `CallTape.follow` numbered it */
  readonly sandbox: number;
  readonly number: number;
  readonly returns: boolean;
  readonly args: readonly bigint[];
  /** null where the memory could not be read, or there was nothing to read */
  readonly slots: readonly (Uint8Array | null)[];
}

/** Reads a record; copies what it keeps. */
export function readRecord(bytes: Uint8Array): CallRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = (at: number): bigint => view.getBigUint64(at, true);
  const int = (at: number): number => view.getUint32(at, true);
  return {
    began: long(AT.began),
    ended: long(AT.ended),
    result: view.getBigInt64(AT.result, true),
    tid: int(AT.tid),
    tgid: int(AT.tgid),
    sandbox: int(AT.sandbox),
    number: int(AT.number),
    returns: (int(AT.flags) & NO_RETURN) === 0,
    args: Array.from({ length: 6 }, (_, index) => long(AT.args + 8 * index)),
    slots: Array.from({ length: SLOTS }, (_, slot) => {
      const length = view.getInt32(AT.lengths + 4 * slot, true);
      if (length <= 0) return null;
      const from = AT.memory + slot * SLOT_BYTES;
      return bytes.slice(from, from + Math.min(length, SLOT_BYTES));
    }),
  };
}
