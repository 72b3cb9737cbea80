'use client';
/**
 * The page's terminals: which there are, which one or two are shown, and typing into them for the
 * learner. One TerminalSession per terminal of the lab, made when it is first shown.
 */
import type { Command } from '@terrarium/lesson';
import { type TapeMoment, TerminalTape } from '@terrarium/timeline';
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useTexts } from '../i18n/use-texts';
import { socketUrl, useLabPart, useLabStore, usePreferences } from '../live/use-lab';
import { TerminalSession } from './terminal-session';
import { type CommandPart, placeCommands, typeCommand } from './typing';

/** Pixels; the range keeps 80 columns possible on a laptop and a lecture hall's last row happy. */
const FONT_SIZES = { smallest: 10, usual: 14, largest: 28 } as const;
/** What present mode adds, px. */
const PRESENT_EXTRA = 6;
/** A new terminal before its pane is measured. */
const FIRST_SIZE = { cols: 80, rows: 24 } as const;

interface Terminals {
  /** ids in the order of their opening */
  readonly ids: readonly string[];
  /** what is shown, left to right: one, or two when split */
  readonly shown: readonly string[];
  readonly active: string | null;
  readonly split: boolean;
  readonly fontSize: number;
  readonly screenReader: boolean;
  readonly typing: boolean;
  readonly finding: boolean;
  session(id: string): TerminalSession;
  /** what was printed since the page was opened, by terminal, also of closed ones */
  tapes(): ReadonlyMap<string, TerminalTape>;
  /** the screen that stood in a terminal's place at a time of this browser; null: not recorded */
  pastOf(id: string, t: number): TapeMoment | null;
  show(id: string): void;
  setActive(id: string): void;
  setSplit(on: boolean): void;
  open(): Promise<string | null>;
  close(id: string): void;
  setFontSize(pixels: number): void;
  setScreenReader(on: boolean): void;
  setFinding(on: boolean): void;
  /** lights up the lines of these commands and of no others */
  light(commands: readonly string[]): void;
  focus(): void;
  /** Types the commands one after the other, visibly. @returns false when no terminal could be had */
  run(commands: readonly Command[], options?: RunOptions): Promise<boolean>;
}

/** How commands are typed, where it is not the learner's own terminal in the learner's own hands. */
export interface RunOptions {
  /** of the last command; those before it are run whole */
  readonly part?: CommandPart;
  /** false: the keyboard stays where it is */
  readonly focus?: boolean;
}

const TerminalsContext = createContext<Terminals | null>(null);

/** The terminals of the page. */
export function useTerminals(): Terminals {
  const value = useContext(TerminalsContext);
  if (value === null) throw new Error('useTerminals outside of TerminalsProvider');
  return value;
}

