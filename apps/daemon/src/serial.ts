/** Runs asynchronous actions one after the other, in the order asked for. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Actions that have not ended yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves or rejects as the action does; a failed one does not stop those behind it. */
  run<T>(action: () => Promise<T>): Promise<T> {
    this.#pending += 1;
    const result = this.#tail.then(action).finally(() => {
      this.#pending -= 1;
    });
    // The caller has the failure; here it only must not break the chain.
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
