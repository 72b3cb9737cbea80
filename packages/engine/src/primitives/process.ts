/** What a process is and may do, piece by piece: names, limits, capabilities, filters, scheduling. */
import { linuxSeccomp, posixRlimit } from '@terrarium/spec';
import { bytes, CAPABILITIES, path } from '@terrarium/syscall';
import { z } from 'zod';
import { KEYCTL_JOIN_SESSION_KEYRING } from '../kernel-constants.js';
import {
  capset,
  dropFromBoundingSet,
  leaveHostKeyring,
  raiseAmbient,
  setIds,
  setRlimits,
  setSeccomp,
} from '../plan/confine.js';
import { setDomainname, setHostname } from '../plan/identity.js';
import { writeProcFile } from '../plan/private-proc.js';
import { setNoNewPrivileges, setPersonality, setScheduling } from '../plan/process-calls.js';
import { purpose } from '../plan/script.js';
import { type Primitive, primitive } from './primitive.js';

const HOST_NAME_BYTES = 64; // __NEW_UTS_LEN

const name = z.string().min(1).max(HOST_NAME_BYTES);

const HOSTNAME = primitive({
  name: 'hostname',
  man: 'sethostname(2)',
  words: { en: 'set the host name of the UTS namespace', zh: '设置 UTS 命名空间的主机名' },
  params: z.strictObject({ hostname: name }),
  write: ({ script }, { hostname }) => setHostname(script, hostname),
});

const DOMAINNAME = primitive({
  name: 'domainname',
  man: 'setdomainname(2)',
  words: { en: 'set the NIS name of the UTS namespace', zh: '设置 UTS 命名空间的 NIS 域名' },
  params: z.strictObject({ domainname: name }),
  write: ({ script }, { domainname }) => setDomainname(script, domainname),
});

const SYSCTL = primitive({
  name: 'sysctl',
  man: 'proc(5)',
  words: {
    en: 'set a kernel parameter: of the namespace that it belongs to, or of the machine',
    zh: '设置内核参数：属于某个命名空间，或属于整台机器',
  },
  params: z.strictObject({
    key: z.string().regex(/^[a-z0-9_-]+([./][A-Za-z0-9_-]+)+$/),
    value: z.string().max(4000),
  }),
  write: ({ script }, { key, value }) =>
    script.writeFile(
      `/proc/sys/${key.replaceAll('.', '/')}`,
      value,
      purpose('sysctl', `${key} = ${value}`, `${key} = ${value}`),
    ),
});

const capabilities = z.array(
  z.string().refine((one) => Object.hasOwn(CAPABILITIES, one), 'a CAP_ name'),
);

const CAPABILITIES_SET = primitive({
  name: 'capabilities',
  man: 'capabilities(7)',
  words: {
    en: 'set the five capability sets; what leaves the bounding set no execve gives back',
    zh: '设置五个权能集；离开边界集的权能，任何 execve 都不会再给回',
  },
  params: z.strictObject({
    bounding: capabilities,
    effective: capabilities,
    permitted: capabilities,
    inheritable: capabilities.default([]),
    ambient: capabilities.default([]),
  }),
  write: ({ script, facts }, { bounding, ambient, ...sets }) => {
    dropFromBoundingSet(script, bounding, facts);
    capset(script, sets, facts);
    raiseAmbient(script, ambient, facts);
  },
});

const SECCOMP_FILTER = primitive({
  name: 'seccomp',
  man: 'seccomp(2)',
  words: {
    en: 'let a filter decide about every system call; an OCI profile says how',
    zh: '让过滤器裁决每个系统调用；规则写在 OCI 配置里',
  },
  params: z.strictObject({ profile: linuxSeccomp }),
  write: ({ script, facts }, { profile }) => setSeccomp(script, profile, facts),
});

const NO_NEW_PRIVILEGES = primitive({
  name: 'no-new-privileges',
  man: 'PR_SET_NO_NEW_PRIVS(2const)',
  words: {
    en: 'set-user-ID programs and file capabilities give nothing any more, for ever',
    zh: '从此 set-user-ID 程序和文件权能不再带来任何特权',
  },
  params: z.strictObject({}),
  write: ({ script }) => setNoNewPrivileges(script),
});

