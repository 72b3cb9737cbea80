/** How much the process may use: cgroup limits of every hierarchy, rlimits, OOM order. */
import { dirname, join } from 'node:path';
import { groupPath } from '../cgroups/index.js';
import type { CgroupHierarchy, CgroupLayout } from '../cgroups/types.js';
import { parseLimits } from '../probe.js';
import type { FenceEntry, FenceFacts, RawValue, Words } from './schema.js';
import { type FenceSource, rawOf } from './source.js';

/** One limit in both spellings. `none`: the values that mean no limit. */
interface LimitFile {
  readonly id: string;
  readonly controller: string;
  readonly v1: readonly [max: string, current?: string];
  readonly v2: readonly [max: string, current?: string];
  readonly title: Words;
  /** @param value as the file has it, the smallest of the group and its parents */
  readonly words: (value: string, current: string | null) => Words;
  readonly refuses: string;
}

const MIB = 1024 * 1024;
/** v1 writes "no limit" as the largest multiple of a page. */
const V1_NO_LIMIT = 0x7fff_ffff_ffff_f000;

const mib = (text: string | null) =>
  text === null || !/^\d+$/.test(text) ? '?' : `${Math.round(Number(text) / MIB)} MiB`;

const LIMITS: readonly LimitFile[] = [
  {
    id: 'memory',
    controller: 'memory',
    v1: ['memory.limit_in_bytes', 'memory.usage_in_bytes'],
    v2: ['memory.max', 'memory.current'],
    title: { en: 'memory', zh: '内存' },
    words: (max, current) => ({
      en: `at most ${mib(max)} (now ${mib(current)}), files on tmpfs included; beyond it a process of the group is killed`,
      zh: `最多 ${mib(max)}（当前 ${mib(current)}），含 tmpfs 上的文件；超出后组内会有进程被杀`,
    }),
    refuses: 'memory beyond the limit: SIGKILL',
  },
  {
    id: 'memory-swap',
    controller: 'memory',
    v1: ['memory.memsw.limit_in_bytes', 'memory.memsw.usage_in_bytes'],
    v2: ['memory.swap.max', 'memory.swap.current'],
    title: { en: 'swap', zh: '交换空间' },
    words: (max) => ({
      en: `at most ${mib(max)} (v1 counts memory and swap together)`,
      zh: `最多 ${mib(max)}（v1 把内存和交换合计）`,
    }),
    refuses: '',
  },
  {
    id: 'pids',
    controller: 'pids',
    v1: ['pids.max', 'pids.current'],
    v2: ['pids.max', 'pids.current'],
    title: { en: 'processes', zh: '进程数' },
    words: (max, current) => ({
      en: `at most ${max} processes and threads (now ${current ?? '?'}): a fork bomb ends here`,
      zh: `最多 ${max} 个进程和线程（当前 ${current ?? '?'}）：fork 炸弹到此为止`,
    }),
    refuses: 'fork, clone, clone3 beyond the limit: EAGAIN',
  },
  {
    id: 'cpu',
    controller: 'cpu',
    v1: ['cpu.cfs_quota_us', 'cpu.cfs_period_us'],
    v2: ['cpu.max'],
    title: { en: 'CPU time', zh: 'CPU 时间' },
    words: (max, period) => {
      const [quota = '', ofV2] = max.split(' ');
      const percent = Math.round((100 * Number(quota)) / Number(ofV2 ?? period ?? 100_000));
      return {
        en: `at most ${percent} % of one CPU: then it waits for the next period`,
        zh: `最多占一个 CPU 的 ${percent}%：用完就等下一个周期`,
      };
    },
    refuses: '',
  },
  {
    id: 'cpuset',
    controller: 'cpuset',
    v1: ['cpuset.cpus'],
    v2: ['cpuset.cpus.effective'],
    title: { en: 'CPUs', zh: '可用的 CPU' },
    words: (cpus) => ({ en: `runs on CPU ${cpus}`, zh: `运行在 CPU ${cpus} 上` }),
    refuses: '',
  },
];

