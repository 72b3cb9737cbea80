/**
 * Follows a byte stream just closely enough to know where it is between two sequences: not inside
 * an escape sequence, not inside a UTF-8 character. A restored screen may be continued only from
 * such an offset, or the rest of a sequence would be drawn as text.
 */

type State = 'ground' | 'escape' | 'csi' | 'string' | 'string-escape' | 'utf8';

const ESC = 0x1b;

/** Feed it every byte of one terminal. */
export class GroundTracker {
  #state: State = 'ground';
  /** continuation bytes that the present UTF-8 character still needs */
  #missing = 0;
  #offset: number;
  /** where the present sequence began */
  #began: number;

  /** @param origin offset of the first byte that will be fed */
  constructor(origin: number) {
    this.#offset = origin;
    this.#began = origin;
  }

  /** The last offset that is between two sequences. */
  get ground(): number {
    return this.#state === 'ground' ? this.#offset : this.#began;
  }

  /** Offset after the last byte fed. */
  get offset(): number {
    return this.#offset;
  }

  /** Goes on behind bytes that end with a whole character between two sequences. */
  skip(length: number): void {
    if (length === 0) return;
    this.#offset += length;
    this.#state = 'ground';
  }

  feed(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (this.#state === 'ground' && byte < 0x80 && byte !== ESC) continue;
      this.#next(byte, this.#offset + i);
    }
    this.#offset += bytes.length;
  }

  #next(byte: number, at: number): void {
    switch (this.#state) {
      case 'ground':
        this.#begin(byte, at);
        return;
      case 'utf8':
        if ((byte & 0xc0) !== 0x80)
          this.#begin(byte, at); // broken: this byte starts anew
        else if (--this.#missing === 0) this.#state = 'ground';
        return;
      case 'escape':
        if (byte === 0x5b) this.#state = 'csi';
        else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f)
          this.#state = 'string'; // OSC DCS SOS PM APC
        else if (byte >= 0x30 && byte <= 0x7e) this.#state = 'ground';
        else this.#cancel(byte, at);
        return;
      case 'csi':
        if (byte >= 0x40 && byte <= 0x7e) this.#state = 'ground';
        else this.#cancel(byte, at);
        return;
      case 'string':
        if (byte === 0x07) this.#state = 'ground';
        else if (byte === ESC) this.#state = 'string-escape';
        else if (byte === 0x18 || byte === 0x1a) this.#state = 'ground';
        return;
      case 'string-escape':
        if (byte === 0x5c) this.#state = 'ground';
        else {
          this.#state = 'escape';
          this.#began = at - 1;
          this.#next(byte, at);
        }
        return;
    }
  }

  #begin(byte: number, at: number): void {
    this.#began = at;
    if (byte === ESC) this.#state = 'escape';
    else if (byte >= 0xc2 && byte <= 0xf4) {
      this.#state = 'utf8';
      this.#missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    } else this.#state = 'ground';
  }

  /** CAN and SUB end a sequence, ESC starts another; other bytes belong to it. */
  #cancel(byte: number, at: number): void {
    if (byte === 0x18 || byte === 0x1a) this.#state = 'ground';
    else if (byte === ESC) this.#begin(byte, at);
  }
}
