/**
 * Turns an emulator's state into escape sequences that draw exactly that state on another emulator
 * after a full reset: cells with their attributes, which lines are wrapped, cursor (also the one
 * that waits behind the last column), saved cursor, scroll region, character sets, modes, title.
 *
 * xterm's own serialize addon loses several of these (the waiting cursor, scroll region, underline
 * styles, mouse encoding), and a page that reloads in the middle of `vim` shows it. Some fields
 * are not in xterm's public interface; they are named in `Internals`, for @xterm/headless 6.0.
 */

import type { IBuffer, IBufferCell, IBufferLine, Terminal } from '@xterm/headless';

/** What is read of a cell beyond the public interface. */
interface Cell extends IBufferCell {
  fg: number;
  bg: number;
  extended: { ext: number };
  hasExtendedAttrs(): number;
  isFgDefault(): boolean;
  isBgDefault(): boolean;
  getUnderlineStyle(): number;
  getUnderlineColor(): number;
  isUnderlineColorDefault(): boolean;
  isUnderlineColorRGB(): boolean;
}

type Charset = Record<string, string> | undefined;

/** What is read of a buffer beyond the public interface. */
interface InnerBuffer {
  x: number;
  y: number;
  ybase: number;
  scrollTop: number;
  scrollBottom: number;
  savedX: number;
  savedY: number;
  savedCurAttrData: Cell;
  savedCharset: Charset;
  tabs: Record<number, boolean | undefined>;
}

/** What is read of the emulator beyond the public interface. */
interface Internals {
  _core: {
    _inputHandler: { _curAttrData: Cell; _windowTitle: string };
    _bufferService: { buffers: { active: InnerBuffer; normal: InnerBuffer; alt: InnerBuffer } };
    _charsetService: { charset: Charset; glevel: number; _charsets: Charset[] };
    coreService: {
      isCursorHidden: boolean;
      decPrivateModes: { cursorStyle?: string; cursorBlink?: boolean };
    };
    coreMouseService: { activeEncoding: string };
    optionsService: { rawOptions: { convertEol: boolean } };
  };
}

const CSI = '\x1b[';
/** Does nothing but end a grapheme, so that two cells are not joined into one. */
const NUL = '\0';
const CONTROL = /\p{Cc}/gu;

/** The escape sequences for `terminal`'s present state. The other emulator has the same size. */
export function serializeScreen(terminal: Terminal): string {
  const inner = (terminal as unknown as Internals)._core;
  const { normal } = inner._bufferService.buffers;
  const alternate = terminal.buffer.active.type === 'alternate';
  const { active } = inner._bufferService.buffers;
  const parts: string[] = [];
  drawLines(parts, terminal.buffer.normal, terminal.cols, terminal.rows);
  if (alternate) {
    parts.push(scrollRegion(normal, terminal.rows));
    parts.push(savedCursor(normal, terminal.cols), `${CSI}?1049h${PLAIN}\x0f\x1b(B${CSI}2J${CSI}H`);
    drawLines(parts, terminal.buffer.alternate, terminal.cols, terminal.rows);
  }
  parts.push(tabStops(active, terminal.cols), scrollRegion(active, terminal.rows));
  parts.push(savedCursor(active, terminal.cols), '\x1b7');
  parts.push(cursor(terminal, active));
  parts.push(sgr(inner._inputHandler._curAttrData));
  parts.push(charsets(inner._charsetService), modes(terminal, inner));
  parts.push(`\x1b]2;${inner._inputHandler._windowTitle.replace(CONTROL, '')}\x07`);
  return parts.join('');
}

/** Draws every line from the top; leaves the cursor somewhere and the attributes at default. */
function drawLines(parts: string[], buffer: IBuffer, cols: number, rows: number): void {
  const cell = buffer.getNullCell() as Cell;
  for (let y = 0; y < buffer.length; y++) {
    const line = buffer.getLine(y)!;
    const full = drawLine(parts, line, cell, cols);
    if (y + 1 === buffer.length) return; // getLine beyond the end gives an old line, not undefined
    const next = buffer.getLine(y + 1)!;
    if (!next.isWrapped || rows < 2) parts.push('\r\n');
    else wrap(parts, line, next, cell, cols, full);
  }
}

