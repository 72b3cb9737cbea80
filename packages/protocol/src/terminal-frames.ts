/**
 * The binary frames of /api/terminals/ID. First byte: what it is. Integers are big-endian.
 *
 * Output is counted in bytes; where the count starts is the host's secret, so that an offset of
 * an earlier host never looks valid. The client acknowledges what its emulator has drawn, and the
 * host sends no more while HIGH_WATER bytes are in flight to it. On (re)connect the client says
 * the last offset that it has drawn (or none); the host answers with `resume`, and output goes on
 * from there, or with `restore`: a screen to draw after a full reset.
 *
 * Terminal queries (DA, CPR, DECRQM …) are answered by the host, whose own emulator reads the same
 * bytes. A client must not answer them: with two pages open a program would hear two answers, and
 * after a reconnect an answer would arrive as typing at the prompt. See terminal-queries.ts.
 */

/** Client → host. */
export const CLIENT_FRAME = {
  /** rest: bytes for the pty */
  input: 0x00,
  /** u16 cols, u16 rows */
  resize: 0x01,
  /** f64 offset: all output before it is drawn */
  ack: 0x02,
  /** f64 offset of the next byte wanted, NaN when nothing is drawn; u16 cols, u16 rows (0: as it is). Must be the first frame */
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
  /** u16 cols, u16 rows: the pty has this size from this point of the output on */
  size: 0x04,
} as const;

/** Output in flight to one client before the host sends no more, bytes: 50 to 80 ms of drawing. */
export const HIGH_WATER = 384 * 1024;
/** In flight below this, the host sends again, bytes. */
export const LOW_WATER = 128 * 1024;
/** The client acknowledges at least this often, bytes. */
export const ACK_EVERY = 64 * 1024;
/** The longest frame that the host accepts, bytes. */
export const MAX_CLIENT_FRAME = 1024 * 1024;
/** The longest output frame that the host sends, bytes of output. */
export const MAX_OUTPUT_FRAME = 64 * 1024;
/** Columns and rows stay within 1 and this; the kernel would take 65535, an emulator would not. */
export const MAX_CELLS = 1000;

/** A frame of the client, decoded. `bytes` shares memory with the frame. */
export type ClientFrame =
  | { readonly type: 'input'; readonly bytes: Uint8Array }
  | { readonly type: 'resize'; readonly cols: number; readonly rows: number }
  | { readonly type: 'ack'; readonly offset: number }
  | {
      readonly type: 'attach';
      readonly offset: number | null;
      /** null: keep the size that the pty has */
      readonly size: { readonly cols: number; readonly rows: number } | null;
    };

/** A frame of the host, decoded. `bytes` shares memory with the frame. */
export type HostFrame =
  | { readonly type: 'output'; readonly bytes: Uint8Array }
  | { readonly type: 'restore'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: 'exit'; readonly code: number }
  | { readonly type: 'resume'; readonly offset: number }
  | { readonly type: 'size'; readonly cols: number; readonly rows: number };

/** A frame that says nothing known; the connection that sent it is closed. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Encodes keystrokes or pasted text. */
export function encodeInput(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return withBytes(CLIENT_FRAME.input, bytes);
}

/** Encodes the emulator's size in character cells. */
export function encodeResize(cols: number, rows: number): Uint8Array<ArrayBuffer> {
  return sizeFrame(CLIENT_FRAME.resize, cols, rows);
}

/** Encodes "all output before `offset` is drawn". */
export function encodeAck(offset: number): Uint8Array<ArrayBuffer> {
  return offsetFrame(CLIENT_FRAME.ack, offset, 0);
}

/** Encodes the first frame of a connection. */
export function encodeAttach(
  offset: number | null,
  size: { cols: number; rows: number } | null,
): Uint8Array<ArrayBuffer> {
  const frame = offsetFrame(CLIENT_FRAME.attach, offset ?? Number.NaN, 4);
  const view = viewOf(frame);
  view.setUint16(9, size?.cols ?? 0);
  view.setUint16(11, size?.rows ?? 0);
  return frame;
}

/** Encodes bytes of the pty. */
export function encodeOutput(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return withBytes(HOST_FRAME.output, bytes);
}

/** Encodes a whole screen; the output goes on at `offset`. */
export function encodeRestore(offset: number, screen: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = offsetFrame(HOST_FRAME.restore, offset, screen.length);
  frame.set(screen, 9);
  return frame;
}

