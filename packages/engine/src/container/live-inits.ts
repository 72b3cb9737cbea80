/**
 * Inits held by a pidfd each, so that no signal and no wait can mean a later process with the same
 * pid. Host root, host pid namespace. An init that our own player made is its child: its exit
 * status is heard; of any other only the end.
 */
import { closeSync } from 'node:fs';
import {
  hasEnded,
  type Player,
  pidfdOpen,
  pidfdSendSignal,
  SIGNALS,
  SyscallError,
} from '@terrarium/syscall';
import { startTimeOf } from '../process-facts.js';
import type { ContainerRecord, ProcessIdentity } from './container-record.js';

/** One init while the engine knows of it. */
export interface HeldInit extends ProcessIdentity {
  readonly pidfd: number;
  /** status as wait(2) has it, when the player is the parent; null otherwise */
  readonly exited: Promise<number> | null;
}

/** @see the file's header */
export class LiveInits {
  readonly #player: Player;
  readonly #bootId: string;
  readonly #held = new Map<string, HeldInit>();

  constructor(player: Player, bootId: string) {
    this.#player = player;
    this.#bootId = bootId;
  }

  /** Takes hold of an init that our player has just made, dead or alive. */
  adopt(id: string, pid: number): HeldInit | undefined {
    const exited = new Promise<number>((resolve) => this.#player.onExit(pid, resolve));
    return this.#hold(id, pid, exited);
  }

  /**
   * The init of a record, held; undefined when it has ended. The player's children stay held after
   * their end, so that their status can be asked for.
   */
  of({ id, init, bootId }: ContainerRecord): HeldInit | undefined {
    if (init === null || bootId !== this.#bootId) return undefined;
    const held = this.known(id, init);
    if (held !== undefined) return hasEnded(held.pidfd) ? undefined : held;
    if (startTimeOf(init.pid) !== init.startTime) return undefined;
    const found = this.#hold(id, init.pid, null);
    if (found?.startTime === init.startTime) return found;
    this.forget(id);
    return undefined;
  }

  /** When a held process began; undefined when that one is not held. */
  startTimeOf(id: string, pid: number): number | undefined {
    const held = this.#held.get(id);
    return held?.pid === pid ? held.startTime : undefined;
  }

  /** What is held of that very process, ended or not. */
  known(id: string, init: ProcessIdentity): HeldInit | undefined {
    const held = this.#held.get(id);
    if (held?.pid === init.pid && held.startTime === init.startTime) return held;
    return undefined;
  }

  /** SIGKILL to that very process; quiet when it has ended. */
  kill(record: ContainerRecord): void {
    const init = this.of(record);
    if (init === undefined) return;
    try {
      pidfdSendSignal(init.pidfd, SIGNALS.SIGKILL);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error; // ESRCH: it ended meanwhile
    }
  }

  forget(id: string): void {
    const held = this.#held.get(id);
    this.#held.delete(id);
    if (held !== undefined) closeSync(held.pidfd);
  }

  close(): void {
    for (const id of [...this.#held.keys()]) this.forget(id);
  }

  #hold(id: string, pid: number, exited: Promise<number> | null): HeldInit | undefined {
    this.forget(id);
    try {
      const pidfd = pidfdOpen(pid);
      // After the pidfd: from here on the pid means this process, or nothing.
      const startTime = startTimeOf(pid);
      if (startTime === null) {
        closeSync(pidfd);
        return undefined;
      }
      const held = { pid, startTime, pidfd, exited };
      this.#held.set(id, held);
      return held;
    } catch (error) {
      if (error instanceof SyscallError) return undefined; // ESRCH: ended and reaped
      throw error;
    }
  }
}
