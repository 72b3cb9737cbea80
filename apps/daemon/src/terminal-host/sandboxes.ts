/**
 * The sandboxes that terminals may be opened in. Each is registered by the daemon before any of
 * the learner's code has run, and its devpts is opened at that moment: later, what lies at
 * /dev/pts in there is the learner's choice.
 */

import { closeSync } from 'node:fs';
import { startTimeOf } from '@terrarium/engine';
import type { SandboxRegistration } from './control-protocol.js';
import { openDevpts } from './kernel.js';

/** A sandbox with its devpts held open. */
export interface RegisteredSandbox {
  readonly id: string;
  readonly initPid: number;
  /** /proc/PID/stat field 22: tells this process from a later one of the same number */
  readonly initStartTime: number;
  readonly exec: SandboxRegistration['exec'];
  readonly devptsFd: number;
}

/** The registry; owns the devpts fds. */
export class Sandboxes {
  readonly #sandboxes = new Map<string, RegisteredSandbox>();

  get(id: string): RegisteredSandbox | undefined {
    return this.#sandboxes.get(id);
  }

  list(): RegisteredSandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** Registers a sandbox, or its successor under the same id. @throws SyscallError, Error */
  register(id: string, registration: SandboxRegistration): void {
    const { initPid, initStartTime, exec } = registration;
    const devptsFd = openDevpts(`/proc/${initPid}/root`);
    // Checked behind the open: only then is it known whose root that was.
    if (startTimeOf(initPid) !== initStartTime) {
      closeSync(devptsFd);
      throw new Error(`process ${initPid} is not the init that was meant`);
    }
    this.drop(id);
    this.#sandboxes.set(id, { id, initPid, initStartTime, exec, devptsFd });
  }

  drop(id: string): boolean {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return false;
    this.#sandboxes.delete(id);
    closeSync(sandbox.devptsFd);
    return true;
  }
}
