/**
 * Netlink sockets of this process itself (the observer): opened inside a network namespace, asked
 * without waiting, listened to by libuv. As root in the host's namespaces, with CAP_SYS_ADMIN for
 * setns(2) and CAP_NET_ADMIN over the namespace for a larger buffer. They change nothing.
 *
 * A netlink socket belongs to the namespace in which it was opened and **keeps that alive**: close
 * it when the namespace's last member is gone.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { CLONE, MAGIC, O } from '../constants.js';
import { ERRNO } from '../errno.js';
import { fileSystemMagic, openat } from '../linux/files.js';
import { bindSyscall } from '../linux/invoke.js';
import { pollingSocket } from '../linux/libuv-poll.js';
import { SyscallError } from '../syscall-error.js';
import { AF, MSG, NETLINK, NLM_F, NLMSG, SOCK, SOL_NETLINK } from './constants.js';
import { type DecodedMessage, decodeAnswer, decodeMessages } from './decode.js';
import { byteLength, type Message, messageBlock } from './messages.js';

const callSetns = bindSyscall('setns', 'int', 'int');
const callSocket = bindSyscall('socket', 'int', 'int', 'int');
const callBind = bindSyscall('bind', 'int', 'void *', 'int');
const callSetsockopt = bindSyscall('setsockopt', 'int', 'int', 'int', 'void *', 'int');
const callSendto = bindSyscall('sendto', 'int', 'void *', 'long', 'int', 'void *', 'int');
const callRecvfrom = bindSyscall('recvfrom', 'int', 'void *', 'long', 'int', 'void *', 'void *');

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const NETLINK_ADD_MEMBERSHIP = 1;
/** struct sockaddr_nl: family, padding, port id, groups */
const SOCKADDR_NL_BYTES = 12;
/** The kernel makes no larger datagram of a dump than the reader's buffer or 32 KiB. */
const DATAGRAM_BYTES = 64 * 1024;
/** What may wait in a listening socket: some 600 links that change at once. */
const LISTENING_BYTES = 2 * 1024 * 1024;
/** A dump longer than this is cut: 100,000 routes are nothing that a person looks at. */
const MAX_DATAGRAMS = 400;
/** A dump that changes kept breaking is taken as it is after this many; the next event comes. */
const MAX_INTERRUPTED = 3;
const POLL_MILLISECONDS = 20; // only where libuv's own polling cannot be had

const datagram = Buffer.allocUnsafe(DATAGRAM_BYTES);

/**
 * Does something in another network namespace and comes back. Only this thread moves (setns(2)),
 * so `body` must be synchronous and start no thread. Where there is no way back the process ends:
 * it would do everything else in a learner's network.
 */
export function inNetworkNamespace<T>(namespaceFd: number, body: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    callSetns([namespaceFd, CLONE.CLONE_NEWNET], () => `fd ${namespaceFd}, CLONE_NEWNET`);
    try {
      return body();
    } finally {
      goHome(home);
    }
  } finally {
    closeSync(home);
  }
}

function goHome(home: number): void {
  try {
    callSetns([home, CLONE.CLONE_NEWNET], () => 'the own network namespace');
  } catch {
    process.abort();
  }
}

/**
 * Opens a namespace by a path that somebody else may replace: nothing but a namespace is opened.
 *
 * @param path a link of /proc/PID/ns or /proc/PID/fd; for a bind mount open it O_PATH first
 * @returns a new fd, the caller's to close; null for what is no namespace or gone
 */
export function openNamespace(path: string): number | null {
  let found: number | null = null;
  try {
    // O_PATH opens nothing: a FIFO would make open(2) wait, a device act.
    found = openat(-1, path, O.O_PATH);
    if (fileSystemMagic(found) !== MAGIC.NSFS_MAGIC) return null;
    return openSync(`/proc/self/fd/${found}`, 'r');
  } catch {
    return null; // gone meanwhile
  } finally {
    if (found !== null) closeSync(found);
  }
}

