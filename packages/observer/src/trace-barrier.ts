/**
 * Waiting until the trace has told of all that has happened. A word is written into the trace; once
 * it has come back, all that was told before it has been read.
 *
 * Twice: every CPU has a buffer of its own, and a reader of trace_pipe takes the oldest line of
 * those that it sees. It may have looked at one CPU and found nothing, then rested while a line came
 * there, and then find the first word on the next CPU. The second word is written after that look:
 * whatever was there when the first was written is older, and now seen.
 */
const ROUNDS = 2;

export class TraceBarrier {
  private readonly mark: (word: string) => boolean;
  private readonly waiting = new Map<string, () => void>();
  private count = 0;

  /** @param mark writes a word into the trace; false when it cannot */
  constructor(mark: (word: string) => boolean) {
    this.mark = mark;
  }

  /**
   * Calls back when the trace has told of all that has happened by now; never, when it ends before.
   *
   * @returns false when the trace cannot be marked
   */
  wait(then: () => void): boolean {
    return this.round(ROUNDS, then);
  }

  /** A word was read among the lines. */
  passed(word: string): void {
    const next = this.waiting.get(word);
    this.waiting.delete(word);
    next?.();
  }

  /** The trace has ended, and what is in it will not be read. */
  forget(): void {
    this.waiting.clear();
  }

  private round(left: number, then: () => void): boolean {
    this.count += 1;
    const word = `barrier-${this.count}`;
    const next = left === 1 ? then : () => void this.round(left - 1, then);
    this.waiting.set(word, next);
    const marked = this.mark(word);
    if (!marked) this.waiting.delete(word);
    return marked;
  }
}