/** @param props.onLeave where the focus goes when the learner leaves the terminal by keyboard */
export function TerminalsProvider(props: {
  readonly onLeave: () => void;
  /** px that its page adds to the learner's own size */
  readonly extraSize?: number;
  readonly children: ReactNode;
}) {
  const { onLeave, extraSize = 0, children } = props;
  const { t } = useTexts();
  const store = useLabStore();
  const { preferences, prefer } = usePreferences();
  const infos = useLabPart((lab) => lab.terminals);
  const running = useLabPart((lab) => lab.sandbox.status === 'running');
  const ids = useMemo(() => infos.map(({ id }) => id), [infos]);

  const [active, setActive] = useState<string | null>(null);
  const [second, setSecond] = useState<string | null>(null);
  const [typing, setTyping] = useState(false);
  const [finding, setFinding] = useState(false);
  const [screenReader, setScreenReaderState] = useState(false);
  const split = preferences.split === '1' && ids.length > 1;
  const fontSize = clampFont(Number(preferences.fontsize ?? FONT_SIZES.usual));
  const drawnSize = fontSize + (preferences.present === '1' ? PRESENT_EXTRA : 0) + extraSize;

  const current = active !== null && ids.includes(active) ? active : (ids[0] ?? null);
  const beside = split ? besideOf(ids, current, second) : null;
  const shown = useMemo(
    () =>
      [current, beside].filter((id) => id !== null).sort((a, b) => ids.indexOf(a) - ids.indexOf(b)),
    [current, beside, ids],
  );

  // Sessions outlive renders and layouts; they end with the page or when the lab drops their id.
  const sessions = useRef(new Map<string, TerminalSession>());
  const [tapes] = useState(() => new Tapes());
  const latest = useRef({ drawnSize, screenReader, onLeave, label: t.terminal.label });
  latest.current = { drawnSize, screenReader, onLeave, label: t.terminal.label };

  const openBeside = useRef<() => Promise<string | null>>(async () => null);
  const session = useCallback(
    (id: string): TerminalSession => {
      const known = sessions.current.get(id);
      if (known !== undefined) return known;
      const made = new TerminalSession({
        id,
        socketUrl: socketUrl(`/api/terminals/${encodeURIComponent(id)}`),
        fontSize: latest.current.drawnSize,
        screenReader: latest.current.screenReader,
        label: `${latest.current.label}. ${t.terminal.leave}`,
        onRestart: () => {
          store.send({ type: 'terminal.close', terminal: id });
          void openBeside.current();
        },
        onLeave: () => latest.current.onLeave(),
        onFind: () => setFinding(true),
        tape: tapes.open(id),
      });
      sessions.current.set(id, made);
      return made;
    },
    [store, tapes, t.terminal.leave],
  );

  useEffect(() => {
    for (const [id, one] of sessions.current) {
      if (ids.includes(id)) continue;
      one.dispose();
      tapes.close(id);
      sessions.current.delete(id);
    }
  }, [ids, tapes]);
  useEffect(() => {
    const all = sessions.current;
    return () => {
      for (const one of all.values()) one.dispose();
      all.clear();
    };
  }, []);
  useEffect(() => {
    for (const one of sessions.current.values()) {
      one.setFontSize(drawnSize);
      one.setScreenReader(screenReader);
    }
  }, [drawnSize, screenReader]);
  useThemeChange(() => {
    for (const one of sessions.current.values()) one.applyTheme();
  });

  const open = useCallback(async (): Promise<string | null> => {
    const size = shown[0] === undefined ? FIRST_SIZE : session(shown[0]).size;
    const id = await store.openTerminal(size.cols, size.rows);
    if (id !== null) {
      setActive(id);
      session(id).focusWhenMounted();
    }
    return id;
  }, [store, shown, session]);
  openBeside.current = open;

  // A lab without any terminal gets its first one by itself.
  const asked = useRef(false);
  useEffect(() => {
    if (!running || ids.length > 0) {
      asked.current = false;
      return;
    }
    // The daemon may just be opening it; only a second later it is up to the page.
    const timer = setTimeout(() => {
      if (asked.current) return;
      asked.current = true;
      void open();
    }, 1000);
    return () => clearTimeout(timer);
  }, [running, ids.length, open]);

  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);
  const run = useCallback(
    async (commands: readonly Command[], options: RunOptions = {}): Promise<boolean> => {
      store.seek(null); // what is typed is seen
      abort.current?.abort();
      const controller = new AbortController();
      abort.current = controller;
      setTyping(true);
      try {
        const places = [...store.get().terminals.map(({ id }) => id)];
        const placed = placeCommands(commands);
        for (const { command, more, continued } of placed) {
          const isLast = command === commands.at(-1);
          const part = (isLast ? options.part : undefined) ?? 'all';
          // All but the last Enter was typed when `keys` was asked for.
          if (options.part === 'enter' && !isLast) continue;
          while (places.length < command.terminal) {
            const id = await store.openTerminal(FIRST_SIZE.cols, FIRST_SIZE.rows);
            if (id === null) {
              store.notify(t.terminal.notReady);
              return false;
            }
            if (!places.includes(id)) places.push(id);
          }
          const id = places[command.terminal - 1];
          if (id === undefined) return false;
          if (command.terminal > 1) {
            prefer('split', '1');
            setSecond(id);
          } else {
            setActive(id);
          }
          const target = session(id);
          await waitForOpen(target, controller.signal);
          if (options.focus !== false) target.focus();
          const { signal } = controller;
          await typeCommand(target, command, { signal, more, continued, part });
          if (controller.signal.aborted) return true;
        }
        return true;
      } finally {
        if (abort.current === controller) {
          abort.current = null;
          setTyping(false);
        }
      }
    },
    [store, session, prefer, t.terminal.notReady],
  );

  const value: Terminals = {
    ids,
    shown,
    active: current,
    split,
    fontSize,
    screenReader,
    typing,
    finding,
    session,
    tapes: () => tapes.all(),
    pastOf: (id, t) => tapes.at(ids.indexOf(id), id, t),
    show: (id) => {
      if (split && current !== null && id !== current && id !== beside) setSecond(current);
      setActive(id);
    },
    setActive,
    setSplit: (on) => {
      prefer('split', on ? '1' : '0');
      if (on && ids.length < 2) void open();
      else if (current !== null) session(current).focus();
    },
    open,
    close: (id) => store.send({ type: 'terminal.close', terminal: id }),
    setFontSize: (pixels) => prefer('fontsize', String(clampFont(pixels))),
    setScreenReader: setScreenReaderState,
    setFinding,
    light: (commands) => {
      const known = store.get().state.commands ?? {};
      for (const one of sessions.current.values()) {
        const own = commands.flatMap((id) => known[id] ?? []);
        one.light(own.filter(({ terminal }) => terminal === one.id).map((c) => c.startedAt));
      }
    },
    focus: () => {
      if (current !== null) session(current).focus();
    },
    run,
  };
  return <TerminalsContext value={value}>{children}</TerminalsContext>;
}

