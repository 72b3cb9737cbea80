/** Writes an emulator's whole state down as lines of text, so that two can be compared. For tests. */

import type { IBuffer, Terminal } from '@xterm/headless';

interface Inner {
  _core: {
    _inputHandler: { _curAttrData: { fg: number; bg: number }; _windowTitle: string };
    _bufferService: {
      buffers: Record<'active' | 'normal' | 'alt', Record<string, unknown>>;
    };
    _charsetService: { glevel: number; charset: Record<string, string> | undefined };
    coreService: { isCursorHidden: boolean; decPrivateModes: object };
    coreMouseService: { activeEncoding: string; activeProtocol: string };
  };
}

/** One line for each row with its cells and attributes, then cursor, modes and the rest. */
export function dumpScreen(terminal: Terminal): string[] {
  const inner = (terminal as unknown as Inner)._core;
  const alternate = terminal.buffer.active.type === 'alternate';
  const { buffers } = inner._bufferService;
  return [
    ...dumpBuffer(terminal.buffer.normal, terminal.cols),
    ...(alternate ? ['alternate', ...dumpBuffer(terminal.buffer.alternate, terminal.cols)] : []),
    ...(alternate ? [`normal saved ${savedOf(buffers.normal, terminal.cols)}`] : []),
    `saved ${savedOf(buffers.active, terminal.cols)}`,
    `cursor ${pick(buffers.active, ['x', 'y', 'scrollTop', 'scrollBottom'])}`,
    `tabs ${Object.entries(buffers.active['tabs'] as object)
      .filter(([x, is]) => is === true && Number(x) < terminal.cols)
      .map(([x]) => x)
      .join()}`,
    `style ${attributes(inner._inputHandler._curAttrData)} charset ${inner._charsetService.glevel} ${inner._charsetService.charset?.['q'] ?? ''}`,
    `modes ${JSON.stringify(terminal.modes)} ${JSON.stringify(inner.coreService.decPrivateModes)}`,
    `hidden ${inner.coreService.isCursorHidden} eol ${terminal.options.convertEol} title ${inner._inputHandler._windowTitle}`,
    `mouse ${inner.coreMouseService.activeProtocol} ${inner.coreMouseService.activeEncoding}`,
  ];
}

function dumpBuffer(buffer: IBuffer, cols: number): string[] {
  const lines: string[] = [];
  for (let y = 0; y < buffer.length; y++) {
    const line = buffer.getLine(y)!;
    let text = y > 0 && line.isWrapped ? '↪' : ' ';
    let style = '';
    for (let x = 0; x < cols; x++) {
      const cell = line.getCell(x)! as unknown as {
        fg: number;
        bg: number;
        getChars(): string;
        getWidth(): number;
        getUnderlineStyle(): number;
        getUnderlineColor(): number;
      };
      // Of an erased cell only the background is visible.
      const chars = cell.getChars();
      const blank = chars === '' && cell.getWidth() === 1;
      const wanted = blank
        ? `[${plain(cell.bg & 0x3ff_ffff)}]`
        : `[${attributes(cell)},${cell.getUnderlineStyle()},${cell.getUnderlineColor()}]`;
      if (cell.getWidth() !== 0 && wanted !== style) {
        text += wanted;
        style = wanted;
      }
      text += blank ? '·' : chars === ' ' ? '_' : chars;
    }
    lines.push(text);
  }
  return lines;
}

/** Foreground and background with their flags; the bit "has extended attributes" is no appearance. */
function attributes(of: { fg: number; bg: number }): string {
  return `${plain(of.fg)},${plain(of.bg & ~0x1000_0000)}`;
}

/** xterm leaves the rest of an earlier RGB value behind when a palette colour replaces it. */
function plain(attribute: number): number {
  const mode = attribute & 0x300_0000;
  const meaningful = mode === 0x300_0000 ? 0xff_ffff : mode === 0 ? 0 : 0xff;
  return attribute & (0xff00_0000 | meaningful);
}

/** Clamped as restoring it would. */
function savedOf(buffer: Record<string, unknown>, cols: number): string {
  const attribute = buffer['savedCurAttrData'] as { fg: number; bg: number };
  const y = Math.max(Number(buffer['savedY']) - Number(buffer['ybase']), 0);
  const x = Math.min(Number(buffer['savedX']), cols - 1);
  return `${x},${y} ${attributes(attribute)}`;
}

function pick(from: Record<string, unknown>, names: readonly string[]): string {
  return names.map((name) => `${name}=${from[name]}`).join(' ');
}
