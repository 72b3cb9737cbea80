/**
 * One emulator with its connection. Lives outside of React, so that moving a terminal between
 * tabs and a split neither loses the screen nor asks the host for it again: panes only adopt its
 * element.
 */
import { silenceQueries, TerminalConnection, type TerminalStatus } from '@terrarium/protocol';
import type { TerminalTape } from '@terrarium/timeline';
import { terminalTheme } from '@terrarium/views';
import { FitAddon } from '@xterm/addon-fit';
import type { SearchAddon } from '@xterm/addon-search';
import { SerializeAddon } from '@xterm/addon-serialize';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { WebLinksAddon } from '@xterm/addon-web-links';
import type { WebglAddon } from '@xterm/addon-webgl';
import { type ITheme, Terminal } from '@xterm/xterm';
import { CommandLines } from '../linked/command-lines';
import { FloodGauge } from './flood-gauge';
import type { TypingTarget } from './typing';

/** Lines that stay reachable above the screen; a lesson's output is far less. */
const SCROLLBACK_LINES = 5000;

/** Lines above the screen that looking back can reach: writing them out takes a millisecond. */
const TAPED_LINES = 200;

/** Also what the fit addon leaves free at the right. */
const SCROLLBAR_PX = 10;

/** What a pane shows of a terminal beside its screen. */
export interface TerminalView {
  readonly status: TerminalStatus;
  /** of its shell, once ended: 128 + signal for a signal */
  readonly exitCode: number | null;
  readonly hasSelection: boolean;
}

export interface TerminalSessionOptions {
  readonly id: string;
  readonly socketUrl: string;
  readonly fontSize: number;
  readonly screenReader: boolean;
  /** text for the input's name: the page's language */
  readonly label: string;
  /** Enter was pressed in a terminal whose shell has ended */
  readonly onRestart: () => void;
  /** the learner asked to leave with the keyboard */
  readonly onLeave: () => void;
  readonly onFind: () => void;
  /** takes what is drawn, for looking back */
  readonly tape: TerminalTape;
}

/** Make it once per terminal id, `mount` it into a pane, `dispose` it with the page. */
export class TerminalSession implements TypingTarget {
  readonly id: string;
  readonly #terminal: Terminal;
  readonly #connection: TerminalConnection;
  readonly #fit = new FitAddon();
  readonly #serialize = new SerializeAddon();
  readonly #element: HTMLDivElement;
  readonly #listeners = new Set<() => void>();
  readonly #options: TerminalSessionOptions;
  readonly #lines: CommandLines;
  readonly #flood = new FloodGauge();
  #search: Promise<SearchAddon> | null = null;
  #webgl: WebglAddon | null = null;
  #webglFailed = false;
  #fast = false;
  #disposed = false;
  #resizeObserver: ResizeObserver | null = null;
  #opened = false;
  #focusOnMount = false;
  #lastOutput = 0;
  #view: TerminalView = { status: { state: 'connecting' }, exitCode: null, hasSelection: false };

