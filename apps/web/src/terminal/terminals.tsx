'use client';
/**
 * The page's terminals: which there are, which one or two are shown, and typing into them for the
 * learner. One TerminalSession per terminal of the lab, made when it is first shown.
 */
import type { Command } from '@terrarium/lesson';
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
import { placeCommands, typeCommand } from './typing';

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
  show(id: string): void;
  setActive(id: string): void;
  setSplit(on: boolean): void;
  open(): Promise<string | null>;
  close(id: string): void;
  setFontSize(pixels: number): void;
  setScreenReader(on: boolean): void;
  setFinding(on: boolean): void;
  focus(): void;
  /** Types the commands one after the other, visibly. @returns false when no terminal could be had */
  run(commands: readonly Command[]): Promise<boolean>;
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
  readonly children: ReactNode;
}) {
  const { onLeave, children } = props;
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
  const drawnSize = fontSize + (preferences.present === '1' ? PRESENT_EXTRA : 0);

  const current = active !== null && ids.includes(active) ? active : (ids[0] ?? null);
  const beside = split ? besideOf(ids, current, second) : null;
  const shown = useMemo(
    () =>
      [current, beside].filter((id) => id !== null).sort((a, b) => ids.indexOf(a) - ids.indexOf(b)),
    [current, beside, ids],
  );

  // Sessions outlive renders and layouts; they end with the page or when the lab drops their id.
  const sessions = useRef(new Map<string, TerminalSession>());
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
      });
      sessions.current.set(id, made);
      return made;
    },
    [store, t.terminal.leave],
  );

  useEffect(() => {
    for (const [id, one] of sessions.current) {
      if (ids.includes(id)) continue;
      one.dispose();
      sessions.current.delete(id);
    }
  }, [ids]);
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
    async (commands: readonly Command[]): Promise<boolean> => {
      abort.current?.abort();
      const controller = new AbortController();
      abort.current = controller;
      setTyping(true);
      try {
        const places = [...store.get().terminals.map(({ id }) => id)];
        for (const { command, more, continued } of placeCommands(commands)) {
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
          target.focus();
          await typeCommand(target, command, { signal: controller.signal, more, continued });
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
    focus: () => {
      if (current !== null) session(current).focus();
    },
    run,
  };
  return <TerminalsContext value={value}>{children}</TerminalsContext>;
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
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', run);
    return () => {
      observer.disconnect();
      system.removeEventListener('change', run);
    };
  }, []);
}
