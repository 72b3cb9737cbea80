/** What the process sees as files: its root, covered and read-only paths, flags, device nodes. */
import type { FenceEntry, FenceFacts } from './schema.js';
import { type FenceSource, UNREADABLE } from './source.js';

type Mount = FenceFacts['mounts'][number] & {
  /** the directory or file of its file system that is mounted */
  readonly root: string;
  readonly line: string;
};

/*
 * 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 * id parent dev root point options optional… - type source super-options
 */
export function parseMountinfo(text: string | null): Mount[] {
  return (text ?? '').split('\n').flatMap((line): Mount[] => {
    const fields = line.split(' ');
    const dash = fields.indexOf('-');
    const [root, point, options] = [fields[3], fields[4], fields[5]];
    if (dash === -1 || root === undefined || point === undefined || options === undefined)
      return [];
    return [
      {
        root: unescapePath(root),
        point: unescapePath(point),
        type: fields[dash + 1] ?? '',
        options: options.split(','),
        superOptions: (fields[dash + 3] ?? '').split(','),
        line,
      },
    ];
  });
}

/** The kernel writes blanks, tabs, newlines and backslashes as octal. */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** Entries about the file system, and the mounts and device nodes as facts. */
export function mountEntries(
  source: FenceSource,
  pid: number,
): { entries: FenceEntry[]; mounts: FenceFacts['mounts']; nodes: string[] } {
  const mountinfo = `/proc/${pid}/mountinfo`;
  const all = parseMountinfo(source.read(mountinfo));
  const nodes = deviceNodes(source, pid);
  const topmost = all.filter(
    (one, at) => all.findLastIndex(({ point }) => point === one.point) === at,
  );
  return {
    entries: [
      rootEntry(source, pid, topmost),
      maskEntry(source, pid, topmost),
      readOnlyEntry(pid, topmost),
      ...topmost.map((mount) => flagsEntry(pid, mount)),
      nodesEntry(pid, nodes),
    ],
    mounts: topmost.map(({ point, type, options, superOptions }) => ({
      point,
      type,
      options,
      superOptions,
    })),
    nodes: nodes.map(({ path }) => path),
  };
}

/** After chroot into a plain directory, no mount is at `/`. */
function rootEntry(source: FenceSource, pid: number, mounts: readonly Mount[]): FenceEntry {
  const root = mounts.find(({ point }) => point === '/');
  const isHosts = source.link(`/proc/${pid}/ns/mnt`) === source.link('/proc/self/ns/mnt');
  return {
    id: 'root',
    mechanism: 'root',
    title: { en: 'root directory', zh: '根目录' },
    sentence: rootSentence(root, isHosts),
    raw: [
      { path: `/proc/${pid}/root`, value: source.link(`/proc/${pid}/root`) ?? UNREADABLE },
      { path: `/proc/${pid}/cwd`, value: source.link(`/proc/${pid}/cwd`) ?? UNREADABLE },
      { path: `/proc/${pid}/mountinfo`, value: root?.line ?? 'no mount at /' },
    ],
    refuses: [],
  };
}

function rootSentence(root: Mount | undefined, isHosts: boolean) {
  if (root === undefined) {
    return {
      en: 'its / is a directory that no mount is at: chroot. Whoever has CAP_SYS_CHROOT walks out of it',
      zh: '它的 / 是一个没有挂载的目录：这是 chroot。拥有 CAP_SYS_CHROOT 就能走出去',
    };
  }
  if (isHosts) {
    return {
      en: 'its / is that of the host’s mount namespace',
      zh: '它的 / 就是宿主机挂载命名空间的根',
    };
  }
  return {
    en: `its / is a mount of its own (${root.type}): the host’s root was taken away by pivot_root, no path leads there`,
    zh: `它的 / 是自己的挂载（${root.type}）：宿主机的根已被 pivot_root 移走，没有路径通向那里`,
  };
}

/** The null device over a file, or an empty read-only tmpfs over a directory. */
function maskEntry(source: FenceSource, pid: number, mounts: readonly Mount[]): FenceEntry {
  const masked = mounts.filter((mount) => isMask(source, pid, mount));
  const list = masked.map(({ point }) => point);
  return {
    id: 'masked-paths',
    mechanism: 'mask',
    title: { en: 'masked paths', zh: '被遮盖的路径' },
    sentence:
      list.length === 0
        ? {
            en: 'nothing is masked: files of /proc and /sys are guarded by who owns them alone',
            zh: '没有遮盖：/proc 和 /sys 的文件只靠所有权来保护',
          }
        : {
            en: `${list.length} paths are covered by the null device or by an empty tmpfs; with CAP_SYS_ADMIN over this mount namespace they could be uncovered`,
            zh: `${list.length} 个路径被空设备或空 tmpfs 遮盖；在此挂载命名空间拥有 CAP_SYS_ADMIN 者可以揭开`,
          },
    raw: masked.map(({ line }) => ({ path: `/proc/${pid}/mountinfo`, value: line })),
    refuses: list.map((path) => `read of ${path}: nothing there`),
  };
}