  constructor(options: TerminalSessionOptions) {
    this.id = options.id;
    this.#options = options;
    this.#element = document.createElement('div');
    this.#element.className = 'term-screen';
    this.#terminal = new Terminal({
      allowProposedApi: true, // the grapheme addon's width tables
      scrollback: SCROLLBACK_LINES,
      fontFamily: fontFamily(),
      fontSize: options.fontSize,
      lineHeight: 1.2,
      letterSpacing: 0,
      cursorBlink: false,
      cursorStyle: 'block',
      cursorInactiveStyle: 'outline',
      minimumContrastRatio: 4.5,
      screenReaderMode: options.screenReader,
      macOptionIsMeta: true,
      rightClickSelectsWord: false,
      theme: theme(),
      overviewRuler: { width: SCROLLBAR_PX },
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(this.#serialize);
    this.#terminal.loadAddon(new UnicodeGraphemesAddon());
    this.#terminal.loadAddon(new WebLinksAddon(openLink));
    this.#lines = new CommandLines(this.#terminal);
    // The host answers queries: with two pages open, a program would get every answer twice.
    silenceQueries(this.#terminal.parser);
    this.#connection = new TerminalConnection({
      connect: () => new WebSocket(options.socketUrl),
      sink: {
        write: (bytes, drawn) => {
          this.#lastOutput = performance.now();
          const t = Date.now();
          if (this.#flood.isFlood(t, bytes.length)) this.#drawAsWanted();
          this.#terminal.write(bytes, () => {
            this.#record(t, bytes);
            drawn();
          });
        },
        resize: (cols, rows) => {
          this.#terminal.resize(cols, rows);
          options.tape.resize(Date.now(), cols, rows);
        },
      },
      onStatus: (status) => this.#change({ status }),
      onExit: (exitCode) => this.#change({ exitCode }),
    });
    this.#terminal.onData((data) => this.#typed(data));
    this.#terminal.onBinary((data) => {
      this.#connection.input(Uint8Array.from(data, (char) => char.charCodeAt(0)));
    });
    this.#terminal.onSelectionChange(() => {
      this.#change({ hasSelection: this.#terminal.hasSelection() });
    });
    this.#terminal.attachCustomKeyEventHandler((event) => this.#key(event));
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): TerminalView => this.#view;

  /** Shows the terminal inside `parent`, and follows its size. */
  mount(parent: HTMLElement): () => void {
    parent.append(this.#element);
    if (!this.#opened) {
      this.#opened = true;
      this.#terminal.open(this.#element);
      this.#terminal.textarea?.setAttribute('aria-label', this.#options.label);
      this.fit();
      this.#connection.start();
    }
    this.#resizeObserver = new ResizeObserver(() => this.fit());
    this.#resizeObserver.observe(parent);
    this.fit();
    if (this.#focusOnMount) {
      this.#focusOnMount = false;
      this.focus();
    }
    // Before its faces are there, the emulator measures the fallback's cells.
    void document.fonts.ready.then(() => {
      this.#terminal.options.fontFamily = fontFamily();
      this.fit();
    });
    return () => {
      this.#resizeObserver?.disconnect();
      this.#resizeObserver = null;
      if (this.#element.parentElement === parent) this.#element.remove();
    };
  }

  /** Asks the host for as many cells as fit; the emulator changes when the pty has. */
  fit(): void {
    const size = this.#fit.proposeDimensions();
    if (size === undefined || !Number.isFinite(size.cols) || size.cols < 2 || size.rows < 1) return;
    if (this.#connection.status.state !== 'open') this.#terminal.resize(size.cols, size.rows);
    this.#connection.resize(size.cols, size.rows);
  }

  /** Size in cells that a new terminal in the same place would have. */
  get size(): { readonly cols: number; readonly rows: number } {
    return { cols: this.#terminal.cols, rows: this.#terminal.rows };
  }

  /**
   * Draws by WebGL while this terminal has the focus, once it has met a flood of output: browsers
   * allow few such contexts. Where there is none, or it is lost, the emulator's DOM renderer draws.
   */
  drawFast(on: boolean): void {
    this.#fast = on;
    this.#drawAsWanted();
  }

  #drawAsWanted(): void {
    if (!this.#fast) {
      this.#webgl?.dispose();
      this.#webgl = null;
    } else if (this.#flood.met && this.#webgl === null && !this.#webglFailed) {
      void this.#loadWebgl();
    }
  }

  /** A quarter of the emulator's own size: whoever types commands never needs it. */
  async #loadWebgl(): Promise<void> {
    try {
      const { WebglAddon } = await import('@xterm/addon-webgl');
      if (!this.#fast || this.#webgl !== null || !this.#opened || this.#disposed) return;
      const addon = new WebglAddon();
      addon.onContextLoss(() => {
        addon.dispose();
        this.#webgl = null;
        this.#webglFailed = true;
      });
      this.#terminal.loadAddon(addon);
      this.#webgl = addon;
    } catch {
      this.#webglFailed = true; // no WebGL in this browser
    }
  }

  applyTheme(): void {
    this.#terminal.options.theme = theme();
  }

  setFontSize(pixels: number): void {
    if (this.#terminal.options.fontSize === pixels) return;
    this.#terminal.options.fontSize = pixels;
    this.fit();
  }

  setScreenReader(on: boolean): void {
    this.#terminal.options.screenReaderMode = on;
  }

  /** Lights up the command lines that began then (ms since the epoch), and no others. */
  light(startedAt: readonly number[]): void {
    this.#lines.light(startedAt, litColour());
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** For a terminal that was just opened and has no place on the page yet. */
  focusWhenMounted(): void {
    if (this.#element.isConnected) this.focus();
    else this.#focusOnMount = true;
  }

  input(data: string): void {
    this.#connection.input(data);
  }

  quietFor(): number {
    return performance.now() - this.#lastOutput;
  }

  /** Goes the way of a real paste: brackets when the program asked for them, line ends as typed. */
  paste(text: string): void {
    this.#terminal.paste(text);
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  selectAll(): void {
    this.#terminal.selectAll();
  }

  clear(): void {
    this.#terminal.clear();
  }

  /** @returns false when there is no match */
  async find(text: string, direction: 'next' | 'previous'): Promise<boolean> {
    const search = await this.#loadSearch();
    if (text === '') {
      search.clearDecorations();
      return true;
    }
    return direction === 'next'
      ? search.findNext(text, { incremental: false })
      : search.findPrevious(text);
  }

  #loadSearch(): Promise<SearchAddon> {
    this.#search ??= import('@xterm/addon-search').then(({ SearchAddon }) => {
      const addon = new SearchAddon();
      this.#terminal.loadAddon(addon);
      return addon;
    });
    return this.#search;
  }

  /** Comes back at once instead of at the end of a pause. */
  retryNow(): void {
    this.#connection.retryNow();
  }

  dispose(): void {
    this.#disposed = true;
    this.#connection.close();
    this.#terminal.dispose();
    this.#element.remove();
  }

  /** Called when these bytes are drawn and none after them: the screen is what the tape says. */
  #record(t: number, bytes: Uint8Array): void {
    const { tape } = this.#options;
    tape.resize(t, this.#terminal.cols, this.#terminal.rows);
    tape.write(t, bytes);
    if (!tape.wantsScreen) return;
    tape.screen(Date.now(), this.#serialize.serialize({ scrollback: TAPED_LINES }));
  }

  #typed(data: string): void {
    if (this.#view.exitCode !== null) {
      if (data === '\r') this.#options.onRestart();
      return;
    }
    this.#connection.input(data);
  }

  /** @returns false for keys that belong to the page and not to the shell */
  #key(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    const chord = `${event.ctrlKey ? 'C-' : ''}${event.shiftKey ? 'S-' : ''}${event.code}`;
    switch (chord) {
      case 'C-Backquote':
        event.preventDefault();
        event.stopPropagation(); // the page's own handler of this key would come straight back
        this.#options.onLeave();
        return false;
      case 'C-S-KeyF':
        event.preventDefault();
        this.#options.onFind();
        return false;
      case 'C-S-KeyC':
      case 'C-Insert':
        event.preventDefault(); // Ctrl-Shift-C would open Firefox's inspector
        copyText(this.selection);
        return false;
      // The browser pastes by itself into the emulator's text area on both of these.
      case 'C-S-KeyV':
      case 'S-Insert':
        return false;
      default:
        return true;
    }
  }

  #change(change: Partial<TerminalView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Copies to the clipboard, also where the page is served to a name over plain http. */
export function copyText(text: string): void {
  if (text === '') return;
  if (navigator.clipboard !== undefined) {
    void navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
  } else {
    copyBySelection(text);
  }
}

/** The clipboard API is missing in insecure contexts; the old command is not. */
function copyBySelection(text: string): void {
  const area = document.createElement('textarea');
  const before = document.activeElement;
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
}

function openLink(_event: MouseEvent, uri: string): void {
  window.open(uri, '_blank', 'noopener,noreferrer');
}

/** The inks of the page, and a scrollbar as quiet as the page's own. */
function theme(): ITheme {
  const line = getComputedStyle(document.documentElement).getPropertyValue('--line-strong').trim();
  return {
    ...terminalTheme(document.documentElement),
    scrollbarSliderBackground: `${line}59`, // 35 %
    scrollbarSliderHoverBackground: `${line}99`,
    scrollbarSliderActiveBackground: `${line}cc`,
    overviewRulerBorder: '#00000000',
  };
}

/** What linked highlighting draws behind a line: decorations take plain colours only. */
function litColour(): string {
  const style = getComputedStyle(document.documentElement);
  return style.getPropertyValue('--accent-soft').trim();
}

/** The same on the ground of the past. */
export function pastTheme(): ITheme {
  const style = getComputedStyle(document.documentElement);
  return { ...theme(), background: style.getPropertyValue('--past-ground').trim() };
}

function fontFamily(): string {
  return (
    getComputedStyle(document.documentElement).getPropertyValue('--font-mono').trim() || 'monospace'
  );
}
