/**
 * The system calls around netlink messages: open a socket, send a request, read its answer. Run by
 * a process of a plan with CAP_NET_ADMIN over its network namespace. **A netlink socket belongs to
 * the namespace in which it was opened**, for ever: a process may hold one of each and need not
 * travel to and fro.
 */
import {
  AF,
  type Block,
  byteLength,
  INTERFACE_NAME_LENGTH,
  type Message,
  MSG,
  messageBlock,
  NETLINK,
  NETLINK_EXT_ACK,
  type Purpose,
  SIOCGIFINDEX,
  type Slot,
  SOCK,
  SOL_NETLINK,
  scratch,
  shown,
  struct,
} from '@terrarium/syscall';
import { purpose, type Script } from '../plan/script.js';

/** Where nlmsgerr.error is in the answer: right behind the netlink header. */
const ERROR_OFFSET = 16;
/** the netlink header and nlmsgerr: an answer is never shorter */
const ANSWER_MIN_BYTES = 36;
/** room for the kernel's own words behind the request that an error quotes */
const WORDS_BYTES = 256;
/** sizeof(struct ifreq) on 64-bit machines: 16 bytes of name, then the index */
const IFREQ_BYTES = 40;
const IFREQ_INDEX_OFFSET = INTERFACE_NAME_LENGTH + 1;

/** What an answer may say without the plan ending. */
export interface RequestExtras {
  /** errnos of the answer after which the plan goes on: EEXIST, ENODEV, … */
  readonly tolerate?: readonly number[];
}

/** A netlink socket of a plan. */
export interface NetlinkSocket {
  readonly fd: Slot;
  readonly protocol: keyof typeof NETLINK;
}

/**
 * Opens a netlink socket in the network namespace that the process is in.
 *
 * @param name how displays call it: `route` is shown as `<route>`
 */
export function openNetlink(
  script: Script,
  protocol: keyof typeof NETLINK,
  name: string,
): NetlinkSocket {
  const fd = script.builder.slot(name);
  const subject = protocol === 'NETLINK_ROUTE' ? 'links, addresses and routes' : 'packet rules';
  const zhSubject = protocol === 'NETLINK_ROUTE' ? '网卡、地址和路由' : '数据包规则';
  const why = purpose(
    'netlink-socket',
    `a socket to the kernel itself: messages about ${subject} of this network namespace`,
    `一个通向内核本身的套接字：关于这个网络命名空间的${zhSubject}的消息`,
  );
  script.call(
    'socket',
    [
      shown(AF.AF_NETLINK, 'AF_NETLINK'),
      shown(SOCK.SOCK_RAW | SOCK.SOCK_CLOEXEC, 'SOCK_RAW|SOCK_CLOEXEC'),
      shown(NETLINK[protocol], protocol),
    ],
    why,
    { store: fd },
  );
  script.call(
    'setsockopt',
    [
      fd,
      shown(SOL_NETLINK, 'SOL_NETLINK'),
      shown(NETLINK_EXT_ACK, 'NETLINK_EXT_ACK'),
      struct([[1, 4]]),
      4,
    ],
    purpose(
      'netlink-words',
      'let the kernel say in words what is wrong with a message',
      '让内核用文字说明一条消息哪里不对',
    ),
    { display: `setsockopt(<${name}>, SOL_NETLINK, NETLINK_EXT_ACK, [1], 4)` },
  );
  return { fd, protocol };
}

/** Closes it. */
export function closeNetlink(script: Script, socket: NetlinkSocket): void {
  script.call(
    'close',
    [socket.fd],
    purpose('netlink-close', 'the conversation with the kernel is over', '与内核的对话结束'),
  );
}

/**
 * Sends one request with NLM_F_ACK, or one batch whose last message has it, and reads the answer.
 * The kernel has carried it out when sendto returns, so the answer is there and recvfrom does not
 * wait. An errno in the answer fails the step, as if recvfrom had returned it.
 */
