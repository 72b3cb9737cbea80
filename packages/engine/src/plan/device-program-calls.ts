/**
 * Calls that load a device program (cgroups/devices/program.ts) and attach it to a cgroup v2, with
 * bpf(2). Who runs them: host root (CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN before Linux 5.8,
 * in the initial user namespace); a sandbox's root may not.
 *
 * All programs of a group and of its parents must allow an access (BPF_F_ALLOW_MULTI): a parent's
 * rules hold for its children, and systemd's stay beside ours.
 */
import {
  type Block,
  BPF,
  BPF_ATTACH,
  BPF_F,
  BPF_PROG_TYPE,
  bytes,
  cstring,
  flagged,
  O,
  type Plan,
  PlanBuilder,
  type Purpose,
  type Slot,
  scratch,
  struct,
} from '@terrarium/syscall';
import { encodeProgram, type Instruction } from '../cgroups/devices/program.js';
import { FDCWD, purpose, Script } from './script.js';

/* union bpf_attr: one longer than a kernel knows is accepted when the rest is zero. */
const BPF_OBJ_NAME_LEN = 16;
const LOAD_ATTR_BYTES = 72; // up to expected_attach_type
const ATTACH_ATTR_BYTES = 20; // up to replace_bpf_fd, Linux 5.6
const QUERY_ATTR_BYTES = 32;
const NAME = 'terrarium_dev'; // as `bpftool prog` shows it

/** Ids that one query asks for; a group has one of ours, and rarely one of systemd. */
export const MAX_ATTACHED = 64;

/** Whose devices are limited, as sentences name it. */
interface Whose {
  readonly en: string;
  readonly zh: string;
}

/**
 * Loads the program and attaches it to the group.
 *
 * @param replace id of the attached program that it takes the place of, at once
 */
export function attachDeviceProgram(
  script: Script,
  directory: string,
  program: readonly Instruction[],
  whose: Whose,
  replace?: number,
): void {
  const slot = (name: string) => script.builder.slot(name);
  const [group, loaded, old] = [slot('deviceGroup'), slot('program'), slot('oldProgram')];
  load(script, program, loaded, whose);
  const why = purpose(
    'device-attach',
    `let the kernel ask the program whenever ${whose.en} opens or makes a device`,
    `每当${whose.zh}打开或创建设备时，都由内核询问这个程序`,
  );
  openDirectory(script, directory, group, why);
  if (replace !== undefined) programById(script, replace, old, why);
  const flags = BPF_F.BPF_F_ALLOW_MULTI | (replace === undefined ? 0 : BPF_F.BPF_F_REPLACE);
  const attr = struct(
    [
      [group, 4],
      [loaded, 4],
      [BPF_ATTACH.BPF_CGROUP_DEVICE, 4],
      [flags, 4],
      [old, 4],
    ],
    ATTACH_ATTR_BYTES,
  );
  const names = replace === undefined ? 'BPF_F_ALLOW_MULTI' : 'BPF_F_ALLOW_MULTI|BPF_F_REPLACE';
  const replaced = replace === undefined ? '' : ', replace_bpf_fd=<oldProgram>';
  script.call('bpf', [flagged(BPF, 'BPF_PROG_ATTACH'), attr, ATTACH_ATTR_BYTES], why, {
    display: `bpf(BPF_PROG_ATTACH, {target_fd=<deviceGroup>, attach_bpf_fd=<program>, attach_type=BPF_CGROUP_DEVICE, attach_flags=${names}${replaced}}, ${ATTACH_ATTR_BYTES})`,
  });
  for (const fd of replace === undefined ? [group, loaded] : [group, loaded, old]) {
    script.call('close', [fd], why);
  }
}

function load(script: Script, program: readonly Instruction[], loaded: Slot, whose: Whose): void {
  const name = new Uint8Array(BPF_OBJ_NAME_LEN);
  name.set(new TextEncoder().encode(NAME));
  const attr = struct(
    [
      [BPF_PROG_TYPE.BPF_PROG_TYPE_CGROUP_DEVICE, 4],
      [program.length, 4],
      { pointer: bytes(encodeProgram(program)) },
      { pointer: cstring('GPL') },
      new Uint8Array(4 + 4 + 8 + 4 + 4), // log_level, log_size, log_buf, kern_version, prog_flags
      name,
      [0, 4], // prog_ifindex
      [BPF_ATTACH.BPF_CGROUP_DEVICE, 4],
    ],
    LOAD_ATTR_BYTES,
  );
  const why = purpose(
    'device-program',
    `the device rules of ${whose.en} as a program: cgroup v2 has no list of devices`,
    `把${whose.zh}的设备规则写成一段程序：cgroup v2 没有设备列表`,
  );
  script.call('bpf', [flagged(BPF, 'BPF_PROG_LOAD'), attr, LOAD_ATTR_BYTES], why, {
    display: `bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=${program.length}, prog_name="${NAME}"}, ${LOAD_ATTR_BYTES})`,
    store: loaded,
  });
}

