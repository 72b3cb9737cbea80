/**
 * Sockets that wait for somebody, by sock_diag(7): listening tcp and bound udp sockets of a network
 * namespace. The kernel walks its listening sockets alone; /proc/net/tcp would make it walk every
 * bucket of its hash of connections, which takes milliseconds. Pure.
 */
import {
  AF,
  INET_DIAG_MSG_BYTES,
  INET_DIAG_REQ_BYTES,
  IPPROTO,
  NLM_F,
  SOCK_DIAG_BY_FAMILY,
  TCP_STATE,
} from './constants.js';
import { viewOf } from './decode.js';
import { formatIp } from './ip.js';
import { le32, type Message } from './messages.js';

export type WaitingProtocol = 'tcp' | 'tcp6' | 'udp' | 'udp6';

/** A socket and the address that it waits at. */
export interface WaitingSocket {
  readonly protocol: WaitingProtocol;
  readonly address: string;
  readonly port: number;
  /** as in `socket:[INODE]` of /proc/PID/fd */
  readonly inode: number;
}

/** The requests for each kind, in this order. */
export const WAITING_PROTOCOLS: readonly WaitingProtocol[] = ['tcp', 'tcp6', 'udp', 'udp6'];

/** struct inet_diag_req_v2: family, protocol, extensions, padding, states; then nothing wanted */
export function waitingRequest(protocol: WaitingProtocol): Message {
  const tcp = protocol.startsWith('tcp');
  const family = protocol.endsWith('6') ? AF.AF_INET6 : AF.AF_INET;
  const number = tcp ? IPPROTO.IPPROTO_TCP : IPPROTO.IPPROTO_UDP;
  const state = tcp ? TCP_STATE.TCP_LISTEN : TCP_STATE.TCP_CLOSE;
  return {
    type: SOCK_DIAG_BY_FAMILY,
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_DUMP,
    header: [
      Uint8Array.of(family, number, 0, 0),
      le32(1 << state),
      new Uint8Array(INET_DIAG_REQ_BYTES - 8),
    ],
    attributes: [],
    display: `{SOCK_DIAG_BY_FAMILY, ${protocol}, flags=NLM_F_DUMP}`,
  };
}

/**
 * From bodies of the answer, struct inet_diag_msg: family, state, timer, retransmissions (a byte
 * each), source and destination port (big-endian), source address (16 bytes), … , inode at last.
 */
export function waitingFrom(
  bodies: readonly Uint8Array[],
  protocol: WaitingProtocol,
): WaitingSocket[] {
  return bodies
    .filter((body) => body.length >= INET_DIAG_MSG_BYTES)
    .map((body) => ({
      protocol,
      address: formatIp(body.subarray(8, protocol.endsWith('6') ? 24 : 12)),
      port: viewOf(body).getUint16(4, false),
      inode: viewOf(body).getUint32(INET_DIAG_MSG_BYTES - 4, true),
    }))
    .filter(({ port }) => port !== 0);
}
