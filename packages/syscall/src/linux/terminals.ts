/**
 * Pseudo-terminals through a given devpts: ioctl_tty(2). Run in the terminal host, which opens
 * ptmx below an O_PATH fd of the sandbox's own devpts, so that `tty` inside prints /dev/pts/N.
 */
import { O, TIOC } from '../constants.js';
import { bindSyscall } from './invoke.js';

const callIoctlNumber = bindSyscall('ioctl', 'int', 'long', 'long');
const callIoctlMemory = bindSyscall('ioctl', 'int', 'long', 'void *');

const WINSIZE_BYTES = 8; // struct winsize: rows, cols, and two pixel sizes that nobody uses
const INT_BYTES = 4;

/** A terminal's size in characters. */
export interface WindowSize {
  readonly cols: number;
  readonly rows: number;
}

/** Unlocks the slave of a fresh ptmx; it cannot be opened before. */
export function unlockPty(masterFd: number): void {
  callIoctlMemory(
    [masterFd, TIOC.TIOCSPTLCK, new Uint8Array(INT_BYTES)],
    () => `TIOCSPTLCK of fd ${masterFd}`,
  );
}

/**
 * Opens the slave of a master by the master alone: no path that a learner could have replaced.
 *
 * @returns a new fd with close-on-exec that is nobody's controlling terminal; the caller's to close
 */
export function openPtyPeer(masterFd: number): number {
  const mode = O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC;
  return callIoctlNumber([masterFd, TIOC.TIOCGPTPEER, mode], () => `TIOCGPTPEER of fd ${masterFd}`);
}

/** Reads N of the slave's /dev/pts/N. */
export function ptyNumber(masterFd: number): number {
  return readInt(masterFd, TIOC.TIOCGPTN, 'TIOCGPTN');
}

/** Sets the size; the kernel sends SIGWINCH to the foreground process group when it changed. */
export function setWindowSize(fd: number, { cols, rows }: WindowSize): void {
  const memory = new Uint8Array(WINSIZE_BYTES);
  const view = new DataView(memory.buffer);
  view.setUint16(0, rows, true);
  view.setUint16(2, cols, true);
  callIoctlMemory([fd, TIOC.TIOCSWINSZ, memory], () => `TIOCSWINSZ ${cols}x${rows} of fd ${fd}`);
}

/** Reads the size. */
export function getWindowSize(fd: number): WindowSize {
  const memory = new Uint8Array(WINSIZE_BYTES);
  callIoctlMemory([fd, TIOC.TIOCGWINSZ, memory], () => `TIOCGWINSZ of fd ${fd}`);
  const view = new DataView(memory.buffer);
  return { cols: view.getUint16(2, true), rows: view.getUint16(0, true) };
}

/**
 * Counts the bytes that a read of this fd would find now.
 *
 * Between slave and master the kernel moves bytes in a work queue: 0 right after a write to the
 * slave does not mean that nothing will come. Ask again after a turn of the event loop.
 */
export function unreadBytes(fd: number): number {
  return readInt(fd, TIOC.FIONREAD, 'FIONREAD');
}

function readInt(fd: number, request: number, name: string): number {
  const memory = new Uint8Array(INT_BYTES);
  callIoctlMemory([fd, request, memory], () => `${name} of fd ${fd}`);
  return new DataView(memory.buffer).getInt32(0, true);
}
