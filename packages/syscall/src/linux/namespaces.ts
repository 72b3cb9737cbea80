/**
 * Questions to a namespace fd: ioctl_ns(2). Run in the observer and the daemon; they change
 * nothing.
 */
import { NS_IOCTL } from '../constants.js';
import { ERRNO } from '../errno.js';
import { NAMESPACE_KINDS, type NamespaceKindRow } from '../namespace-kinds.js';
import { SyscallError } from '../syscall-error.js';
import { bindSyscall } from './invoke.js';

const callIoctl = bindSyscall('ioctl', 'int', 'long', 'long');
const callSetns = bindSyscall('setns', 'int', 'int');
const callIoctlMemory = bindSyscall('ioctl', 'int', 'long', 'void *');

/**
 * Opens the parent of a pid or user namespace.
 *
 * @returns a new fd with close-on-exec, the caller's to close; null when the parent is outside
 *   what the caller may see, as that of the initial namespace is
 * @throws SyscallError EINVAL for kinds that have no parent
 */
export function openParentNamespace(namespaceFd: number): number | null {
  return openRelated(namespaceFd, 'NS_GET_PARENT');
}

/**
 * Opens the user namespace that owns a namespace (of a user namespace: its parent).
 *
 * @returns a new fd with close-on-exec, the caller's to close; null when it is out of sight
 */
export function openOwningUserNamespace(namespaceFd: number): number | null {
  return openRelated(namespaceFd, 'NS_GET_USERNS');
}

/**
 * Does something in another namespace of a kind that a single thread may change (uts, net, ipc,
 * cgroup), and comes back. `act` must not wait: the thread is elsewhere only for as long as it runs.
 *
 * @throws SyscallError EPERM without CAP_SYS_ADMIN over both namespaces
 */
export function withinNamespace<T>(namespaceFd: number, ownFd: number, act: () => T): T {
  callSetns([namespaceFd, 0], () => `setns to fd ${namespaceFd}`);
  try {
    return act();
  } finally {
    callSetns([ownFd, 0], () => `setns back to fd ${ownFd}`);
  }
}

/** Tells the kind of a namespace. @returns its row of NAMESPACE_KINDS */
export function namespaceKind(namespaceFd: number): NamespaceKindRow {
  const flag = callIoctl(
    [namespaceFd, NS_IOCTL.NS_GET_NSTYPE, 0],
    () => `NS_GET_NSTYPE of fd ${namespaceFd}`,
  );
  const row = NAMESPACE_KINDS.find((kind) => kind.flag === flag);
  if (row === undefined)
    throw new Error(`fd ${namespaceFd} is a namespace of unknown kind ${flag}`);
  return row;
}

/** Reads the uid, as the caller's user namespace maps it, that made a user namespace. */
export function userNamespaceOwner(namespaceFd: number): number {
  const memory = new Uint8Array(4);
  callIoctlMemory(
    [namespaceFd, NS_IOCTL.NS_GET_OWNER_UID, memory],
    () => `NS_GET_OWNER_UID of fd ${namespaceFd}`,
  );
  return new DataView(memory.buffer).getUint32(0, true);
}

function openRelated(
  namespaceFd: number,
  request: 'NS_GET_PARENT' | 'NS_GET_USERNS',
): number | null {
  try {
    return callIoctl([namespaceFd, NS_IOCTL[request], 0], () => `${request} of fd ${namespaceFd}`);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ERRNO.EPERM) return null; // out of sight
    throw error;
  }
}
