/**
 * How the two processes of a plan wait for each other: one byte through a pipe. `outside` writes
 * when the child is mapped and everything that only the outside may do is done; the child reads.
 * A writer that dies closes the pipe, and the reader's `atLeast` turns that into a failure.
 */
import {
  bytes,
  flagged,
  O,
  PLAYER_FDS,
  type Purpose,
  type Slot,
  scratch,
  struct,
} from '@terrarium/syscall';
import { purpose, type Script } from './script.js';

/** Registers with the two ends. */
export interface ReleasePipe {
  readonly read: Slot;
  readonly write: Slot;
}

/** Written to `outside` before clone3: the child inherits both ends. */
export function openReleasePipe(script: Script): ReleasePipe {
  const pipe = {
    read: script.builder.slot('releaseRead'),
    write: script.builder.slot('releaseWrite'),
  };
  const ends = scratch(8);
  script.call(
    'pipe2',
    [ends, flagged(O, 'O_CLOEXEC')],
    purpose(
      'release-pipe',
      'a pipe on which init waits until its root is ready',
      '一条管道：init 在其上等待，直到根文件系统就绪',
    ),
    {
      display: 'pipe2([<releaseRead>, <releaseWrite>], O_CLOEXEC)',
      loads: [
        { from: ends, offset: 0, width: 4, to: pipe.read },
        { from: ends, offset: 4, width: 4, to: pipe.write },
      ],
    },
  );
  return pipe;
}

/** Written to the child. */
export function awaitRelease(script: Script, { read, write }: ReleasePipe): void {
  const why = purpose(
    'await-release',
    'wait until outside has mapped the ids and mounted the root',
    '等待外部进程完成 ID 映射并挂载根文件系统',
  );
  // Without our own copy of the write end, the death of outside ends the wait.
  script.call('close', [write], why);
  script.call('read', [read, scratch(1), 1], why, { atLeast: 1 });
  script.call('close', [read], why);
}

/**
 * Waits for one byte in a FIFO, or for the end of the player: whoever was to write the byte may be
 * killed with it, and nobody would ever end the wait. (A parent's death signal would come too late
 * for a parent that died before it was asked for.)
 *
 * @param fifo open for reading and writing, O_NONBLOCK: with nothing in it the read is EAGAIN
 */
export function awaitWord(script: Script, fifo: Slot, why: Purpose): void {
  // struct pollfd { int fd; short events, revents }; a hung-up socket is told unasked
  const wanted = struct([
    [fifo, 4],
    [POLLIN, 2],
    [0, 2],
    [PLAYER_FDS.run, 4],
    [0, 4],
  ]);
  script.call('ppoll', [wanted, 2, 0, 0, 0], why, {
    display: `ppoll([{fd=<${fifo.name}>, events=POLLIN}, {fd=${PLAYER_FDS.run}, events=0}], 2, NULL, NULL, 0)`,
    atLeast: 1,
  });
  script.call('read', [fifo, scratch(1), 1], why, { atLeast: 1 });
}

const POLLIN = 0x1;

/** Written to `outside`: the last thing that it does for the child. */
export function release(script: Script, { write }: ReleasePipe): void {
  script.call(
    'write',
    [write, bytes('1'), 1],
    purpose(
      'release',
      'release init: it is mapped and its root is mounted',
      '放行 init：ID 已映射，根文件系统已挂载',
    ),
    { atLeast: 1 },
  );
}
