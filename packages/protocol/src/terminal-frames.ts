/**
 * The binary frames of /api/terminals/ID. First byte: what it is. Integers are big-endian.
 *
 * Output is counted in bytes from the shell's start; the client acknowledges what its emulator
 * has drawn, and the host stops reading the pty while more than HIGH_WATER bytes are in flight.
 * On (re)connect the client says the last offset it has drawn (or none); the host answers with
 * `replay` bytes from there, or with `restore`: a screen to draw after a full reset.
 */

/** Client → host. */
export const CLIENT_FRAME = {
  /** rest: bytes for the pty */
  input: 0x00,
  /** u16 cols, u16 rows */
  resize: 0x01,
  /** f64 offset: all output before it is drawn */
  ack: 0x02,
  /** f64 offset of the last byte drawn, NaN when nothing is; must be the first frame */
  attach: 0x03,
} as const;

/** Host → client. */
export const HOST_FRAME = {
  /** rest: bytes of the pty, following directly on those sent before */
  output: 0x00,
  /** f64 offset, rest: UTF-8 escape sequences that draw the whole screen; the output goes on at offset */
  restore: 0x01,
  /** i32 exit code of the shell, or 128 + signal; the terminal stays readable */
  exit: 0x02,
  /** f64 offset: answer to attach when the bytes from there on follow as output */
  resume: 0x03,
} as const;

/** Output in flight to one client before the host stops reading the pty, bytes. */
export const HIGH_WATER = 384 * 1024;
/** In flight below this, the host reads again, bytes. */
export const LOW_WATER = 128 * 1024;
/** The client acknowledges at least this often, bytes. */
export const ACK_EVERY = 64 * 1024;
