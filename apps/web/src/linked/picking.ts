/**
 * Answering by pointing: while it lasts, a click or Enter on a node of the stage is the answer and
 * nothing else. Plain DOM: views know nothing of it.
 */
import type { ViewName } from '@terrarium/lesson';
import type { Subject } from '@terrarium/timeline';

/** Which subjects are nodes of a view that may be an answer. */
const CANDIDATES: Readonly<Partial<Record<ViewName, readonly string[]>>> = {
  processes: ['process:'],
  namespaces: ['namespace:', 'process:'],
  mounts: ['mount:'],
  cgroups: ['cgroup:'],
  layers: ['overlay:'],
  network: ['link:', 'namespace:'],
};

export interface PickingOptions {
  readonly stage: HTMLElement;
  readonly view: ViewName;
  readonly onPick: (about: Subject) => void;
  readonly onCancel: () => void;
}

/** Listens until the returned function is called. The stage says so by `data-picking`. */
export function listenForPick(options: PickingOptions): () => void {
  const { stage, view, onPick, onCancel } = options;
  const stop = new AbortController();
  const take = (event: Event): void => {
    const about = candidateOf(event.target, view);
    if (about === null) return;
    event.preventDefault();
    event.stopPropagation();
    onPick(about);
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') take(event);
  };
  const leave = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || inTerminal(event.target)) return;
    event.stopPropagation();
    onCancel();
  };
  // Before the views hear of it: a click would also pin a card.
  stage.addEventListener('click', take, { capture: true, signal: stop.signal });
  stage.addEventListener('keydown', key, { capture: true, signal: stop.signal });
  document.addEventListener('keydown', leave, { capture: true, signal: stop.signal });
  stage.setAttribute('data-picking', view);
  focusCandidates(stage, stop.signal);
  return () => {
    stop.abort();
    stage.removeAttribute('data-picking');
  };
}

/** Frames that a view may take to draw its tree. */
const MAX_FRAMES = 60;

/** Puts the keyboard where the choice begins: the one tab stop of the view's tree, once it is there. */
function focusCandidates(stage: HTMLElement, stop: AbortSignal, frame = 0): void {
  const first = stage.querySelector<HTMLElement>('[role="tree"] [tabindex="0"]');
  if (first !== null) first.focus();
  else if (frame < MAX_FRAMES && !stop.aborted) {
    requestAnimationFrame(() => focusCandidates(stage, stop, frame + 1));
  }
}

/** There it is the shell's key. */
function inTerminal(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.term-screen') !== null;
}

function candidateOf(target: EventTarget | null, view: ViewName): Subject | null {
  if (!(target instanceof Element)) return null;
  const node = target.closest<HTMLElement>('[data-subject]');
  const about = node?.dataset['subject'];
  if (about === undefined || node?.dataset['gone'] !== undefined) return null;
  return CANDIDATES[view]?.some((kind) => about.startsWith(kind)) === true ? about : null;
}
