/** How the views name a mount: by its namespace and its id there, `4026532801 512`. */
import type { MountState, NsInode, State } from '@terrarium/timeline';

/** @see mountKey */
export type MountKey = string;

/** The key of a mount: its id is unique in its namespace for as long as it is mounted. */
export function mountKey(mountNs: NsInode, mountId: number): MountKey {
  return `${mountNs} ${mountId}`;
}

/** The mount of a key; null when it is gone. */
export function mountOf(
  state: State,
  key: MountKey | null,
): { readonly mountNs: NsInode; readonly mount: MountState } | null {
  if (key === null) return null;
  const [mountNs, mountId] = key.split(' ').map(Number) as [number, number];
  const mount = state.mounts[mountNs]?.[mountId];
  return mount === undefined ? null : { mountNs, mount };
}
