/**
 * A plan: an ordered list of system calls as data, for each process that the plan makes.
 *
 * The engine writes plans (pure functions), the player (native/player.c) executes them without
 * deciding anything, tests assert them, the stepper shows them. Whatever a call needs that is
 * only known at run time (a child's pid, an fd) travels through *slots*: numbered registers of
 * the plan, copied to a child at clone3.
 */

/**
 * A register that holds one call's result for later calls. Allocated by PlanBuilder.slot; the
 * name is for displays and errors: `write(<releaseFd>, "1", 1)`.
 */
export interface Slot {
  readonly kind: 'slot';
  readonly index: number;
  readonly name: string;
}

/**
 * One piece of a block of memory, put together by the player just before the call:
 * literal bytes, a slot as a little-endian integer (a struct field) or as decimal digits
 * (a path such as /proc/PID/uid_map), or the address of another block (argv, sock_fprog).
 */
export type Part =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'int'; readonly slot: Slot; readonly width: 4 | 8 }
  | { readonly kind: 'decimal'; readonly slot: Slot }
  | { readonly kind: 'pointer'; readonly to: Block };

/**
 * Memory that a call reads from or writes to; zero-filled up to `size` behind its parts. It
 * lives for one call: what must outlast the call is copied to a slot (Load) or reported.
 */
export interface Block {
  readonly parts: readonly Part[];
  /** bytes; at least what the parts need */
  readonly size?: number;
}

/**
 * One argument of a system call: an immediate number, a slot's value, a block's address, or the
 * number of bytes that a block's parts came to (write's count, when a part is decimal digits).
 */
export type Argument =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'slot'; readonly slot: Slot }
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'length'; readonly block: Block };

/** After the call, copy an integer that the kernel wrote into a block to a slot. */
export interface Load {
  readonly from: Block;
  readonly offset: number;
  readonly width: 4 | 8;
  readonly to: Slot;
}

/** Where an answer in memory says whether a call did what it was asked. */
export interface Ack {
  readonly from: Block;
  readonly offset: number;
}

/**
 * What a call is for, in the reader's languages. Shown by the stepper and quoted in errors;
 * `id` is stable and names the sentence.
 */
export interface Purpose {
  readonly id: string;
  readonly en: string;
  readonly zh: string;
}

/** One system call of a plan. */
export interface Call {
  readonly kind: 'call';
  /** man page name: `mount`, `clone3`; the number is looked up per architecture */
  readonly syscall: string;
  readonly args: readonly Argument[];
  /** the call as strace would show it, with symbolic flags: `mount("proc", "/proc", "proc", MS_NOSUID, NULL)` */
  readonly display: string;
  readonly purpose: Purpose;
  /** where the result goes */
  readonly store?: Slot;
  readonly loads?: readonly Load[];
  /** errno numbers after which the plan goes on (the report still shows them) */
  readonly tolerate?: readonly number[];
  /**
   * a smaller result counts as failure: `read` of a pipe whose writer died returns 0, and the
   * reader must not go on as if it had been released
   */
  readonly atLeast?: number;
  /**
   * After a successful call, the signed 32-bit integer at `offset` of the block is the kernel's real
   * answer, an errno in negative form: netlink's `nlmsgerr.error`, whose recv(2) succeeds whatever
   * became of the request. Other than 0 makes the call fail with that errno (`tolerate` applies; a
   * positive number is EPROTO). Give `atLeast` too: bytes that did not arrive read 0.
   */
  readonly ack?: Ack;
  /** clone3 only: the process of the plan that the child continues as */
  readonly child?: ProcessName;
  /** give the block's bytes after the call back in the report (read, readlinkat) */
  readonly reportBlock?: Block;
}

/** Ends a process's list: reap children and forward signals as PID 1, until killed. */
export interface BecomeInit {
  readonly kind: 'become-init';
  readonly purpose: Purpose;
}

/**
 * The process leaves the run: its reports so far and the one of this step are sent, the run resolves
 * without it, and it goes on with its list in silence. No abort, no failure of another process and
 * no end of player or daemon ends it any more, so that a later process of ours can go on with what
 * an earlier one began (a container that is created and not yet started). It waits for no step, its
 * calls are not reported, a failing one exits with status 125; children that it makes from then on
 * are detached from birth. Its end is still told (Player.onExit) while the player that made it lives.
 */
export interface Detach {
  readonly kind: 'detach';
  readonly purpose: Purpose;
  /**
   * Register with an open fd, of a FIFO for instance: a later failure is written there (see
   * decodeLastWords), so that whoever lets the process go on hears why it could not. Open it with
   * close-on-exec: the end of file without a word then means that it has become its program.
   */
  readonly lastWords?: Slot;
}

export type PlanStep = Call | BecomeInit | Detach;

/** `outside` is the process that the player forks for the plan; the rest are made by clone3. */
export type ProcessName = string;

/**
 * A whole plan. `processes[first]` starts it. A process that reaches the end of its list without
 * execve or become-init exits with status 0; one whose call fails with an errno that is not
 * tolerated reports it and exits with status 125, and the player kills the run's other processes.
 */
export interface Plan {
  readonly name: string;
  readonly first: ProcessName;
  readonly processes: Readonly<Record<ProcessName, readonly PlanStep[]>>;
  readonly slotCount: number;
}

/** What the kernel answered to one call. */
export interface CallReport {
  readonly process: ProcessName;
  /** index in `plan.processes[process]` */
  readonly index: number;
  readonly result: bigint;
  /** 0 when the call succeeded */
  readonly errno: number;
  /** time inside the system call */
  readonly nanoseconds: number;
  /** the reportBlock's bytes, where asked for */
  readonly bytes?: Uint8Array;
}
