/** struct clone_args of clone3(2), from the few fields that our plans use. */
import { type Block, CLONE_ARGS_BYTES, type Slot, struct } from '@terrarium/syscall';

/** What a plan says; everything else is 0. */
export interface CloneFields {
  readonly exitSignal?: number;
  /** where CLONE_PIDFD stores */
  readonly pidfd?: Block;
  /** fd of a v2 cgroup for CLONE_INTO_CGROUP */
  readonly group?: Slot | null;
}

/** Fields in order: flags pidfd child_tid parent_tid exit_signal stack stack_size tls set_tid set_tid_size cgroup */
export function cloneArgs(flags: bigint, { exitSignal = 0, pidfd, group }: CloneFields): Block {
  const nothing = [0, 8] as const;
  return struct(
    [
      [flags, 8],
      pidfd === undefined ? nothing : { pointer: pidfd },
      nothing,
      nothing,
      [exitSignal, 8],
      nothing,
      nothing,
      nothing,
      nothing,
      nothing,
      group === undefined || group === null ? nothing : [group, 8],
    ],
    CLONE_ARGS_BYTES,
  );
}
