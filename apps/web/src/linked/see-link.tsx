'use client';
/** Words of the prose that are about a kernel object: it lights up while they are pointed at. */
import type { ReactNode } from 'react';
import { useTexts } from '../i18n/use-texts';
import { linkedStrings } from './strings';

/** @param props.path as `#see:` has it; resolved when it is needed, see linked-page.tsx */
export function SeeLink(props: { readonly path: string; readonly children: ReactNode }) {
  const { lang } = useTexts();
  return (
    <button
      type="button"
      className="see"
      data-see={props.path}
      title={linkedStrings(lang).shows}
      onClick={showLit}
    >
      {props.children}
    </button>
  );
}

/** Brings what is lit in the stage into sight. */
function showLit(): void {
  const lit = document.querySelector('.stage [data-lit="self"]');
  lit?.scrollIntoView({ block: 'nearest' });
}
