/** How many sandboxes may be alive. Taken before one is made, given back when it is gone. */
export class Capacity {
  readonly limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws CapacityError with what to do about it */
  take(): void {
    if (this.#taken >= this.limit) throw new CapacityError(this.limit);
    this.#taken += 1;
  }

  /** Counts one that was found at start, even beyond the limit: it is there. */
  adopt(): void {
    this.#taken += 1;
  }

  giveBack(): void {
    this.#taken -= 1;
  }
}

/** Every sandbox that may exist exists. */
export class CapacityError extends Error {
  constructor(limit: number) {
    super(
      `all ${limit} sandboxes are in use: close a page that is not needed and wait, or start Terrarium with a larger --sessions (TERRARIUM_SESSIONS)`,
    );
  }
}
