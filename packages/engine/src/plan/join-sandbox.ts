/**
 * How a process of a plan gets into a running sandbox: enter its cgroups, join its namespaces, and
 * make a child there, which is confined as everything in the sandbox is. Shared by exec, by
 * containers and primitives that are made inside a sandbox.
 *
 *   caller  forked by a player; host root, host namespaces until setns
 *   child   born inside, also in the pid namespace (setns changes that only for children); a
 *           child of the player, not of the caller, so that the player hears of its end
 */
import type { LinuxSeccomp, PosixRlimit } from '@terrarium/spec';
import {
  CLONE,
  CLONE_ARGS_BYTES,
  ERRNO,
  flagged,
  NAMESPACE_KINDS,
  PR,
  type ProcessName,
  type Slot,
  shown,
} from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import { KEYCTL_JOIN_SESSION_KEYRING } from '../kernel-constants.js';
import { joinV1Cgroups, joinV2Leaf, openV2Leaf } from './cgroup-calls.js';
import { cloneArgs } from './clone-args.js';
import { leaveHostKeyring, setCapabilities, setIds, setRlimits, setSeccomp } from './confine.js';
import { purpose, type Script } from './script.js';

/** A running sandbox as an exec needs it: plain JSON, so that another process can make the plan. */
export interface ExecTarget {
  readonly id: string;
  readonly initPid: number;
  /** field 22 of /proc/PID/stat; whoever runs the plan compares it just before */
  readonly initStartTime: number;
  /** group below each hierarchy's mount point */
  readonly cgroupsPath: string;
  readonly facts: HostFacts;
  readonly rlimits: readonly PosixRlimit[];
  readonly oomScoreAdj: number;
  readonly boundingCapabilities: readonly string[];
  readonly seccomp: LinuxSeccomp;
}

/**
 * Written to the list of a process of the host: when it is through, `child` is in the sandbox's
 * cgroups and in all its namespaces but the cgroup one, and not confined yet.
 *
 * @returns the register with the pidfd of the sandbox's init
 */
export function joinSandbox(script: Script, target: ExecTarget, child: ProcessName): Slot {
  const init = enterLimits(script, target);
  const group = openV2Leaf(script, target.facts.cgroups, target.cgroupsPath);
  enterNamespaces(script, target, init);
  cloneInside(script, group, child);
  return init;
}

/**
 * Written to the list of a process of the host: when it is through, that process itself has the
 * sandbox's limits, sees what its root sees and may do what its root may. It has no child in the
 * sandbox's pid namespace, so nobody inside can see, trace or signal it, and no view shows it.
 * Memory that it fills (a written file) is charged to the sandbox.
 */
export function visitSandbox(script: Script, target: ExecTarget): void {
  const init = enterLimits(script, target);
  joinV2Leaf(script, target.facts.cgroups, target.cgroupsPath);
  enterNamespaces(script, target, init);
  joinCgroupNamespace(script, init);
  confineLikeSandbox(script, target);
  setIds(script, 0, 0, []);
}

/** Holds init, and takes the limits whose paths are the host's. */
function enterLimits(script: Script, target: ExecTarget): Slot {
  const init = script.builder.slot('init');
  script.call(
    'pidfd_open',
    [target.initPid, 0],
    purpose(
      'open-init',
      "hold the sandbox's init by an fd, which cannot come to mean another process",
      '用文件描述符持有沙箱的 init，它不会变成指向别的进程',
    ),
    { store: init },
  );
  leaveHostKeyring(script, KEYCTL_JOIN_SESSION_KEYRING, [ERRNO.ENOSYS, ERRNO.EDQUOT, ERRNO.EPERM]);
  // Before setns: these paths are the host's.
  script.writeFile(
    '/proc/self/oom_score_adj',
    String(target.oomScoreAdj),
    purpose(
      'oom-score',
      'be killed before anything of the host when memory runs out',
      '内存不足时，先于宿主机的任何进程被杀',
    ),
  );
  joinV1Cgroups(script, target.facts.cgroups, target.cgroupsPath);
  return init;
}

function enterNamespaces(script: Script, target: ExecTarget, init: Slot): void {
  setRlimits(script, target.rlimits, target.facts);
  script.call(
    'prctl',
    [flagged(PR, 'PR_SET_DUMPABLE'), 0, 0, 0, 0],
    purpose(
      'not-dumpable',
      'let nobody inside ptrace us between joining and execve',
      '在加入之后、execve 之前，不让里面的任何进程 ptrace 我们',
    ),
  );
  const kinds = NAMESPACE_KINDS.filter(({ proc }) => proc !== 'cgroup');
  const names = kinds.map(({ flagName }) => flagName).join('|');
  script.call(
    'setns',
    [
      init,
      shown(
        kinds.reduce((bits, { flag }) => bits + flag, 0),
        names,
      ),
    ],
    purpose(
      'join-namespaces',
      'join the namespaces of init, all but one at once',
      '一次加入 init 的命名空间，只差一个',
    ),
  );
}

/**
 * From inside the cgroup namespace, CLONE_INTO_CGROUP would be refused (where v2 is mounted with
 * nsdelegate, one may not be moved in from outside): so the child joins that namespace itself.
 */
function cloneInside(script: Script, group: Slot | null, child: ProcessName): void {
  const into = group === null ? '' : '|CLONE_INTO_CGROUP';
  const groupField = group === null ? '' : ', cgroup=<group>';
  const bits = CLONE.CLONE_PARENT + (group === null ? 0 : CLONE.CLONE_INTO_CGROUP);
  script.call(
    'clone3',
    [cloneArgs(BigInt(bits), { group }), CLONE_ARGS_BYTES],
    purpose(
      'clone-process',
      'make a child: only children are in the joined pid namespace',
      '创建子进程：只有子进程才进入所加入的 PID 命名空间',
    ),
    {
      display: `clone3({flags=CLONE_PARENT${into}${groupField}}, ${CLONE_ARGS_BYTES})`,
      child,
    },
  );
}

/** The first call of the child: the last namespace. */
export function joinCgroupNamespace(script: Script, init: Slot): void {
  script.call(
    'setns',
    [init, flagged(CLONE, 'CLONE_NEWCGROUP')],
    purpose(
      'join-cgroup-namespace',
      'join the last one, where the sandbox’s group is the root',
      '加入最后一个：在那里沙箱的组就是根',
    ),
  );
}

/** Gives up what a process of the sandbox may not have. */
export function confineLikeSandbox(script: Script, target: ExecTarget): void {
  setCapabilities(script, target.boundingCapabilities, target.facts);
  setSeccomp(script, target.seccomp, target.facts);
}
