/**
 * One network namespace: two sockets that hear of its changes, and questions to the kernel. Runs
 * in the observer process, which steps into the namespace for the moment in which a socket is
 * opened (see `inNetworkNamespace`). The fds keep the namespace alive until `close`.
 */
import { closeSync } from 'node:fs';
import {
  Attributes,
  addressesFrom,
  askNetlink,
  type DecodedMessage,
  DUMP,
  dumpNetlink,
  dumpSetElements,
  FORWARDING_REQUEST,
  forwardingFrom,
  type InterfaceAddress,
  inNetworkNamespace,
  isMissing,
  type LinkStatistics,
  linksFrom,
  type NETLINK,
  type NetworkLink,
  type NetworkRoute,
  NFGENMSG_BYTES,
  NFNL_SUBSYS_NFTABLES,
  NFNLGRP_NFTABLES,
  NFT_MSG,
  NFTA_GEN,
  namespaceIdFrom,
  namespaceIdRequest,
  netlinkSocket,
  RTNLGRP,
  type RulesetTable,
  routesFrom,
  rulesetFrom,
  setsToList,
  statisticsFrom,
  WAITING_PROTOCOLS,
  type WaitingSocket,
  waitingFrom,
  waitingRequest,
  watchNetlink,
} from '@terrarium/syscall';
import type { NsInode } from '@terrarium/timeline';

/** What was heard: that something changed, and who says so, where it is said. */
export interface Heard {
  readonly what: 'links' | 'rules';
  /** port id of the request's sender, mostly its pid in its own pid namespace; see `Actors` */
  readonly portId?: number;
  /** the process by its pid on the host */
  readonly hostPid?: number;
}

/** Links, addresses and routes at about one time. */
export interface Wiring {
  readonly links: readonly NetworkLink[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly NetworkRoute[];
  readonly forwards: boolean | null;
}

const NEW_GENERATION = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG.NFT_MSG_NEWGEN;

export class NamespaceNetwork {
  readonly inode: NsInode;
  /** open as long as this is */
  readonly namespaceFd: number;
  private readonly onHeard: (heard: Heard) => void;
  private readonly stops = new Map<keyof typeof NETLINK, () => void>();
  private closed = false;

  /**
   * Begins to listen.
   *
   * @param namespaceFd belongs to this from here on, even when it throws
   * @throws SyscallError when there can be no socket
   */
  constructor(inode: NsInode, namespaceFd: number, onHeard: (heard: Heard) => void) {
    this.inode = inode;
    this.namespaceFd = namespaceFd;
    this.onHeard = onHeard;
    try {
      this.listen('NETLINK_ROUTE', Object.values(RTNLGRP));
      this.listenToRules();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Lets the namespace go. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const stop of this.stops.values()) stop();
    closeSync(this.namespaceFd);
  }

  /** @throws SyscallError when the kernel refuses */
  readWiring(): Wiring {
    return this.asking('NETLINK_ROUTE', (fd) => {
      const links = linksFrom(bodies(dumpNetlink(fd, DUMP.links)));
      return {
        links,
        addresses: addressesFrom(bodies(dumpNetlink(fd, DUMP.addresses)), links),
        routes: routesFrom(bodies(dumpNetlink(fd, DUMP.routes)), links),
        forwards: forwardingFrom(bodies(askNetlink(fd, FORWARDING_REQUEST))),
      };
    });
  }

  /** None where the kernel has no nf_tables. */
  readRules(): readonly RulesetTable[] {
    try {
      return this.asking('NETLINK_NETFILTER', (fd) => {
        const tables = bodies(dumpNetlink(fd, DUMP.tables));
        if (tables.length === 0) return [];
        const chains = bodies(dumpNetlink(fd, DUMP.chains));
        const rules = bodies(dumpNetlink(fd, DUMP.rules));
        const elements = setsToList(bodies(dumpNetlink(fd, DUMP.sets))).map((set) => ({
          ...set,
          elements: bodies(dumpNetlink(fd, dumpSetElements(set.family, set.table, set.name))),
        }));
        return rulesetFrom(tables, chains, rules, elements);
      });
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Sockets that wait; null where the kernel has no sock_diag for them. */
  readWaiting(): readonly WaitingSocket[] | null {
    try {
      return this.asking('NETLINK_SOCK_DIAG', (fd) =>
        WAITING_PROTOCOLS.flatMap((protocol) =>
          waitingFrom(bodies(dumpNetlink(fd, waitingRequest(protocol))), protocol),
        ),
      );
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Counters by index of the link. */
  readStatistics(): ReadonlyMap<number, LinkStatistics> {
    return this.asking('NETLINK_ROUTE', (fd) =>
      statisticsFrom(bodies(dumpNetlink(fd, DUMP.statistics))),
    );
  }

  /** This namespace's numbers for others (IFLA_LINK_NETNSID); -1 where it has none. */
  idsOf(namespaceFds: readonly number[]): number[] {
    return this.asking('NETLINK_ROUTE', (fd) =>
      namespaceFds.map((other) =>
        namespaceIdFrom(bodies(askNetlink(fd, namespaceIdRequest(other)))),
      ),
    );
  }

  /** A socket for each conversation: one whose list was not read to its end would stay busy. */
  private asking<T>(protocol: keyof typeof NETLINK, ask: (fd: number) => T): T {
    const fd = inNetworkNamespace(this.namespaceFd, () => netlinkSocket(protocol));
    try {
      return ask(fd);
    } finally {
      closeSync(fd);
    }
  }

  private listenToRules(): void {
    try {
      this.listen('NETLINK_NETFILTER', [NFNLGRP_NFTABLES]);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  private listen(protocol: keyof typeof NETLINK, groups: readonly number[]): void {
    const fd = inNetworkNamespace(this.namespaceFd, () => netlinkSocket(protocol, groups));
    const what = protocol === 'NETLINK_ROUTE' ? 'links' : 'rules';
    const stop = watchNetlink(fd, {
      onMessages: (messages) => {
        for (const message of messages) this.onHeard(heardFrom(what, message));
      },
      onOverrun: () => this.listenAgain(protocol, groups, what),
    });
    this.stops.set(protocol, stop);
  }

  /** Some messages were lost: what they were about is read again. */
  private listenAgain(
    protocol: keyof typeof NETLINK,
    groups: readonly number[],
    what: Heard['what'],
  ): void {
    this.stops.delete(protocol);
    if (this.closed) return;
    try {
      this.listen(protocol, groups);
    } catch {
      // No socket to be had now: comparing with the kernel, every few seconds, has to do.
    }
    this.onHeard({ what });
  }
}

function heardFrom(what: Heard['what'], { type, portId, body }: DecodedMessage): Heard {
  if (type === NEW_GENERATION) {
    const hostPid = new Attributes(body, NFGENMSG_BYTES).be32(NFTA_GEN.NFTA_GEN_PROC_PID);
    return { what, ...(hostPid !== undefined && { hostPid }) };
  }
  return { what, ...(what === 'links' && portId !== 0 && { portId }) };
}

function bodies(messages: readonly DecodedMessage[]): Uint8Array[] {
  return messages.map(({ body }) => body);
}
