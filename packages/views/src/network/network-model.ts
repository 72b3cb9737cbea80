/**
 * The networks of a state as a person reads them: boxes in a steady order, each with its ports
 * (those of a bridge below it), what listens, where the rest goes, and its rules. Pure; picture
 * and tree are both made from it.
 */
import {
  type LinkState,
  linksOf,
  membersOf,
  type NetworkState,
  type NsInode,
  namespacesOfKind,
  type ProcessState,
  type State,
} from '@terrarium/timeline';

/** One interface in the order in which it is drawn; ports of a bridge follow it. */
export interface PortModel {
  readonly link: LinkState;
  /** the bridge that it is plugged into */
  readonly bridge: LinkState | null;
}

/** One network namespace. */
export interface BoxModel {
  readonly netNs: NsInode;
  /** null where it has not been read yet */
  readonly network: NetworkState | null;
  /** as `ip netns` calls it: it is held by a bind mount of that name */
  readonly name: string | null;
  readonly own: boolean;
  readonly members: readonly ProcessState[];
  readonly ports: readonly PortModel[];
}

/** All boxes: the sandbox's own first, then by birth. */
export function boxesOf(state: State): readonly BoxModel[] {
  const known = namespacesOfKind(state, 'net').map(({ inode }) => inode);
  const read = Object.keys(state.networks ?? {}).map(Number);
  const all = [...known, ...read.filter((inode) => !known.includes(inode))];
  const own = state.sandbox?.namespaces.net;
  return [...all.filter((inode) => inode === own), ...all.filter((inode) => inode !== own)].map(
    (inode) => boxOf(state, inode),
  );
}

function boxOf(state: State, netNs: NsInode): BoxModel {
  const network = state.networks?.[netNs] ?? null;
  return {
    ...{ netNs, network, name: netnsName(state, netNs) },
    own: state.sandbox?.namespaces.net === netNs,
    members: membersOf(state, netNs).filter(({ state: now }) => now !== 'Z'),
    ports: network === null ? [] : portsOf(network),
  };
}

function netnsName(state: State, netNs: NsInode): string | null {
  for (const holder of state.namespaces[netNs]?.holders ?? []) {
    const found = holder.by === 'mount' ? /\/netns\/([^/]+)$/.exec(holder.path) : null;
    if (found?.[1] !== undefined) return found[1];
  }
  return null;
}

function portsOf(network: NetworkState): readonly PortModel[] {
  const links = linksOf(network);
  const masterOf = (link: LinkState): LinkState | null =>
    link.master === null ? null : (network.links[link.master] ?? null);
  return links
    .filter((link) => masterOf(link) === null)
    .flatMap((link) => [
      { link, bridge: null },
      ...links.filter((one) => masterOf(one) === link).map((one) => ({ link: one, bridge: link })),
    ]);
}

export type LinkCondition = 'up' | 'noCarrier' | 'down';

/** On and connected, on alone, or off. */
export function conditionOf({ flags }: LinkState): LinkCondition {
  if (!flags.includes('UP')) return 'down';
  return flags.includes('LOWER_UP') ? 'up' : 'noCarrier';
}

/** Identity of an interface for rows, ports and wires. */
export function linkId(netNs: NsInode, index: number): string {
  return `link ${netNs} ${index}`;
}

/** `1.2 kB`, with the units of ip(8)'s man page: powers of ten. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
