/**
 * Our end of a container's terminal: the master of a pty that lies in the container's own devpts.
 * Whoever holds it reads until the end; when nobody does, the kernel hangs the terminal up.
 */
import { closeSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { pidfdGetfd, pidfdOpen, setWindowSize } from '@terrarium/syscall';

/** One read of the master; the kernel gives at most 4 KB of a pty at a time. */
const READ_BYTES = 64 * 1024;
/** Pauses between attempts while the program takes no input: first and longest, ms. */
const RETRY_FIRST_MS = 2;
const RETRY_LAST_MS = 50;

/** Takes the master out of the process that made it; it has close-on-exec, so: before its execve. */
export function takeMaster(pid: number, fd: number): number {
  const pidfd = pidfdOpen(pid);
  try {
    return pidfdGetfd(pidfd, fd);
  } finally {
    closeSync(pidfd);
  }
}

/** Reads, writes and resizes; owns the fd. */
export class ContainerConsole {
  /** resolves when every process has let go of the terminal and all output was given */
  readonly ended: Promise<void>;
  readonly #fd: number;
  readonly #reader: ReadStream;
  #queue: Buffer[] = [];
  #retryMs = RETRY_FIRST_MS;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param fd master of a pty, ours from now on
   * @param onOutput gets bytes that are valid during the call alone
   */
  constructor(fd: number, onOutput: (bytes: Uint8Array) => void) {
    this.#fd = fd;
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#reader = new ReadStream(fd, {
      onread: {
        buffer,
        callback: (length: number) => {
          onOutput(buffer.subarray(0, length));
          return true;
        },
      },
    } as ConstructorParameters<typeof ReadStream>[1]);
    this.ended = new Promise((resolve) => {
      // EIO is how a pty says that the last slave was closed.
      this.#reader.on('error', () => this.close());
      this.#reader.on('end', () => this.close());
      this.#reader.on('close', () => resolve());
    });
    this.#reader.resume();
  }

  /** Sets the size; the foreground processes get SIGWINCH. */
  resize(cols: number, rows: number): void {
    if (!this.#closed) setWindowSize(this.#fd, { cols, rows });
  }

  /** Types. What the program does not take yet is kept. */
  write(input: string | Uint8Array): void {
    if (this.#closed) return;
    this.#queue.push(Buffer.from(input));
    if (this.#retry === undefined) this.#flush();
  }

  /** Lets go: what still uses the terminal is hung up. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#queue = [];
    this.#reader.destroy();
  }

  #flush(): void {
    this.#retry = undefined;
    for (let [head] = this.#queue; head !== undefined; [head] = this.#queue) {
      const written = tryWrite(this.#fd, head);
      if (written === head.length) {
        this.#queue.shift();
        this.#retryMs = RETRY_FIRST_MS;
        continue;
      }
      this.#queue[0] = head.subarray(written);
      this.#retry = setTimeout(() => this.#flush(), this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LAST_MS);
      return;
    }
  }
}

/** @returns how many bytes the kernel took; all, when nobody will ever read them */
function tryWrite(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : bytes.length;
  }
}
