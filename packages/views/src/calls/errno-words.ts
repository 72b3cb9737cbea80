/**
 * Error numbers in words, and for the calls that make containers what to look at: the same errno
 * means another thing in each of them, and the manual pages bury it.
 */
import type { Lang } from '../strings.js';

interface Both {
  readonly en: string;
  readonly zh: string;
}

const WORDS: Readonly<Record<string, Both>> = {
  EPERM: { en: 'operation not permitted', zh: '不允许的操作' },
  ENOENT: { en: 'no such file or directory', zh: '没有这个文件或目录' },
  ESRCH: { en: 'no such process', zh: '没有这个进程' },
  EINTR: { en: 'interrupted by a signal', zh: '被信号打断' },
  EIO: { en: 'input/output error', zh: '输入输出错误' },
  ENXIO: { en: 'no such device or address', zh: '没有这个设备或地址' },
  E2BIG: { en: 'argument list too long', zh: '参数列表太长' },
  ENOEXEC: { en: 'not an executable format', zh: '不是可执行格式' },
  EBADF: { en: 'bad file descriptor', zh: '无效的文件描述符' },
  ECHILD: { en: 'no child to wait for', zh: '没有可等待的子进程' },
  EAGAIN: { en: 'try again: a limit is reached', zh: '请重试：达到了限制' },
  ENOMEM: { en: 'out of memory', zh: '内存不足' },
  EACCES: { en: 'permission denied', zh: '权限不足' },
  EFAULT: { en: 'bad address', zh: '无效的内存地址' },
  ENOTBLK: { en: 'not a block device', zh: '不是块设备' },
  EBUSY: { en: 'device or resource busy', zh: '设备或资源正忙' },
  EEXIST: { en: 'it exists already', zh: '已经存在' },
  EXDEV: { en: 'on another file system', zh: '跨越文件系统' },
  ENODEV: { en: 'no such device or file system type', zh: '没有这个设备或文件系统类型' },
  ENOTDIR: { en: 'not a directory', zh: '不是目录' },
  EISDIR: { en: 'is a directory', zh: '是目录' },
  EINVAL: { en: 'invalid argument', zh: '无效的参数' },
  ENFILE: { en: 'too many open files in the system', zh: '系统打开的文件太多' },
  EMFILE: { en: 'too many open files', zh: '打开的文件太多' },
  ENOTTY: { en: 'this object does not know that request', zh: '该对象不支持此请求' },
  ETXTBSY: { en: 'text file busy', zh: '程序文件正在被写' },
  EFBIG: { en: 'file too large', zh: '文件太大' },
  ENOSPC: { en: 'no space left, or a limit is reached', zh: '空间不足，或达到了限制' },
  EROFS: { en: 'read-only file system', zh: '只读文件系统' },
  EPIPE: { en: 'nobody reads the other end', zh: '另一端没有读者' },
  ENAMETOOLONG: { en: 'name too long', zh: '名字太长' },
  ENOSYS: { en: 'the kernel does not have this call', zh: '内核没有这个调用' },
  ENOTEMPTY: { en: 'directory not empty', zh: '目录非空' },
  ELOOP: { en: 'too many symbolic links', zh: '符号链接太多' },
  EUSERS: { en: 'too many users or nested namespaces', zh: '用户或嵌套的命名空间太多' },
  EOVERFLOW: { en: 'value too large', zh: '数值太大' },
  EOPNOTSUPP: { en: 'operation not supported', zh: '不支持的操作' },
  ETIMEDOUT: { en: 'timed out', zh: '超时' },
};

