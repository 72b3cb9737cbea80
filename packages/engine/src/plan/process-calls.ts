/**
 * What an OCI `process` asks for, as calls: the same for a container's first process and for every
 * exec. Who runs them: a process that is inside the container's namespaces already, on its way to
 * execve; each call takes something away that the next one no longer needs.
 *
 *   limits, scheduling ─▶ (seccomp) ─▶ bounding set ─▶ ids ─▶ capabilities ─▶ (seccomp) ─▶ execve
 *
 * Seccomp stands at the first place without no_new_privs, since loading it then needs
 * CAP_SYS_ADMIN; with no_new_privs at the last, so that the filter need not allow what comes before.
 */
import type { LinuxSeccomp, ProcessConfig } from '@terrarium/spec';
import { flagged, O, PR, RESOLVE, shown, struct } from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import {
  capset,
  dropFromBoundingSet,
  raiseAmbient,
  setIds,
  setRlimits,
  setSeccomp,
} from './confine.js';
import { FDCWD, octal, purpose, type Script } from './script.js';

/** What decides about a process, besides `process` itself. */
export interface ProcessContext {
  readonly facts: HostFacts;
  readonly seccomp?: LinuxSeccomp;
}

/** Everything but the last filter: see `sealProcess`. */
export function becomeProcess(
  script: Script,
  process: ProcessConfig,
  context: ProcessContext,
): void {
  const { facts, seccomp } = context;
  const sets = process.capabilities ?? {};
  setRlimits(script, process.rlimits ?? [], facts, 'fail');
  setScheduling(script, process);
  enterDirectory(script, process.cwd);
  if (process.noNewPrivileges === true) setNoNewPrivileges(script);
  else if (seccomp !== undefined) setSeccomp(script, seccomp, facts);
  dropFromBoundingSet(script, sets.bounding ?? [], facts);
  becomeUser(script, process);
  capset(
    script,
    {
      effective: sets.effective ?? [],
      permitted: sets.permitted ?? [],
      inheritable: sets.inheritable ?? [],
    },
    facts,
  );
  raiseAmbient(script, sets.ambient ?? [], facts);
  script.call(
    'umask',
    [octal(process.user.umask ?? 0o022)],
    purpose('umask', 'the mode bits that new files never get', '新文件永远不带的权限位'),
  );
}

/** The last thing before execve; nothing but execve and close_range need be allowed after it. */
export function sealProcess(script: Script, process: ProcessConfig, context: ProcessContext): void {
  if (process.noNewPrivileges === true && context.seccomp !== undefined) {
    setSeccomp(script, context.seccomp, context.facts);
  }
}

/** prctl(2): for this process and all that it starts; there is no way back. */
export function setNoNewPrivileges(script: Script): void {
  script.call(
    'prctl',
    [flagged(PR, 'PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0],
    purpose(
      'no-new-privs',
      'no execve gives privileges any more: set-user-ID bits and file capabilities are ignored',
      '此后任何 execve 都不会再增加特权：set-user-ID 位和文件权能都被忽略',
    ),
  );
}

/** Through setuid the permitted set survives only when asked for; capset then decides. */
function becomeUser(script: Script, { user }: ProcessConfig): void {
  if (user.uid !== 0) {
    script.call(
      'prctl',
      [flagged(PR, 'PR_SET_KEEPCAPS'), 1, 0, 0, 0],
      purpose(
        'keep-capabilities',
        'keep capabilities over the change of user, for capset to choose from',
        '切换用户时保留权能，供 capset 选择',
      ),
    );
  }
  setIds(script, user.uid, user.gid, user.additionalGids ?? []);
}

/**
 * Where it starts. No magic link is followed on the way: a cwd of /proc/self/fd/7 could otherwise
 * lead to a directory of the host that is still open (CVE-2024-21626).
 */
function enterDirectory(script: Script, cwd: string): void {
  const why = purpose('cwd', `start in ${cwd}`, `起始目录为 ${cwd}`);
  const directory = script.builder.slot('cwd');
  // struct open_how { flags, mode, resolve }
  const flags = flagged(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  const resolve = flagged(RESOLVE, 'RESOLVE_NO_MAGICLINKS', 'RESOLVE_IN_ROOT');
  const how = struct([
    [flags, 8],
    [0, 8],
    [resolve, 8],
  ]);
  script.call('openat2', [FDCWD, cwd, how, 24], why, {
    display: `openat2(AT_FDCWD, ${JSON.stringify(cwd)}, {flags=${flags.display}, resolve=${resolve.display}}, 24)`,
    store: directory,
  });
  script.call('fchdir', [directory], why);
  script.call('close', [directory], why);
}

// ---- scheduling: sched(7), ioprio_set(2), personality(2) ----

const POLICIES: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};
const POLICY_FLAGS: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};
const SCHED_ATTR_BYTES = 48;

const IO_CLASSES: Readonly<Record<string, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};
const IOPRIO_CLASS_SHIFT = 13;
const IOPRIO_WHO_PROCESS = 1;

