/** Whose the process is: its namespaces, id maps and credentials. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { NAMESPACE_KINDS, openOwningUserNamespace } from '@terrarium/syscall';
import type { FenceEntry, FenceFacts, RawValue, Words } from './schema.js';
import { type FenceSource, rawOf, UNREADABLE } from './source.js';

/** What a process in a namespace of its own does not reach. */
const NAMESPACE_WORDS: Readonly<Record<string, Words>> = {
  pid: {
    en: 'it sees and signals only processes of its own; those outside have no number here',
    zh: '只能看到并向自己的进程发信号；外面的进程在这里没有编号',
  },
  mnt: {
    en: 'it sees its own mounts; mounting and unmounting changes nothing outside',
    zh: '看到的是自己的挂载；挂载和卸载不影响外面',
  },
  net: {
    en: 'it has its own interfaces, routes, ports and firewall',
    zh: '有自己的网卡、路由、端口和防火墙',
  },
  uts: { en: 'it has its own host name', zh: '有自己的主机名' },
  ipc: {
    en: 'it has its own System V IPC objects and POSIX message queues',
    zh: '有自己的 System V IPC 对象和 POSIX 消息队列',
  },
  user: {
    en: 'its capabilities count only for what this namespace owns; root inside is nobody special outside',
    zh: '它的权能只对此命名空间拥有的东西有效；里面的 root 在外面并不特殊',
  },
  cgroup: { en: 'its own cgroup is the root that it sees', zh: '它看到的根就是自己的 cgroup' },
  time: {
    en: 'its monotonic and boot clocks may differ; the wall clock is the host’s',
    zh: '单调时钟和启动时钟可以不同；墙上时间仍是宿主机的',
  },
};

/** Calls that fail because the other side is in no namespace of the process. */
const REFUSED_BY: Readonly<Record<string, readonly string[]>> = {
  pid: ['kill of a process outside: ESRCH'],
  net: ['connect to the host: ENETUNREACH'],
};

/** Eight entries, and the kinds that are the host's. */
export function namespaceEntries(
  source: FenceSource,
  pid: number,
): { entries: FenceEntry[]; shared: string[] } {
  const shared: string[] = [];
  const entries = NAMESPACE_KINDS.map(({ proc }) => {
    const path = `/proc/${pid}/ns/${proc}`;
    const own = source.link(path);
    const isShared = own !== null && own === source.link(`/proc/self/ns/${proc}`);
    if (isShared) shared.push(proc);
    const owner = ownerOf(path);
    const isOwnedInside = owner !== null && owner === source.link(`/proc/${pid}/ns/user`);
    return namespaceEntry(proc, isShared, isOwnedInside, [
      { path, value: own ?? UNREADABLE },
      { path: `/proc/self/ns/${proc}`, value: source.link(`/proc/self/ns/${proc}`) ?? UNREADABLE },
      ...(owner === null ? [] : [{ path: `ioctl(${path}, NS_GET_USERNS)`, value: owner }]),
    ]);
  });
  return { entries, shared };
}

function namespaceEntry(
  kind: string,
  isShared: boolean,
  isOwnedInside: boolean,
  raw: RawValue[],
): FenceEntry {
  const sentence = isShared
    ? { en: 'shared with the host: no fence here', zh: '与宿主机共享：这里没有围栏' }
    : ownSentence(kind, isOwnedInside);
  return {
    id: `namespace.${kind}`,
    mechanism: 'namespace',
    title: { en: `${kind} namespace`, zh: `${kind} 命名空间` },
    sentence,
    raw,
    refuses: isShared ? [] : [...(REFUSED_BY[kind] ?? [])],
  };
}

/** A user namespace is owned by its parent: there that says nothing new. */
function ownSentence(kind: string, isOwnedInside: boolean): Words {
  const { en, zh } = NAMESPACE_WORDS[kind] ?? { en: 'its own', zh: '自己的' };
  if (kind === 'user') return { en, zh };
  return isOwnedInside
    ? {
        en: `${en}; its user namespace owns it, so root inside administers it`,
        zh: `${zh}；它归自己的用户命名空间所有，所以里面的 root 可以管理`,
      }
    : {
        en: `${en}; another user namespace owns it, so root inside does not administer it`,
        zh: `${zh}；它归另一个用户命名空间所有，所以里面的 root 不能管理`,
      };
}

/** The user namespace that owns it, as `user:[4026531837]`; null when that is out of sight. */
function ownerOf(path: string): string | null {
  let fd: number | undefined;
  let owner: number | null = null;
  try {
    fd = openSync(path, 'r');
    owner = openOwningUserNamespace(fd);
    return owner === null ? null : `user:[${fstatSync(owner).ino}]`;
  } catch {
    return null; // the process ended
  } finally {
    if (fd !== undefined) closeSync(fd);
    if (owner !== null) closeSync(owner);
  }
}

