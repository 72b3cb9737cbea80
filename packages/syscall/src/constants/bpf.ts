/**
 * Kernel constants of bpf(2), as far as a cgroup v2 device program needs them: commands, the
 * program's and the hook's type, flags. From <linux/bpf.h> of Debian's linux-libc-dev 6.1.
 */
import type { ConstantTable } from '../constants.js';

/** bpf(2) commands */
export const BPF = {
  BPF_MAP_CREATE: 0,
  BPF_MAP_LOOKUP_ELEM: 1,
  BPF_MAP_UPDATE_ELEM: 2,
  BPF_MAP_DELETE_ELEM: 3,
  BPF_PROG_LOAD: 5,
  BPF_OBJ_PIN: 6,
  BPF_OBJ_GET: 7,
  BPF_PROG_ATTACH: 8,
  BPF_PROG_DETACH: 9,
  BPF_PROG_GET_NEXT_ID: 11,
  BPF_PROG_GET_FD_BY_ID: 13,
  BPF_OBJ_GET_INFO_BY_FD: 15,
  BPF_PROG_QUERY: 16,
  BPF_RAW_TRACEPOINT_OPEN: 17,
  BPF_MAP_LOOKUP_AND_DELETE_ELEM: 21,
  BPF_LINK_CREATE: 28,
} as const satisfies ConstantTable;

/** enum bpf_prog_type */
export const BPF_PROG_TYPE = {
  BPF_PROG_TYPE_SOCKET_FILTER: 1,
  BPF_PROG_TYPE_TRACEPOINT: 5,
  BPF_PROG_TYPE_CGROUP_SKB: 8,
  BPF_PROG_TYPE_CGROUP_SOCK: 9,
  BPF_PROG_TYPE_CGROUP_DEVICE: 15,
  BPF_PROG_TYPE_RAW_TRACEPOINT: 17,
} as const satisfies ConstantTable;

/** enum bpf_attach_type */
export const BPF_ATTACH = {
  BPF_CGROUP_INET_INGRESS: 0,
  BPF_CGROUP_INET_EGRESS: 1,
  BPF_CGROUP_INET_SOCK_CREATE: 2,
  BPF_CGROUP_DEVICE: 6,
} as const satisfies ConstantTable;

/** flags of BPF_PROG_ATTACH */
export const BPF_F = {
  BPF_F_ALLOW_OVERRIDE: 0x1,
  BPF_F_ALLOW_MULTI: 0x2,
  BPF_F_REPLACE: 0x4,
} as const satisfies ConstantTable;

/** flags of BPF_PROG_QUERY */
export const BPF_F_QUERY = {
  BPF_F_QUERY_EFFECTIVE: 0x1,
} as const satisfies ConstantTable;

/** struct bpf_cgroup_dev_ctx.access_type: the device's type in the low, the access in the high 16 bits */
export const BPF_DEVCG = {
  BPF_DEVCG_DEV_BLOCK: 1,
  BPF_DEVCG_DEV_CHAR: 2,
  BPF_DEVCG_ACC_MKNOD: 1,
  BPF_DEVCG_ACC_READ: 2,
  BPF_DEVCG_ACC_WRITE: 4,
} as const satisfies ConstantTable;

/** enum bpf_map_type */
export const BPF_MAP_TYPE = {
  BPF_MAP_TYPE_HASH: 1,
  BPF_MAP_TYPE_ARRAY: 2,
  BPF_MAP_TYPE_PERCPU_ARRAY: 6,
  BPF_MAP_TYPE_QUEUE: 22,
} as const satisfies ConstantTable;

/** enum bpf_func_id: what a program may call */
export const BPF_FUNC = {
  map_lookup_elem: 1,
  map_update_elem: 2,
  map_delete_elem: 3,
  ktime_get_ns: 5,
  get_current_pid_tgid: 14,
  map_push_elem: 87,
  probe_read_user: 112,
  probe_read_kernel: 113,
  probe_read_user_str: 114,
} as const satisfies ConstantTable;
