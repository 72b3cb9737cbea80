/**
 * A way to let libuv poll an fd that is neither file, pipe, socket nor terminal (a pidfd, an
 * eventfd) beside its own: Node's `net` takes it for a pipe. No thread waits.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';

/** What `net` wraps around the fd of a pipe; it has no public way to such an fd. */
interface PipeHandle {
  /** 0 or a negative errno; the handle owns the fd from then on */
  open(fd: number): number;
}

interface PipeWrap {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}

/**
 * Makes a readable socket of any fd that can be polled: `data` where it can be read, `error` and
 * `close` at the first event where it cannot.
 *
 * @param fd is set to not block, belongs to the socket from here on, and is closed with it
 * @returns undefined, with the fd untouched, where Node has no such way: ask by a timer instead
 */
export function pollingSocket(fd: number): Socket | undefined {
  const handle = pipeHandle();
  if (handle === undefined || handle.open(fd) !== 0) return undefined;
  return new Socket({ handle, readable: true, writable: false } as SocketConstructorOpts);
}

function pipeHandle(): PipeHandle | undefined {
  try {
    const node = process as unknown as { binding: (name: 'pipe_wrap') => PipeWrap };
    const { Pipe, constants } = node.binding('pipe_wrap');
    return new Pipe(constants.SOCKET);
  } catch {
    return undefined; // a Node without this door
  }
}
