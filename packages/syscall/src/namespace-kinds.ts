/**
 * The eight namespace kinds in their three spellings: /proc/PID/ns, the OCI runtime-spec, and
 * the clone(2) flag. Every other table in the project is derived from this one.
 */

/** One row of the table. `flag` is the CLONE_NEW… bit from <linux/sched.h>. */
export interface NamespaceKindRow {
  /** file name below /proc/PID/ns, see namespaces(7) */
  readonly proc: string;
  /** `linux.namespaces[].type` of the OCI runtime-spec */
  readonly oci: string;
  readonly flagName: string;
  readonly flag: number;
}

export const NAMESPACE_KINDS = [
  { proc: 'pid', oci: 'pid', flagName: 'CLONE_NEWPID', flag: 0x2000_0000 },
  { proc: 'mnt', oci: 'mount', flagName: 'CLONE_NEWNS', flag: 0x0002_0000 },
  { proc: 'net', oci: 'network', flagName: 'CLONE_NEWNET', flag: 0x4000_0000 },
  { proc: 'uts', oci: 'uts', flagName: 'CLONE_NEWUTS', flag: 0x0400_0000 },
  { proc: 'ipc', oci: 'ipc', flagName: 'CLONE_NEWIPC', flag: 0x0800_0000 },
  { proc: 'user', oci: 'user', flagName: 'CLONE_NEWUSER', flag: 0x1000_0000 },
  { proc: 'cgroup', oci: 'cgroup', flagName: 'CLONE_NEWCGROUP', flag: 0x0200_0000 },
  { proc: 'time', oci: 'time', flagName: 'CLONE_NEWTIME', flag: 0x0000_0080 },
] as const satisfies readonly NamespaceKindRow[];
