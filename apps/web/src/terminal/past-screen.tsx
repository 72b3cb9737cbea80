'use client';
/**
 * A terminal as it was at the moment that is looked back to: a second, read-only emulator over the
 * living one, which goes on below. Drawn from the page's own tape.
 */
import { ScreenReplay, screenText } from '@terrarium/views';
import { Terminal } from '@xterm/xterm';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore } from '../live/use-lab';
import { pastStrings } from '../past/strings';
import { pastTheme } from './terminal-session';
import { useTerminals } from './terminals';

/** Rows above the screen; a tape's segment begins with no more. */
const SCROLLBACK_LINES = 1000;

/** @param props.terminal the one in whose place it stands */
export function PastScreen(props: { readonly terminal: string }) {
  const { lang } = useTexts();
  const words = pastStrings(lang);
  const store = useLabStore();
  const terminals = useTerminals();
  const past = useLabPart((lab) => lab.past);
  const [note, setNote] = useState(false);
  const [text, setText] = useState('');
  const holder = useRef<HTMLDivElement>(null);
  const number = terminals.ids.indexOf(props.terminal) + 1;
  const moment =
    past === null
      ? null
      : terminals.pastOf(props.terminal, store.localTime(timeShown(past.state.t)));

  const replay = useRef<ScreenReplay | null>(null);
  useEffect(() => {
    if (holder.current === null) return;
    const { emulator, dispose } = openEmulator(holder.current, terminals.fontSize);
    const made = new ScreenReplay(emulator, () => setText(screenText(emulator.buffer.active)));
    replay.current = made;
    return () => {
      replay.current = null;
      made.dispose();
      dispose();
    };
  }, [terminals.fontSize]);
  useEffect(() => replay.current?.show(moment), [moment]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      store.seek(null);
    } else if (event.key.length === 1 || event.key === 'Enter') {
      setNote(true);
    }
  };
  return (
    <section
      className="terminal-past"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and it answers a key with what keys do here
      tabIndex={0}
      aria-label={words.screenLabel(number)}
      data-recorded={moment !== null}
      onKeyDown={onKeyDown}
    >
      {/* Its twin is read instead. */}
      <div
        ref={holder}
        className="terminal-past-holder"
        aria-hidden="true"
        hidden={moment === null}
      />
      {moment === null ? null : <pre className="tr-sr">{text}</pre>}
      {moment === null ? <p className="terminal-past-none">{words.notRecorded}</p> : null}
      {note ? (
        <p className="terminal-note" role="status">
          {words.noKeys}
        </p>
      ) : null}
    </section>
  );
}

/** An event has a time in whole milliseconds; output within the last one belongs to it. */
function timeShown(t: number): number {
  return t + 1;
}

function openEmulator(
  parent: HTMLElement,
  fontSize: number,
): { readonly emulator: Terminal; readonly dispose: () => void } {
  const emulator = new Terminal({
    allowProposedApi: true,
    disableStdin: true,
    scrollback: SCROLLBACK_LINES,
    fontFamily: fontFamily(),
    fontSize,
    lineHeight: 1.2,
    cursorBlink: false,
    cursorInactiveStyle: 'outline',
    minimumContrastRatio: 4.5,
    theme: pastTheme(),
  });
  emulator.open(parent);
  // What is typed belongs to the section around it, which says where it goes.
  emulator.textarea?.setAttribute('tabindex', '-1');
  emulator.attachCustomKeyEventHandler(() => false);
  return { emulator, dispose: () => emulator.dispose() };
}

function fontFamily(): string {
  return (
    getComputedStyle(document.documentElement).getPropertyValue('--font-mono').trim() || 'monospace'
  );
}
