/**
 * How a process gets another root. Who runs them: init, in its own mount namespace, standing in
 * the new root directory.
 * @see pivot_root(2), "pivot_root(".", ".")"; chroot(2)
 */
import { flagged, MNT, MS } from '@terrarium/syscall';
import { purpose, type Script } from './script.js';

/** What the displays say whenever a process enters its root. */
export const enterRootPurpose = purpose(
  'enter-new-root',
  'stand in the new root',
  '进入新的根目录',
);

/** Swaps the root mount and lets the old one go: no put_old directory is needed. */
export function pivotRoot(script: Script): void {
  script.call(
    'pivot_root',
    ['.', '.'],
    purpose(
      'pivot-root',
      'make this the root; the host’s root is now mounted on top of it',
      '把这里变成根；宿主机的根此刻叠在它上面',
    ),
  );
  script.call(
    'umount2',
    ['.', flagged(MNT, 'MNT_DETACH')],
    purpose(
      'drop-old-root',
      'take the host’s root away: from here on no path leads to it',
      '卸下宿主机的根：从此没有路径通向它',
    ),
  );
  script.call('chdir', ['/'], enterRootPurpose);
}

/**
 * Where pivot_root cannot work (the host's root is an initramfs): the new root is moved on top of
 * the old one. The old one is still mounted below; chroot only hides it.
 */
export function moveRoot(script: Script): void {
  script.call(
    'mount',
    ['.', '/', 0, flagged(MS, 'MS_MOVE'), 0],
    purpose(
      'move-root',
      'put this mount over the root, as an initramfs cannot be pivoted away',
      '把这个挂载移到根之上，因为 initramfs 无法用 pivot_root 换掉',
    ),
    { display: 'mount(".", "/", NULL, MS_MOVE, NULL)' },
  );
  changeRoot(script);
}

/** chroot(2) alone: the process sees another `/`, and a privileged one can walk out again. */
export function changeRoot(script: Script): void {
  script.call(
    'chroot',
    ['.'],
    purpose(
      'chroot',
      'make this the process’s root directory: the mounts stay as they are',
      '把这里设为进程的根目录：挂载保持不变',
    ),
  );
  script.call('chdir', ['/'], enterRootPurpose);
}