/** @returns true when the cursor waits behind the last column */
function drawLine(parts: string[], line: IBufferLine, cell: Cell, cols: number): boolean {
  let style = PLAIN;
  let at = 0; // where the cursor is
  let joinable = false;
  for (let x = 0; x < cols; x++) {
    line.getCell(x, cell);
    const width = cell.getWidth();
    if (width === 0) continue; // the right half of a wide character
    const chars = cell.getChars();
    if (chars === '') {
      x = drawBlank(parts, line, cell, x, cols);
      joinable = false;
      continue;
    }
    if (at !== x) {
      parts.push(`${CSI}${x + 1}G`);
      joinable = false;
    }
    const wanted = sgr(cell);
    if (wanted !== style) {
      parts.push(wanted);
      style = wanted;
      joinable = false;
    }
    const ascii = chars.length === 1 && chars.charCodeAt(0) < 0x80;
    if (joinable && !ascii) parts.push(NUL);
    parts.push(chars);
    joinable = true;
    at = x + width;
  }
  if (style !== PLAIN) parts.push(PLAIN);
  return at === cols;

  /** A run of erased cells of one background; nothing to do where it is the default. */
  function drawBlank(
    out: string[],
    of: IBufferLine,
    first: Cell,
    from: number,
    end: number,
  ): number {
    const bg = first.bg;
    if (first.isBgDefault()) return from;
    let to = from + 1;
    while (to < end) {
      of.getCell(to, first);
      if (first.getChars() !== '' || first.getWidth() === 0 || first.bg !== bg) break;
      to++;
    }
    of.getCell(from, first);
    style = sgr(first, true);
    out.push(`${CSI}${from + 1}G`, style, `${CSI}${to - from}X`);
    at = from;
    return to - 1;
  }
}

/** Makes the next line a continuation of this one, by printing over the edge as the program did. */
function wrap(
  parts: string[],
  line: IBufferLine,
  next: IBufferLine,
  cell: Cell,
  cols: number,
  full: boolean,
): void {
  // A blank with default attributes, so that a line scrolled in is blank too; then back over it.
  if (full) parts.push(' \r');
  else {
    parts.push(`${CSI}${cols}G  \r`, `${CSI}A${CSI}${cols}G`);
    line.getCell(cols - 1, cell);
    if (cell.isBgDefault()) parts.push(`${CSI}X`);
    else parts.push(sgr(cell, true), `${CSI}X`, PLAIN);
    parts.push(`${CSI}B\r`);
  }
  next.getCell(0, cell);
  if (cell.getChars() === '' && cell.isBgDefault()) parts.push(`${CSI}X`);
}

const PLAIN = `${CSI}m`;
/** xterm's colour modes; colours 0 to 15 of the 256 do not become bright with bold. */
const MODE_256 = 0x200_0000;
const MODE_RGB = 0x300_0000;

function isStyled(cell: Cell): boolean {
  return cell.fg !== 0 || cell.bg !== 0;
}

/** All attributes of a cell from scratch; of an erased cell only the background counts. */
function sgr(cell: Cell, blank = false): string {
  if (!isStyled(cell)) return PLAIN;
  const codes: (number | string)[] = [0];
  if (!blank) {
    if (cell.isBold()) codes.push(1);
    if (cell.isDim()) codes.push(2);
    if (cell.isItalic()) codes.push(3);
    if (cell.isUnderline()) codes.push(underline(cell));
    if (cell.isBlink()) codes.push(5);
    if (cell.isInverse()) codes.push(7);
    if (cell.isInvisible()) codes.push(8);
    if (cell.isStrikethrough()) codes.push(9);
    if (cell.isOverline()) codes.push(53);
    if (cell.isUnderline() && !cell.isUnderlineColorDefault()) codes.push(underlineColor(cell));
    if (!cell.isFgDefault()) codes.push(color(38, cell.getFgColorMode(), cell.getFgColor()));
  }
  if (!cell.isBgDefault()) codes.push(color(48, cell.getBgColorMode(), cell.getBgColor()));
  return `${CSI}${codes.join(';')}m`;
}

function underline(cell: Cell): number | string {
  const style = cell.getUnderlineStyle();
  return style <= 1 ? 4 : `4:${style}`;
}

function underlineColor(cell: Cell): string {
  const value = cell.getUnderlineColor();
  return cell.isUnderlineColorRGB() ? `58:2::${rgb(value).join(':')}` : `58:5:${value}`;
}

function color(kind: 38 | 48, mode: number, value: number): string {
  if (mode === MODE_RGB) return `${kind};2;${rgb(value).join(';')}`;
  if (mode === MODE_256) return `${kind};5;${value}`;
  const base = value < 8 ? kind - 8 : kind + 52; // 30 or 40; 90 or 100
  return `${base + (value & 7)}`;
}

