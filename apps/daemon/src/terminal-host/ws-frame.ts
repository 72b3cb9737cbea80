/**
 * Builds whole WebSocket frames in one buffer, so that an echo is one write(2) of one piece and
 * not a header and a payload gathered by a writev(2). RFC 6455 section 5.2: final, binary, not
 * masked (a server's frames never are), not compressed.
 */

const FIN_BINARY = 0x82;
/** Payload lengths up to here stand in the second byte; then 16 bits, then 64 bits follow it. */
const LENGTH_7 = 125;
const LENGTH_16 = 0xffff;

/**
 * Allocates a frame for `length` bytes of payload and writes its header.
 *
 * @returns the frame, and where in it the payload goes
 */
export function binaryFrame(length: number): { frame: Buffer; payload: number } {
  const payload = length <= LENGTH_7 ? 2 : length <= LENGTH_16 ? 4 : 10;
  const frame = Buffer.allocUnsafe(payload + length);
  frame[0] = FIN_BINARY;
  if (payload === 2) frame[1] = length;
  else if (payload === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  return { frame, payload };
}
