'use client';
/** A term in the prose: a button whose popover has the glossary's definition, loaded when it is asked for. */
import { lazy, type ReactNode, Suspense, useRef, useState } from 'react';

const TermCard = lazy(() => import('./term-card'));

/** @param props.id of the term */
export function TermLink(props: { readonly id: string; readonly children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        ref={trigger}
        type="button"
        className="term"
        aria-haspopup="dialog"
        aria-expanded={open}
        data-state={open ? 'open' : 'closed'}
        onClick={() => setOpen(!open)}
      >
        {props.children}
      </button>
      {open ? (
        <Suspense>
          <TermCard id={props.id} trigger={trigger} onClose={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </>
  );
}
