/**
 * Where primitives are written: the list of the process that they happen to, which may change (a
 * new pid namespace is only for children), and what they share. Two phases:
 *
 *   prepare  in a sandbox: joined, but not confined yet and still the host's root by its user id,
 *            which files of /proc (id maps) belong to. It must touch no path that a learner may
 *            have replaced, only `proc()`.
 *   write    the rest, as a learner's root would do it.
 */
import type { Slot } from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import { setIds } from '../plan/confine.js';
import { confineLikeSandbox, type ExecTarget } from '../plan/join-sandbox.js';
import { openHostProc, openPrivateProc } from '../plan/private-proc.js';
import { purpose, type Script } from '../plan/script.js';

/** @see the file's header */
export class Room {
  readonly facts: HostFacts;
  readonly inSandbox: boolean;
  #script: Script;
  #procs = new Map<Script, Slot>();
  readonly #sandbox: ExecTarget | null;
  /** what is still to be done before the second phase */
  #becomeRoot: (() => void) | null;

  constructor(script: Script, facts: HostFacts, sandbox: ExecTarget | null) {
    this.facts = facts;
    this.inSandbox = sandbox !== null;
    this.#script = script;
    this.#sandbox = sandbox;
    this.#becomeRoot = () => this.confine(this.#script);
  }

  /** In a sandbox: gives up what its processes may not have, and becomes its root. */
  confine(script: Script): void {
    if (this.#sandbox === null) return;
    confineLikeSandbox(script, this.#sandbox);
    setIds(script, 0, 0, []);
  }

  /** The process that things happen to now. */
  get script(): Script {
    return this.#script;
  }

  /** fd of a procfs that can be trusted, in which the process sees itself and its children. */
  proc(): Slot {
    let proc = this.#procs.get(this.#script);
    if (proc === undefined) {
      proc = this.inSandbox ? openPrivateProc(this.#script) : openHostProc(this.#script);
      this.#procs.set(this.#script, proc);
    }
    return proc;
  }

  /** Goes on in a child, which is to be confined before the second phase as its parent was. */
  goOnIn(child: Script): void {
    this.#script = child;
  }

  /** Goes on in a child of a confined process, in a new user namespace whose root it becomes. */
  goOnInUserNamespace(child: Script, setgroups: boolean): void {
    this.#script = child;
    this.#becomeRoot = () => takeRootIds(this.#script, setgroups);
  }

  /** Goes on in a child of a process that is confined already. */
  goOnConfined(child: Script): void {
    this.#script = child;
    this.#becomeRoot = null;
  }

  /** Between the phases. */
  becomeRoot(): void {
    this.#becomeRoot?.();
    this.#becomeRoot = null;
  }
}

function takeRootIds(script: Script, setgroups: boolean): void {
  if (setgroups) {
    setIds(script, 0, 0, []);
    return;
  }
  const why = purpose(
    'set-ids',
    'become root of the new user namespace; setgroups is forbidden there',
    '成为新用户命名空间的 root；那里禁止 setgroups',
  );
  script.call('setresgid', [0, 0, 0], why);
  script.call('setresuid', [0, 0, 0], why);
}
