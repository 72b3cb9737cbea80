/** The terminals of a recording at one time, read-only, side by side or one below the other. */
import type { TapeMoment, TerminalTape } from '@terrarium/timeline';
import { ScreenReplay, screenText, terminalTheme } from '@terrarium/views';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef, useState } from 'react';
import type { PlayerStrings } from './strings.js';

const SCROLLBACK_LINES = 1000;
const FONT_PX = 13;

export function Terminals(props: {
  readonly tapes: ReadonlyMap<string, TerminalTape>;
  readonly t: number;
  readonly words: PlayerStrings;
}) {
  const { tapes, t, words } = props;
  return (
    <section className="player-terminals" aria-label={words.terminals}>
      {tapes.size === 0 ? <p className="player-quiet">{words.noTerminals}</p> : null}
      {[...tapes].map(([id, tape], i) => (
        <Screen key={id} moment={tape.at(t)} label={words.terminal(i + 1)} empty={words.noOutput} />
      ))}
    </section>
  );
}

function Screen(props: {
  readonly moment: TapeMoment | null;
  readonly label: string;
  readonly empty: string;
}) {
  const { moment } = props;
  const holder = useRef<HTMLDivElement>(null);
  const replay = useRef<ScreenReplay | null>(null);
  const [text, setText] = useState('');
  useEffect(() => {
    if (holder.current === null) return;
    const terminal = openTerminal(holder.current);
    const made = new ScreenReplay(terminal, () => setText(screenText(terminal.buffer.active)));
    replay.current = made;
    return () => {
      made.dispose();
      terminal.dispose();
    };
  }, []);
  const segment = moment?.segment;
  const count = moment?.count;
  // biome-ignore lint/correctness/useExhaustiveDependencies: two moments are the same when these are
  useEffect(() => replay.current?.show(moment), [segment, count]);
  return (
    <section className="player-screen" aria-label={props.label}>
      <h2>{props.label}</h2>
      {moment === null ? <p className="player-quiet">{props.empty}</p> : null}
      {/* Its twin is read instead: drawn once a moment, not with every byte. */}
      <div ref={holder} className="player-holder" aria-hidden="true" hidden={moment === null} />
      {moment === null ? null : <pre className="tr-sr">{text}</pre>}
    </section>
  );
}

function openTerminal(parent: HTMLElement): Terminal {
  const style = getComputedStyle(document.documentElement);
  const terminal = new Terminal({
    allowProposedApi: true,
    disableStdin: true,
    scrollback: SCROLLBACK_LINES,
    fontFamily: style.getPropertyValue('--font-mono').trim() || 'monospace',
    fontSize: FONT_PX,
    lineHeight: 1.2,
    cursorInactiveStyle: 'outline',
    minimumContrastRatio: 4.5,
    theme: terminalTheme(),
  });
  terminal.open(parent);
  terminal.textarea?.setAttribute('tabindex', '-1'); // nothing to type here
  return terminal;
}
