/**
 * The newest events of a timeline as JSON, for pages that missed a few. Texts and not objects: that
 * is what such a page is sent, and they take half the memory. Pure.
 */

/** Events in order of their numbers, without a gap; the oldest go when a bound is reached. */
export class EventRing {
  private readonly maxEvents: number;
  private readonly maxChars: number;
  private texts: string[] = [];
  /** texts before this index are let go; the list is cut only when half of it is */
  private head = 0;
  private chars = 0;
  /** number of the event at `head` */
  private oldest = 1;

  /** @param maxChars of all texts together */
  constructor(maxEvents: number, maxChars: number) {
    this.maxEvents = maxEvents;
    this.maxChars = maxChars;
  }

  /** Adds events numbered from `first`, which follow those before. */
  push(first: number, texts: readonly string[]): void {
    if (this.head === this.texts.length) this.oldest = first;
    for (const text of texts) {
      this.texts.push(text);
      this.chars += text.length;
    }
    while (this.length > 0 && (this.length > this.maxEvents || this.chars > this.maxChars)) {
      this.letGo();
    }
  }

  /** The events after number `seq`, or null when they are no longer all here. */
  since(seq: number): readonly string[] | null {
    if (this.length === 0 || seq < this.oldest - 1) return null;
    return this.texts.slice(this.head + seq - this.oldest + 1);
  }

  private get length(): number {
    return this.texts.length - this.head;
  }

  private letGo(): void {
    this.chars -= this.texts[this.head]?.length ?? 0;
    this.texts[this.head] = ''; // the list stays, its text need not
    this.head += 1;
    this.oldest += 1;
    if (this.head < this.texts.length / 2) return;
    this.texts = this.texts.slice(this.head);
    this.head = 0;
  }
}