/** Asks for the ids of the programs attached to one group: see attachedPrograms. */
export function deviceQueryPlan(directory: string): Plan {
  const builder = new PlanBuilder(`query device programs of ${directory}`);
  const script = new Script(builder, 'outside', builder.slot('fd'));
  const group = builder.slot('deviceGroup');
  const why = purpose(
    'device-query',
    'ask which device programs are attached to the group',
    '查询该组挂接了哪些设备程序',
  );
  openDirectory(script, directory, group, why);
  // struct { target_fd, attach_type, query_flags, attach_flags; u64 prog_ids; prog_cnt }
  const answer = scratch(4 * MAX_ATTACHED);
  const attr = struct(
    [
      [group, 4],
      [BPF_ATTACH.BPF_CGROUP_DEVICE, 4],
      [0, 4],
      [0, 4],
      { pointer: answer },
      [MAX_ATTACHED, 4],
    ],
    QUERY_ATTR_BYTES,
  );
  script.call('bpf', [flagged(BPF, 'BPF_PROG_QUERY'), attr, QUERY_ATTR_BYTES], why, {
    display: `bpf(BPF_PROG_QUERY, {target_fd=<deviceGroup>, attach_type=BPF_CGROUP_DEVICE, prog_cnt=${MAX_ATTACHED}}, ${QUERY_ATTR_BYTES})`,
    reportBlock: answer,
  });
  return builder.build();
}

/** The ids in the answer to deviceQueryPlan; unused places are zero. */
export function attachedPrograms(answer: Uint8Array): number[] {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  const ids: number[] = [];
  for (let at = 0; at + 4 <= answer.byteLength; at += 4) ids.push(view.getUint32(at, true));
  return ids.filter((id) => id !== 0);
}

/** Takes a program away: then the group's parents alone decide. */
export function detachDeviceProgram(
  script: Script,
  directory: string,
  program: number,
  whose: Whose,
): void {
  const group = script.builder.slot('deviceGroup');
  const old = script.builder.slot('oldProgram');
  const why = purpose(
    'device-detach',
    `lift the device rules of ${whose.en}`,
    `取消${whose.zh}的设备规则`,
  );
  openDirectory(script, directory, group, why);
  programById(script, program, old, why);
  const attr: Block = struct(
    [
      [group, 4],
      [old, 4],
      [BPF_ATTACH.BPF_CGROUP_DEVICE, 4],
      [0, 4],
    ],
    ATTACH_ATTR_BYTES,
  );
  script.call('bpf', [flagged(BPF, 'BPF_PROG_DETACH'), attr, ATTACH_ATTR_BYTES], why, {
    display: `bpf(BPF_PROG_DETACH, {target_fd=<deviceGroup>, attach_bpf_fd=<oldProgram>, attach_type=BPF_CGROUP_DEVICE}, ${ATTACH_ATTR_BYTES})`,
  });
  for (const fd of [group, old]) script.call('close', [fd], why);
}

function programById(script: Script, id: number, to: Slot, why: Purpose): void {
  const attr = struct([[id, 4]], ATTACH_ATTR_BYTES);
  script.call('bpf', [flagged(BPF, 'BPF_PROG_GET_FD_BY_ID'), attr, ATTACH_ATTR_BYTES], why, {
    display: `bpf(BPF_PROG_GET_FD_BY_ID, {prog_id=${id}}, ${ATTACH_ATTR_BYTES})`,
    store: to,
  });
}

function openDirectory(script: Script, directory: string, to: Slot, why: Purpose): void {
  const flags = flagged(O, 'O_RDONLY', 'O_DIRECTORY', 'O_CLOEXEC');
  script.call('openat', [FDCWD, directory, flags], why, { store: to });
}