const id = z.int().min(0).max(0xffff_fffe);

const IDS = primitive({
  name: 'ids',
  man: 'credentials(7)',
  words: {
    en: 'become another user with exactly the given groups; all three ids, so that there is no way back',
    zh: '变成另一个用户，只保留给定的组；三种 ID 全部更换，无法恢复',
  },
  params: z.strictObject({ uid: id, gid: id, groups: z.array(id).default([]) }),
  write: ({ script }, { uid, gid, groups }) => setIds(script, uid, gid, groups),
});

const RLIMIT = primitive({
  name: 'rlimit',
  man: 'getrlimit(2)',
  words: {
    en: 'limit what one process may use; children inherit it',
    zh: '限制单个进程可用的资源；子进程继承',
  },
  params: z.strictObject({ rlimit: posixRlimit }),
  write: ({ script, facts }, { rlimit }) => setRlimits(script, [rlimit], facts, 'fail'),
});

const OOM_SCORE = primitive({
  name: 'oom-score-adj',
  man: 'proc_pid_oom_score_adj(5)',
  words: {
    en: 'say how early the kernel kills this process when memory runs out',
    zh: '规定内存不足时内核多早杀掉这个进程',
  },
  params: z.strictObject({ score: z.int().min(-1000).max(1000) }),
  prepare: (room, { score }) => {
    const { script } = room;
    const pid = script.builder.slot(`${script.process} pid`);
    const why = purpose(
      'oom-score',
      'its place in the queue of the OOM killer',
      '它在 OOM 顺序中的位置',
    );
    script.call('getpid', [], why, { store: pid });
    writeProcFile(script, room.proc(), path`${pid}/oom_score_adj`, bytes(String(score)), why);
    return undefined;
  },
});

const PERSONALITY = primitive({
  name: 'personality',
  man: 'personality(2)',
  words: { en: 'say which kind of machine uname(2) claims', zh: '规定 uname(2) 报告哪种机器' },
  params: z.strictObject({ domain: z.enum(['LINUX', 'LINUX32']) }),
  write: ({ script }, { domain }) => setPersonality(script, domain),
});

const SCHEDULER = primitive({
  name: 'scheduler',
  man: 'sched(7)',
  words: { en: 'choose policy and niceness on the CPU', zh: '选择 CPU 调度策略与 nice 值' },
  params: z.strictObject({
    policy: z.enum(['SCHED_OTHER', 'SCHED_BATCH', 'SCHED_IDLE', 'SCHED_FIFO', 'SCHED_RR']),
    nice: z.int().min(-20).max(19).default(0),
    priority: z.int().min(0).max(99).default(0).describe('of SCHED_FIFO and SCHED_RR'),
  }),
  write: ({ script }, scheduler) => setScheduling(script, { scheduler }),
});

const IO_PRIORITY = primitive({
  name: 'io-priority',
  man: 'ioprio_set(2)',
  words: { en: 'choose its place in the queue for disks', zh: '选择它在磁盘队列中的位置' },
  params: z.strictObject({
    class: z.enum(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE']),
    priority: z.int().min(0).max(7),
  }),
  write: ({ script }, ioPriority) => setScheduling(script, { ioPriority }),
});

const KEYRING = primitive({
  name: 'keyring',
  man: 'keyctl(2)',
  words: { en: 'take a new, empty session keyring', zh: '换用新的空会话密钥环' },
  params: z.strictObject({}),
  write: ({ script }) => leaveHostKeyring(script, KEYCTL_JOIN_SESSION_KEYRING, []),
});

export const PROCESS_PRIMITIVES: readonly Primitive[] = [
  HOSTNAME,
  DOMAINNAME,
  SYSCTL,
  CAPABILITIES_SET,
  SECCOMP_FILTER,
  NO_NEW_PRIVILEGES,
  IDS,
  RLIMIT,
  OOM_SCORE,
  PERSONALITY,
  SCHEDULER,
  IO_PRIORITY,
  KEYRING,
];
