/** Another root, alone: chroot, pivot_root, the fallback; overlay and its marks; masks; devices. */
import { linuxDevice } from '@terrarium/spec';
import type { Slot } from '@terrarium/syscall';
import { z } from 'zod';
import { changeRoot, moveRoot, pivotRoot } from '../plan/change-root.js';
import { makeDevices } from '../plan/devices.js';
import { maskPaths, openNullDevice, readonlyPaths } from '../plan/mask.js';
import { type MountRoot, mountRoot, openRoot } from '../plan/mount-calls.js';
import { makeOpaque, makeWhiteout, mountOverlay } from '../plan/overlay.js';
import { purpose, type Script } from '../plan/script.js';
import { type Primitive, primitive } from './primitive.js';
import { absolutePath } from './schemas.js';

const root = absolutePath.describe('the directory that becomes /');

function standIn(script: Script, directory: string): void {
  script.call(
    'chdir',
    [directory],
    purpose('enter-new-root', 'stand in the new root', '进入新的根目录'),
  );
}

/** pivot_root(2) and MS_MOVE take a mount: a directory becomes one by a bind on itself. */
function bindOnItself(script: Script, directory: string): void {
  script.mount(
    directory,
    directory,
    'none',
    ['rbind'],
    purpose(
      'root-bind',
      'make the new root a mount, by binding it on itself',
      '把新的根绑定到自身，使它成为挂载点',
    ),
  );
}

const CHROOT = primitive({
  name: 'chroot',
  man: 'chroot(2)',
  words: {
    en: 'another / for this process; no isolation: root walks out through an open directory',
    zh: '给本进程换一个 /；这不是隔离：root 可以借助打开的目录走出去',
  },
  params: z.strictObject({ root }),
  write: ({ script }, params) => {
    standIn(script, params.root);
    changeRoot(script);
  },
});

const PIVOT_ROOT = primitive({
  name: 'pivot-root',
  man: 'pivot_root(2)',
  words: {
    en: 'swap the root mount of the namespace and let the old one go: no path leads back',
    zh: '交换命名空间的根挂载并放走旧根：没有路径能回去',
  },
  params: z.strictObject({ root }),
  write: ({ script }, params) => {
    bindOnItself(script, params.root);
    standIn(script, params.root);
    pivotRoot(script);
  },
});

const MOVE_ROOT = primitive({
  name: 'move-root',
  man: 'switch_root(8)',
  words: {
    en: 'where pivot_root cannot work (initramfs): move the new root over the old one, then chroot',
    zh: 'pivot_root 无法使用时（initramfs）：把新根移到旧根之上，再 chroot',
  },
  params: z.strictObject({ root }),
  write: ({ script }, params) => {
    bindOnItself(script, params.root);
    standIn(script, params.root);
    moveRoot(script);
  },
});

const OVERLAY = primitive({
  name: 'overlay',
  man: 'overlayfs.rst',
  words: {
    en: 'merge layers: the lower ones are only read, what changes goes to the upper one',
    zh: '合并各层：下层只读，改动都进入上层',
  },
  params: z.strictObject({
    target: absolutePath,
    lower: z.array(z.string().min(1)).min(1).describe('top one first'),
    upper: z.string().optional(),
    work: z.string().optional().describe('empty, on the file system of upper'),
    userxattr: z
      .boolean()
      .optional()
      .describe('where the marks are user.overlay.*; by default in a sandbox'),
  }),
  write: ({ script, inSandbox }, { target, lower, upper, work, userxattr }) =>
    mountOverlay(script, target, {
      lower,
      userxattr: userxattr ?? inSandbox,
      ...(upper === undefined ? {} : { upper }),
      ...(work === undefined ? {} : { work }),
    }),
});

const WHITEOUT = primitive({
  name: 'whiteout',
  man: 'overlayfs.rst',
  words: {
    en: 'hide a name of the lower layers: a character device 0:0 in the upper one',
    zh: '隐藏下层的一个名字：在上层放一个字符设备 0:0',
  },
  params: z.strictObject({ file: absolutePath.describe('in the upper layer') }),
  write: ({ script }, { file }) => makeWhiteout(script, file),
});

const OPAQUE = primitive({
  name: 'opaque-directory',
  man: 'overlayfs.rst',
  words: {
    en: 'hide all that the lower layers have in a directory: an extended attribute on the upper one',
    zh: '隐藏下层在某目录中的一切：在上层目录设置一个扩展属性',
  },
  params: z.strictObject({
    directory: absolutePath.describe('in the upper layer'),
    userxattr: z.boolean().optional(),
  }),
  write: ({ script, inSandbox }, { directory, userxattr }) =>
    makeOpaque(script, directory, userxattr ?? inSandbox),
});

const paths = z.array(absolutePath).min(1);

function rootOf(script: Script, directory: string): MountRoot {
  const slot: Slot = script.builder.slot(`${script.process} root`);
  const why = purpose('open-root', 'hold the root by an fd', '用文件描述符持有根目录');
  openRoot(script, directory, slot, why);
  return mountRoot(script, slot);
}

const MASK = primitive({
  name: 'mask-paths',
  man: 'mount(2)',
  words: {
    en: 'cover files by the null device and directories by an empty read-only tmpfs',
    zh: '用空设备遮盖文件，用只读的空 tmpfs 遮盖目录',
  },
  params: z.strictObject({ root: absolutePath.default('/'), paths }),
  write: ({ script }, params) =>
    maskPaths(rootOf(script, params.root), params.paths, openNullDevice(script)),
});

const READONLY = primitive({
  name: 'readonly-paths',
  man: 'mount_setattr(2)',
  words: { en: 'make paths read-only where they are', zh: '把路径原地设为只读' },
  params: z.strictObject({ root: absolutePath.default('/'), paths }),
  write: ({ script }, params) => readonlyPaths(rootOf(script, params.root), params.paths),
});

const DEVICE = primitive({
  name: 'device-node',
  man: 'mknod(2)',
  words: {
    en: 'make a device node: a name for a driver of the kernel; refused in a user namespace',
    zh: '创建设备节点：内核驱动的一个名字；在用户命名空间里会被拒绝',
  },
  params: z.strictObject({ root: absolutePath.default('/'), device: linuxDevice }),
  write: ({ script }, params) => makeDevices(rootOf(script, params.root), [params.device]),
});

export const ROOT_PRIMITIVES: readonly Primitive[] = [
  CHROOT,
  PIVOT_ROOT,
  MOVE_ROOT,
  OVERLAY,
  WHITEOUT,
  OPAQUE,
  MASK,
  READONLY,
  DEVICE,
];
