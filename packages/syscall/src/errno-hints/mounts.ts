/** Hints for mounts and for paths that are resolved below a directory. */
import type { HintRow, HintText } from './hint.js';

const COPY_OR_MOVE: HintText = {
  en: 'a mount cannot be moved from below a shared one (make the parent private), nor copied when it is unbindable, locked by a more privileged mount namespace or of another one: see /proc/self/mountinfo',
  zh: '不能从 shared 的父挂载下移走（先把父挂载改成 private）；unbindable 的、被更高权限的 mount 命名空间锁定的、或属于别的命名空间的挂载不能复制：查看 /proc/self/mountinfo',
};

export const MOUNT_HINTS: readonly HintRow[] = [
  {
    syscalls: ['mount', 'fsmount', 'move_mount', 'open_tree'],
    code: 'ENOSPC',
    hint: {
      en: 'the mount namespace holds as many mounts as it may: see /proc/sys/fs/mount-max',
      zh: '该 mount 命名空间的挂载数已达上限：查看 /proc/sys/fs/mount-max',
    },
  },
  {
    syscalls: ['mount', 'fsconfig'],
    code: 'EINVAL',
    about: /overlay/,
    hint: {
      en: 'overlay: the kernel log (dmesg) has the reason; often upperdir lies on an overlay itself or workdir on another file system than upperdir',
      zh: 'overlay：内核日志（dmesg）里有原因；常见的是 upperdir 本身就在 overlay 上，或者 workdir 与 upperdir 不在同一个文件系统',
    },
  },
  {
    syscalls: ['mount'],
    code: 'EPERM',
    about: /"(proc|sysfs)"|^(proc|sysfs) /,
    hint: {
      en: 'in a user namespace the kernel refuses proc and sysfs while the visible one is partly covered ("Mount too revealing"); sysfs also needs an own network namespace',
      zh: '在 user 命名空间里，只要看得见的 proc 或 sysfs 有一部分被遮住，内核就拒绝再挂载（"Mount too revealing"）；sysfs 还需要自己的 network 命名空间',
    },
  },
  {
    syscalls: ['fsmount'],
    code: 'EPERM',
    hint: {
      en: 'for proc and sysfs in a user namespace: the visible one is partly covered ("Mount too revealing", see dmesg); otherwise CAP_SYS_ADMIN over the mount namespace is missing',
      zh: 'user 命名空间里的 proc 和 sysfs：看得见的那份有一部分被遮住（"Mount too revealing"，见 dmesg）；否则是缺少对 mount 命名空间的 CAP_SYS_ADMIN',
    },
  },
  {
    syscalls: ['mount'],
    code: 'EPERM',
    about: /MS_REMOUNT/,
    hint: {
      en: 'a remount must keep the flags that a more privileged mount namespace has locked (ro, nosuid, nodev, noexec, atime): see the mount’s line in /proc/self/mountinfo',
      zh: '重新挂载必须保留被更高权限的 mount 命名空间锁定的标志（ro、nosuid、nodev、noexec、atime）：查看 /proc/self/mountinfo 中该挂载的那一行',
    },
  },
  {
    syscalls: ['mount', 'fsopen', 'open_tree', 'move_mount', 'umount2', 'pivot_root'],
    code: 'EPERM',
    hint: {
      en: 'changing mounts needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace, and in a user namespace only some file systems may be mounted (proc, sysfs, tmpfs, overlay, devpts, mqueue, cgroup)',
      zh: '改变挂载需要在拥有该 mount 命名空间的 user 命名空间里有 CAP_SYS_ADMIN；在 user 命名空间里只能挂载部分文件系统（proc、sysfs、tmpfs、overlay、devpts、mqueue、cgroup）',
    },
  },
  {
    syscalls: ['mount'],
    code: 'EBUSY',
    hint: {
      en: 'the mount is in use or the source is already mounted there; a v1 cgroup controller is busy while another hierarchy holds it',
      zh: '该挂载正在使用，或者来源已经挂载在那里；v1 的 cgroup 控制器如果被另一个层级占用也会这样',
    },
  },
  {
    syscalls: ['mount', 'fsopen'],
    code: 'ENODEV',
    hint: {
      en: 'the kernel does not know this file system: see /proc/filesystems',
      zh: '内核不认识这种文件系统：查看 /proc/filesystems',
    },
  },
  {
    syscalls: ['mount'],
    code: 'EINVAL',
    about: /MS_(SHARED|SLAVE|PRIVATE|UNBINDABLE)/,
    hint: {
      en: 'propagation is set on a mount point, with one of the four types and MS_REC only: is the target one in /proc/self/mountinfo?',
      zh: '传播类型只能设置在挂载点上，且四种类型只取其一（可加 MS_REC）：目标在 /proc/self/mountinfo 里吗？',
    },
  },
  {
    syscalls: ['mount'],
    code: 'EINVAL',
    about: /MS_MOVE|MS_BIND/,
    hint: COPY_OR_MOVE,
  },
  {
    syscalls: ['move_mount', 'open_tree'],
    code: 'EINVAL',
    hint: COPY_OR_MOVE,
  },
  {
    syscalls: ['mount', 'fsconfig'],
    code: 'EINVAL',
    hint: {
      en: 'the file system refuses an option or its value: the kernel log (dmesg), or a read of the fsopen fd, has its words',
      zh: '文件系统不接受某个选项或它的值：内核日志（dmesg）或读取 fsopen 的 fd 可以看到原因',
    },
  },
  {
    syscalls: ['mount_setattr'],
    code: 'EINVAL',
    about: /IDMAP/,
    hint: {
      en: 'this file system does not support id-mapped mounts (tmpfs does since Linux 6.3, overlay does not), or the mount is attached already',
      zh: '该文件系统不支持 id 映射挂载（tmpfs 从 Linux 6.3 起支持，overlay 不支持），或者该挂载已经挂上',
    },
  },
  {
    syscalls: ['mount_setattr'],
    code: 'EINVAL',
    hint: {
      en: 'the fd or path is not the root of a mount of this namespace: see /proc/self/mountinfo',
      zh: '该 fd 或路径不是本命名空间里某个挂载的根：查看 /proc/self/mountinfo',
    },
  },
  {
    syscalls: ['mount_setattr'],
    code: 'EPERM',
    hint: {
      en: 'flags that a more privileged mount namespace has locked cannot be cleared, and an id map needs CAP_SYS_ADMIN in the user namespace that owns the file system',
      zh: '被更高权限的 mount 命名空间锁定的标志不能清除；id 映射还需要在拥有该文件系统的 user 命名空间里有 CAP_SYS_ADMIN',
    },
  },
  {
    syscalls: ['mount_setattr'],
    code: 'EBUSY',
    hint: {
      en: 'a file on the mount is open for writing, so it cannot become read-only',
      zh: '该挂载上有文件正以写方式打开，不能改成只读',
    },
  },
  {
    syscalls: ['umount2'],
    code: 'EINVAL',
    hint: {
      en: 'not a mount point, or a mount locked by a more privileged mount namespace',
      zh: '不是挂载点，或者该挂载被更高权限的 mount 命名空间锁定',
    },
  },
  {
    syscalls: ['umount2'],
    code: 'EBUSY',
    hint: {
      en: 'something still uses the mount: an open file, a working directory or a mount on top',
      zh: '该挂载仍在使用：打开的文件、工作目录或叠在上面的挂载',
    },
  },
  {
    syscalls: ['openat2'],
    code: 'EXDEV',
    hint: {
      en: 'the path leaves its directory, which RESOLVE_BENEATH forbids, or its file system (RESOLVE_NO_XDEV)',
      zh: '路径离开了起始目录（RESOLVE_BENEATH 不允许），或离开了文件系统（RESOLVE_NO_XDEV）',
    },
  },
  {
    syscalls: ['openat2', 'openat'],
    code: 'ELOOP',
    hint: {
      en: 'a symbolic link stands where none is allowed (RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS, O_NOFOLLOW), or there are more than 40',
      zh: '不允许符号链接的地方有符号链接（RESOLVE_NO_SYMLINKS、RESOLVE_NO_MAGICLINKS、O_NOFOLLOW），或者链接超过 40 层',
    },
  },
  {
    syscalls: ['openat2'],
    code: 'EAGAIN',
    hint: {
      en: 'something was renamed while the path with ".." was resolved: try again',
      zh: '解析带 ".." 的路径时有东西被改名：再试一次',
    },
  },
  {
    syscalls: ['openat', 'openat2', 'open'],
    code: 'ENXIO',
    about: /O_NONBLOCK|fifo/i,
    hint: {
      en: 'nobody has the FIFO open for reading: the process that should wait there has ended',
      zh: '没有进程以读方式打开这个 FIFO：本应在那里等待的进程已经结束',
    },
  },
  {
    syscalls: ['rename', 'renameat', 'renameat2', 'linkat'],
    code: 'EXDEV',
    hint: {
      en: 'both paths must be on the same mount, and overlay does not rename directories of a lower layer (redirect_dir)',
      zh: '两个路径必须在同一个挂载上；overlay 不能改名来自下层的目录（redirect_dir）',
    },
  },
  {
    code: 'EROFS',
    hint: {
      en: 'the mount or its file system is read-only: see its line in /proc/self/mountinfo',
      zh: '该挂载或文件系统是只读的：查看 /proc/self/mountinfo 中的那一行',
    },
  },
];
