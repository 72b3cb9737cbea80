/**
 * Linked highlighting: what the pointer or the keyboard's focus rests on lights up everywhere, with
 * what belongs to it. Listens on the page as a whole; elements only have to say what they are about.
 */
import type { Subject } from '@terrarium/timeline';
import { ABOUT, SubjectMarks, type SubjectOf } from './subject-marks';

export interface LightingOptions {
  readonly root: HTMLElement;
  readonly subjectOf: SubjectOf;
  /** itself and all that lights up with it */
  readonly related: (about: Subject) => ReadonlySet<Subject>;
  /** for those that have no elements: lines of a terminal */
  readonly onLit?: (subjects: ReadonlySet<Subject>) => void;
}

const NOTHING: ReadonlySet<Subject> = new Set();

/** Make it once per page, `stop` it with the page. */
export class Lighting {
  readonly #options: LightingOptions;
  readonly #marks: SubjectMarks;
  readonly #stop = new AbortController();
  #pointed: HTMLElement | null = null;
  #focused: HTMLElement | null = null;
  #about: Subject | null = null;

  constructor(options: LightingOptions) {
    this.#options = options;
    const { root, subjectOf } = options;
    this.#marks = new SubjectMarks({ root, attribute: 'data-lit', subjectOf });
    const { signal } = this.#stop;
    const point = (event: Event): void => this.#point(sourceOf(event.target));
    root.addEventListener('pointerover', point, { signal });
    root.addEventListener('pointerleave', () => this.#point(null), { signal });
    root.addEventListener('focusin', (event) => this.#focus(event.target), { signal });
    root.addEventListener('focusout', () => this.#focus(null), { signal });
  }

  /** The kernel's state is another: what belongs to what may be, too. */
  refresh(): void {
    if (this.#pointed !== null || this.#focused !== null) this.#light(true);
  }

  stop(): void {
    this.#stop.abort();
    this.#pointed = null;
    this.#focused = null;
    this.#light(true);
  }

  #point(source: HTMLElement | null): void {
    if (source === this.#pointed) return;
    this.#pointed = source;
    this.#light(false);
  }

  /** Only a focus that shows: a click on a row is no question about it. */
  #focus(target: EventTarget | null): void {
    const source = sourceOf(target);
    this.#focused = source?.matches(':focus-visible') === true ? source : null;
    this.#light(false);
  }

  #light(again: boolean): void {
    const source = this.#pointed ?? this.#focused;
    const about = source?.isConnected === true ? this.#options.subjectOf(source) : null;
    if (about === this.#about && !again) return;
    this.#about = about;
    const lit = about === null ? NOTHING : this.#options.related(about);
    this.#marks.set(new Map([...lit].map((one) => [one, one === about ? 'self' : 'related'])));
    this.#options.onLit?.(lit);
  }
}

function sourceOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(ABOUT) : null;
}
