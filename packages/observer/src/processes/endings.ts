/**
 * How a process ended, and who ended it. A zombie's stat has its wait status, but most children are
 * reaped before anyone can look; then what the trace told before the exit event decides: the
 * argument of exit_group(2), and the signals that were sent and delivered.
 *
 * Nothing here is guessed: where two signals could have done it, or a line may have been lost, the
 * status or the sender is unknown, and a sender is named only of the signal that the process died of.
 */
import type { ProcessKey } from '@terrarium/timeline';
import type { Tracked } from './tracked.js';

/** How a process ended, as far as that is known. */
export interface Ending {
  /** as in wait(2); without the core bit where only the trace knew */
  readonly waitStatus: number | null;
  /** another process that ended it */
  readonly actor: ProcessKey | null;
}

/** What the trace told of a process before its end. */
export interface Clues {
  /** argument of exit_group, where it was not 0 */
  exitCode: number | null;
  /** the last signal that was delivered without a handler */
  fatal: number | null;
  /** signals sent to it that it has not handled, oldest first */
  sent: Sent[];
  /** its exit event came, and no line of the trace was lost before it: what was not told was not so */
  complete: boolean;
}

/** A signal and who sent it: a host pid, and what is known of whose it is. */
interface Sent {
  readonly signal: number;
  readonly sender: number;
  by: Ender | null;
}

/** Who sent a signal; asked for again at the end, as an init's own killer may be known only then. */
type Ender = () => ProcessKey | null;

const SIGKILL = 9;
/** SI_KERNEL of siginfo.h: not by kill(2). */
const SI_KERNEL = 128;
/** Signals to a process that are remembered: a program may be sent any number. */
const MAX_SENT = 16;
/** Seccomp: of /proc/PID/status: read and write are allowed, all else is SIGKILL without a signal. */
const SECCOMP_STRICT = 1;

export function noClues(): Clues {
  return { exitCode: null, fatal: null, sent: [], complete: false };
}

/** A signal was queued for `target` by a process, which is null when it is outside of the sandbox. */
export function noteSignal(
  target: Tracked,
  senderPid: number,
  sender: Tracked | null,
  signal: number,
  code: number,
): void {
  const { sent } = target.clues;
  const by = enderBy(target, sender, code);
  // Told twice: by the instance that hears of everybody, perhaps before its sender was known here.
  const same = sent.find((one) => one.signal === signal && one.sender === senderPid);
  if (same !== undefined) {
    same.by ??= by;
    return;
  }
  if (sent.length >= MAX_SENT) sent.shift();
  sent.push({ signal, sender: senderPid, by });
}

/**
 * The kernel sends in a dying process's name: SIGKILL to all in the pid namespace whose init it was,
 * SIGHUP to the terminal's foreground when a session leader ends. Whoever ended that one did this.
 * What else the kernel sends (the OOM killer in the name of whoever asked for memory) has no sender.
 */
function enderBy(target: Tracked, sender: Tracked | null, code: number): Ender | null {
  if (sender === null || sender === target) return null;
  const { key } = sender.state;
  if (code !== SI_KERNEL) return () => key;
  if (sender.exitLooks === null) return null;
  return () => (sender.clues.fatal === null ? key : endingOf(sender).actor);
}

/** A signal was taken: by a handler, which ends nothing, or by the default action. */
export function noteDelivery(tracked: Tracked, signal: number, handled: boolean): void {
  const { clues } = tracked;
  if (!handled) clues.fatal = signal;
  else clues.sent = clues.sent.filter((sent) => sent.signal !== signal);
}

/** What is known now of how it ended: call when it has. */
export function endingOf(tracked: Tracked): Ending {
  const waitStatus = tracked.waitStatus ?? statusFromClues(tracked);
  const signal = waitStatus === null ? 0 : waitStatus & 0x7f;
  const killer = tracked.clues.sent.find((sent) => sent.signal === signal);
  const actor = killer?.by?.() ?? null;
  return { waitStatus, actor: actor === tracked.state.key ? null : actor };
}

function statusFromClues(tracked: Tracked): number | null {
  const { clues } = tracked;
  if (!clues.complete || tracked.state.facts?.seccomp === SECCOMP_STRICT) return null;
  if (clues.fatal !== null) return diedOf(tracked);
  return ((clues.exitCode ?? 0) & 0xff) << 8;
}

/**
 * The signal that it died of; null for none. Kernels deliver SIGKILL to end a process that another
 * signal has doomed: then what was sent says which, if it was one alone.
 */
function diedOf(tracked: Tracked): number | null {
  const { fatal, sent } = tracked.clues;
  if (fatal !== SIGKILL) return fatal;
  const signals = new Set(sent.map(({ signal }) => signal));
  return signals.size === 1 ? ([...signals][0] ?? null) : null;
}

/** A signal ended it, and which has not been told: senders outside of the sandbox are heard later. */
export function awaitsSender({ clues }: Tracked): boolean {
  return clues.fatal === SIGKILL && clues.sent.length === 0;
}