/** Encodes the end of the shell. */
export function encodeExit(code: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(5);
  frame[0] = HOST_FRAME.exit;
  viewOf(frame).setInt32(1, code);
  return frame;
}

/** Encodes "the bytes from `offset` on follow". */
export function encodeResume(offset: number): Uint8Array<ArrayBuffer> {
  return offsetFrame(HOST_FRAME.resume, offset, 0);
}

/** Encodes the size that the pty has from here on. */
export function encodeSize(cols: number, rows: number): Uint8Array<ArrayBuffer> {
  return sizeFrame(HOST_FRAME.size, cols, rows);
}

/**
 * Reads a frame of the client.
 *
 * @throws FrameError when the frame is unknown, too short or too long, or holds a size out of range
 */
export function decodeClientFrame(frame: Uint8Array): ClientFrame {
  switch (frame[0]) {
    case CLIENT_FRAME.input:
      return { type: 'input', bytes: frame.subarray(1) };
    case CLIENT_FRAME.resize: {
      expectLength(frame, 5);
      return { type: 'resize', ...cellsAt(frame, 1) };
    }
    case CLIENT_FRAME.ack: {
      expectLength(frame, 9);
      const offset = viewOf(frame).getFloat64(1);
      if (!Number.isSafeInteger(offset)) throw new FrameError('ack without a whole offset');
      return { type: 'ack', offset };
    }
    case CLIENT_FRAME.attach: {
      expectLength(frame, 13);
      const view = viewOf(frame);
      const offset = view.getFloat64(1);
      if (!Number.isNaN(offset) && !Number.isSafeInteger(offset)) {
        throw new FrameError('attach without a whole offset');
      }
      const unsized = view.getUint16(9) === 0 && view.getUint16(11) === 0;
      return {
        type: 'attach',
        offset: Number.isNaN(offset) ? null : offset,
        size: unsized ? null : cellsAt(frame, 9),
      };
    }
    default:
      throw new FrameError(`unknown frame ${frame[0] ?? '(empty)'}`);
  }
}

/**
 * Reads a frame of the host.
 *
 * @throws FrameError when the frame is unknown or has the wrong length
 */
export function decodeHostFrame(frame: Uint8Array): HostFrame {
  switch (frame[0]) {
    case HOST_FRAME.output:
      return { type: 'output', bytes: frame.subarray(1) };
    case HOST_FRAME.restore:
      if (frame.length < 9) throw new FrameError('restore without an offset');
      return { type: 'restore', offset: viewOf(frame).getFloat64(1), bytes: frame.subarray(9) };
    case HOST_FRAME.exit:
      expectLength(frame, 5);
      return { type: 'exit', code: viewOf(frame).getInt32(1) };
    case HOST_FRAME.resume:
      expectLength(frame, 9);
      return { type: 'resume', offset: viewOf(frame).getFloat64(1) };
    case HOST_FRAME.size:
      expectLength(frame, 5);
      return { type: 'size', ...cellsAt(frame, 1) };
    default:
      throw new FrameError(`unknown frame ${frame[0] ?? '(empty)'}`);
  }
}

function withBytes(type: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(1 + bytes.length);
  frame[0] = type;
  frame.set(bytes, 1);
  return frame;
}

function offsetFrame(type: number, offset: number, extra: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(9 + extra);
  frame[0] = type;
  viewOf(frame).setFloat64(1, offset);
  return frame;
}

function sizeFrame(type: number, cols: number, rows: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(5);
  frame[0] = type;
  viewOf(frame).setUint16(1, cols);
  viewOf(frame).setUint16(3, rows);
  return frame;
}

function cellsAt(frame: Uint8Array, at: number): { cols: number; rows: number } {
  const view = viewOf(frame);
  const cols = view.getUint16(at);
  const rows = view.getUint16(at + 2);
  if (cols < 1 || rows < 1 || cols > MAX_CELLS || rows > MAX_CELLS) {
    throw new FrameError(`size ${cols}x${rows} is out of range`);
  }
  return { cols, rows };
}

function expectLength(frame: Uint8Array, length: number): void {
  if (frame.length !== length) {
    throw new FrameError(`frame ${frame[0]} has ${frame.length} bytes, not ${length}`);
  }
}

function viewOf(frame: Uint8Array): DataView {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
}
