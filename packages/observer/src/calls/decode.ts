/**
 * A record of the tape as words: the name, arguments as strace would write them, the error's name.
 * Pure. What could not be read is shown as its address: never a text that may be another's.
 */
import {
  AT as AT_FLAGS,
  CAPABILITIES,
  CLONE,
  type ConstantTable,
  errnoName,
  FS,
  flags,
  hostArchitecture,
  MNT,
  MOUNT_ATTR,
  MOVE_MOUNT,
  MS,
  OPEN_TREE,
  PR,
  SECCOMP,
  SIGNALS,
  SYSCALL_NUMBERS,
  W,
} from '@terrarium/syscall';
import type { SyscallState } from '@terrarium/timeline';
import { type CallRecord, SLOT_BYTES, SLOT_MODE } from './record.js';
import { type ArgumentKind, slotsOf, TAPED_CALLS, type TapedCall } from './table.js';

/** Negative results down to here are errors, MAX_ERRNO of <linux/err.h>. */
const MAX_ERRNO = 4095n;
const SIGNAL_MASK = 0xffn;
const AT_FDCWD = -100;

const BY_NUMBER: ReadonlyMap<number, TapedCall> = new Map(
  TAPED_CALLS.flatMap((taped) => {
    const number = SYSCALL_NUMBERS[hostArchitecture()][taped.name];
    return number === undefined ? [] : [[number, taped]];
  }),
);

/** The decoded parts of a call; null for a number that is not taped. */
export function decodeCall(
  record: CallRecord,
): Pick<SyscallState, 'name' | 'args' | 'result' | 'errno'> | null {
  const taped = BY_NUMBER.get(record.number);
  if (taped === undefined) return null;
  return {
    name: taped.name,
    args: taped.args.flatMap((kind, index) => argumentText(record, taped, kind, index) ?? []),
    ...outcome(record),
  };
}

function outcome({ result, returns }: CallRecord): Pick<SyscallState, 'result' | 'errno'> {
  if (!returns) return { result: null, errno: null };
  const failed = result < 0n && result >= -MAX_ERRNO;
  return { result: Number(result), errno: failed ? errnoName(Number(-result)) : null };
}

/** null for an argument that means nothing here (further arguments of a prctl) */
function argumentText(
  record: CallRecord,
  taped: TapedCall,
  kind: ArgumentKind,
  index: number,
): string | null {
  const value = record.args[index] ?? 0n;
  switch (kind) {
    case 'text':
      return textArgument(record, taped, index);
    case 'list':
      return listArgument(record, taped, index);
    case 'clone args':
      return cloneArgs(record, index);
    case 'environment':
      return value === 0n ? 'NULL' : pointer(value);
    case 'prctl value':
      return prctlValue(record, index);
    default:
      return plainArgument(kind, value);
  }
}

const TABLES: Partial<Record<ArgumentKind, ConstantTable>> = {
  mount: MS,
  umount: MNT,
  move_mount: MOVE_MOUNT,
  open_tree: {
    ...OPEN_TREE,
    AT_RECURSIVE: AT_FLAGS.AT_RECURSIVE,
    AT_EMPTY_PATH: AT_FLAGS.AT_EMPTY_PATH,
  },
  at: without(AT_FLAGS, 'AT_FDCWD', 'AT_REMOVEDIR', 'AT_SYMLINK_FOLLOW'),
  fsopen: { FSOPEN_CLOEXEC: FS.FSOPEN_CLOEXEC },
  fsmount: { FSMOUNT_CLOEXEC: FS.FSMOUNT_CLOEXEC },
  'mount attributes': without(MOUNT_ATTR, 'MOUNT_ATTR__ATIME'),
  setns: CLONE,
  wait: W,
  'seccomp flags': prefixed(SECCOMP, 'SECCOMP_FILTER_FLAG_'),
};
const NAMED: Partial<Record<ArgumentKind, ConstantTable>> = {
  fsconfig: prefixed(FS, 'FSCONFIG_'),
  prctl: without(
    PR,
    'PR_CAP_AMBIENT_IS_SET',
    'PR_CAP_AMBIENT_RAISE',
    'PR_CAP_AMBIENT_LOWER',
    'PR_CAP_AMBIENT_CLEAR_ALL',
  ),
  seccomp: {
    SECCOMP_SET_MODE_STRICT: SECCOMP.SECCOMP_SET_MODE_STRICT,
    SECCOMP_SET_MODE_FILTER: SECCOMP.SECCOMP_SET_MODE_FILTER,
    SECCOMP_GET_ACTION_AVAIL: SECCOMP.SECCOMP_GET_ACTION_AVAIL,
    SECCOMP_GET_NOTIF_SIZES: SECCOMP.SECCOMP_GET_NOTIF_SIZES,
  },
  signal: SIGNALS,
};

function plainArgument(kind: ArgumentKind, value: bigint): string {
  const bits = TABLES[kind];
  // Flags are ints in the kernel, but for mount's; what stands above means nothing.
  if (bits !== undefined) return flags(BigInt.asUintN(32, value), bits);
  const names = NAMED[kind];
  const int = Number(BigInt.asIntN(32, value));
  if (names !== undefined) return nameOf(int, names) ?? String(int);
  switch (kind) {
    case 'pointer':
      return pointer(value);
    case 'dirfd':
      return int === AT_FDCWD ? 'AT_FDCWD' : String(int);
    case 'octal':
      return `0${(int & 0o177777).toString(8)}`;
    case 'clone':
      return cloneFlags(BigInt.asUintN(32, value));
    case 'device':
      return deviceText(Number(BigInt.asUintN(32, value)));
    default:
      return String(int);
  }
}