function isMask(source: FenceSource, pid: number, mount: Mount): boolean {
  const path = mount.point;
  if (mount.point === '/' || mount.point.startsWith('/dev/')) return false;
  const device = source.device(pid, path);
  if (device !== null) return device.type === 'c' && device.major === 1 && device.minor === 3;
  return (
    mount.type === 'tmpfs' &&
    mount.options.includes('ro') &&
    source.isDirectory(pid, path) &&
    source.list(pid, path).length === 0
  );
}

function readOnlyEntry(pid: number, mounts: readonly Mount[]): FenceEntry {
  const found = mounts.filter(({ options, superOptions }) =>
    [...options, ...superOptions].includes('ro'),
  );
  return {
    id: 'read-only-paths',
    mechanism: 'read-only',
    title: { en: 'read-only mounts', zh: '只读挂载' },
    sentence:
      found.length === 0
        ? { en: 'no mount is read-only', zh: '没有只读挂载' }
        : {
            en: `nothing can be written below ${found.map(({ point }) => point).join(', ')}`,
            zh: `以下位置不能写入：${found.map(({ point }) => point).join('、')}`,
          },
    raw: found.map(({ line }) => ({ path: `/proc/${pid}/mountinfo`, value: line })),
    refuses: found.map(({ point }) => `write below ${point}: EROFS`),
  };
}

const FLAG_WORDS: readonly (readonly [flag: string, en: string, zh: string, refuses?: string])[] = [
  ['ro', 'nothing is written', '不能写入', 'write: EROFS'],
  ['nosuid', 'set-user-ID bits and file capabilities do not count', 'set-user-ID 位和文件权能无效'],
  ['nodev', 'device nodes cannot be opened', '设备节点不能打开', 'open of a device: EACCES'],
  ['noexec', 'nothing is executed', '不能执行程序', 'execve: EACCES'],
  ['nosymfollow', 'symlinks are not followed', '不跟随符号链接', 'open of a symlink: ELOOP'],
];

function flagsEntry(pid: number, mount: Mount): FenceEntry {
  const set = FLAG_WORDS.filter(([flag]) => mount.options.includes(flag));
  const limits = mount.superOptions.filter((option) => /^(size|nr_inodes)=/.test(option));
  const en = [...set.map((row) => row[1]), ...limits];
  const zh = [...set.map((row) => row[2]), ...limits];
  return {
    id: `mount-flags.${mount.point}`,
    mechanism: 'mount-flags',
    title: { en: `mount on ${mount.point}`, zh: `${mount.point} 上的挂载` },
    sentence:
      en.length === 0
        ? { en: `${mount.type} without restrictions`, zh: `${mount.type}，没有限制` }
        : { en: `${mount.type}: ${en.join('; ')}`, zh: `${mount.type}：${zh.join('；')}` },
    raw: [{ path: `/proc/${pid}/mountinfo`, value: mount.line }],
    refuses: set.flatMap((row) => (row[3] === undefined ? [] : [row[3]])),
  };
}

interface Node {
  readonly path: string;
  readonly numbers: string;
}

/** Nodes directly in /dev: terminals have their own directory, and no driver of the host hides deeper. */
function deviceNodes(source: FenceSource, pid: number): Node[] {
  return source.list(pid, '/dev').flatMap((name): Node[] => {
    const device = source.device(pid, `/dev/${name}`);
    if (device === null) return [];
    return [{ path: `/dev/${name}`, numbers: `${device.type} ${device.major}:${device.minor}` }];
  });
}

function nodesEntry(pid: number, nodes: readonly Node[]): FenceEntry {
  return {
    id: 'device.nodes',
    mechanism: 'device',
    title: { en: 'device nodes', zh: '设备节点' },
    sentence: {
      en: `${nodes.length} in /dev: a driver without a node cannot be reached by name`,
      zh: `/dev 中有 ${nodes.length} 个：没有节点的驱动无法按名字访问`,
    },
    raw: nodes.map(({ path, numbers }) => ({ path: `/proc/${pid}/root${path}`, value: numbers })),
    refuses: [],
  };
}
