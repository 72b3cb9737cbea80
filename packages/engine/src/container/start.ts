/**
 * start: one byte into the FIFO at which init waits. Whoever finds the FIFO may write it, in
 * another process than the one that created the container, too.
 */
import { closeSync, writeSync } from 'node:fs';
import { AT, ERRNO, O, openat, SyscallError } from '@terrarium/syscall';
import { ContainerError } from './container-error.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { liveStatus, START_FIFO } from './live-status.js';

/** @throws ContainerError `wrong-state`, `program` when execve fails, `hook` */
export async function startContainer(context: EngineContext, id: string): Promise<void> {
  const what = `start container ${id}`;
  await exclusively(context, id, what, async () => {
    const { store } = context;
    const record = store.read(id, what);
    const status = liveStatus(context, record);
    if (status !== 'created') {
      const reason =
        record.status === 'created' && status === 'stopped'
          ? 'init ended before start'
          : `it is ${status}, not created`;
      throw new ContainerError({ code: 'wrong-state', what, reason });
    }
    release(store.path(id, START_FIFO), what);
    store.write({ ...record, status: 'running', consoleFd: null });
  });
}

/** Writes the byte. ENXIO: nobody has the FIFO open for reading, so init has ended. */
function release(fifo: string, what: string): void {
  try {
    const fd = openat(AT.AT_FDCWD, fifo, O.O_WRONLY | O.O_NONBLOCK);
    try {
      writeSync(fd, 'x');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ERRNO.ENXIO) throw error;
    throw new ContainerError({ code: 'wrong-state', what, reason: 'init ended before start' });
  }
}
