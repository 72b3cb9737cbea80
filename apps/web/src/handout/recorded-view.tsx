'use client';
/** A figure: a recorded state, drawn by the same view that draws the live one. */
import { Suspense } from 'react';
import type { RecordedFigure } from '../content/figures';
import { useTexts } from '../i18n/use-texts';
import { StateView } from '../lesson/state-view';
import { handoutStrings } from './strings';

/** With a caption that says what it is, when and on which kernel it was recorded. */
export function RecordedView(props: RecordedFigure) {
  const { figure, number, title } = props;
  const { t, lang, pick } = useTexts();
  const s = handoutStrings(lang);
  // In UTC: the server draws it, too, and has another zone than the reader.
  const when = new Date(figure.recordedAt).toISOString().slice(0, 10);
  return (
    <figure className="recorded" data-view={figure.view}>
      <div className="recorded-view">
        <Suspense fallback={null}>
          <StateView view={figure.view} state={figure.state} lang={lang} onTrace={nothing} />
        </Suspense>
      </div>
      <figcaption>
        <strong>{s.recorded}</strong> {s.figureOf(number, pick(title), t.stage.views[figure.view])}{' '}
        · {s.recordedAt(when, figure.kernel, figure.cgroup)}
      </figcaption>
    </figure>
  );
}

/** The tape of a recorded state has no switch. */
function nothing(): void {}