/** Group of the process below each hierarchy's root, by v1 controller; v2 is ''. */
export function parseCgroups(text: string | null): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const line of (text ?? '').split('\n')) {
    // 4:memory:/terrarium/lab-1     0::/user.slice
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    for (const controller of (match[1] ?? '').split(',')) groups.set(controller, match[2] ?? '/');
  }
  return groups;
}

/** Entries of all limits that hold, and the two that refusals are explained by. */
export function cgroupEntries(
  source: FenceSource,
  pid: number,
  layout: CgroupLayout,
): { entries: FenceEntry[]; memory: FenceFacts['memory']; pids: FenceFacts['pids'] } {
  const groups = parseCgroups(source.read(`/proc/${pid}/cgroup`));
  const found = LIMITS.flatMap((limit) => {
    const hierarchy = layout.hierarchies.find(({ controllers }) =>
      controllers.includes(limit.controller),
    );
    if (hierarchy === undefined) return [];
    return limitEntry(source, limit, hierarchy, groupOf(groups, hierarchy));
  });
  const factOf = (id: string) => found.find((one) => one.id === id)?.fact ?? null;
  return {
    entries: [membershipEntry(source, pid), ...found.map(({ entry }) => entry)],
    memory: factOf('memory'),
    pids: factOf('pids'),
  };
}

/** A group outside of our view begins with /.. and has no directory here. */
function groupOf(groups: ReadonlyMap<string, string>, hierarchy: CgroupHierarchy): string {
  if (hierarchy.version === 2) return groups.get('') ?? '/';
  return (
    hierarchy.controllers.map((name) => groups.get(name)).find((one) => one !== undefined) ?? '/'
  );
}

function membershipEntry(source: FenceSource, pid: number): FenceEntry {
  const path = `/proc/${pid}/cgroup`;
  const groups = [...new Set(parseCgroups(source.read(path)).values())];
  return {
    id: 'cgroup.membership',
    mechanism: 'cgroup',
    title: { en: 'control groups', zh: '控制组' },
    sentence: {
      en: `it and all it starts are counted and limited in ${groups.join(', ')}`,
      zh: `它和它启动的一切都在 ${groups.join('、')} 中计量和受限`,
    },
    raw: [rawOf(source, path)],
    refuses: [],
  };
}

interface FoundLimit {
  readonly id: string;
  readonly entry: FenceEntry;
  readonly fact: { max: number | null; current: number | null };
}

/** The narrowest of the group's limit and its parents': each of them holds. */
function limitEntry(
  source: FenceSource,
  limit: LimitFile,
  hierarchy: CgroupHierarchy,
  group: string,
): FoundLimit[] {
  const [maxFile, currentFile] = hierarchy.version === 1 ? limit.v1 : limit.v2;
  const raw: RawValue[] = [];
  let narrowest: { directory: string; value: string } | null = null;
  for (const directory of directoriesUp(hierarchy, group)) {
    const path = join(directory, maxFile);
    const value = source.read(path);
    if (value === null) continue;
    raw.push({ path, value });
    if (isNone(value)) continue;
    if (narrowest === null || isNarrower(value, narrowest.value)) narrowest = { directory, value };
  }
  if (narrowest === null) return [];
  const currentPath = currentFile === undefined ? null : join(narrowest.directory, currentFile);
  const current = currentPath === null ? null : source.read(currentPath);
  if (currentPath !== null && current !== null) raw.push({ path: currentPath, value: current });
  return [
    {
      id: limit.id,
      entry: {
        id: `cgroup.${limit.id}`,
        mechanism: 'cgroup',
        title: limit.title,
        sentence: limit.words(narrowest.value, current),
        raw,
        refuses: limit.refuses === '' ? [] : [limit.refuses],
      },
      fact: { max: Number(narrowest.value), current: current === null ? null : Number(current) },
    },
  ];
}

