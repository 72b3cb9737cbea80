/**
 * What an emulator need not parse of a flood. Of thousands of lines of plain text only the last
 * ones are on the screen or in the scrollback afterwards; the lines before leave no trace. Parsing
 * is what a mirror costs, so they are left out.
 */

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const DEL = 0x7f;
/** Leads C1 control characters in UTF-8, and letters such as é, which are rare in floods. */
const C1_LEAD = 0xc2;

/**
 * `text`: lines ended by CR LF, so that each starts in the first column. `ascii`: also of one cell
 * for each byte. `other`: may do anything.
 */
export type Plainness = 'ascii' | 'text' | 'other';

/** Tells how plain a piece of output is. */
export function plainness(bytes: Uint8Array): Plainness {
  let ascii = true;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x20 && byte < DEL) continue;
    if (byte === CR && bytes[i + 1] === LF) continue;
    if (byte === LF && i > 0 && bytes[i - 1] === CR) continue;
    ascii = false;
    if ((byte > DEL && byte !== C1_LEAD) || byte === CR || byte === TAB) continue;
    return 'other';
  }
  return ascii ? 'ascii' : 'text';
}

/**
 * How many bytes at the start of `chunks` may be left out: whole lines, with `keep` rows behind.
 *
 * The chunks must be plain. The emulator must be between two sequences, show its normal buffer,
 * and scroll its whole screen.
 *
 * @param keep rows of scrollback + 2 screens: one for what stood below the cursor before
 * @param cols where long lines wrap; null when they may not, or are not ASCII: each counts as one row
 */
export function skippableBytes(
  chunks: readonly Uint8Array[],
  keep: number,
  cols: number | null,
): number {
  let rows = 0;
  let lineEnd = lengthOf(chunks);
  let offset = lineEnd;
  for (let at = chunks.length - 1; at >= 0; at--) {
    const chunk = chunks[at]!;
    offset -= chunk.length;
    for (let i = chunk.lastIndexOf(LF); i >= 0; i = i === 0 ? -1 : chunk.lastIndexOf(LF, i - 1)) {
      const lineStart = offset + i + 1;
      // The text between, without its CR LF: as many rows as it fills, at least one.
      rows += cols === null ? 1 : Math.max(1, Math.ceil((lineEnd - lineStart - 2) / cols));
      if (rows > keep) return lineStart;
      lineEnd = lineStart;
    }
  }
  return 0;
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}
