/** Mounts alone: mount(2) with every flag, binds, propagation, moves, and the calls by fd. */
import { flagged, MNT, MS } from '@terrarium/syscall';
import { z } from 'zod';
import { sortMountOptions } from '../plan/mount-attributes.js';
import { changeTree, cloneTree, mountRoot, moveTree } from '../plan/mount-calls.js';
import { FDCWD, purpose } from '../plan/script.js';
import { openUserNamespace } from './id-mapped.js';
import { type Primitive, primitive } from './primitive.js';
import { absolutePath, idMaps, propagationKind } from './schemas.js';

const options = z.array(z.string()).default([]);

const MOUNT = primitive({
  name: 'mount',
  man: 'mount(2)',
  words: {
    en: 'mount a file system on a directory, for all who share this mount namespace',
    zh: '把文件系统挂载到目录上，对共享此挂载命名空间的所有进程生效',
  },
  params: z.strictObject({
    source: z.string(),
    target: absolutePath,
    type: z.string().describe('a name of /proc/filesystems'),
    options: options.describe('flags and the file system’s own, as mount -o has them'),
  }),
  write: ({ script }, { source, target, type, options: given }) =>
    script.mount(
      source,
      target,
      type,
      given,
      purpose('mount', `mount ${type} on ${target}`, `把 ${type} 挂载到 ${target}`),
    ),
});

const BIND = primitive({
  name: 'bind',
  man: 'mount(2)',
  words: {
    en: 'show a directory or file at a second place; flags take a second call, the first ignores them',
    zh: '让目录或文件出现在第二个位置；标志需要第二次调用，第一次会忽略它们',
  },
  params: z.strictObject({
    source: absolutePath,
    target: absolutePath,
    recursive: z.boolean().default(false).describe('with the mounts below it'),
    options: options.describe('ro, nosuid, …: of this mount only'),
  }),
  write: ({ script }, { source, target, recursive, options: given }) => {
    script.mount(
      source,
      target,
      'none',
      [recursive ? 'rbind' : 'bind'],
      purpose('bind', `show ${source} at ${target}, too`, `让 ${source} 也出现在 ${target}`),
    );
    if (given.length === 0) return;
    script.mount(
      'none',
      target,
      'none',
      ['bind', 'remount', ...given],
      purpose(
        'bind-flags',
        'give this mount its flags: the file system below keeps its own',
        '给这个挂载设置标志：底下的文件系统保持不变',
      ),
    );
  },
});

const FLAG_OF = {
  shared: 'MS_SHARED',
  private: 'MS_PRIVATE',
  slave: 'MS_SLAVE',
  unbindable: 'MS_UNBINDABLE',
} as const;

const PROPAGATION = primitive({
  name: 'propagation',
  man: 'mount_namespaces(7)',
  words: {
    en: 'say whether mounts below a place travel to its copies, and from them to it',
    zh: '规定某处之下的挂载是否传播到它的副本，以及反向传播',
  },
  params: z.strictObject({
    target: absolutePath,
    kind: propagationKind,
    recursive: z.boolean().default(false),
  }),
  write: ({ script }, { target, kind, recursive }) => {
    const flags = recursive ? flagged(MS, 'MS_REC', FLAG_OF[kind]) : flagged(MS, FLAG_OF[kind]);
    script.call(
      'mount',
      [0, target, 0, flags, 0],
      purpose('propagation', `make ${target} ${kind}`, `把 ${target} 设为 ${kind}`),
      { display: `mount(NULL, ${JSON.stringify(target)}, NULL, ${flags.display}, NULL)` },
    );
  },
});

const MOVE = primitive({
  name: 'move-mount',
  man: 'mount(2)',
  words: {
    en: 'move a mount to another place, with all below it',
    zh: '把一个挂载连同其下的一切移到别处',
  },
  params: z.strictObject({ source: absolutePath, target: absolutePath }),
  write: ({ script }, { source, target }) =>
    script.call(
      'mount',
      [source, target, 0, flagged(MS, 'MS_MOVE'), 0],
      purpose('move-mount', `move the mount to ${target}`, `把挂载移到 ${target}`),
      {
        display: `mount(${JSON.stringify(source)}, ${JSON.stringify(target)}, NULL, MS_MOVE, NULL)`,
      },
    ),
});

const UMOUNT = primitive({
  name: 'umount',
  man: 'umount2(2)',
  words: { en: 'take a mount away', zh: '卸下一个挂载' },
  params: z.strictObject({
    target: absolutePath,
    detach: z
      .boolean()
      .default(false)
      .describe('at once from the tree, later for who still uses it'),
  }),
  write: ({ script }, { target, detach }) =>
    script.call(
      'umount2',
      [target, detach ? flagged(MNT, 'MNT_DETACH') : 0],
      purpose('umount', `take away what is mounted on ${target}`, `卸下挂在 ${target} 上的东西`),
    ),
});

const attachParams = z.strictObject({
  source: absolutePath,
  target: absolutePath.describe('exists already'),
  options: options.describe('of the OCI config: rbind, ro, rro, rnosuid, rslave, idmap, …'),
  maps: idMaps.optional().describe('for idmap and ridmap'),
});

const treePurpose = purpose(
  'attach-tree',
  'copy a mounted tree, change the copy while nobody sees it, attach it',
  '复制一棵挂载树，在无人可见时修改副本，然后挂上',
);

const ATTACH = primitive({
  name: 'attach-tree',
  man: 'open_tree(2), mount_setattr(2), move_mount(2)',
  words: {
    en: 'bind by fd: attributes for a whole tree at once (rro), propagation, ids of another owner',
    zh: '通过文件描述符绑定：一次设定整棵树的属性（rro）、传播方式，或映射所有者 ID',
  },
  params: attachParams,
  prepare: (room, { source, target, options: given, maps }) => {
    const sorted = sortMountOptions(['bind', ...given]);
    const userNs = maps === undefined ? undefined : openUserNamespace(room, maps);
    return () => {
      const { script } = room;
      const at = mountRoot(script, script.builder.slot(`${script.process} root`));
      cloneTree(at, source, sorted.bind === 'rbind', treePurpose);
      changeTree(script, at.tree, sorted, userNs, treePurpose);
      script.call('open_tree', [FDCWD, target, 0], treePurpose, { store: at.target });
      moveTree(script, at.tree, at.target, treePurpose);
      script.call('close', [at.target], treePurpose);
      script.call('close', [at.tree], treePurpose);
    };
  },
});

export const MOUNT_PRIMITIVES: readonly Primitive[] = [
  MOUNT,
  BIND,
  PROPAGATION,
  MOVE,
  UMOUNT,
  ATTACH,
];