function directoriesUp(hierarchy: CgroupHierarchy, group: string): string[] {
  const directories: string[] = [];
  for (let at = group; ; at = dirname(at)) {
    directories.push(groupPath(hierarchy, at));
    if (at === '/' || at === '.') return directories;
  }
}

function isNone(value: string): boolean {
  return value === '' || value === '-1' || /^max\b/.test(value) || Number(value) >= V1_NO_LIMIT;
}

function isNarrower(value: string, than: string): boolean {
  const [a, b] = [Number.parseFloat(value), Number.parseFloat(than)];
  // Lists of CPUs: the group's own comes first, and is within its parents'.
  return !/[-,]/.test(value) && a < b;
}

const RLIMIT_ZH: Readonly<Record<string, string>> = {
  RLIMIT_NOFILE: '打开的文件数',
  RLIMIT_NPROC: '用户的进程数',
  RLIMIT_CORE: 'core 文件大小',
  RLIMIT_STACK: '栈大小',
  RLIMIT_MEMLOCK: '锁定内存',
  RLIMIT_FSIZE: '文件大小',
  RLIMIT_AS: '地址空间',
};

const RLIMIT_REFUSES: Readonly<Record<string, string>> = {
  RLIMIT_NOFILE: 'open beyond the limit: EMFILE',
  RLIMIT_NPROC: 'fork beyond the limit: EAGAIN',
  RLIMIT_AS: 'mmap beyond the limit: ENOMEM',
  RLIMIT_FSIZE: 'write beyond the limit: EFBIG',
  RLIMIT_MEMLOCK: 'mlock beyond the limit: ENOMEM',
};

/** One entry for all rlimits that are finite. */
export function rlimitEntries(
  source: FenceSource,
  pid: number,
): { entries: FenceEntry[]; rlimits: FenceFacts['rlimits'] } {
  const path = `/proc/${pid}/limits`;
  const rlimits = parseLimits(source.read(path) ?? '');
  const finite = Object.entries(rlimits).filter(([, { hard }]) => hard !== null);
  return {
    entries: [
      {
        id: 'rlimits',
        mechanism: 'rlimit',
        title: { en: 'resource limits of the process', zh: '进程的资源限制' },
        sentence: {
          en: `${finite.length} hard limits; raising one takes CAP_SYS_RESOURCE on the host`,
          zh: `${finite.length} 个硬限制；提高它们需要宿主机的 CAP_SYS_RESOURCE`,
        },
        raw: finite.map(([name, { soft, hard }]) => ({
          path: `${path} ${name}${RLIMIT_ZH[name] === undefined ? '' : ` (${RLIMIT_ZH[name]})`}`,
          value: `${soft ?? 'unlimited'} ${hard}`,
        })),
        refuses: [
          'prlimit64 raising a hard limit: EPERM',
          ...finite.flatMap(([name]) => RLIMIT_REFUSES[name] ?? []),
        ],
      },
    ],
    rlimits,
  };
}

/** Who goes first when memory runs out on the machine. */
export function oomEntry(source: FenceSource, pid: number): FenceEntry {
  const path = `/proc/${pid}/oom_score_adj`;
  const score = Number(source.read(path) ?? 0);
  return {
    id: 'oom-score-adj',
    mechanism: 'oom',
    title: { en: 'order of the OOM killer', zh: 'OOM 顺序' },
    sentence:
      score > 0
        ? {
            en: `${score}: killed before the host’s own processes when the machine runs out of memory`,
            zh: `${score}：机器内存耗尽时，先于宿主机自己的进程被杀`,
          }
        : {
            en: `${score}: not sooner than any other process`,
            zh: `${score}：不会比其他进程更早被杀`,
          },
    raw: [rawOf(source, path), rawOf(source, `/proc/${pid}/oom_score`)],
    refuses: ['lowering oom_score_adj: EACCES'],
  };
}
