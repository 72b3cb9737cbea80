'use client';
/**
 * The tape of system calls: newest at the bottom, like a terminal. It follows until somebody
 * scrolls up, and says how many came meanwhile. A view of the folded state alone.
 */
import type { ProcessKey, TapedCall } from '@terrarium/timeline';
import { type RefObject, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { FactsPanel } from '../facts-panel.js';
import { EmptyVessel } from '../logo.js';
import { useAppear } from '../use-appear.js';
import { useHoverIntent } from '../use-hover-intent.js';
import { useRowTree } from '../use-row-tree.js';
import type { ViewProps } from '../view-props.js';
import { CallFacts, CallTitle } from './call-facts.js';
import { CallRow } from './call-row.js';
import { callerText, useCallers } from './caller.js';
import { callsStrings } from './strings.js';
import { TapeHead } from './tape-head.js';

export interface CallsViewProps extends ViewProps {
  /** switches the tape of system calls on or off; leave out where that is not possible */
  readonly onTrace?: (on: boolean) => void;
}

const NO_CALLS: readonly TapedCall[] = [];
/** Nearer to the end than this counts as at the end, pixels: less than a row. */
const AT_END_PX = 12;

export function CallsView(props: CallsViewProps) {
  const { state, lang } = props;
  const words = callsStrings(lang);
  const [process, setProcess] = useState<ProcessKey | null>(null);
  const [name, setName] = useState<string | null>(null);
  const [looked, look] = useHoverIntent<string>();
  const [selected, select] = useState<string | null>(null);
  const all = state.calls ?? NO_CALLS;
  const callerOf = useCallers(state);
  const calls = useMemo(
    () =>
      all.filter(
        (call) =>
          (process === null || call.process === process) && (name === null || call.name === name),
      ),
    [all, process, name],
  );
  const choose = (id: string): void => select((before) => (before === id ? null : id));
  const keyRows = useMemo(
    () =>
      calls.map((call) => ({
        ...{ id: `${call.seq}`, level: 1, expanded: undefined, text: call.name },
      })),
    [calls],
  );
  const table = useRowTree<string>(keyRows, {
    thingOf: (id) => id,
    toggle: () => {},
    choose,
    look,
  });
  const ids = useMemo(() => keyRows.map(({ id }) => id), [keyRows]);
  useAppear(table.ref, ids, `${state.sandbox?.id} ${process} ${name}`);
  const tail = useTail(calls);
  const callers = useMemo(() => [...new Set(all.map((call) => call.process))], [all]);
  const names = useMemo(() => [...new Set(all.map((call) => call.name))].sort(), [all]);
  const shown = (id: string | null): TapedCall | undefined =>
    id === null ? undefined : all.find(({ seq }) => `${seq}` === id);
  const card = shown(selected) ?? shown(looked) ?? null;
  const cardCaller = card === null ? null : callerOf(card.process);

  return (
    <div className="tr-view tr-calls" data-past={props.past || undefined}>
      <div className="tr-frame">
        <div className="tr-main">
          <TapeHead
            lang={lang}
            tracing={state.tracing ?? false}
            onTrace={props.past ? undefined : props.onTrace}
            count={all.length === 0 ? null : words.shown(calls.length, all.length)}
            filters={[
              {
                label: words.filterProcess,
                value: process,
                choices: callers.map((key) => ({ value: key, text: callerText(callerOf(key)) })),
                onChange: setProcess,
              },
              {
                label: words.filterCall,
                value: name,
                choices: names.map((one) => ({ value: one, text: one })),
                onChange: setName,
              },
            ]}
          />
          {calls.length === 0 && (
            <Empty lang={lang} tracing={state.tracing ?? false} filtered={all.length > 0} />
          )}
          <div
            className="tr-scroll"
            hidden={calls.length === 0}
            ref={tail.ref}
            onScroll={tail.onScroll}
            onPointerLeave={look.cancel}
          >
            <div {...table.props}>
              <table aria-label={words.calls} className="tr-tape">
                <thead>
                  <tr>
                    <th scope="col" className="tr-call-time">
                      {words.columnTime}
                    </th>
                    <th scope="col" className="tr-call-who">
                      {words.columnProcess}
                    </th>
                    <th scope="col">{words.columnCall}</th>
                    <th scope="col" className="tr-call-result">
                      {words.columnResult}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {calls.map((call) => {
                    const id = `${call.seq}`;
                    const caller = callerOf(call.process);
                    return (
                      <CallRow
                        key={id}
                        call={call}
                        comm={caller.comm}
                        pids={caller.pids.join(' → ')}
                        lang={lang}
                        active={id === table.active}
                        selected={id === selected}
                        highlighted={id === looked && looked !== selected}
                      />
                    );
                  })}
                </tbody>
              </table>
            </div>
          </div>
          {tail.missed !== null && calls.length > 0 && (
            <button type="button" className="tr-button tr-newest" onClick={tail.follow}>
              ↓ {words.newest(tail.missed)}
            </button>
          )}
        </div>
        <FactsPanel
          lang={lang}
          title={card === null ? null : <CallTitle call={card} />}
          pinned={card !== null && `${card.seq}` === selected}
          onPin={() => card !== null && choose(`${card.seq}`)}
        >
          {card !== null && cardCaller !== null && (
            <CallFacts
              state={state}
              call={card}
              caller={cardCaller}
              lang={lang}
              onShowInTerminal={props.onShowInTerminal}
            />
          )}
        </FactsPanel>
      </div>
    </div>
  );
}

function Empty(props: {
  readonly lang: CallsViewProps['lang'];
  readonly tracing: boolean;
  readonly filtered: boolean;
}) {
  const words = callsStrings(props.lang);
  const [title, help] = props.filtered
    ? [words.emptyFilter, '']
    : props.tracing
      ? [words.emptyOn, words.emptyOnHelp]
      : [words.emptyOff, words.emptyOffHelp];
  return (
    <div className="tr-empty tr-tape-empty">
      <EmptyVessel />
      <p>
        <b>{title}</b>
      </p>
      {help !== '' && <p>{help}</p>}
    </div>
  );
}

/** Keeps the end in sight until somebody scrolls up. */
function useTail(calls: readonly TapedCall[]): {
  readonly ref: RefObject<HTMLDivElement | null>;
  readonly onScroll: () => void;
  readonly follow: () => void;
  /** calls that came below since the end was left; null while it is in sight */
  readonly missed: number | null;
} {
  const ref = useRef<HTMLDivElement>(null);
  const [leftAt, setLeftAt] = useState<number | null>(null);
  const newest = calls.at(-1)?.seq ?? 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new call is the reason to scroll
  useLayoutEffect(() => {
    const { current } = ref;
    if (leftAt === null && current !== null) current.scrollTop = current.scrollHeight;
  }, [newest, leftAt]);
  return {
    ref,
    onScroll: () => {
      const { current } = ref;
      if (current === null) return;
      const rest = current.scrollHeight - current.clientHeight - current.scrollTop;
      if (rest <= AT_END_PX) setLeftAt(null);
      else setLeftAt((before) => before ?? newest);
    },
    follow: () => setLeftAt(null),
    missed: leftAt === null ? null : calls.filter(({ seq }) => seq > leftAt).length,
  };
}
