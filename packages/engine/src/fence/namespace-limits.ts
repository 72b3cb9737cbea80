/**
 * Reads user.max_*_namespaces of another user namespace: the kernel shows them only to whoever is
 * in it, so a plan's process goes there and reads.
 *
 *   outside  host root; joins the process's user namespace alone, reads, ends
 */
import {
  ERRNO,
  flagged,
  NAMESPACE_KINDS,
  O,
  type Plan,
  PlanBuilder,
  PlanError,
  type Player,
  scratch,
} from '@terrarium/syscall';
import { namespaceFlags } from '../plan/namespace-calls.js';
import { FDCWD, purpose, Script } from '../plan/script.js';

const why = purpose(
  'read-namespace-limits',
  'read how many namespaces there may be below this user namespace',
  '读取此用户命名空间之下允许多少命名空间',
);

/** A decimal number and a newline. */
const VALUE_BYTES = 32;

/** Makes the plan. */
export function namespaceLimitsPlan(pid: number): Plan {
  const builder = new PlanBuilder(`read namespace limits of process ${pid}`);
  const script = new Script(builder, 'outside', builder.slot('fd'));
  const [pidfd, file] = [builder.slot('pidfd'), builder.slot('file')];
  script.call('pidfd_open', [pid, 0], why, { store: pidfd });
  // EINVAL: it is in ours.
  script.call('setns', [pidfd, namespaceFlags(['user'])], why, { tolerate: [ERRNO.EINVAL] });
  for (const { proc } of NAMESPACE_KINDS) {
    const value = scratch(VALUE_BYTES);
    const path = `/proc/sys/user/max_${proc}_namespaces`;
    script.call('openat', [FDCWD, path, flagged(O, 'O_RDONLY', 'O_CLOEXEC')], why, { store: file });
    script.call('read', [file, value, VALUE_BYTES], why, { reportBlock: value });
    script.call('close', [file], why);
  }
  return builder.build();
}

/** By kind; null when the process ended meanwhile or its namespace is closed to us. */
export async function readNamespaceLimits(
  player: Player,
  pid: number,
): Promise<Record<string, number> | null> {
  const plan = namespaceLimitsPlan(pid);
  try {
    const { reports } = await player.run(plan).done;
    const values = reports.flatMap(({ bytes, result }) =>
      bytes === undefined
        ? []
        : [Number(new TextDecoder().decode(bytes.subarray(0, Number(result))))],
    );
    return Object.fromEntries(NAMESPACE_KINDS.map(({ proc }, index) => [proc, values[index] ?? 0]));
  } catch (error) {
    if (error instanceof PlanError) return null;
    throw error;
  }
}
