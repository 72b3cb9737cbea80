/**
 * The mounts of one namespace as the tree that the kernel keeps, with what mountinfo only implies:
 * which mounts are covered by others, who receives whose mounts, what an overlay is made of, and
 * how two namespaces differ.
 */
import { mountsOf } from './selectors.js';
import type { MountState, NsInode, State } from './state.js';

/** A mount with what is mounted on it. */
export interface MountNode {
  readonly mount: MountState;
  /** in the order in which they were attached */
  readonly children: readonly MountNode[];
  /** the mount that hides it, directly or by covering a directory above; null when it is seen */
  readonly coveredBy: number | null;
}

/** The trees of a namespace; usually one root. Mounts whose parent is out of sight are roots too. */
export function mountTree(state: State, mountNs: NsInode): readonly MountNode[] {
  const mounts = mountsOf(state, mountNs);
  const known = new Set(mounts.map(({ mountId }) => mountId));
  const byParent = new Map<number | null, MountState[]>();
  for (const mount of mounts) {
    const isRoot = !known.has(mount.parentId) || mount.parentId === mount.mountId;
    const parent = isRoot ? null : mount.parentId;
    byParent.set(parent, [...(byParent.get(parent) ?? []), mount]);
  }
  const node = (mount: MountState, coveredAbove: number | null): MountNode => {
    const siblings = byParent.get(mount.parentId === mount.mountId ? null : mount.parentId) ?? [];
    const on = byParent.get(mount.mountId) ?? [];
    const coveredBy = coveredAbove ?? coverOf(mount, siblings, on);
    const top = on.findLast(({ mountPoint }) => mountPoint === mount.mountPoint);
    const children = on.map((child) =>
      // Whatever lies on this mount is hidden with it, except the one that hides it.
      node(child, child === top ? coveredAbove : coveredBy),
    );
    return { mount, children, coveredBy };
  };
  return (byParent.get(null) ?? []).map((mount) => node(mount, null));
}

/**
 * The mount that a path leads to: of several at one place the one that nothing covers. Its number
 * does not tell, as the kernel gives free ones to the next.
 */
export function mountAt(state: State, mountNs: NsInode, path: string): MountState | undefined {
  const uncovered = (nodes: readonly MountNode[]): MountState | undefined => {
    for (const { mount, coveredBy, children } of nodes) {
      if (coveredBy === null && mount.mountPoint === path) return mount;
      const found = uncovered(children);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return uncovered(mountTree(state, mountNs));
}

/**
 * A mount on the very same place, or one of the same parent on a directory above: what came after
 * that one has it as its parent, so this came before. Of several the first on the way from the root.
 */
function coverOf(
  mount: MountState,
  siblings: readonly MountState[],
  on: readonly MountState[],
): number | null {
  const onTop = on.findLast(({ mountPoint }) => mountPoint === mount.mountPoint);
  if (onTop !== undefined) return onTop.mountId;
  const above = siblings.filter(
    (other) =>
      other.parentId === mount.parentId &&
      other.mountPoint !== mount.mountPoint &&
      isBelow(mount.mountPoint, other.mountPoint),
  );
  above.sort((a, b) => a.mountPoint.length - b.mountPoint.length);
  return above[0]?.mountId ?? null;
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}

/** What optional fields say of a mount, see mount_namespaces(7). */
export interface Propagation {
  /** gets nothing and gives nothing when all are null and `unbindable` is false: private */
  readonly peerGroup: number | null;
  /** the peer group whose mounts it receives without giving its own */
  readonly master: number | null;
  /** the nearest dominant peer group under the reader's root */
  readonly from: number | null;
  readonly unbindable: boolean;
}

/** Reads `shared:5`, `master:2`, `propagate_from:1`, `unbindable`. */
export function propagationOf({ optionalFields }: MountState): Propagation {
  const number = (name: string) => {
    const field = optionalFields.find((one) => one.startsWith(`${name}:`));
    return field === undefined ? null : Number(field.slice(name.length + 1));
  };
  return {
    peerGroup: number('shared'),
    master: number('master'),
    from: number('propagate_from'),
    unbindable: optionalFields.includes('unbindable'),
  };
}

/** A mount with the namespace that it is in. */
export interface PlacedMount {
  readonly mountNs: NsInode;
  readonly mount: MountState;
}

/** Members of a peer group, and the slaves that receive its mounts, over all namespaces. */
export function peersOf(
  state: State,
  group: number,
): { readonly members: readonly PlacedMount[]; readonly slaves: readonly PlacedMount[] } {
  const members: PlacedMount[] = [];
  const slaves: PlacedMount[] = [];
  for (const mountNs of Object.keys(state.mounts).map(Number)) {
    for (const mount of mountsOf(state, mountNs)) {
      const { peerGroup, master } = propagationOf(mount);
      if (peerGroup === group) members.push({ mountNs, mount });
      else if (master === group) slaves.push({ mountNs, mount });
    }
  }
  return { members, slaves };
}

/** The directories of an overlay mount; lower layers topmost first, as lookups go. */
export interface OverlayLayers {
  readonly lower: readonly string[];
  readonly upper: string | null;
  readonly work: string | null;
}

/** A comma that begins another option of overlay: in the path of a layer it begins nothing. */
const NEXT_OPTION =
  /,(?=(?:r[ow]|lowerdir\+?=|datadir\+=|upperdir=|workdir=|index=|uuid=|nfs_export=|xino=|metacopy=|redirect_dir=|verity=|userxattr|volatile|default_permissions))/;

/** @returns null for any other file system */
export function overlayOf({ fsType, superOptions }: MountState): OverlayLayers | null {
  if (fsType !== 'overlay') return null;
  const values = (name: string) =>
    superOptions
      .split(NEXT_OPTION)
      .filter((option) => option.startsWith(`${name}=`))
      .map((option) => option.slice(name.length + 1));
  // Old style: one lowerdir=a:b. New style (Linux 6.8): lowerdir+=a, once a layer.
  const lower = [
    ...values('lowerdir').flatMap((list) => list.split(/(?<!\\):/)),
    ...values('lowerdir+'),
  ]
    .filter((path) => path !== '') // `::` comes before layers of nothing but data
    .map((path) => path.replaceAll('\\:', ':'));
  return { lower, upper: values('upperdir')[0] ?? null, work: values('workdir')[0] ?? null };
}

/** How a mount stands to another namespace: the same there, something else there, or only here. */
export type MountDifference = 'same' | 'other' | 'only-here';

/** By mount id of `mountNs`; what is seen at a mount point decides, so covered mounts are left out. */
export function mountDifferences(
  state: State,
  mountNs: NsInode,
  otherNs: NsInode,
): ReadonlyMap<number, MountDifference> {
  const there = new Map(
    mountsOf(state, otherNs).map((mount) => [mount.mountPoint, mount] as const),
  ); // the last of a mount point is the one on top
  const here = new Map(mountsOf(state, mountNs).map((mount) => [mount.mountPoint, mount] as const));
  return new Map(
    [...here.values()].map((mount) => {
      const other = there.get(mount.mountPoint);
      const same =
        other !== undefined && other.device === mount.device && other.root === mount.root;
      return [mount.mountId, other === undefined ? 'only-here' : same ? 'same' : 'other'];
    }),
  );
}