/** CPU scheduler and disk priority, each where it is given. */
export function setScheduling(
  script: Script,
  { scheduler, ioPriority }: Pick<ProcessConfig, 'scheduler' | 'ioPriority'>,
): void {
  if (scheduler !== undefined) setScheduler(script, scheduler);
  if (ioPriority === undefined) return;
  const ioClass = numberOf(IO_CLASSES, ioPriority.class, 'process.ioPriority.class');
  const value = (ioClass << IOPRIO_CLASS_SHIFT) | ioPriority.priority;
  script.call(
    'ioprio_set',
    [
      shown(IOPRIO_WHO_PROCESS, 'IOPRIO_WHO_PROCESS'),
      0,
      shown(value, `IOPRIO_PRIO_VALUE(${ioPriority.class}, ${ioPriority.priority})`),
    ],
    purpose('io-priority', 'its place in the queue for disks', '它在磁盘队列中的优先级'),
  );
}

/** struct sched_attr { u32 size, policy; u64 flags; s32 nice; u32 priority; u64 runtime, deadline, period } */
function setScheduler(script: Script, scheduler: NonNullable<ProcessConfig['scheduler']>): void {
  const { policy, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const flags = (scheduler.flags ?? []).reduce(
    (bits, name) => bits | numberOf(POLICY_FLAGS, name, 'process.scheduler.flags'),
    0,
  );
  const attributes = struct([
    [SCHED_ATTR_BYTES, 4],
    [numberOf(POLICIES, policy, 'process.scheduler.policy'), 4],
    [flags, 8],
    [nice, 4],
    [priority, 4],
    [runtime, 8],
    [deadline, 8],
    [period, 8],
  ]);
  script.call(
    'sched_setattr',
    [0, attributes, 0],
    purpose('scheduler', 'how the scheduler treats it', '调度器如何对待它'),
    { display: `sched_setattr(0, {policy=${policy}, nice=${nice}, priority=${priority}}, 0)` },
  );
}

function numberOf(table: Readonly<Record<string, number>>, name: string, field: string): number {
  const value = table[name];
  if (value === undefined) throw new Error(`${field}: ${name} is not supported`);
  return value;
}

const PERSONALITIES: Readonly<Record<string, number>> = { LINUX: 0, LINUX32: 8 };

/** personality(2): which kind of machine uname(2) claims. */
export function setPersonality(script: Script, domain: string): void {
  const value = numberOf(PERSONALITIES, domain, 'linux.personality.domain');
  script.call(
    'personality',
    [shown(value, domain === 'LINUX32' ? 'PER_LINUX32' : 'PER_LINUX')],
    purpose('personality', 'which machine it believes to run on', '它以为自己运行在哪种机器上'),
  );
}
