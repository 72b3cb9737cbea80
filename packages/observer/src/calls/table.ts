/**
 * Which system calls are taped, and what each of their arguments is: those that make processes,
 * namespaces, mounts and devices, give up rights, and end processes. Names of arguments as in the
 * man pages' synopses; their meaning is spelled by decode.ts.
 */
import { NO_RETURN, SLOT_MODE, SLOTS, TAPED } from './record.js';

/** How an argument is written. */
export type ArgumentKind =
  | 'int'
  | 'fd'
  | 'dirfd'
  | 'pid'
  | 'pointer'
  | 'text'
  /** pointers to texts; shown up to a few */
  | 'list'
  | 'environment'
  | 'octal'
  | 'device'
  | 'signal'
  | 'clone'
  | 'clone args'
  | 'setns'
  | 'mount'
  | 'umount'
  | 'move_mount'
  | 'open_tree'
  | 'at'
  | 'fsopen'
  | 'fsmount'
  | 'fsconfig'
  | 'mount attributes'
  | 'prctl'
  | 'prctl value'
  | 'seccomp'
  | 'seccomp flags'
  | 'wait'
  | 'id'
  | 'pidfd flags';

/** One system call of the tape. */
export interface TapedCall {
  readonly name: string;
  readonly args: readonly ArgumentKind[];
  readonly returns?: false;
}

const call = (name: string, ...args: readonly ArgumentKind[]): TapedCall => ({ name, args });

/** In the order of a container's life. */
export const TAPED_CALLS: readonly TapedCall[] = [
  call('clone', 'clone', 'pointer', 'pointer', 'pointer', 'pointer'),
  call('clone3', 'clone args', 'int'),
  call('fork'),
  call('vfork'),
  call('unshare', 'clone'),
  call('setns', 'fd', 'setns'),
  call('execve', 'text', 'list', 'environment'),
  call('execveat', 'dirfd', 'text', 'list', 'environment', 'at'),
  call('mount', 'text', 'text', 'text', 'mount', 'text'),
  call('umount2', 'text', 'umount'),
  call('open_tree', 'dirfd', 'text', 'open_tree'),
  call('move_mount', 'dirfd', 'text', 'dirfd', 'text', 'move_mount'),
  call('fsopen', 'text', 'fsopen'),
  call('fsconfig', 'fd', 'fsconfig', 'text', 'text', 'int'),
  call('fsmount', 'fd', 'fsmount', 'mount attributes'),
  call('mount_setattr', 'dirfd', 'text', 'at', 'pointer', 'int'),
  call('pivot_root', 'text', 'text'),
  call('chroot', 'text'),
  call('chdir', 'text'),
  call('fchdir', 'fd'),
  call('sethostname', 'text', 'int'),
  call('setdomainname', 'text', 'int'),
  call('mkdir', 'text', 'octal'),
  call('mkdirat', 'dirfd', 'text', 'octal'),
  call('mknod', 'text', 'octal', 'device'),
  call('mknodat', 'dirfd', 'text', 'octal', 'device'),
  call('symlink', 'text', 'text'),
  call('symlinkat', 'text', 'dirfd', 'text'),
  call('prctl', 'prctl', 'prctl value', 'prctl value', 'prctl value', 'prctl value'),
  call('capset', 'pointer', 'pointer'),
  call('seccomp', 'seccomp', 'seccomp flags', 'pointer'),
  call('setuid', 'id'),
  call('setgid', 'id'),
  call('setreuid', 'id', 'id'),
  call('setregid', 'id', 'id'),
  call('setresuid', 'id', 'id', 'id'),
  call('setresgid', 'id', 'id', 'id'),
  call('setgroups', 'int', 'pointer'),
  call('setsid'),
  call('kill', 'pid', 'signal'),
  call('tkill', 'pid', 'signal'),
  call('tgkill', 'pid', 'pid', 'signal'),
  call('pidfd_open', 'pid', 'pidfd flags'),
  call('pidfd_send_signal', 'fd', 'signal', 'pointer', 'int'),
  call('wait4', 'pid', 'pointer', 'wait', 'pointer'),
  { ...call('exit_group', 'int'), returns: false },
];

/** What one slot of a call's record holds. */
export interface Slot {
  readonly argument: number;
  /** see SLOT_MODE; `list` and above: an element */
  readonly mode: number;
}

/** The slots of a call, in the order of its arguments; those for which there is no room are left out. */
export function slotsOf({ args }: TapedCall): readonly Slot[] {
  const slots: Slot[] = [];
  for (const [argument, kind] of args.entries()) {
    if (kind === 'text') slots.push({ argument, mode: SLOT_MODE.text });
    if (kind === 'clone args') slots.push({ argument, mode: SLOT_MODE.cloneArgs });
    if (kind === 'list') {
      for (let element = 0; slots.length < SLOTS; element++) {
        slots.push({ argument, mode: SLOT_MODE.list + element });
      }
    }
  }
  return slots.slice(0, SLOTS);
}

/** What the kernel's table `calls` has for it: eight bytes of slots, flags. */
export function kernelEntry(taped: TapedCall): Uint8Array {
  const entry = new DataView(new ArrayBuffer(16));
  for (const [index, { argument, mode }] of slotsOf(taped).entries()) {
    entry.setUint8(index, argument | (mode << 3));
  }
  entry.setUint32(8, TAPED | (taped.returns === false ? NO_RETURN : 0), true);
  return new Uint8Array(entry.buffer);
}