export function request(
  script: Script,
  socket: NetlinkSocket,
  messages: readonly Message[],
  why: Purpose,
  extras: RequestExtras = {},
): void {
  const block = messageBlock(messages);
  const length = byteLength(block);
  const name = socket.fd.name;
  script.call('sendto', [socket.fd, block, length, 0, 0, 0], why, {
    display: `sendto(<${name}>, ${displayOf(messages)}, ${length}, 0, NULL, 0)`,
    atLeast: length,
  });
  const answer = scratch(ANSWER_MIN_BYTES + block.longest + WORDS_BYTES);
  script.call(
    'recvfrom',
    [socket.fd, answer, answer.size ?? 0, shown(MSG.MSG_DONTWAIT, 'MSG_DONTWAIT'), 0, 0],
    answerPurpose(why),
    {
      display: `recvfrom(<${name}>, {NLMSG_ERROR, error=0, msg=${displayAnswered(messages)}}, ${answer.size}, MSG_DONTWAIT, NULL, NULL)`,
      atLeast: ANSWER_MIN_BYTES,
      ack: { from: answer, offset: ERROR_OFFSET },
      reportBlock: answer,
      ...extras,
    },
  );
}

/**
 * Asks for the index of an interface: messages name interfaces by number, and only the kernel
 * knows it.
 *
 * @returns the register that holds it
 */
export function interfaceIndex(script: Script, socket: NetlinkSocket, name: string): Slot {
  const index = script.builder.slot(`index of ${name}`);
  const ifreq = interfaceRequest(name);
  script.call(
    'ioctl',
    [socket.fd, shown(SIOCGIFINDEX, 'SIOCGIFINDEX'), ifreq],
    purpose(
      'interface-index',
      `ask for the number of ${name}: messages name interfaces by number`,
      `询问 ${name} 的编号：消息里用编号指代网卡`,
    ),
    {
      display: `ioctl(<${socket.fd.name}>, SIOCGIFINDEX, {ifr_name="${name}", ifr_ifindex=<${index.name}>})`,
      loads: [{ from: ifreq, offset: IFREQ_INDEX_OFFSET, width: 4, to: index }],
    },
  );
  return index;
}

function interfaceRequest(name: string): Block {
  const field = new Uint8Array(IFREQ_INDEX_OFFSET);
  field.set(new TextEncoder().encode(checkedInterfaceName(name)));
  return struct([field], IFREQ_BYTES);
}

/**
 * Refuses what the kernel would refuse (dev_valid_name), and what would be cut short.
 *
 * @throws Error with the rule
 */
export function checkedInterfaceName(name: string): string {
  if (!isInterfaceName(name))
    throw new Error(
      `not a name of an interface: ${JSON.stringify(name)} (1 to ${INTERFACE_NAME_LENGTH} bytes, no slash, colon or space, neither "." nor "..")`,
    );
  return name;
}

/** True for what may name an interface. */
export function isInterfaceName(name: string): boolean {
  const length = Buffer.byteLength(name);
  if (length === 0 || length > INTERFACE_NAME_LENGTH) return false;
  return name !== '.' && name !== '..' && !/[\s/:\0%]/.test(name);
}

function answerPurpose({ id, en, zh }: Purpose): Purpose {
  return purpose(`${id}-answer`, `the kernel's answer to: ${en}`, `内核的答复——${zh}`);
}

function displayOf(messages: readonly Message[]): string {
  const [only] = messages;
  return messages.length === 1 && only !== undefined
    ? only.display
    : `[${messages.map(({ display }) => display).join(', ')}]`;
}

/** An answer quotes the request that it is about: of a batch the last, or the first that failed. */
function displayAnswered(messages: readonly Message[]): string {
  const [only] = messages;
  return messages.length === 1 && only !== undefined
    ? only.display
    : `<one of ${messages.length} messages>`;
}
