/**
 * How much output may be in flight to one client: pure accounting, no socket.
 *
 * A client acknowledges offsets that its emulator has drawn. Sending stops at HIGH_WATER in flight
 * and starts again below LOW_WATER, so that a client that stops reading holds a bounded amount of
 * memory: nothing here queues, the bytes stay in the ring, or are forgotten and replaced by a
 * restored screen.
 */

import { HIGH_WATER, LOW_WATER } from '@terrarium/protocol';

/** The credit of one client. */
export class Credit {
  #sent: number;
  #acked: number;
  /** the largest offset ever sent: an acknowledgement beyond it is a lie */
  #highest: number;
  #stalled = false;

  constructor(offset: number) {
    this.#sent = offset;
    this.#acked = offset;
    this.#highest = offset;
  }

  /** Offset of the next byte to send. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes sent and not acknowledged. */
  get inFlight(): number {
    return this.#sent - this.#acked;
  }

  /** True from HIGH_WATER on until the acknowledgements bring it below LOW_WATER. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** Bytes that may be sent now. */
  get room(): number {
    return this.#stalled ? 0 : HIGH_WATER - this.inFlight;
  }

  /** Counts output that goes to the client. */
  send(bytes: number): void {
    this.#sent += bytes;
    this.#highest = Math.max(this.#highest, this.#sent);
    this.#update();
  }

  /**
   * Counts a restored screen: the output goes on at `offset`, and the screen's own bytes are in
   * flight until that offset is acknowledged.
   */
  restore(offset: number, bytes: number): void {
    this.#sent = offset;
    this.#acked = offset - bytes;
    this.#highest = Math.max(this.#highest, offset);
    this.#stalled = false;
    this.#update();
  }

  /** @returns false when the client acknowledges what it was never sent */
  ack(offset: number): boolean {
    if (offset > this.#highest) return false;
    // Late acknowledgements of what a restore has replaced count as far as the new position.
    this.#acked = Math.max(this.#acked, Math.min(offset, this.#sent));
    this.#update();
    return true;
  }

  #update(): void {
    if (this.inFlight >= HIGH_WATER) this.#stalled = true;
    else if (this.inFlight < LOW_WATER) this.#stalled = false;
  }
}
