/**
 * Sockets that wait, by sock_diag, and whose they are, by the links of /proc/PID/fd. Where the kernel
 * has no sock_diag: /proc/PID/net/{tcp,tcp6,udp,udp6} of a member, for which the kernel walks its
 * hash of all connections (3.6 ms for tcp on a machine of 24 GB). Runs in the observer process.
 */
import { formatIp, WAITING_PROTOCOLS, type WaitingSocket } from '@terrarium/syscall';
import type { ListenerState, NsInode, ProcessKey, ProcessState } from '@terrarium/timeline';
import type { WatchedSandbox } from '../part.js';
import type { NamespaceNetwork } from './namespace-network.js';

/** States of a socket by their numbers in net/tcp_states.h: LISTEN, and CLOSE for unconnected udp. */
const TCP_LISTEN = '0A';
const UDP_UNCONNECTED = '07';
/** Listening sockets come first in the file; of established ones there may be a hundred thousand. */
const MAX_BYTES = 256 * 1024;
/** Of one namespace. */
const MAX_LISTENERS = 256;
/** Links of fds that are read for the owners of new sockets, each time. */
const MAX_LINKS = 2048;

/**
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode …
 *    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5271 …
 */
export function parseSockets(text: string, protocol: ListenerState['protocol']): WaitingSocket[] {
  const wanted = protocol.startsWith('tcp') ? TCP_LISTEN : UDP_UNCONNECTED;
  const found: WaitingSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/ +/);
    const [address = '', port = ''] = (fields[1] ?? '').split(':');
    if (fields[3] !== wanted || fields.length < 10) continue;
    found.push({
      protocol,
      address: addressOf(address),
      port: Number.parseInt(port, 16),
      inode: Number(fields[9]),
    });
  }
  return found;
}

/** Words of 32 bits in the machine's order, which is little-endian on both our architectures. */
function addressOf(digits: string): string {
  const bytes = Buffer.from(digits, 'hex');
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return formatIp(bytes);
}

/** The listeners of one sandbox, and what is remembered of their owners. */
export class Listeners {
  private readonly sandbox: WatchedSandbox;
  private readonly owners = new Map<number, ProcessKey>();

  constructor(sandbox: WatchedSandbox) {
    this.sandbox = sandbox;
  }

  /**
   * Reads those of one namespace.
   *
   * @param hinted pids of processes that have just called bind or listen
   */
  read(network: NamespaceNetwork, hinted: ReadonlySet<number> = new Set()): ListenerState[] {
    const netNs = network.inode;
    const sockets = (network.readWaiting() ?? this.fromProc(netNs)).slice(0, MAX_LISTENERS);
    this.findOwners(sockets, netNs, hinted);
    return sockets
      .map(({ inode, ...socket }) => ({ ...socket, process: this.owners.get(inode) ?? null }))
      .sort(inOrder);
  }

  private fromProc(netNs: NsInode): WaitingSocket[] {
    const member = this.sandbox.memberOf('net', netNs);
    return WAITING_PROTOCOLS.flatMap((protocol) => {
      const text = this.sandbox.machine.proc.text(`${member}/net/${protocol}`, MAX_BYTES);
      return text === null ? [] : parseSockets(text, protocol);
    });
  }

  /** True when somebody who waited there has ended: a look is due. */
  hasLost(listeners: readonly ListenerState[]): boolean {
    return listeners.some(({ process }) => process !== null && !this.lives(process));
  }

  private findOwners(
    sockets: readonly WaitingSocket[],
    netNs: NsInode,
    hinted: ReadonlySet<number>,
  ): void {
    for (const [inode, key] of this.owners) if (!this.lives(key)) this.owners.delete(inode);
    const wanted = new Set(
      sockets.map(({ inode }) => inode).filter((inode) => !this.owners.has(inode)),
    );
    if (wanted.size === 0) return;
    let left = MAX_LINKS;
    for (const process of likeliestFirst(this.sandbox.processes(), netNs, hinted)) {
      for (const fd of this.sandbox.machine.proc.list(`${process.hostPid}/fd`) ?? []) {
        if (wanted.size === 0 || left-- === 0) return;
        const link = this.sandbox.machine.proc.link(`${process.hostPid}/fd/${fd}`);
        const inode = Number(/^socket:\[(\d+)\]$/.exec(link ?? '')?.[1]);
        if (wanted.delete(inode)) this.owners.set(inode, process.key);
      }
    }
  }

  private lives(key: ProcessKey): boolean {
    const process = this.sandbox.process(Number.parseInt(key, 10));
    return process?.key === key && process.state !== 'Z';
  }
}

/** Whoever has just called, then the namespace's members, then the others, which may hold an fd. */
function likeliestFirst(
  processes: readonly ProcessState[],
  netNs: NsInode,
  hinted: ReadonlySet<number>,
): ProcessState[] {
  const rank = ({ hostPid, namespaces }: ProcessState): number =>
    hinted.has(hostPid) ? 0 : namespaces.net === netNs ? 1 : 2;
  return processes
    .filter(({ state }) => state !== 'Z')
    .sort((a, b) => rank(a) - rank(b) || a.startTime - b.startTime);
}

function inOrder(a: ListenerState, b: ListenerState): number {
  return (
    a.protocol.localeCompare(b.protocol) ||
    a.port - b.port ||
    a.address.localeCompare(b.address) ||
    (a.process ?? '').localeCompare(b.process ?? '')
  );
}
