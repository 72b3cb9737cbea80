/**
 * System calls from Node itself, through koffi and libc's syscall(2). For calls that change
 * nothing about the calling process (fds, ioctls, signals, mounts on behalf of a set-up): what
 * changes namespaces or forks belongs into a plan, as Node has many threads.
 */
import koffi from 'koffi';
import { SyscallError } from '../syscall-error.js';
import { syscallNumber } from '../syscall-numbers.js';

/** Types of arguments: a C int, a pointer-sized integer, a C string, or memory of ours. */
type ArgumentType = 'int' | 'long' | 'str' | 'void *';

/** What a caller passes for them; `null` is NULL. */
type ArgumentValue = number | bigint | string | Uint8Array | null;

/** A bound call: the values in man page order, then words for the error message. */
export type BoundCall = (values: readonly ArgumentValue[], describe: () => string) => number;

const libc = koffi.load(null); // Node's own libc, whatever its file name

/**
 * Binds one system call.
 *
 * The prototype is a plain one though syscall(2) is variadic in C: on x86_64 and arm64 Linux both
 * pass integers and pointers in the same registers.
 *
 * @throws SyscallError from the bound call when it returns -1; errno is read at once
 */
export function bindSyscall(name: string, ...types: readonly ArgumentType[]): BoundCall {
  const call = libc.func('syscall', 'long', ['long', ...types]);
  const number = syscallNumber(name);
  return (values, describe) => {
    const result = Number(call(number, ...values));
    if (result !== -1) return result;
    const errno = koffi.errno();
    throw new SyscallError({ syscall: name, errno, args: describe() });
  };
}
