'use client';
/** The lesson's recorded figure on its page, as long as there is no lab to show anything live. */
import { usePathname } from 'next/navigation';
import { useEffect, useState } from 'react';
import type { RecordedFigure } from '../content/figures';
import { useTexts } from '../i18n/use-texts';
import { RecordedView } from './recorded-view';
import { handoutStrings } from './strings';

/** Nothing where the lesson has no figure, or the page's server is away, too. */
export default function MeanwhileFigure() {
  const { lang } = useTexts();
  const path = usePathname().replace(/\/$/, '');
  const [recorded, setRecorded] = useState<RecordedFigure | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    fetch(`${path}/figure.json`, { signal: gone.signal })
      .then((answer) => (answer.ok ? (answer.json() as Promise<RecordedFigure>) : null))
      .then(setRecorded)
      .catch(() => {}); // the gate says what is wrong; this is only more to look at
    return () => gone.abort();
  }, [path]);
  if (recorded === null) return null;
  return (
    <div className="meanwhile">
      <p>{handoutStrings(lang).meanwhile}</p>
      <RecordedView {...recorded} />
    </div>
  );
}
