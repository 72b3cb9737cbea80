'use client';
/** Opens the moment that the address names, once the page knows its past; says so when it is forgotten. */
import { useEffect } from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore } from '../live/use-lab';
import { formatHash, parseHash } from './moment-link';
import { pastStrings } from './strings';

export function useMomentLink(): void {
  const { lang } = useTexts();
  const store = useLabStore();
  const ready = useLabPart((lab) => lab.welcome !== null && lab.hasState);
  useEffect(() => {
    if (!ready) return;
    const open = (): void => {
      const { step, moment } = parseHash(window.location.hash);
      if (moment === null) return;
      // Once opened it is done with: a reload shows the present.
      const { pathname, search } = window.location;
      const hash = formatHash(step, null);
      const address = `${pathname}${search}${hash === '' ? '' : `#${hash}`}`;
      window.history.replaceState(window.history.state, '', address);
      void store.recall().then(() => {
        const isKnown = store.get().welcome?.epoch === moment.epoch && store.seek(moment.seq);
        if (isKnown) return;
        store.seek(null);
        store.notify(pastStrings(lang).forgotten);
      });
    };
    open();
    window.addEventListener('hashchange', open);
    return () => window.removeEventListener('hashchange', open);
  }, [ready, store, lang]);
}
