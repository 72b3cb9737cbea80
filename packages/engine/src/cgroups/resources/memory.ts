/**
 * linux.resources.memory in both spellings. All values are bytes; -1 is unlimited. The standard's
 * `swap` is memory plus swap, as v1 counts (memsw); v2 counts swap alone.
 * @see kernel docs admin-guide/cgroup-v1/memory, admin-guide/cgroup-v2 "Memory Interface Files"
 */
import type { LinuxMemory, LinuxResources } from '@terrarium/spec';
import type { CgroupHierarchy } from '../types.js';
import { granted, maxOr, mayHave, optionalWish, refusal, type Wish, wish } from './wish.js';

/** v1: memsw must never be below memory; a new group has neither, so memory goes first. */
export function memoryV1({ memory }: LinuxResources, hierarchy: CgroupHierarchy): Wish[] {
  if (memory === undefined) return [];
  const { limit, reservation, swap, kernelTCP, swappiness } = memory;
  const wishes: Wish[] = [];
  if (memory.useHierarchy !== undefined) {
    // Before any child exists, and before the limits that children then share.
    wishes.push(wish('memory.useHierarchy', ['memory.use_hierarchy', memory.useHierarchy ? 1 : 0]));
  }
  if (limit !== undefined) wishes.push(wish('memory.limit', ['memory.limit_in_bytes', limit]));
  if (swap !== undefined) {
    const problem = swapBelowLimit(memory);
    if (problem !== undefined) wishes.push(problem);
    else if (!mayHave(hierarchy, 'memory.memsw.limit_in_bytes')) wishes.push(NO_SWAP_ACCOUNTING);
    else wishes.push(optionalWish('memory.swap', 'memory.memsw.limit_in_bytes', swap));
  }
  if (reservation !== undefined) {
    wishes.push(wish('memory.reservation', ['memory.soft_limit_in_bytes', reservation]));
  }
  if (memory.kernel !== undefined) wishes.push(kernelMemoryV1(memory.kernel));
  if (kernelTCP !== undefined) {
    wishes.push(wish('memory.kernelTCP', ['memory.kmem.tcp.limit_in_bytes', kernelTCP]));
  }
  if (swappiness !== undefined) {
    wishes.push(
      swappiness > 100
        ? refusal('memory.swappiness', `must be 0 to 100, not ${swappiness}`)
        : wish('memory.swappiness', ['memory.swappiness', swappiness]),
    );
  }
  if (memory.disableOOMKiller !== undefined) {
    const value = memory.disableOOMKiller ? 1 : 0;
    wishes.push(wish('memory.disableOOMKiller', ['memory.oom_control', value]));
  }
  if (memory.checkBeforeUpdate !== undefined) wishes.push(granted('memory.checkBeforeUpdate'));
  return wishes;
}

/** v2 dropped kmem limits, swappiness and the switch of the OOM killer. */
export function memoryV2({ memory }: LinuxResources, hierarchy: CgroupHierarchy): Wish[] {
  if (memory === undefined) return [];
  const { limit, reservation, swap } = memory;
  const wishes: Wish[] = [];
  if (limit !== undefined) wishes.push(wish('memory.limit', ['memory.max', maxOr(limit)]));
  if (swap !== undefined) wishes.push(swapV2(memory, hierarchy));
  if (reservation !== undefined) {
    wishes.push(wish('memory.reservation', ['memory.low', maxOr(reservation)]));
  }
  for (const field of ['kernel', 'kernelTCP'] as const) {
    const value = memory[field];
    if (value === undefined) continue;
    const why = 'cgroup v2 counts kernel memory in memory.max and has no limit of its own for it';
    wishes.push(value < 0 ? granted(`memory.${field}`) : refusal(`memory.${field}`, why));
  }
  if (memory.swappiness !== undefined) {
    wishes.push(refusal('memory.swappiness', 'cgroup v2 has no swappiness of a group'));
  }
  if (memory.disableOOMKiller !== undefined) {
    const field = 'memory.disableOOMKiller';
    const why = 'cgroup v2 cannot switch the OOM killer off';
    wishes.push(memory.disableOOMKiller ? refusal(field, why) : granted(field));
  }
  if (memory.useHierarchy !== undefined) {
    const field = 'memory.useHierarchy';
    const why = 'cgroup v2 always counts a child in its parents';
    wishes.push(memory.useHierarchy ? granted(field) : refusal(field, why));
  }
  if (memory.checkBeforeUpdate !== undefined) wishes.push(granted('memory.checkBeforeUpdate'));
  return wishes;
}

const NO_SWAP_ACCOUNTING = refusal(
  'memory.swap',
  'this kernel does not count swap (boot with swapaccount=1)',
);

function swapV2(memory: LinuxMemory, hierarchy: CgroupHierarchy): Wish {
  const { swap = -1, limit } = memory;
  const problem = swapBelowLimit(memory);
  if (problem !== undefined) return problem;
  if (!mayHave(hierarchy, 'memory.swap.max')) return NO_SWAP_ACCOUNTING;
  if (swap < 0) return optionalWish('memory.swap', 'memory.swap.max', 'max');
  if (limit === undefined) {
    return refusal('memory.swap', 'is memory plus swap, so it needs memory.limit beside it');
  }
  return optionalWish('memory.swap', 'memory.swap.max', swap - limit);
}

function swapBelowLimit({ swap = -1, limit }: LinuxMemory): Wish | undefined {
  if (swap < 0 || limit === undefined) return undefined;
  if (limit < 0) return refusal('memory.swap', 'is memory plus swap: memory.limit is unlimited');
  if (swap >= limit) return undefined;
  return refusal('memory.swap', `is memory plus swap: ${swap} is less than memory.limit ${limit}`);
}

/** Linux 5.16 and later take the value and ignore it, which is worse than a refusal. */
function kernelMemoryV1(kernel: number): Wish {
  if (kernel < 0) return granted('memory.kernel');
  return refusal(
    'memory.kernel',
    'the kernel dropped this limit (Linux 5.16): memory.limit counts it',
  );
}