function rgb(value: number): [number, number, number] {
  return [(value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

function tabStops(buffer: InnerBuffer, cols: number): string {
  const stops: number[] = [];
  let usual = true;
  for (let x = 0; x < cols; x++) {
    const is = buffer.tabs[x] === true;
    if (is) stops.push(x);
    if (is !== (x % 8 === 0)) usual = false;
  }
  if (usual) return '';
  return `${CSI}3g${stops.map((x) => `${CSI}${x + 1}G\x1bH`).join('')}`;
}

function scrollRegion(buffer: InnerBuffer, rows: number): string {
  if (buffer.scrollTop === 0 && buffer.scrollBottom === rows - 1) return '';
  return `${CSI}${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r`;
}

/** Goes where DECRC would; ESC 7 or ?1049h after it saves that. */
function savedCursor(buffer: InnerBuffer, cols: number): string {
  const y = Math.max(buffer.savedY - buffer.ybase, 0);
  const x = Math.min(buffer.savedX, cols - 1);
  const graphics = isGraphics(buffer.savedCharset) ? '\x1b(0' : '\x1b(B';
  return `${CSI}${y + 1};${x + 1}H${sgr(buffer.savedCurAttrData)}${graphics}`;
}

/** Goes to the cursor; prints the last column again when the cursor waits behind it. */
function cursor(terminal: Terminal, buffer: InnerBuffer): string {
  const origin = terminal.modes.originMode ? `${CSI}?6h` : '';
  const row = buffer.y - (terminal.modes.originMode ? buffer.scrollTop : 0) + 1;
  if (buffer.x < terminal.cols) return `${origin}${CSI}${row};${buffer.x + 1}H`;
  const line = terminal.buffer.active.getLine(buffer.ybase + buffer.y)!;
  let x = terminal.cols - 1;
  let cell = line.getCell(x) as Cell;
  if (cell.getWidth() === 0 && x > 0) cell = line.getCell(--x) as Cell;
  // An erased last column (scrolled under the waiting cursor) becomes a space of its background.
  const erased = cell.getChars() === '';
  const last = `${sgr(cell, erased)}\x1b(B\x0f${erased ? ' ' : cell.getChars()}`;
  return `${origin}${CSI}${row};${x + 1}H${last}`;
}

/** DEC special graphics is the one other character set in use: box drawing of curses programs. */
function isGraphics(charset: Charset): boolean {
  return charset?.['q'] === '\u2500';
}

function charsets(service: Internals['_core']['_charsetService']): string {
  const designate = ['(', ')', '*', '+'].map((slot, g) => {
    // DECRC may leave another one in use than the one designated.
    const set = g === service.glevel ? service.charset : service._charsets[g];
    return isGraphics(set) ? `\x1b${slot}0` : `\x1b${slot}B`;
  });
  const shift = ['\x0f', '\x0e', '\x1bn', '\x1bo'][service.glevel] ?? '';
  return designate.join('') + shift;
}

function modes(terminal: Terminal, inner: Internals['_core']): string {
  const now = terminal.modes;
  const mouse = { none: '', x10: '9', vt200: '1000', drag: '1002', any: '1003' };
  const encoding = { SGR: '1006', SGR_PIXELS: '1016' }[inner.coreMouseService.activeEncoding];
  const set = [
    now.applicationCursorKeysMode && '1',
    now.applicationKeypadMode && '66',
    now.reverseWraparoundMode && '45',
    now.bracketedPasteMode && '2004',
    now.sendFocusMode && '1004',
    mouse[now.mouseTrackingMode],
    encoding,
  ];
  const parts = set.filter(Boolean).map((mode) => `${CSI}?${mode}h`);
  if (!now.wraparoundMode) parts.push(`${CSI}?7l`);
  parts.push(`${CSI}4${now.insertMode ? 'h' : 'l'}`);
  // A full reset leaves these three as they are.
  parts.push(`${CSI}20${inner.optionsService.rawOptions.convertEol ? 'h' : 'l'}`);
  parts.push(`${CSI}?25${inner.coreService.isCursorHidden ? 'l' : 'h'}`);
  parts.push(`${CSI}${cursorStyle(inner.coreService.decPrivateModes)} q`);
  return parts.join('');
}

function cursorStyle(style: { cursorStyle?: string; cursorBlink?: boolean }): number {
  if (style.cursorStyle === undefined) return 0;
  const steady = { block: 2, underline: 4, bar: 6 }[style.cursorStyle] ?? 2;
  return style.cursorBlink === true ? steady - 1 : steady;
}
