'use client';
/** Says which moment is shown instead of the present, and what can be done with it. */
import type { Lesson, Step } from '@terrarium/lesson';
import { agoText, momentText, trackOf } from '@terrarium/views';
import { useState } from 'react';
import { Button } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { FreshSandboxDialog } from '../lesson/reset-dialog';
import { useLabPart, useLabStore } from '../live/use-lab';
import { copyText } from '../terminal/terminal-session';
import { ExportDialog } from './export-dialog';
import { formatHash, parseHash } from './moment-link';
import { restartStep } from './restart-step';
import { type PastStrings, pastStrings } from './strings';

/** Above the panes while the page looks back; nothing at all in the present. */
export function PastBanner(props: { readonly lesson: Lesson }) {
  const { lang, pick } = useTexts();
  const words = pastStrings(lang);
  const store = useLabStore();
  const past = useLabPart((lab) => lab.past);
  const history = useLabPart((lab) => lab.history);
  const recall = useLabPart((lab) => lab.recall);
  const statuses = useLabPart((lab) => lab.steps);
  const [copied, setCopied] = useState<number | null>(null);
  if (past === null) return null;
  const track = trackOf(history);
  const now = store.serverTime(Date.now());
  const what = momentText(track, past.seq, lang);
  const ago = agoText(track.timeOf(past.seq), now, lang);
  const step = restartStep(props.lesson, statuses, history, past.seq);
  const copy = (): void => {
    const epoch = store.get().welcome?.epoch;
    if (epoch === undefined) return;
    copyText(momentAddress({ epoch, seq: past.seq }));
    setCopied(past.seq);
  };
  return (
    <section className="past-banner" aria-label={words.banner}>
      <p className="past-moment" role="status">
        <strong>{words.banner}.</strong> <Sentence text={words.moment(what, ago)} />
        {recall === 'loading' ? <span className="quiet"> {words.loading}</span> : null}
        {recall === 'failed' ? <span className="quiet"> {words.failed}</span> : null}
      </p>
      <div className="past-actions">
        <Button look="primary" onClick={() => store.seek(null)}>
          {words.back}
        </Button>
        <Button look="quiet" onClick={copy} title={words.copyWhat}>
          {copied === past.seq ? words.copied : words.copy}
        </Button>
        {step === null ? null : (
          <StartAgain lesson={props.lesson.id} step={step} title={pick(step.title)} words={words} />
        )}
        <ExportDialog lesson={props.lesson.id} />
      </div>
    </section>
  );
}

/** A sentence whose `code` is code. */
function Sentence(props: { readonly text: string }) {
  const parts = props.text.split('`');
  return (
    <span>
      {parts.map((part, i) => {
        const key = `${i}:${part}`;
        return i % 2 === 1 ? <code key={key}>{part}</code> : <span key={key}>{part}</span>;
      })}
    </span>
  );
}

function StartAgain(props: {
  readonly lesson: string;
  readonly step: Step;
  readonly title: string;
  readonly words: PastStrings;
}) {
  const { lesson, step, title, words } = props;
  const store = useLabStore();
  const again = (): void => {
    store.send({ type: 'step.reset', lesson, step: step.id });
    store.seek(null);
  };
  return (
    <FreshSandboxDialog
      trigger={words.again}
      title={words.againTitle(title)}
      body={words.againBody(title)}
      keep={words.keep}
      confirm={words.againConfirm}
      onConfirm={again}
    />
  );
}

/** The page's address with the moment in it. */
function momentAddress(moment: { readonly epoch: string; readonly seq: number }): string {
  const url = new URL(window.location.href);
  url.hash = formatHash(parseHash(url.hash).step, moment);
  return url.href;
}
