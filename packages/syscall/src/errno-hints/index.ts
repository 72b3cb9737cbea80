/**
 * Finds the hint for a failed call: errnos that say something else than a reader would think. Pure.
 */
import { CGROUP_HINTS } from './cgroups.js';
import type { HintRow, HintText } from './hint.js';
import { MOUNT_HINTS } from './mounts.js';
import { NAMESPACE_HINTS } from './namespaces.js';
import { PROCESS_HINTS } from './processes.js';

export type { HintRow, HintText } from './hint.js';

/** All hints; within a subject the first match wins. */
export const HINTS: readonly HintRow[] = [
  ...NAMESPACE_HINTS,
  ...CGROUP_HINTS,
  ...MOUNT_HINTS,
  ...PROCESS_HINTS,
];

/**
 * The hint for a failed call.
 *
 * @param code errno's name
 * @param about what the call worked on: its arguments, and the path that its fd was opened as
 */
export function hintFor(
  syscall: string,
  code: string,
  ...about: readonly string[]
): HintText | undefined {
  return HINTS.find(
    (row) =>
      row.code === code &&
      (row.syscalls?.includes(syscall) ?? true) &&
      (row.about === undefined || about.some((text) => row.about?.test(text))),
  )?.hint;
}
