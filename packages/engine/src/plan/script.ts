/**
 * Writes one process's list of a plan: the few sequences (open-write-close, mount with options)
 * that every plan needs. Pure; it only makes data.
 */
import {
  AT,
  type Block,
  bytes,
  type CallInput,
  ERRNO,
  flagged,
  lengthOf,
  O,
  type PlanBuilder,
  type ProcessName,
  type Purpose,
  type Slot,
} from '@terrarium/syscall';
import { parseMountOptions } from './mount-options.js';

/** Makes a Purpose; `id` names the sentence for ever. */
export function purpose(id: string, en: string, zh: string): Purpose {
  return { id, en, zh };
}

/** AT_FDCWD as displays show it. */
export const FDCWD = flagged(AT, 'AT_FDCWD');

/** Extras of a call that most calls do not have. */
export type CallExtras = Omit<CallInput, 'syscall' | 'args' | 'purpose'>;

/** Appends calls to the list of one process. */
export class Script {
  readonly builder: PlanBuilder;
  readonly process: ProcessName;
  readonly #fd: Slot;

  /** @param fd register for the fd of open-write-close sequences; one per process is enough */
  constructor(builder: PlanBuilder, process: ProcessName, fd: Slot) {
    this.builder = builder;
    this.process = process;
    this.#fd = fd;
  }

  call(syscall: string, args: CallInput['args'], why: Purpose, extras: CallExtras = {}): void {
    this.builder.call(this.process, { syscall, args, purpose: why, ...extras });
  }

  /** open, write, close: how a value gets into a file of /proc or of a cgroup. */
  writeFile(
    path: string | Block,
    content: string | Block,
    why: Purpose,
    extras: CallExtras = {},
  ): void {
    const data = typeof content === 'string' ? bytes(content) : content;
    this.call('openat', [FDCWD, path, flagged(O, 'O_WRONLY', 'O_CLOEXEC')], why, {
      store: this.#fd,
    });
    this.call('write', [this.#fd, data, lengthOf(data)], why, { atLeast: 1, ...extras });
    this.call('close', [this.#fd], why);
  }

  /**
   * The same for a file that a kernel may lack or refuse. After a failed openat the register still
   * holds the fd that was closed last, so write and close answer EBADF.
   */
  optionalWriteFile(path: string, content: string, why: Purpose): void {
    const data = bytes(content);
    const { ENOENT, EACCES, EBADF, EINVAL, EOPNOTSUPP, EIO } = ERRNO;
    this.call('openat', [FDCWD, path, flagged(O, 'O_WRONLY', 'O_CLOEXEC')], why, {
      store: this.#fd,
      tolerate: [ENOENT, EACCES],
    });
    this.call('write', [this.#fd, data, lengthOf(data)], why, {
      tolerate: [EBADF, EINVAL, EOPNOTSUPP, EIO],
    });
    this.call('close', [this.#fd], why, { tolerate: [EBADF] });
  }

  /** The same for a file that is made new, whatever was there before. */
  createFile(path: string, content: string, mode: number, why: Purpose, tolerate: number[]): void {
    const data = bytes(content);
    this.call('unlinkat', [FDCWD, path, 0], why, { tolerate });
    this.call(
      'openat',
      [FDCWD, path, flagged(O, 'O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_CLOEXEC'), octal(mode)],
      why,
      { store: this.#fd },
    );
    this.call('write', [this.#fd, data, lengthOf(data)], why, { atLeast: 1 });
    this.call('close', [this.#fd], why);
  }

  /** mount(2) with options as the OCI config and mount(8) spell them. */
  mount(
    source: string,
    target: string,
    type: string,
    options: readonly string[],
    why: Purpose,
  ): void {
    const { flags, data } = parseMountOptions(options);
    this.call('mount', [source, target, type, flags, data === '' ? 0 : data], why);
  }

  mkdir(path: string, mode: number, why: Purpose, extras: CallExtras = {}): void {
    this.call('mkdirat', [FDCWD, path, octal(mode)], why, extras);
  }

  chown(path: string, uid: number, gid: number, why: Purpose): void {
    this.call('fchownat', [FDCWD, path, uid, gid, flagged(AT, 'AT_SYMLINK_NOFOLLOW')], why);
  }
}

/** A mode as everybody reads it: 0755. */
export function octal(mode: number): { value: bigint; display: string } {
  return { value: BigInt(mode), display: `0${mode.toString(8)}` };
}
