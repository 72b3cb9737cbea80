'use client';
/** The way to the command palette: Ctrl+K, or the button in the header. It is loaded when it is opened. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { IconButton } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { paletteStrings } from './strings';

const PaletteDialog = lazy(async () => ({
  default: (await import('./palette-dialog')).PaletteDialog,
}));

/** The button, and the dialog when it was opened once. */
export function PaletteButton() {
  const { lang } = useTexts();
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState(false);
  const show = (on: boolean): void => {
    setOpen(on);
    if (on) setWanted(true);
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isOurs = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey);
      if (!isOurs || event.altKey || event.shiftKey || isOthers(event.target)) return;
      event.preventDefault();
      setWanted(true);
      setOpen(true);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <>
      <IconButton
        icon="search"
        label={`${paletteStrings(lang).open} (Ctrl+K)`}
        aria-haspopup="dialog"
        onClick={() => show(true)}
      />
      {wanted ? (
        <Suspense fallback={null}>
          <PaletteDialog open={open} onOpenChange={show} />
        </Suspense>
      ) : null}
    </>
  );
}

/** In the terminal Ctrl+K is the shell's, in the editor the editor's. */
function isOthers(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.terminal-screen, .cm-editor') !== null;
}
