/**
 * The last bytes of one terminal's output, addressed by offset. It is the only queue of output:
 * every client, and the mirror, is a position in it.
 */

/**
 * Kept per terminal that has printed so much: what a client may miss and still be continued byte
 * for byte, and what the mirror is given at once in a flood.
 */
export const RING_BYTES = 512 * 1024;
/** A shell that prints its prompt and nothing else costs this much. */
const FIRST_BYTES = 4 * 1024;

/** A byte ring that grows by doubling up to its capacity, then forgets its oldest bytes. */
export class OutputRing {
  readonly #capacity: number;
  #buffer: Buffer;
  #end: number;
  /** offset of the oldest byte kept */
  #start: number;

  /** @param origin offset of the first byte that will be appended */
  constructor(origin: number, capacity: number = RING_BYTES) {
    this.#capacity = capacity;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(FIRST_BYTES, capacity));
    this.#start = origin;
    this.#end = origin;
  }

  /** Offset of the oldest byte kept. */
  get start(): number {
    return this.#start;
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#end;
  }

  /** Adds bytes (copied). */
  append(bytes: Uint8Array): void {
    this.#reserve(this.#end - this.#start + bytes.length);
    const size = this.#buffer.length;
    const kept = bytes.length > size ? bytes.subarray(bytes.length - size) : bytes;
    this.#end += bytes.length;
    this.#start = Math.max(this.#start, this.#end - size);
    const at = (this.#end - kept.length) % size;
    const first = Math.min(kept.length, size - at);
    this.#buffer.set(kept.subarray(0, first), at);
    if (first < kept.length) this.#buffer.set(kept.subarray(first), 0);
  }

  /** Copies the bytes [offset, offset + length) to `target` at `at`; all of them must be kept. */
  copy(offset: number, length: number, target: Buffer, at: number): void {
    if (offset < this.#start || offset + length > this.#end) {
      throw new RangeError(`bytes ${offset}+${length} are not in [${this.#start}, ${this.#end})`);
    }
    const size = this.#buffer.length;
    const from = offset % size;
    const first = Math.min(length, size - from);
    this.#buffer.copy(target, at, from, from + first);
    if (first < length) this.#buffer.copy(target, at + first, 0, length - first);
  }

  /** Forgets everything; the count goes on. */
  clear(): void {
    this.#start = this.#end;
  }

  #reserve(wanted: number): void {
    let size = this.#buffer.length;
    if (wanted <= size || size === this.#capacity) return;
    while (size < wanted && size < this.#capacity) size = Math.min(size * 2, this.#capacity);
    const kept = this.#end - this.#start;
    const linear = Buffer.allocUnsafe(kept);
    this.copy(this.#start, kept, linear, 0);
    this.#buffer = Buffer.allocUnsafeSlow(size);
    const at = this.#start % size;
    const first = Math.min(kept, size - at);
    linear.copy(this.#buffer, at, 0, first);
    if (first < kept) linear.copy(this.#buffer, 0, first);
  }
}
