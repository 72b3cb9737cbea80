/**
 * Where the other end of a veth is. The kernel says its index there, and the number that this
 * namespace has for that one (IFLA_LINK_NETNSID); which one it is, is found by asking for the
 * numbers of all that are known (RTM_GETNSID). What stays unknown is the host's, or another
 * sandbox's. Numbers last as long as their namespace, which we keep until it has left here.
 */
import type { NsInode } from '@terrarium/timeline';
import type { NamespaceNetwork } from './namespace-network.js';
import type { PeerOf } from './network-state.js';

interface Numbers {
  readonly known: Map<number, NsInode>;
  /** belong to none of the namespaces that there were when they were last asked for */
  readonly strange: Set<number>;
}

export class PeerFinder {
  private readonly all: ReadonlyMap<NsInode, { readonly network: NamespaceNetwork }>;
  private readonly numbers = new Map<NsInode, Numbers>();

  constructor(all: ReadonlyMap<NsInode, { readonly network: NamespaceNetwork }>) {
    this.all = all;
  }

  /** There is another namespace: strange numbers may be its. */
  arrived(): void {
    for (const { strange } of this.numbers.values()) strange.clear();
  }

  /** A namespace is gone; its number may be given to another one. */
  left(inode: NsInode): void {
    this.numbers.delete(inode);
    for (const { known } of this.numbers.values()) {
      for (const [id, other] of known) if (other === inode) known.delete(id);
    }
  }

  /** For the links of one namespace. */
  of(network: NamespaceNetwork): PeerOf {
    return ({ peer, peerNetnsId }) => {
      if (peer === null || peer === 0) return null;
      if (peerNetnsId === null) return { netNs: network.inode, index: peer };
      return { netNs: this.resolve(network, peerNetnsId), index: peer };
    };
  }

  private resolve(network: NamespaceNetwork, id: number): NsInode | null {
    const numbers = this.numbers.get(network.inode) ?? { known: new Map(), strange: new Set() };
    this.numbers.set(network.inode, numbers);
    if (!numbers.known.has(id) && !numbers.strange.has(id)) {
      this.ask(network, numbers);
      if (!numbers.known.has(id)) numbers.strange.add(id);
    }
    return numbers.known.get(id) ?? null;
  }

  private ask(network: NamespaceNetwork, { known }: Numbers): void {
    const others = [...this.all.values()]
      .map((one) => one.network)
      .filter((one) => one !== network);
    const ids = network.idsOf(others.map(({ namespaceFd }) => namespaceFd));
    for (const [index, other] of others.entries()) {
      const id = ids[index] ?? -1;
      if (id >= 0) known.set(id, other.inode);
    }
  }
}
