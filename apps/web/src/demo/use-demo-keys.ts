'use client';
/**
 * The keys of a presentation. A clicker's PageDown and PageUp work wherever the keyboard is; all others
 * belong to the terminal, to a text field or to a dialog while it has the keyboard.
 */
import { useEffect, useRef } from 'react';

/** What keys can do. */
export interface KeyActions {
  next(): void;
  back(): void;
  jump(): void;
  notes(): void;
  help(): void;
  larger(by: 1 | -1): void;
  contrast(): void;
  laser(on: boolean): void;
  spotlight(): void;
  black(): void;
  timer(): void;
  fullscreen(): void;
  /** the n-th choice, from 1 on */
  answer(choice: number): void;
}

/** Listens while the page is shown. */
export function useDemoKeys(actions: KeyActions): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    let byKeyboard = false;
    const onPointer = (): void => {
      byKeyboard = false;
    };
    const onPage = (event: KeyboardEvent): void => {
      if (event.key === 'Tab') byKeyboard = true;
      if (isModified(event) || event.shiftKey || isInDialog(event.target)) return;
      if (event.key !== 'PageDown' && event.key !== 'PageUp') return;
      // Before the terminal, which would send them to its program.
      event.preventDefault();
      event.stopPropagation();
      if (event.repeat) return;
      if (event.key === 'PageDown') latest.current.next();
      else latest.current.back();
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || isModified(event) || belongsElsewhere(event, byKeyboard))
        return;
      const act = actionOf(event, latest.current);
      if (act === null) return;
      event.preventDefault();
      if (!event.repeat) act();
    };
    const onUp = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === 'l') latest.current.laser(false);
    };
    const onBlur = (): void => latest.current.laser(false);
    window.addEventListener('keydown', onPage, { capture: true });
    window.addEventListener('keydown', onKey);
    window.addEventListener('keyup', onUp);
    window.addEventListener('blur', onBlur);
    window.addEventListener('pointerdown', onPointer, { capture: true });
    return () => {
      window.removeEventListener('keydown', onPage, { capture: true });
      window.removeEventListener('keydown', onKey);
      window.removeEventListener('keyup', onUp);
      window.removeEventListener('blur', onBlur);
      window.removeEventListener('pointerdown', onPointer, { capture: true });
    };
  }, []);
}

function actionOf(event: KeyboardEvent, actions: KeyActions): (() => void) | null {
  if (/^[1-9]$/.test(event.key)) return () => actions.answer(Number(event.key));
  switch (event.key.toLowerCase()) {
    case ' ':
      return event.shiftKey ? actions.back : actions.next;
    case 'arrowright':
      return actions.next;
    case 'arrowleft':
      return actions.back;
    case 'j':
      return actions.jump;
    case 'n':
      return actions.notes;
    case '?':
    case 'f1':
      return actions.help;
    case '+':
    case '=':
      return () => actions.larger(1);
    case '-':
    case '_':
      return () => actions.larger(-1);
    case 'c':
      return actions.contrast;
    case 'l':
      return () => actions.laser(true);
    case 's':
      return actions.spotlight;
    case 'b':
    case '.':
      return actions.black;
    case 't':
      return actions.timer;
    case 'f':
      return actions.fullscreen;
    default:
      return null;
  }
}

function isModified(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.altKey || event.metaKey;
}

const WIDGETS =
  'button, a, summary, select, [role=tab], [role=treeitem], [role=row], [role=slider], [role=separator], [role=menuitem]';

/** Whoever came to a widget by keyboard means the widget; a click leaves the keys to the presentation. */
function belongsElsewhere(event: KeyboardEvent, byKeyboard: boolean): boolean {
  const { target } = event;
  if (!(target instanceof HTMLElement)) return false;
  if (isInDialog(target) || isInTerminal(target)) return true;
  if (target.closest('textarea, [contenteditable=true], [role=menu]') !== null) return true;
  if (target instanceof HTMLInputElement && target.type !== 'radio') return true;
  const isWidget = target instanceof HTMLInputElement || target.closest(WIDGETS) !== null;
  return isWidget && byKeyboard && !/^[a-z?]$/i.test(event.key);
}

function isInDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role=dialog], [role=alertdialog]') !== null;
}

/** Whether an element is in a terminal's screen. */
export function isInTerminal(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.terminal-screen') !== null;
}