/** Closed terminals whose tape is kept: a few resets back. */
const KEPT_TAPES = 8;

/** The tapes of all terminals that the page has shown, in the order of their opening. */
class Tapes {
  readonly #known = new Map<string, { readonly tape: TerminalTape; closed: number | null }>();

  open(id: string): TerminalTape {
    const known = this.#known.get(id);
    if (known !== undefined) {
      known.closed = null;
      return known.tape;
    }
    const tape = new TerminalTape();
    this.#known.set(id, { tape, closed: null });
    return tape;
  }

  close(id: string): void {
    const known = this.#known.get(id);
    if (known !== undefined) known.closed = Date.now();
    const closed = [...this.#known].filter(([, one]) => one.closed !== null);
    for (const [old] of closed.slice(0, -KEPT_TAPES)) this.#known.delete(old);
  }

  all(): ReadonlyMap<string, TerminalTape> {
    return new Map([...this.#known].map(([id, { tape }]) => [id, tape]));
  }

  /** Its own screen then; before it was opened, that of the terminal in the same place. */
  at(place: number, id: string, t: number): TapeMoment | null {
    const own = this.#known.get(id)?.tape.at(t) ?? null;
    if (own !== null) return own;
    const others = [...this.#known.values()].filter(
      ({ tape, closed }) => closed !== null && t < closed && (tape.begins ?? t + 1) <= t,
    );
    return others[place]?.tape.at(t) ?? null;
  }
}

/** Of the other terminals, the chosen one, else the next to the right, else the one to the left. */
function besideOf(
  ids: readonly string[],
  current: string | null,
  chosen: string | null,
): string | null {
  if (current === null) return null;
  if (chosen !== null && chosen !== current && ids.includes(chosen)) return chosen;
  const at = ids.indexOf(current);
  return ids[at + 1] ?? ids[at - 1] ?? null;
}

function clampFont(pixels: number): number {
  if (!Number.isFinite(pixels)) return FONT_SIZES.usual;
  return Math.round(Math.min(FONT_SIZES.largest, Math.max(FONT_SIZES.smallest, pixels)));
}

/** A terminal that was just opened has no socket yet; typing waits for it, for two seconds at most. */
async function waitForOpen(session: TerminalSession, signal: AbortSignal): Promise<void> {
  for (let i = 0; i < 40 && !signal.aborted; i += 1) {
    if (session.view().status.state === 'open') return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Runs the action when the page's theme changes, by choice or with the system. */
function useThemeChange(action: () => void): void {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    const run = (): void => latest.current();
    const observer = new MutationObserver(run);
    observer.observe(document.documentElement, {
      attributeFilter: ['data-theme', 'data-contrast'],
    });
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', run);
    return () => {
      observer.disconnect();
      system.removeEventListener('change', run);
    };
  }, []);
}
