/**
 * The glossary: one definition a term, in both languages, short enough for a popover. The terms'
 * names are those that lessons have to use (packages/lesson, load/glossary.ts).
 */
import type { LocalText } from '@terrarium/lesson';

export interface GlossaryTerm {
  /** also its anchor on the glossary's page */
  readonly id: string;
  readonly name: LocalText;
  /** other spellings in prose that mean it; English ones get their plural by themselves */
  readonly also?: { readonly en?: readonly string[]; readonly zh?: readonly string[] };
  readonly text: LocalText;
}

/** All terms in the order of their English names. */
export const TERMS: readonly GlossaryTerm[] = [
  {
    id: 'bind-mount',
    name: { en: 'bind mount', zh: '绑定挂载' },
    text: {
      en: 'A mount that shows a directory or file which exists already at a second place. Nothing is copied.',
      zh: '把已有的目录或文件在另一处再显示一次的挂载，不复制任何内容。',
    },
  },
  {
    id: 'capability',
    name: { en: 'capability', zh: '权能' },
    also: { en: ['capabilities'], zh: ['能力位'] },
    text: {
      en: 'One of some forty pieces into which the power of root is cut. A process can have one without the others.',
      zh: 'root 的权力被切成的四十来份中的一份。进程可以只有其中一份而没有其他的。',
    },
  },
  {
    id: 'cgroup',
    name: { en: 'cgroup', zh: '控制组' },
    also: { en: ['control group'] },
    text: {
      en: 'A named group of processes whose use of CPU, memory and other things is counted together and can be limited. It is a directory below /sys/fs/cgroup.',
      zh: '一组进程，它们用掉的 CPU、内存等合在一起计数，并且可以限制。它就是 /sys/fs/cgroup 下的一个目录。',
    },
  },
  {
    id: 'chroot',
    name: { en: 'chroot', zh: 'chroot' },
    text: {
      en: 'A system call that changes where a process begins to look up absolute paths. It moves no mount and closes no way back.',
      zh: '一个系统调用：改变进程从哪里开始查找绝对路径。它不移动任何挂载，也不堵住回去的路。',
    },
  },
  {
    id: 'container',
    name: { en: 'container', zh: '容器' },
    text: {
      en: 'A process with settings: namespaces, a root file system of its own, limits, fewer rights. The kernel has no object of that name.',
      zh: '带着一组设置的进程：命名空间、自己的根文件系统、限额、更少的权限。内核里没有叫这个名字的对象。',
    },
  },
  {
    id: 'copy-up',
    name: { en: 'copy-up', zh: '上拷' },
    text: {
      en: 'What an overlay does at the first write to a file of a lower layer: it copies the file into the upper one and changes the copy.',
      zh: 'overlay 在第一次写下层文件时所做的事：先把文件复制到上层，再改那份副本。',
    },
  },
  {
    id: 'flag',
    name: { en: 'flag', zh: '标志位' },
    text: {
      en: 'One bit of an argument of a system call that turns one thing on, such as CLONE_NEWPID.',
      zh: '系统调用某个参数中的一位，打开一项功能，例如 CLONE_NEWPID。',
    },
  },
  {
    id: 'image',
    name: { en: 'image', zh: '镜像' },
    text: {
      en: 'A file system to start from, packed as layers, and a file that says which program to start in it and how.',
      zh: '作为起点的文件系统，打包成若干层，外加一个文件说明启动哪个程序、怎样启动。',
    },
  },
  {
    id: 'init',
    name: { en: 'init', zh: 'init 进程' },
    text: {
      en: 'PID 1 of a PID namespace. It inherits orphans, signals without a handler do not reach it, and when it ends, all others in the namespace are killed.',
      zh: '一个 PID 命名空间里的 PID 1。它收养孤儿进程，没有处理函数的信号动不了它；它一结束，命名空间里的其他进程都会被杀死。',
    },
  },
  {
    id: 'kernel',
    name: { en: 'kernel', zh: '内核' },
    text: {
      en: 'The one program that owns the hardware. All containers of a machine ask the same one.',
      zh: '掌管硬件的那一个程序。一台机器上的所有容器请求的都是同一个内核。',
    },
  },
  {
    id: 'layer',
    name: { en: 'layer', zh: '层' },
    also: { zh: ['镜像层'] },
    text: {
      en: 'A directory tree, or its tar file, that is stacked on others. It has only what differs from those below.',
      zh: '叠在别的目录树上面的一棵目录树（或它的 tar 文件），只含与下面不同的部分。',
    },
  },
  {
    id: 'mount',
    name: { en: 'mount', zh: '挂载' },
    text: {
      en: 'A file system, or a part of one, shown at a place in the tree of directories.',
      zh: '把一个文件系统，或它的一部分，显示在目录树的某个位置上。',
    },
  },
  {
    id: 'mount-namespace',
    name: { en: 'mount namespace', zh: '挂载命名空间' },
    text: {
      en: 'A namespace with a list of mounts of its own: its members see another tree of directories.',
      zh: '有自己一份挂载列表的命名空间：其成员看到的是另一棵目录树。',
    },
  },
  {
    id: 'namespace',
    name: { en: 'namespace', zh: '命名空间' },
    text: {
      en: 'A view of one sort of thing (process numbers, mounts, networks, …) that its members share and nobody else has. Linux has eight kinds.',
      zh: '对某一类东西（进程编号、挂载、网络……）的一份视图，成员共有，别人没有。Linux 共有八种。',
    },
  },
  {
    id: 'oom',
    name: { en: 'OOM killer', zh: 'OOM 杀手' },
    also: { en: ['out of memory'] },
    text: {
      en: 'The part of the kernel that kills a process when a cgroup, or the whole machine, has no memory left.',
      zh: '内核的一部分：控制组或整台机器没有内存可用时，由它杀死一个进程。',
    },
  },
  {
    id: 'overlay',
    name: { en: 'overlay', zh: 'overlay' },
    also: { en: ['overlayfs'] },
    text: {
      en: 'A file system that shows several directories, laid on top of each other, as one. Only the top one is written to.',
      zh: '把上下叠放的几个目录显示成一个的文件系统。只有最上面的一个会被写入。',
    },
  },
  {
    id: 'pid',
    name: { en: 'PID', zh: 'PID' },
    text: {
      en: 'The number of a process. A process has one in its own PID namespace and another one in each around it.',
      zh: '进程的编号。一个进程在自己的 PID 命名空间里有一个，在外面每一层里各有另一个。',
    },
  },
  {
    id: 'pivot-root',
    name: { en: 'pivot_root', zh: 'pivot_root' },
    text: {
      en: 'A system call that swaps the root mount of a mount namespace. The old root can then be taken away, and no path leads back to it.',
      zh: '一个系统调用：调换挂载命名空间的根挂载。旧的根随后可以卸掉，再没有路径通向它。',
    },
  },
  {
    id: 'proc',
    name: { en: '/proc', zh: '/proc' },
    text: {
      en: 'A file system without a disk: each read asks the kernel. It shows the processes of the PID namespace in which it was mounted.',
      zh: '没有磁盘的文件系统：每次读取都是在问内核。它显示的是挂载它时所在的 PID 命名空间里的进程。',
    },
  },
  {
    id: 'process',
    name: { en: 'process', zh: '进程' },
    also: { en: ['processes'] },
    text: {
      en: 'A program that runs, with memory, open files, a number and rights of its own.',
      zh: '正在运行的程序，有自己的内存、打开的文件、编号和权限。',
    },
  },
  {
    id: 'propagation',
    name: { en: 'propagation', zh: '传播' },
    text: {
      en: 'Whether a mount made at one place appears at its peers in other mount namespaces, too: shared, private, slave or unbindable.',
      zh: '在一处新做的挂载是否也出现在其他挂载命名空间的同伴那里：shared、private、slave 或 unbindable。',
    },
  },
  {
    id: 'rootfs',
    name: { en: 'rootfs', zh: 'rootfs' },
    also: { en: ['root file system'], zh: ['根文件系统'] },
    text: {
      en: 'The directory tree that a container has as its /: libraries, programs and configuration, but no kernel.',
      zh: '容器当作 / 的那棵目录树：库、程序和配置，唯独没有内核。',
    },
  },
  {
    id: 'runtime',
    name: { en: 'container runtime', zh: '容器运行时' },
    text: {
      en: 'A program such as runc that reads a config.json and makes the system calls that turn a process into that container.',
      zh: '像 runc 这样的程序：读取 config.json，做出系统调用，把一个进程变成那个容器。',
    },
  },
  {
    id: 'sandbox',
    name: { en: 'sandbox', zh: '沙箱' },
    text: {
      en: 'Your corner of this machine: a container with limits, in which you may break everything.',
      zh: '这台机器上属于你的一角：一个带限额的容器，里面的东西随你弄坏。',
    },
  },
  {
    id: 'seccomp',
    name: { en: 'seccomp', zh: 'seccomp' },
    text: {
      en: 'A filter in the kernel that looks at each system call of a process and lets it through or refuses it.',
      zh: '内核里的过滤器：检查进程的每一次系统调用，放行或者拒绝。',
    },
  },
  {
    id: 'system-call',
    name: { en: 'system call', zh: '系统调用' },
    text: {
      en: 'A request of a process to the kernel, such as clone, mount or write. Everything a process does to the world is one.',
      zh: '进程对内核的请求，例如 clone、mount、write。进程对外界做的每一件事都是系统调用。',
    },
  },
  {
    id: 'union-mount',
    name: { en: 'union mount', zh: '联合挂载' },
    text: {
      en: 'A mount that shows several directories as one, the upper ones hiding what has the same name below.',
      zh: '把几个目录显示成一个的挂载，上面的会遮住下面同名的东西。',
    },
  },
  {
    id: 'unshare',
    name: { en: 'unshare', zh: 'unshare' },
    text: {
      en: 'A system call, and the program of that name, that puts the caller into new namespaces.',
      zh: '一个系统调用，也是同名的程序：让调用者进入新的命名空间。',
    },
  },
  {
    id: 'user-namespace',
    name: { en: 'user namespace', zh: '用户命名空间' },
    text: {
      en: 'A namespace of user ids: root inside may be an ordinary user outside.',
      zh: '用户编号的命名空间：里面的 root 在外面可以只是普通用户。',
    },
  },
  {
    id: 'whiteout',
    name: { en: 'whiteout', zh: '白障' },
    text: {
      en: 'A mark in an upper layer that says: the file of this name below is deleted.',
      zh: '上层里的一个记号，意思是：下面同名的文件已删除。',
    },
  },
  {
    id: 'zombie',
    name: { en: 'zombie', zh: '僵尸进程' },
    text: {
      en: 'A process that has ended, whose parent has not yet asked how. Only its number and its status are left.',
      zh: '已经结束、但父进程还没来问结果的进程，只剩下编号和状态。',
    },
  },
];

/** A term by its id, or undefined. */
export function termById(id: string): GlossaryTerm | undefined {
  return TERMS.find((term) => term.id === id);
}