/** Rows of uid_map or gid_map. */
export function parseIdMap(text: string | null): [number, number, number][] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((row): row is [number, number, number] => row.length === 3);
}

/** An id outside as it is called inside; null: it has no name there. */
export function idInside(
  map: readonly (readonly [number, number, number])[],
  id: number,
): number | null {
  const row = map.find(([, outside, size]) => id >= outside && id < outside + size);
  return row === undefined ? null : row[0] + (id - row[1]);
}

/** Id maps and credentials. */
export function identityEntries(
  source: FenceSource,
  pid: number,
  status: ReadonlyMap<string, string>,
): { entries: FenceEntry[]; facts: Pick<FenceFacts, 'uidMap' | 'gidMap' | 'setgroups'> } {
  const [uid, gid] = [`/proc/${pid}/uid_map`, `/proc/${pid}/gid_map`];
  const uidMap = parseIdMap(source.read(uid));
  const gidMap = parseIdMap(source.read(gid));
  const setgroupsPath = `/proc/${pid}/setgroups`;
  const setgroups = source.read(setgroupsPath) !== 'deny';
  return {
    entries: [
      {
        id: 'id-map.uid',
        mechanism: 'id-map',
        title: { en: 'user ids', zh: '用户 ID' },
        sentence: mapSentence(uidMap),
        raw: [rawOf(source, uid)],
        refuses: isWhole(uidMap) ? [] : ['setuid of an id that is not mapped: EINVAL'],
      },
      {
        id: 'id-map.gid',
        mechanism: 'id-map',
        title: { en: 'group ids', zh: '组 ID' },
        sentence: groupSentence(gidMap, setgroups),
        raw: [rawOf(source, gid), rawOf(source, setgroupsPath)],
        refuses: setgroups ? [] : ['setgroups: EPERM'],
      },
      credentialsEntry(pid, status, uidMap, gidMap),
    ],
    facts: { uidMap, gidMap, setgroups },
  };
}

const ALL_IDS = 0xffff_ffff;

function isWhole(map: readonly (readonly [number, number, number])[]): boolean {
  return map.some(([inside, outside, size]) => inside === 0 && outside === 0 && size === ALL_IDS);
}

function mapSentence(map: readonly [number, number, number][]): Words {
  if (isWhole(map)) {
    return {
      en: 'ids are those of the host: root here is root of the machine',
      zh: 'ID 与宿主机相同：这里的 root 就是整台机器的 root',
    };
  }
  const root = map.find(([inside, , size]) => inside === 0 && size > 0);
  const count = map.reduce((sum, [, , size]) => sum + size, 0);
  if (root === undefined) {
    return {
      en: `${count} ids are mapped, root is not: whoever is root outside is nobody here`,
      zh: `映射了 ${count} 个 ID，不含 root：外面的 root 在这里谁也不是`,
    };
  }
  return {
    en: `root inside is ${root[1]} outside; ${count} ids are mapped, all others show as nobody`,
    zh: `里面的 root 在外面是 ${root[1]}；共映射 ${count} 个 ID，其余都显示为 nobody`,
  };
}

function groupSentence(map: readonly [number, number, number][], setgroups: boolean): Words {
  const { en, zh } = mapSentence(map);
  if (setgroups) return { en, zh };
  return { en: `${en}; setgroups is forbidden`, zh: `${zh}；禁止 setgroups` };
}

function credentialsEntry(
  pid: number,
  status: ReadonlyMap<string, string>,
  uidMap: [number, number, number][],
  gidMap: [number, number, number][],
): FenceEntry {
  const first = (field: string) => Number(status.get(field)?.split(/\s+/)[0]);
  const [uid, gid] = [first('Uid'), first('Gid')];
  const inside = (map: [number, number, number][], id: number) => idInside(map, id) ?? 'nobody';
  return {
    id: 'credentials',
    mechanism: 'credentials',
    title: { en: 'who it is', zh: '它是谁' },
    sentence: {
      en: `user ${inside(uidMap, uid)}, group ${inside(gidMap, gid)} inside; the host knows it as ${uid}:${gid}`,
      zh: `里面是用户 ${inside(uidMap, uid)}、组 ${inside(gidMap, gid)}；宿主机认为它是 ${uid}:${gid}`,
    },
    raw: ['Uid', 'Gid', 'Groups'].map((field) => ({
      path: `/proc/${pid}/status ${field}`,
      value: status.get(field) ?? UNREADABLE,
    })),
    refuses: [],
  };
}
