/**
 * Sets an attribute on every element of the page that is about one of some subjects, and keeps it
 * right while React replaces elements. Plain DOM on purpose: no view needs a prop for it, and five
 * hundred rows are not rendered again because a pointer moved.
 */
import type { Subject } from '@terrarium/timeline';

/** What an element is about: a row or node by `data-subject`, a sentence by its link's path. */
export type SubjectOf = (element: HTMLElement) => Subject | null;

/** Elements that are about something. */
export const ABOUT = '[data-subject], [data-see]';
/** Where such elements come and go; the terminals' screens change a thousand times a second. */
const AREAS = '.stage, .reader-pane, .bottom';

export interface SubjectMarksOptions {
  readonly root: HTMLElement;
  readonly attribute: string;
  readonly subjectOf: SubjectOf;
}

/** One attribute and the values that it has by subject. */
export class SubjectMarks {
  readonly #options: SubjectMarksOptions;
  readonly #observer: MutationObserver;
  readonly #marked = new Set<HTMLElement>();
  #values: ReadonlyMap<Subject, string> = new Map();
  #frame = 0;

  constructor(options: SubjectMarksOptions) {
    this.#options = options;
    this.#observer = new MutationObserver(() => this.#later());
  }

  /** Sets the attribute to these values, and takes it off everything else. */
  set(values: ReadonlyMap<Subject, string>): void {
    const was = this.#values.size > 0;
    this.#values = values;
    this.#apply();
    if (values.size > 0 === was) return;
    if (was) this.#observer.disconnect();
    else this.#observe();
  }

  clear(): void {
    if (this.#values.size > 0) this.set(new Map());
  }

  #observe(): void {
    const attributeFilter = ['data-subject'];
    for (const area of this.#options.root.querySelectorAll(AREAS)) {
      this.#observer.observe(area, { childList: true, subtree: true, attributeFilter });
    }
  }

  /** Once a frame, however many changes React has made. */
  #later(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#apply();
    });
  }

  #apply(): void {
    const { root, attribute, subjectOf } = this.#options;
    if (this.#values.size === 0) {
      for (const element of this.#marked) element.removeAttribute(attribute);
      this.#marked.clear();
      return;
    }
    for (const element of root.querySelectorAll<HTMLElement>(ABOUT)) {
      const about = subjectOf(element);
      const value = about === null ? undefined : this.#values.get(about);
      if (value !== undefined) {
        if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
        this.#marked.add(element);
      } else if (this.#marked.delete(element)) element.removeAttribute(attribute);
    }
    for (const element of this.#marked) if (!element.isConnected) this.#marked.delete(element);
  }
}
