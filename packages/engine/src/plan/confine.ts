/**
 * The calls with which a process gives up what the sandbox's config does not grant: resource
 * limits, capabilities, seccomp. Used by init and by every exec, so that no process of a learner
 * is without them. Who runs them: a process already inside the sandbox's namespaces.
 */
import type { LinuxSeccomp, PosixRlimit } from '@terrarium/spec';
import {
  bytes,
  CAPABILITIES,
  flagged,
  PR,
  RLIMITS,
  SECCOMP,
  shown,
  struct,
} from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import { LINUX_CAPABILITY_VERSION_3, RLIM64_INFINITY } from '../kernel-constants.js';
import { encodedSeccomp } from '../seccomp/index.js';
import { purpose, type Script } from './script.js';

/**
 * Sets limits; a hard limit above the present one is cut to it: raising needs CAP_SYS_RESOURCE on
 * the host, which not every host's root has.
 */
export function setRlimits(
  script: Script,
  rlimits: readonly PosixRlimit[],
  facts: HostFacts,
): void {
  const table: Readonly<Record<string, number>> = RLIMITS;
  for (const { type, soft, hard } of rlimits) {
    const resource = table[type];
    if (resource === undefined) throw new Error(`unknown rlimit ${type}`);
    const present = facts.rlimits[type]?.hard ?? null;
    const newHard = present === null ? hard : Math.min(hard, present);
    const newSoft = Math.min(soft, newHard);
    script.call(
      'prlimit64',
      [0, shown(resource, type), limitStruct(newSoft, newHard), 0],
      purpose('rlimit', `limit ${type} to what a lab needs`, `把 ${type} 限制到实验所需的大小`),
      { display: `prlimit64(0, ${type}, {${newSoft}, ${newHard}}, NULL)` },
    );
  }
}

function limitStruct(soft: number, hard: number) {
  return struct([
    [limitValue(soft), 8],
    [limitValue(hard), 8],
  ]);
}

function limitValue(value: number): bigint {
  return Number.isSafeInteger(value) ? BigInt(value) : RLIM64_INFINITY;
}

/**
 * Drops from the bounding set what is not in `bounding`, then sets the other sets.
 * Capabilities that this kernel does not know are passed over.
 */
export function setCapabilities(
  script: Script,
  bounding: readonly string[],
  facts: HostFacts,
): void {
  const why = purpose(
    'drop-capability',
    'drop a capability that has no business in a lab, for this process and all it starts',
    '放弃实验中用不到的权能（capability），对本进程及其启动的所有进程生效',
  );
  const known = Object.entries(CAPABILITIES).filter(([, bit]) => bit <= facts.lastCapability);
  for (const [name, bit] of known) {
    if (bounding.includes(name)) continue;
    script.call('prctl', [flagged(PR, 'PR_CAPBSET_DROP'), shown(bit, name), 0, 0, 0], why);
  }
  const kept = known.filter(([name]) => bounding.includes(name));
  const set = kept.reduce((bits, [, bit]) => bits | (1n << BigInt(bit)), 0n);
  script.call(
    'capset',
    [capabilityHeader(), capabilityData(set)],
    purpose(
      'capset',
      'keep exactly the listed capabilities as effective and permitted',
      '只保留列出的权能作为有效集和许可集',
    ),
    {
      display: `capset({_LINUX_CAPABILITY_VERSION_3, 0}, {effective=permitted=0x${set.toString(16)}, inheritable=0})`,
    },
  );
}

function capabilityHeader() {
  return struct([
    [LINUX_CAPABILITY_VERSION_3, 4],
    [0, 4],
  ]);
}

function capabilityData(set: bigint) {
  const half = (shift: bigint) => (set >> shift) & 0xffff_ffffn;
  return struct([
    [half(0n), 4],
    [half(0n), 4],
    [0, 4],
    [half(32n), 4],
    [half(32n), 4],
    [0, 4],
  ]);
}

/**
 * Loads the filter. Without no_new_privs, so that su and sudo work in the lab: that takes
 * CAP_SYS_ADMIN in the own user namespace, so this comes before an exec as another user.
 */
export function setSeccomp(script: Script, profile: LinuxSeccomp, facts: HostFacts): void {
  const { instructions, bytes: program } = encodedSeccomp(profile, facts.architecture);
  const filter = bytes(program);
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const fprog = struct([[instructions, 2], new Uint8Array(6), { pointer: filter }]);
  script.call(
    'seccomp',
    [flagged(SECCOMP, 'SECCOMP_SET_MODE_FILTER'), 0, fprog],
    purpose(
      'seccomp',
      'refuse system calls that concern the whole machine (modules, clock, kexec, …)',
      '拒绝影响整台机器的系统调用（内核模块、时钟、kexec 等）',
    ),
    { display: `seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=${instructions}, filter=…})` },
  );
}

/** Becomes root of the sandbox (or `uid`), with no supplementary groups but the given ones. */
export function setIds(script: Script, uid: number, gid: number, groups: readonly number[]): void {
  const why = purpose(
    'set-ids',
    'become a user of the sandbox’s own id range',
    '成为沙箱自己 ID 范围内的用户',
  );
  const list = groups.length === 0 ? 0 : struct(groups.map((group) => [group, 4]));
  script.call('setgroups', [groups.length, list], why);
  script.call('setresgid', [gid, gid, gid], why);
  script.call('setresuid', [uid, uid, uid], why);
}

/** A new empty session keyring: the host's root would otherwise hand its own on. */
export function leaveHostKeyring(script: Script, joinOperation: number, tolerate: number[]): void {
  script.call(
    'keyctl',
    [shown(joinOperation, 'KEYCTL_JOIN_SESSION_KEYRING'), 0],
    purpose(
      'new-keyring',
      'take a new, empty session keyring instead of the host’s',
      '换用新的空会话密钥环，不带走宿主机的密钥',
    ),
    { tolerate },
  );
}
