/**
 * The observer's one fanotify group: file systems are marked while somebody listens, and each event
 * goes to the listeners of its file system. One for all sandboxes, as a machine has 128 of them.
 * Runs in the observer process; a mark keeps neither a file system nor a mount from going.
 */
import type { Socket } from 'node:net';
import {
  FAN,
  type FileEvent,
  fanotifyGroup,
  markDirectory,
  markFileSystem,
  parseFileEvents,
  pollingSocket,
} from '@terrarium/syscall';

/** What is told of a file system. */
const MASK =
  FAN.FAN_CREATE |
  FAN.FAN_DELETE |
  FAN.FAN_RENAME |
  FAN.FAN_ATTRIB |
  FAN.FAN_MODIFY |
  FAN.FAN_ONDIR;
/**
 * Pause after each read, ms. While it lasts the kernel merges what happens to one file again and
 * again: `yes > file` costs a hundred events a second, not ten thousand.
 */
const PAUSE_MS = 5;

/** Who wants to know what happens in a file system. */
export interface FileListener {
  /** @param batch grows by one with each read: events with one number came together */
  onFile(event: FileEvent, batch: number): void;
  /** The kernel's queue overflowed: anything may have happened. */
  onLost(): void;
}

export class FileEvents {
  private group = -1;
  private socket: Socket | null = null;
  private batch = 0;
  private readonly listeners = new Map<string, Set<FileListener>>();

  /**
   * Listens to the file system that `fd` is on.
   *
   * @param fileSystem as fileSystemId names it
   * @returns false where this kernel or this file system tells nothing: look now and then instead
   */
  listen(fd: number, fileSystem: string, listener: FileListener): boolean {
    const known = this.listeners.get(fileSystem);
    try {
      if (!this.open()) return false;
      markFileSystem(this.group, MASK, fd);
    } catch {
      this.closeIfIdle();
      return false; // overlay cannot be marked, kernels before 5.17 have no such group
    }
    this.listeners.set(fileSystem, (known ?? new Set()).add(listener));
    return true;
  }

  /** Also tells when files of one directory are opened: a copy-up begins so. */
  watchOpens(fd: number): void {
    try {
      if (this.group >= 0) markDirectory(this.group, FAN.FAN_OPEN, fd);
    } catch {
      // then a copy-up is told when it has ended
    }
  }

  /**
   * No more events for that listener. The mark stays until the file system or the group goes: to
   * take it away needs an fd of the file system, which would be in the way of a learner's umount.
   */
  unlisten(fileSystem: string, listener: FileListener): void {
    const listening = this.listeners.get(fileSystem);
    listening?.delete(listener);
    if (listening?.size === 0) this.listeners.delete(fileSystem);
    this.closeIfIdle();
  }

  private open(): boolean {
    if (this.group >= 0) return true;
    const group = fanotifyGroup();
    const socket = pollingSocket(group);
    if (socket === undefined) return false;
    this.group = group;
    this.socket = socket;
    socket.unref();
    socket.on('error', () => this.lost());
    socket.on('data', (chunk: Uint8Array) => {
      this.take(chunk);
      socket.pause();
      setTimeout(() => socket.resume(), PAUSE_MS).unref();
    });
    return true;
  }

  private take(chunk: Uint8Array): void {
    this.batch += 1;
    for (const event of parseFileEvents(chunk)) {
      if ((event.mask & FAN.FAN_Q_OVERFLOW) !== 0) this.lost();
      for (const listener of this.listeners.get(event.fileSystem) ?? []) {
        listener.onFile(event, this.batch);
      }
    }
  }

  private lost(): void {
    for (const listeners of this.listeners.values()) for (const one of listeners) one.onLost();
  }

  private closeIfIdle(): void {
    if (this.listeners.size > 0) return;
    this.socket?.destroy();
    this.socket = null;
    this.group = -1;
  }
}

let shared: FileEvents | undefined;

/** The one of this process. */
export function fileEvents(): FileEvents {
  shared ??= new FileEvents();
  return shared;
}
