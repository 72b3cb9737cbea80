/**
 * Kernel constants of bpf(2), as far as a cgroup v2 device program needs them: commands, the
 * program's and the hook's type, flags. From <linux/bpf.h> of Debian's linux-libc-dev 6.1.
 */
import type { ConstantTable } from '../constants.js';

/** bpf(2) commands */
export const BPF = {
  BPF_PROG_LOAD: 5,
  BPF_OBJ_PIN: 6,
  BPF_OBJ_GET: 7,
  BPF_PROG_ATTACH: 8,
  BPF_PROG_DETACH: 9,
  BPF_PROG_GET_NEXT_ID: 11,
  BPF_PROG_GET_FD_BY_ID: 13,
  BPF_OBJ_GET_INFO_BY_FD: 15,
  BPF_PROG_QUERY: 16,
  BPF_LINK_CREATE: 28,
} as const satisfies ConstantTable;

/** enum bpf_prog_type */
export const BPF_PROG_TYPE = {
  BPF_PROG_TYPE_SOCKET_FILTER: 1,
  BPF_PROG_TYPE_CGROUP_SKB: 8,
  BPF_PROG_TYPE_CGROUP_SOCK: 9,
  BPF_PROG_TYPE_CGROUP_DEVICE: 15,
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
