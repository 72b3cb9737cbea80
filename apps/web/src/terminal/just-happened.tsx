'use client';
/**
 * "What just happened?" below the terminals: the newest command's kernel diff in a few sentences.
 * Closed until somebody asks; the choice is kept. Open, it has one height whatever it says: the
 * shells above must not be resized by it. It speaks politely, once a command's facts have settled.
 */
import { attributionOf, commandDiff } from '@terrarium/timeline';
import { tellDiff } from '@terrarium/views';
import { Fragment, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Button } from '../components/button';
import { Icon } from '../components/icons';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore, usePreferences } from '../live/use-lab';
import { happenedStrings } from './happened-strings';

/** Sentences of the card; the tab Commands has all objects. */
const SENTENCES = 6;
/** What a command did is told by several sources: how long it may take until it is said, ms. */
const SETTLE_MS = 400;

/** @param props.onAll shows everything that a command did */
export function JustHappened(props: { readonly onAll: (command: string) => void }) {
  const { lang } = useTexts();
  const { preferences, prefer } = usePreferences();
  const words = happenedStrings(lang);
  const open = preferences.told === '1';
  const card = useId();
  return (
    <div className="happened" data-open={open}>
      <button
        type="button"
        className="happened-toggle"
        aria-expanded={open}
        aria-controls={open ? card : undefined}
        title={words.show}
        onClick={() => prefer('told', open ? '0' : '1')}
      >
        <Icon name={open ? 'chevron' : 'up'} size={12} />
        {words.label}
      </button>
      {open ? <Card id={card} onAll={props.onAll} /> : null}
    </div>
  );
}

function Card(props: { readonly id: string; readonly onAll: (command: string) => void }) {
  const { lang } = useTexts();
  const words = happenedStrings(lang);
  const told = useNewest();
  if (told === null) {
    return (
      <section id={props.id} className="happened-card" aria-label={words.label}>
        <p className="quiet">{words.none}</p>
      </section>
    );
  }
  const rest = told.sentences.length - SENTENCES;
  return (
    <section id={props.id} className="happened-card" aria-label={words.label}>
      <header>
        <code className="happened-line">
          <span className="prompt" aria-hidden="true">
            ${' '}
          </span>
          {told.line ?? words.unnamed}
        </code>
        {told.running ? <span className="quiet">{words.running}</span> : null}
        <Button look="quiet" title={words.allWhat} onClick={() => props.onAll(told.id)}>
          {words.all}
        </Button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <div role="log" aria-live="polite" aria-label={told.line ?? words.unnamed} tabIndex={0}>
        <ul>
          {told.sentences.slice(0, SENTENCES).map((sentence) => (
            <li key={sentence}>{marked(sentence)}</li>
          ))}
          {rest > 0 ? <li className="quiet">{words.more(rest)}</li> : null}
        </ul>
      </div>
    </section>
  );
}

interface Told {
  readonly id: string;
  readonly line: string | null;
  readonly running: boolean;
  readonly sentences: readonly string[];
}

/** The newest command, or the newest one by the moment that is looked back to. */
function useNewest(): Told | null {
  const { lang } = useTexts();
  const store = useLabStore();
  const history = useLabPart((lab) => lab.history);
  const newest = useSettled(useLabPart((lab) => lab.state.seq));
  const position = useLabPart((lab) => lab.past?.seq ?? null);
  // A page that was opened just now knows no command from before; the daemon does.
  useEffect(() => void store.recall(), [store]);
  // The history grows in place; `newest` says so.
  return useMemo(() => {
    const upTo = position ?? newest;
    const span = attributionOf(history)
      .spans()
      .findLast(({ startSeq }) => startSeq <= upTo);
    const diff = span === undefined ? null : commandDiff(history, span.id);
    if (span === undefined || diff === null) return null;
    const { id, line, endedAt } = span;
    return { id, line, running: endedAt === null, sentences: tellDiff(diff, lang) };
  }, [history, newest, position, lang]);
}

/** Follows a value that changes often, at most once in SETTLE_MS, and always ends at its last one. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  const latest = useRef(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  latest.current = value;
  useEffect(() => {
    if (timer.current !== undefined || value === settled) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      setSettled(latest.current);
    }, SETTLE_MS);
  }, [value, settled]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return settled;
}

/** Sets the names, which stand in backticks, as code. */
function marked(sentence: string) {
  return sentence.split('`').map((part, at) => {
    const key = `${at} ${part}`;
    return at % 2 === 1 ? <code key={key}>{part}</code> : <Fragment key={key}>{part}</Fragment>;
  });
}