/** Opens a socket in the network namespace that this thread is in; it never waits. */
export function netlinkSocket(
  protocol: keyof typeof NETLINK,
  groups: readonly number[] = [],
): number {
  const type = SOCK.SOCK_RAW | SOCK.SOCK_CLOEXEC | O.O_NONBLOCK;
  const fd = callSocket([AF.AF_NETLINK, type, NETLINK[protocol]], () => `AF_NETLINK, ${protocol}`);
  try {
    if (groups.length > 0) setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, LISTENING_BYTES);
    const address = new Uint8Array(SOCKADDR_NL_BYTES);
    address[0] = AF.AF_NETLINK;
    callBind([fd, address, SOCKADDR_NL_BYTES], () => protocol);
    for (const group of groups) setOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function setOption(fd: number, level: number, option: number, value: number): void {
  const memory = new Uint8Array(new Int32Array([value]).buffer);
  callSetsockopt([fd, level, option, memory, 4], () => `option ${option} of a netlink socket`);
}

/**
 * Asks for a list. The kernel answers while it is asked, so nothing waits.
 *
 * @param fd a socket that belongs to no group
 * @throws SyscallError when the kernel refuses: EOPNOTSUPP or EINVAL without nf_tables
 */
export function dumpNetlink(fd: number, request: Message): DecodedMessage[] {
  for (let attempt = 1; ; attempt++) {
    send(fd, request);
    const messages = receiveDump(fd, request);
    const interrupted = messages.some(({ flags }) => (flags & NLM_F.NLM_F_DUMP_INTR) !== 0);
    if (!interrupted || attempt === MAX_INTERRUPTED) {
      return messages.filter(({ type }) => type > NLMSG.NLMSG_DONE);
    }
  }
}

/** Asks for one thing. @throws SyscallError with the errno of the answer */
export function askNetlink(fd: number, request: Message): DecodedMessage[] {
  send(fd, request);
  return receive(fd, request);
}

function send(fd: number, request: Message): void {
  const block = messageBlock([request]);
  const bytes = Buffer.concat(
    block.parts.map((part) => {
      if (part.kind !== 'bytes') throw new Error(`a ${part.kind} in ${request.display}`);
      return part.bytes;
    }),
  );
  callSendto([fd, bytes, byteLength(block), 0, null, 0], () => request.display);
}

function receiveDump(fd: number, request: Message): DecodedMessage[] {
  const all: DecodedMessage[] = [];
  for (let count = 0; count < MAX_DATAGRAMS; count++) {
    const messages = receive(fd, request);
    all.push(...messages);
    if (messages.some(({ type }) => type === NLMSG.NLMSG_DONE)) break;
  }
  return all;
}

function receive(fd: number, request: Message): DecodedMessage[] {
  const length = callRecvfrom(
    [fd, datagram, DATAGRAM_BYTES, MSG.MSG_DONTWAIT, null, null],
    () => `the answer to ${request.display}`,
  );
  const bytes = Uint8Array.prototype.slice.call(datagram, 0, length);
  const answer = decodeAnswer(bytes);
  if (answer !== null && answer.errno !== 0) {
    const args = `the answer to ${request.display}`;
    throw new SyscallError({ syscall: 'recvfrom', errno: answer.errno, args });
  }
  return decodeMessages(bytes);
}

/** What a listener to a netlink socket is told. */
export interface NetlinkListener {
  /** messages of one datagram */
  readonly onMessages: (messages: readonly DecodedMessage[]) => void;
  /** more came than was read (ENOBUFS): some are lost, and the socket is closed */
  readonly onOverrun: () => void;
}

/**
 * Listens to a socket that belongs to groups; libuv polls it, no thread waits. Does not keep the
 * process alive.
 *
 * @param fd belongs to the watch from here on
 * @returns what ends the watch and closes the socket
 */
export function watchNetlink(fd: number, listener: NetlinkListener): () => void {
  const socket = pollingSocket(fd);
  if (socket === undefined) return watchByTimer(fd, listener);
  let ended = false;
  socket.on('data', (bytes: Buffer) => {
    if (!ended) listener.onMessages(decodeMessages(bytes));
  });
  socket.on('error', () => {}); // 'close' follows
  socket.on('close', () => {
    if (ended) return;
    ended = true;
    listener.onOverrun();
  });
  socket.unref();
  return () => {
    ended = true;
    socket.destroy();
  };
}

function watchByTimer(fd: number, listener: NetlinkListener): () => void {
  const stop = (): void => {
    clearInterval(timer);
    closeSync(fd);
  };
  const look = (): void => {
    try {
      for (;;) {
        const length = readSync(fd, datagram);
        listener.onMessages(decodeMessages(Uint8Array.prototype.slice.call(datagram, 0, length)));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOBUFS') return; // EAGAIN: nothing more
      stop();
      listener.onOverrun();
    }
  };
  const timer = setInterval(look, POLL_MILLISECONDS);
  timer.unref();
  return stop;
}

/** True for an errno by which the kernel says that it has no such thing. */
export function isMissing(error: unknown): boolean {
  const missing: readonly number[] = [
    ERRNO.EPROTONOSUPPORT,
    ERRNO.EOPNOTSUPP,
    ERRNO.EINVAL,
    ERRNO.ENOENT,
  ];
  return error instanceof SyscallError && missing.includes(error.errno);
}