/** `CALL ERRNO`: what usually is the reason. */
const HINTS: Readonly<Record<string, Both>> = {
  'unshare EPERM': {
    en: 'A new namespace (all but user) needs CAP_SYS_ADMIN: unshare the user namespace in the same call, or be root.',
    zh: '新命名空间（user 除外）需要 CAP_SYS_ADMIN：在同一次调用里也 unshare user 命名空间，或以 root 运行。',
  },
  'unshare EINVAL': {
    en: 'CLONE_NEWUSER needs a process with a single thread; or a flag is not known to this kernel.',
    zh: 'CLONE_NEWUSER 要求进程只有一个线程；或者内核不认识某个标志。',
  },
  'unshare ENOSPC': {
    en: 'A limit on namespaces is reached: see /proc/sys/user/max_*_namespaces.',
    zh: '达到了命名空间数量的限制：见 /proc/sys/user/max_*_namespaces。',
  },
  'clone EPERM': {
    en: 'A new namespace (all but user) needs CAP_SYS_ADMIN in the user namespace that will own it.',
    zh: '新命名空间（user 除外）需要在将拥有它的 user 命名空间里有 CAP_SYS_ADMIN。',
  },
  'clone ENOMEM': {
    en: 'PID 1 of this pid namespace has ended: the namespace takes no new process.',
    zh: '这个 pid 命名空间的 PID 1 已经结束，不能再有新进程。',
  },
  'clone EAGAIN': {
    en: 'A limit on processes is reached: pids.max of the cgroup, or RLIMIT_NPROC.',
    zh: '达到了进程数限制：cgroup 的 pids.max，或 RLIMIT_NPROC。',
  },
  'clone ENOSPC': {
    en: 'A limit on namespaces is reached: see /proc/sys/user/max_*_namespaces.',
    zh: '达到了命名空间数量的限制：见 /proc/sys/user/max_*_namespaces。',
  },
  'setns EPERM': {
    en: 'Entering needs CAP_SYS_ADMIN in your user namespace and in the one that owns the target.',
    zh: '进入它需要在自己的和拥有目标的 user 命名空间里都有 CAP_SYS_ADMIN。',
  },
  'setns EINVAL': {
    en: 'The fd is no namespace of the wanted kind, or the process has threads or shares its files.',
    zh: '该 fd 不是所要的命名空间种类，或者进程有多个线程、共享文件系统信息。',
  },
  'mount EPERM': {
    en: 'Mounting needs CAP_SYS_ADMIN over the mount namespace: were you in a mount namespace that your user namespace owns?',
    zh: '挂载需要对挂载命名空间有 CAP_SYS_ADMIN：你是否在自己的 user 命名空间所拥有的挂载命名空间里？',
  },
  'mount EINVAL': {
    en: 'The source has no such file system, the options do not fit, or the target is no mount point (remount, move).',
    zh: '来源没有这种文件系统，选项不合适，或目标不是挂载点（remount、move）。',
  },
  'mount EBUSY': {
    en: 'The source is mounted elsewhere in another way, or somebody still uses the target.',
    zh: '来源已用别的方式挂载，或者目标还有人使用。',
  },
  'mount ENOENT': {
    en: 'Source or target does not exist: mkdir it first.',
    zh: '来源或目标不存在：先 mkdir。',
  },
  'mount ENODEV': {
    en: 'This kernel does not have that file system type: see /proc/filesystems.',
    zh: '内核没有这种文件系统类型：见 /proc/filesystems。',
  },
  'mount ENOSPC': {
    en: 'A mount namespace may hold only so many mounts: see /proc/sys/fs/mount-max.',
    zh: '一个挂载命名空间的挂载数有上限：见 /proc/sys/fs/mount-max。',
  },
  'umount2 EBUSY': {
    en: 'Somebody is in it: a working directory, an open file, or a mount below. umount -l detaches it all the same.',
    zh: '里面还有人：工作目录、打开的文件或下面的挂载。umount -l 可以强行分离。',
  },
  'umount2 EINVAL': {
    en: 'It is no mount point, or it is locked by a user namespace.',
    zh: '它不是挂载点，或被 user 命名空间锁定。',
  },
  'pivot_root EINVAL': {
    en: 'The new root must be a mount point, and neither its parent nor the old root’s may be shared: mount --make-rprivate /, mount --bind new new.',
    zh: '新根必须是挂载点，它的父挂载和旧根的父挂载都不能是 shared：mount --make-rprivate /，mount --bind new new。',
  },
  'pivot_root EBUSY': {
    en: 'The new root or the place for the old one is on the current root mount.',
    zh: '新根或放旧根的地方在当前的根挂载上。',
  },
  'chroot EPERM': { en: 'chroot needs CAP_SYS_CHROOT.', zh: 'chroot 需要 CAP_SYS_CHROOT。' },
  'execve ENOENT': {
    en: 'The program, or the interpreter that it names (ld.so, #!), does not exist below this root.',
    zh: '这个根下面没有该程序，或没有它指定的解释器（ld.so、#!）。',
  },
  'execve EACCES': {
    en: 'The file is not executable, or its mount is noexec.',
    zh: '文件不可执行，或其挂载是 noexec。',
  },
  'execve ENOEXEC': { en: 'Not a program for this machine.', zh: '不是这台机器的程序。' },
  'sethostname EPERM': {
    en: 'Needs CAP_SYS_ADMIN over the uts namespace: unshare one first.',
    zh: '需要对 uts 命名空间有 CAP_SYS_ADMIN：先 unshare 一个。',
  },
};

/** Calls whose errors mean the same. */
const SAME_AS: Readonly<Record<string, string>> = {
  clone3: 'clone',
  fork: 'clone',
  vfork: 'clone',
  umount: 'umount2',
  execveat: 'execve',
};

/** `operation not permitted`; empty for a number that is not in the table. */
export function errnoWords(errno: string, lang: Lang): string {
  return WORDS[errno]?.[lang] ?? '';
}

/** What to look at when that call fails so; null where the words say all. */
export function errnoHint(call: string, errno: string, lang: Lang): string | null {
  return HINTS[`${SAME_AS[call] ?? call} ${errno}`]?.[lang] ?? null;
}
