/** What changed in who a process is and what it may do: ids, capabilities, seccomp. Pure. */
import { CAPABILITIES } from '@terrarium/syscall';
import { changed, type Draft, list, plain } from './draft.js';
import { CAPABILITY_SETS, type CapabilitySet, type ProcessKernelState } from './kernel-state.js';
import { count, some } from './phrases.js';
import { idInside } from './viewer.js';

/** Who it is. */
export function credentials(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const drafts: Draft[] = [];
  const add = (subject: string, en: string, zh: string, was: string, is: string): void => {
    if (was !== is) drafts.push(plain('credentials', subject, en, zh, was, is, 'status'));
  };
  add('uid', 'user id', '用户 ID', idText(before, 'uid'), idText(after, 'uid'));
  add('gid', 'group id', '组 ID', idText(before, 'gid'), idText(after, 'gid'));
  add('groups', 'further groups', '附加组', list(before.groups), list(after.groups));
  return drafts;
}

/** `0 (100000 on the host)`: as the process sees itself, and as the host counts. */
function idText(state: ProcessKernelState, which: 'uid' | 'gid'): string {
  const [real, effective] = which === 'uid' ? state.uids : state.gids;
  const map = which === 'uid' ? state.uidMap : state.gidMap;
  const shown = [...new Set([real, effective])].map((id) => {
    const inside = idInside(map, id);
    return inside === id ? String(id) : `${inside ?? 'nobody'} (${id} on the host)`;
  });
  return shown.join(' / ');
}

const CAPABILITY_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CAPABILITIES).map(([name, bit]) => [bit, name]),
);

/** Names of the bits of a set. */
export function capabilityNames(set: bigint): string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if ((set >> BigInt(bit)) & 1n) names.push(CAPABILITY_NAMES.get(bit) ?? `capability ${bit}`);
  }
  return names;
}

/** Sets that lost or gained the same capabilities are told together. */
export function capabilities(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const drafts: Draft[] = [];
  for (const effect of ['gone', 'new'] as const) {
    const sets = new Map<bigint, CapabilitySet[]>();
    for (const set of CAPABILITY_SETS) {
      const [was, is] = [before.capabilities[set], after.capabilities[set]];
      const bits = effect === 'gone' ? was & ~is : is & ~was;
      if (bits !== 0n) sets.set(bits, [...(sets.get(bits) ?? []), set]);
    }
    for (const [bits, names] of sets)
      drafts.push(capabilityDraft(effect, bits, names, before, after));
  }
  return drafts;
}

function capabilityDraft(
  effect: 'gone' | 'new',
  bits: bigint,
  sets: readonly CapabilitySet[],
  before: ProcessKernelState,
  after: ProcessKernelState,
): Draft {
  const names = capabilityNames(bits);
  const shownNames = some(names, 5);
  const [set = 'effective'] = sets;
  const english = sets.length === 1 ? `the ${set} set` : `the sets ${sets.join(', ')}`;
  const verb = effect === 'gone' ? 'left' : 'came into';
  const howMany = count(names.length, 'capability', 'capabilities');
  return {
    kind: 'capabilities',
    effect,
    subject: sets.join(','),
    before: `0x${before.capabilities[set].toString(16)}`,
    after: `0x${after.capabilities[set].toString(16)}`,
    file: 'status',
    words: {
      en: `${howMany} ${verb} ${english}: ${shownNames.en}`,
      zh: `${names.length} 个权能${effect === 'gone' ? '离开' : '进入'} ${sets.join('、')} 集：${shownNames.zh}`,
    },
  };
}

const SECCOMP_MODES = ['off', 'strict', 'filter'];

/** What it can no longer do, whoever it is. */
export function confinement(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const drafts: Draft[] = [];
  if (before.noNewPrivs !== after.noNewPrivs) {
    drafts.push(
      changed('no-new-privs', 'NoNewPrivs', '0', '1', 'status', {
        en: 'no_new_privs: 0 → 1; no execve will ever add a privilege again',
        zh: 'no_new_privs：0 → 1；此后任何 execve 都不能再增加权限',
      }),
    );
  }
  const was = `${SECCOMP_MODES[before.seccompMode]}, ${before.seccompFilters}`;
  const is = `${SECCOMP_MODES[after.seccompMode]}, ${after.seccompFilters}`;
  if (was !== is) {
    const filters = after.seccompFilters;
    drafts.push(
      changed('seccomp', 'Seccomp', was, is, 'status', {
        en: `seccomp: ${SECCOMP_MODES[before.seccompMode]} → ${SECCOMP_MODES[after.seccompMode]}, ${count(filters, 'filter', 'filters')}`,
        zh: `seccomp：${SECCOMP_MODES[before.seccompMode]} → ${SECCOMP_MODES[after.seccompMode]}，${filters} 个过滤器`,
      }),
    );
  }
  return drafts;
}
