'use client';
/** The show of the opening page: a real container, made purpose by purpose, with what it has so far. */
import { NamespaceGlyph } from '@terrarium/views';
import { useEffect, useMemo, useRef } from 'react';
import { Button } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { useLabPart } from '../live/use-lab';
import { progressOf } from '../stepper/tape';
import { lanesOf, ownKinds, rowsOf, type ShowRow } from './show';
import { openingStrings } from './strings';
import { type Show, useShow } from './use-show';

const KINDS = ['user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'time'] as const;

/** The card below the lead. */
export function OpeningShow() {
  const { lang } = useTexts();
  const show = useShow();
  const s = openingStrings(lang);
  const release = useLabPart((lab) => lab.state.sandbox?.kernelRelease);
  return (
    <section className="show" aria-labelledby="show-title" data-phase={show.phase}>
      <header className="show-head">
        <h2 id="show-title">{s.title}</h2>
        {release === undefined ? null : <p className="quiet">{s.here(release)}</p>}
        <ShowButtons show={show} />
      </header>
      <p className="show-says" role="status">
        {sentenceOf(show, s)}
      </p>
      {show.stepper === null ? null : <Making key={show.stepper.id} stepper={show.stepper} />}
    </section>
  );
}

function sentenceOf(show: Show, s: ReturnType<typeof openingStrings>): string {
  const { stepper } = show;
  switch (show.phase) {
    case 'waiting':
      return s.notReady;
    case 'idle':
      return show.soon ? s.soon : s.idle;
    case 'making':
      return s.making;
    case 'paused':
      return s.paused;
    case 'runs': {
      const program = stepper?.positions.find(({ end }) => end === 'program' || end === 'init');
      return s.runs(String(program?.pids[1] ?? ''));
    }
    case 'ended':
      return s.ended(stepper?.records.length ?? 0);
    case 'failed':
      return s.failed;
  }
}

function ShowButtons(props: { readonly show: Show }) {
  const { show } = props;
  const { lang } = useTexts();
  const s = openingStrings(lang);
  switch (show.phase) {
    case 'waiting':
      return null;
    case 'idle':
      return (
        <Button icon="run" onClick={show.start}>
          {s.watch}
        </Button>
      );
    case 'making':
      return <Button onClick={show.pause}>{s.pause}</Button>;
    case 'paused':
      return (
        <Button icon="run" onClick={show.resume}>
          {s.resume}
        </Button>
      );
    case 'runs':
      return <Button onClick={show.end}>{s.end}</Button>;
    case 'ended':
    case 'failed':
      return (
        <Button icon="reset" onClick={show.start}>
          {s.again}
        </Button>
      );
  }
}

function Making(props: { readonly stepper: NonNullable<Show['stepper']> }) {
  const { stepper } = props;
  const { lang } = useTexts();
  const s = openingStrings(lang);
  const { processes } = stepper;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the groups are the plan's, made once
  const lanes = useMemo(() => lanesOf(stepper), [processes]);
  const rows = useMemo(() => rowsOf(stepper, lanes), [stepper, lanes]);
  const { done, all } = progressOf(stepper);
  const own = ownKinds(stepper);
  const seen = useRef<ReadonlySet<string>>(own);
  // What it had at its best: when the container has ended, no process tells any more.
  if (own.size > 0) seen.current = own;
  return (
    <>
      <div className="show-meter">
        <progress value={done} max={all} aria-label={s.calls(done, all)} />
        <span className="facts">{s.calls(done, all)}</span>
      </div>
      <div className="show-body">
        <ShowRows rows={rows} />
        <div className="show-own">
          <h3 className="small-head">
            {s.own}: {s.ownCount(seen.current.size)}
          </h3>
          <ul className="ns-chips">
            {KINDS.map((kind) => (
              <li
                key={kind}
                className="ns-chip"
                data-kind={kind}
                data-own={seen.current.has(kind) || undefined}
              >
                <NamespaceGlyph kind={kind} size={12} />
                <span>{kind}</span>
              </li>
            ))}
          </ul>
        </div>
      </div>
    </>
  );
}

/** The newest at the bottom, in sight; the list may be scrolled back with the keyboard, too. */
function ShowRows(props: { readonly rows: readonly ShowRow[] }) {
  const { pick, lang } = useTexts();
  const list = useRef<HTMLOListElement>(null);
  const newest = props.rows.at(-1)?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever there is a newer one
  useEffect(() => {
    const box = list.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  }, [newest]);
  return (
    <ol
      ref={list}
      className="show-rows"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
      tabIndex={0}
      aria-label={openingStrings(lang).list}
    >
      {props.rows.map((row) => (
        <li key={row.key} data-newest={row.key === newest || undefined}>
          <code>{row.syscalls}</code>
          <span>{pick(row.purpose)}</span>
        </li>
      ))}
    </ol>
  );
}
