/**
 * What an emulator need not parse of a flood. Of thousands of lines of plain text only the last
 * ones are on the screen or in the scrollback afterwards; the lines before leave no trace. Parsing
 * is what a mirror costs, so they are left out.
 */

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
/** Leads C1 control characters in UTF-8, and letters such as é, which are rare in floods. */
const C1_LEAD = 0xc2;

/** True for text in lines ended by CR LF, so that each line starts in the first column. */
export function isPlainText(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x20 && byte !== 0x7f && byte !== C1_LEAD) continue;
    if (byte === LF && i > 0 && bytes[i - 1] === CR) continue;
    if (byte === CR || byte === TAB) continue;
    return false;
  }
  return true;
}

/**
 * How many bytes at the start of `chunks` may be left out: whole lines, with `keep` lines behind.
 *
 * The chunks must be plain text. The emulator must be between two sequences, show its normal
 * buffer, and scroll its whole screen.
 *
 * @param keep lines of scrollback + 2 screens: one for what stood below the cursor before
 */
export function skippableBytes(chunks: readonly Uint8Array[], keep: number): number {
  let lines = 0;
  for (let at = chunks.length - 1; at >= 0; at--) {
    const chunk = chunks[at]!;
    for (let i = chunk.lastIndexOf(LF); i >= 0; i = i === 0 ? -1 : chunk.lastIndexOf(LF, i - 1)) {
      if (lines === keep) return lengthOf(chunks.slice(0, at)) + i + 1;
      lines++;
    }
  }
  return 0;
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}
