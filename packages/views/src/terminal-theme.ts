'use client';
/** The terminal's inks, read from tokens.css for an emulator that wants plain values. */

const INKS = {
  background: '--term-ground',
  foreground: '--term-ink',
  cursor: '--term-cursor',
  cursorAccent: '--term-cursor-ink',
  selectionBackground: '--term-selection',
  black: '--term-black',
  red: '--term-red',
  green: '--term-green',
  yellow: '--term-yellow',
  blue: '--term-blue',
  magenta: '--term-magenta',
  cyan: '--term-cyan',
  white: '--term-white',
  brightBlack: '--term-bright-black',
  brightRed: '--term-bright-red',
  brightGreen: '--term-bright-green',
  brightYellow: '--term-bright-yellow',
  brightBlue: '--term-bright-blue',
  brightMagenta: '--term-bright-magenta',
  brightCyan: '--term-bright-cyan',
  brightWhite: '--term-bright-white',
} as const;

/** Has the shape of xterm.js's ITheme. */
export type TerminalTheme = Record<keyof typeof INKS, string>;

/** The theme in force at an element; read it again when data-theme or the system's wish changes. */
export function terminalTheme(element: Element = document.documentElement): TerminalTheme {
  const style = getComputedStyle(element);
  return Object.fromEntries(
    Object.entries(INKS).map(([name, token]) => [name, style.getPropertyValue(token).trim()]),
  ) as TerminalTheme;
}
