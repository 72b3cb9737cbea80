/**
 * Calls on processes: pidfds, signals, and the two process attributes that the daemon sets on
 * itself. A pidfd keeps meaning the same process when its number is used again.
 */
import { nameOf, PR, SIGNALS } from '../constants.js';
import { bindSyscall } from './invoke.js';

const callPidfdOpen = bindSyscall('pidfd_open', 'int', 'int');
const callPidfdGetfd = bindSyscall('pidfd_getfd', 'int', 'int', 'int');
const callPidfdSendSignal = bindSyscall('pidfd_send_signal', 'int', 'int', 'void *', 'int');
const callKill = bindSyscall('kill', 'int', 'int');
const callPrctl = bindSyscall('prctl', 'int', 'long', 'long', 'long', 'long');

/**
 * Opens a process by its pid.
 *
 * @returns a new fd with close-on-exec, the caller's to close; it polls readable when the process ends
 * @throws SyscallError ESRCH when there is no such process
 */
export function pidfdOpen(pid: number): number {
  return callPidfdOpen([pid, 0], () => `pid ${pid}`);
}

/**
 * Copies an fd out of another process, as if it had sent it: both share one open file.
 *
 * @param pidfd the process, which the caller must be allowed to ptrace
 * @param targetFd the fd's number there
 * @returns a new fd with close-on-exec, the caller's to close
 */
export function pidfdGetfd(pidfd: number, targetFd: number): number {
  return callPidfdGetfd([pidfd, targetFd, 0], () => `fd ${targetFd} of pidfd ${pidfd}`);
}

/** Sends a signal to the process of a pidfd. @throws SyscallError ESRCH when it has been reaped */
export function pidfdSendSignal(pidfd: number, signal: number): void {
  callPidfdSendSignal([pidfd, signal, null, 0], () => `${signalName(signal)} to pidfd ${pidfd}`);
}

/**
 * Sends a signal by pid; negative: to the process group. Prefer pidfdSendSignal where the pid may
 * be used again meanwhile.
 */
export function kill(pid: number, signal: number): void {
  callKill([pid, signal], () => `${signalName(signal)} to ${pid}`);
}

/** Makes orphans below this process its own children instead of init's. */
export function setChildSubreaper(on: boolean): void {
  prctl('PR_SET_CHILD_SUBREAPER', on);
}

/**
 * Says whether other processes of the same user may ptrace this one and read its /proc files.
 * Off before anything that holds secrets or host fds enters a learner's namespaces.
 */
export function setDumpable(on: boolean): void {
  prctl('PR_SET_DUMPABLE', on);
}

function prctl(operation: keyof typeof PR, on: boolean): void {
  callPrctl([PR[operation], on ? 1 : 0, 0, 0, 0], () => `${operation} ${on ? 1 : 0}`);
}

function signalName(signal: number): string {
  return nameOf(SIGNALS, signal) ?? `signal ${signal}`;
}
