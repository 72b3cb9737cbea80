/**
 * Questions to bpf(2) about a cgroup: which programs decide there. Run in the daemon, as root; it
 * changes nothing.
 */
import { bindSyscall } from './invoke.js';

const callBpf = bindSyscall('bpf', 'int', 'void *', 'int');

const BPF_PROG_QUERY = 16;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_QUERY_EFFECTIVE = 1;
/** struct of BPF_PROG_QUERY: target_fd, attach_type, query_flags, attach_flags, prog_ids, prog_cnt */
const QUERY_BYTES = 32;
const PROG_CNT = 24;

/**
 * Counts the device programs that decide for a v2 group, those of its parents included.
 *
 * @param groupFd of the group's directory
 * @throws SyscallError EPERM without CAP_SYS_ADMIN or CAP_BPF; EINVAL on a v1 group, or where the
 *   kernel has no CONFIG_CGROUP_BPF
 */
export function countDevicePrograms(groupFd: number): number {
  const query = new Uint8Array(QUERY_BYTES);
  const view = new DataView(query.buffer);
  view.setUint32(0, groupFd, true);
  view.setUint32(4, BPF_CGROUP_DEVICE, true);
  view.setUint32(8, BPF_F_QUERY_EFFECTIVE, true);
  // Without room for ids the kernel only counts.
  callBpf(
    [BPF_PROG_QUERY, query, QUERY_BYTES],
    () => `device programs of the group, fd ${groupFd}`,
  );
  return view.getUint32(PROG_CNT, true);
}
