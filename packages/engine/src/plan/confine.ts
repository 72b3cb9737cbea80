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
 * Sets limits. A hard limit above the present one is cut to it, or left for the kernel to refuse:
 * raising needs CAP_SYS_RESOURCE on the host, which not every host's root has.
 */
export function setRlimits(
  script: Script,
  rlimits: readonly PosixRlimit[],
  facts: HostFacts,
  excess: 'cut' | 'fail' = 'cut',
): void {
  const table: Readonly<Record<string, number>> = RLIMITS;
  for (const { type, soft, hard } of rlimits) {
    const resource = table[type];
    if (resource === undefined) throw new Error(`unknown rlimit ${type}`);
    const present = facts.rlimits[type]?.hard ?? null;
    const newHard = present === null || excess === 'fail' ? hard : Math.min(hard, present);
    const newSoft = Math.min(soft, newHard);
    script.call(
      'prlimit64',
      [0, shown(resource, type), limitStruct(newSoft, newHard), 0],
      purpose(
        'rlimit',
        `limit ${type}: soft ${newSoft}, hard ${newHard}`,
        `限制 ${type}：软限制 ${newSoft}，硬限制 ${newHard}`,
      ),
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
 * Drops from the bounding set what is not in `bounding`, then keeps exactly that as effective and
 * permitted: what everything in a sandbox gets.
 */
export function setCapabilities(
  script: Script,
  bounding: readonly string[],
  facts: HostFacts,
): void {
  dropFromBoundingSet(script, bounding, facts);
  capset(script, { effective: bounding, permitted: bounding, inheritable: [] }, facts);
}

/** What no later execve can give back. Capabilities that this kernel does not know are passed over. */
export function dropFromBoundingSet(
  script: Script,
  bounding: readonly string[],
  facts: HostFacts,
): void {
  const why = purpose(
    'drop-capability',
    'drop a capability that was not granted, for this process and all it starts',
    '放弃未被授予的权能（capability），对本进程及其启动的所有进程生效',
  );
  for (const [name, bit] of knownCapabilities(facts)) {
    if (bounding.includes(name)) continue;
    script.call('prctl', [flagged(PR, 'PR_CAPBSET_DROP'), shown(bit, name), 0, 0, 0], why);
  }
}

/** The sets that capset(2) sets, by CAP_ names. */
export interface ThreadCapabilities {
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
}

/** capset(2): exactly these. */
export function capset(script: Script, sets: ThreadCapabilities, facts: HostFacts): void {
  const bits = (names: readonly string[]) =>
    names.reduce((sum, name) => {
      const bit = CAPABILITY_BITS[name];
      return bit === undefined || bit > facts.lastCapability ? sum : sum | (1n << BigInt(bit));
    }, 0n);
  const [effective, permitted, inheritable] = [
    bits(sets.effective),
    bits(sets.permitted),
    bits(sets.inheritable),
  ];
  const hex = (set: bigint) => `0x${set.toString(16)}`;
  script.call(
    'capset',
    [capabilityHeader(), capabilityData(effective, permitted, inheritable)],
    purpose(
      'capset',
      'keep exactly the listed capabilities as effective and permitted',
      '只保留列出的权能作为有效集和许可集',
    ),
    {
      display: `capset({_LINUX_CAPABILITY_VERSION_3, 0}, {effective=${hex(effective)}, permitted=${hex(permitted)}, inheritable=${hex(inheritable)}})`,
    },
  );
}

/** The ambient set: what a program without file capabilities keeps over execve. */
export function raiseAmbient(script: Script, ambient: readonly string[], facts: HostFacts): void {
  const why = purpose(
    'ambient-capability',
    'let the program keep this capability although its file grants none',
    '让程序在执行后仍保留这个权能，即使文件本身没有授予',
  );
  for (const [name, bit] of knownCapabilities(facts)) {
    if (!ambient.includes(name)) continue;
    script.call(
      'prctl',
      [flagged(PR, 'PR_CAP_AMBIENT'), flagged(PR, 'PR_CAP_AMBIENT_RAISE'), shown(bit, name), 0, 0],
      why,
    );
  }
}

const CAPABILITY_BITS: Readonly<Record<string, number>> = CAPABILITIES;
const ALL_CAPABILITIES = Object.entries(CAPABILITIES);

function knownCapabilities({ lastCapability }: HostFacts): [name: string, bit: number][] {
  return ALL_CAPABILITIES.filter(([, bit]) => bit <= lastCapability);
}

function capabilityHeader() {
  return struct([
    [LINUX_CAPABILITY_VERSION_3, 4],
    [0, 4],
  ]);
}

function capabilityData(effective: bigint, permitted: bigint, inheritable: bigint) {
  const half = (set: bigint, shift: bigint) => [(set >> shift) & 0xffff_ffffn, 4] as const;
  return struct([
    half(effective, 0n),
    half(permitted, 0n),
    half(inheritable, 0n),
    half(effective, 32n),
    half(permitted, 32n),
    half(inheritable, 32n),
  ]);
}

/** `linux.seccomp.flags` on seccomp(2)'s bits. */
const SECCOMP_FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0x1,
  SECCOMP_FILTER_FLAG_LOG: 0x2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 0x4,
};

/**
 * Loads the filter. Without no_new_privs it takes CAP_SYS_ADMIN in the own user namespace, so then
 * it comes before capabilities and ids are given up.
 *
 * @throws Error on a flag that seccomp(2) does not know
 */
export function setSeccomp(script: Script, profile: LinuxSeccomp, facts: HostFacts): void {
  const { instructions, bytes: program } = encodedSeccomp(profile, facts.architecture);
  const filter = bytes(program);
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const fprog = struct([[instructions, 2], new Uint8Array(6), { pointer: filter }]);
  const names = profile.flags ?? [];
  const flags = names.reduce((bits, name) => {
    const bit = SECCOMP_FLAGS[name];
    if (bit === undefined) throw new Error(`linux.seccomp.flags: ${name} is not supported`);
    return bits | bit;
  }, 0);
  const shownFlags = shown(flags, names.length === 0 ? '0' : names.join('|'));
  script.call(
    'seccomp',
    [flagged(SECCOMP, 'SECCOMP_SET_MODE_FILTER'), shownFlags, fprog],
    purpose(
      'seccomp',
      'let a filter decide about every system call from here on',
      '从此刻起，每个系统调用都先由过滤器裁决',
    ),
    {
      display: `seccomp(SECCOMP_SET_MODE_FILTER, ${shownFlags.display}, {len=${instructions}, filter=…})`,
    },
  );
}

/** Becomes root of the sandbox (or `uid`), with no supplementary groups but the given ones. */
export function setIds(script: Script, uid: number, gid: number, groups: readonly number[]): void {
  const why = purpose(
    'set-ids',
    'become a user of the container’s own ids',
    '成为容器自己 ID 范围内的用户',
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