function pointer(value: bigint): string {
  return value === 0n ? 'NULL' : `0x${value.toString(16)}`;
}

function slotOf(record: CallRecord, taped: TapedCall, argument: number): Uint8Array | null {
  const slot = slotsOf(taped).findIndex((candidate) => candidate.argument === argument);
  return record.slots[slot] ?? null;
}

function textArgument(record: CallRecord, taped: TapedCall, index: number): string {
  const value = record.args[index] ?? 0n;
  const bytes = value === 0n ? null : slotOf(record, taped, index);
  if (bytes === null) return pointer(value);
  // sethostname has a length instead of an end
  const length = taped.name.endsWith('name') ? Number(record.args[1] ?? 0n) : undefined;
  return quoted(bytes, length);
}

/** `"/proc"`; cut ones end in `"...`, as strace has it. */
function quoted(bytes: Uint8Array, length?: number): string {
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, length ?? bytes.length));
  const cut = text.length >= SLOT_BYTES - 1 ? '...' : '';
  return `${JSON.stringify(new TextDecoder().decode(text))}${cut}`;
}

function listArgument(record: CallRecord, taped: TapedCall, index: number): string {
  const value = record.args[index] ?? 0n;
  if (value === 0n) return 'NULL';
  const slots = slotsOf(taped).map((slot, at) => ({ ...slot, bytes: record.slots[at] ?? null }));
  const elements = slots.filter(
    ({ argument, mode }) => argument === index && mode >= SLOT_MODE.list,
  );
  const unread = elements.findIndex(({ bytes }) => bytes === null);
  const read = unread < 0 ? elements : elements.slice(0, unread);
  if (read.length === 0) return pointer(value);
  const texts = read.map(({ bytes }) => quoted(bytes as Uint8Array));
  // All slots full: there may be more.
  return `[${[...texts, ...(read.length === elements.length ? ['...'] : [])].join(', ')}]`;
}

/** struct clone_args: u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, …, cgroup */
function cloneArgs(record: CallRecord, index: number): string {
  const bytes = record.slots[0];
  if (bytes === null || bytes === undefined) return pointer(record.args[index] ?? 0n);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(record.args[1] ?? 0n);
  const word = (at: number): bigint => (at + 8 <= size ? view.getBigUint64(at, true) : 0n);
  const parts = [`flags=${flags(word(0), CLONE)}`];
  const signal = Number(word(32));
  parts.push(`exit_signal=${signal === 0 ? '0' : (nameOf(signal, SIGNALS) ?? signal)}`);
  if ((word(0) & BigInt(CLONE.CLONE_INTO_CGROUP)) !== 0n) parts.push(`cgroup=${word(80)}`);
  return `{${parts.join(', ')}}`;
}

/** clone has the signal for the parent in the flags' low byte. */
function cloneFlags(value: bigint): string {
  const signal = Number(value & SIGNAL_MASK);
  const bits = value & ~SIGNAL_MASK;
  // unshare has CLONE_NEWTIME there.
  if (signal === CLONE.CLONE_NEWTIME) return flags(value, CLONE);
  const names = bits === 0n ? [] : [flags(bits, CLONE)];
  if (signal !== 0) names.push(nameOf(signal, SIGNALS) ?? String(signal));
  return names.join('|') || '0';
}

/** Options whose further arguments are worth a word; of the others the first number alone. */
function prctlValue(record: CallRecord, index: number): string | null {
  const option = Number(BigInt.asUintN(32, record.args[0] ?? 0n));
  const value = record.args[index] ?? 0n;
  if (option === PR.PR_CAP_AMBIENT) {
    if (index === 1) return nameOf(Number(value), prefixed(PR, 'PR_CAP_AMBIENT_')) ?? String(value);
    return index === 2 ? (nameOf(Number(value), CAPABILITIES) ?? String(value)) : null;
  }
  if (index > 1) return null;
  if (option === PR.PR_CAPBSET_READ || option === PR.PR_CAPBSET_DROP) {
    return nameOf(Number(value), CAPABILITIES) ?? String(value);
  }
  if (option === PR.PR_SET_NAME || option === PR.PR_GET_NAME || value > 0xffff_ffffn) {
    return pointer(value);
  }
  if (option === PR.PR_SET_PDEATHSIG) return nameOf(Number(value), SIGNALS) ?? String(value);
  return String(BigInt.asIntN(32, value));
}

/** `makedev(1, 3)`, see makedev(3) */
function deviceText(device: number): string {
  if (device === 0) return '0';
  const [major, minor] = [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
  return `makedev(${major}, ${minor})`;
}

function nameOf(value: number, table: ConstantTable): string | null {
  return Object.keys(table).find((name) => table[name] === value) ?? null;
}

function prefixed(table: ConstantTable, prefix: string): ConstantTable {
  return Object.fromEntries(Object.entries(table).filter(([name]) => name.startsWith(prefix)));
}

function without(table: ConstantTable, ...names: readonly string[]): ConstantTable {
  return Object.fromEntries(Object.entries(table).filter(([name]) => !names.includes(name)));
}
