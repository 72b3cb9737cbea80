/**
 * Which capabilities root keeps inside a sandbox, and why the others go.
 *
 * A capability inside a user namespace only counts for what that namespace owns. The ones dropped
 * here are checked against the host's own user namespace and would be powerless anyway: dropping
 * them makes `capsh --print` tell the truth, and is a second fence. It is not the only one,
 * because whoever makes a nested user namespace gets a full set *there*: seccomp stays in force.
 */

/** A capability that is not in the bounding set. */
export interface DroppedCapability {
  readonly name: string;
  readonly reason: string;
}

/** In the order of their numbers. */
export const DROPPED_CAPABILITIES: readonly DroppedCapability[] = [
  { name: 'CAP_LINUX_IMMUTABLE', reason: 'immutable files are checked against the host' },
  { name: 'CAP_SYS_MODULE', reason: 'modules are code of the one kernel that all share' },
  { name: 'CAP_SYS_RAWIO', reason: 'I/O ports and /proc/kcore belong to the machine' },
  { name: 'CAP_SYS_PACCT', reason: 'process accounting writes to a file of the host' },
  { name: 'CAP_SYS_BOOT', reason: 'reboot and kexec concern the machine' },
  {
    name: 'CAP_SYS_RESOURCE',
    reason: 'inside, it would only lift the limits on nested namespaces that the sandbox sets',
  },
  { name: 'CAP_SYS_TIME', reason: 'the wall clock is not namespaced' },
  {
    name: 'CAP_MKNOD',
    reason: 'device nodes give access to hardware; whiteouts need no capability',
  },
  { name: 'CAP_AUDIT_CONTROL', reason: 'the audit system is not namespaced' },
  { name: 'CAP_MAC_OVERRIDE', reason: 'security modules guard the host' },
  { name: 'CAP_MAC_ADMIN', reason: 'security modules guard the host' },
  { name: 'CAP_SYSLOG', reason: "the kernel's log holds the host's affairs" },
  { name: 'CAP_WAKE_ALARM', reason: 'wakes the machine from sleep' },
  { name: 'CAP_BLOCK_SUSPEND', reason: 'keeps the machine from sleep' },
  { name: 'CAP_AUDIT_READ', reason: 'the audit system is not namespaced' },
  { name: 'CAP_PERFMON', reason: 'performance counters look into other processes' },
  { name: 'CAP_BPF', reason: 'eBPF programs run in the shared kernel' },
];

/** Capabilities that are kept, with what a lesson or a tool needs them for. */
export const KEPT_CAPABILITIES: readonly { readonly name: string; readonly reason: string }[] = [
  { name: 'CAP_CHOWN', reason: 'images are unpacked with many owners' },
  { name: 'CAP_DAC_OVERRIDE', reason: 'root reads and writes its own files' },
  { name: 'CAP_DAC_READ_SEARCH', reason: 'root searches its own directories' },
  { name: 'CAP_FOWNER', reason: 'chmod of files of other users of the sandbox' },
  { name: 'CAP_FSETID', reason: 'set-id bits survive a write by root' },
  { name: 'CAP_KILL', reason: 'signals to any process of the sandbox' },
  { name: 'CAP_SETGID', reason: 'su, id maps of nested user namespaces' },
  { name: 'CAP_SETUID', reason: 'su, id maps of nested user namespaces' },
  { name: 'CAP_SETPCAP', reason: 'lessons drop capabilities themselves' },
  { name: 'CAP_NET_BIND_SERVICE', reason: 'ports below 1024 of the own network namespace' },
  { name: 'CAP_NET_BROADCAST', reason: 'own network namespace' },
  { name: 'CAP_NET_ADMIN', reason: 'bridges, veth, routes, nftables of the own network namespace' },
  { name: 'CAP_NET_RAW', reason: 'ping and packet capture in the own network namespace' },
  { name: 'CAP_IPC_LOCK', reason: 'mlock within RLIMIT_MEMLOCK and the memory limit' },
  { name: 'CAP_IPC_OWNER', reason: 'own IPC namespace' },
  { name: 'CAP_SYS_CHROOT', reason: 'chroot, setns into mount namespaces' },
  { name: 'CAP_SYS_PTRACE', reason: 'strace and nsenter of own processes' },
  {
    name: 'CAP_SYS_ADMIN',
    reason: 'mount, pivot_root, unshare, setns: what the lessons are about',
  },
  { name: 'CAP_SYS_NICE', reason: 'renice of own processes' },
  { name: 'CAP_SYS_TTY_CONFIG', reason: 'own terminals' },
  { name: 'CAP_LEASE', reason: 'file leases on own files' },
  { name: 'CAP_AUDIT_WRITE', reason: 'login programs expect it' },
  { name: 'CAP_SETFCAP', reason: 'file capabilities when images are unpacked' },
  { name: 'CAP_CHECKPOINT_RESTORE', reason: 'own processes only' },
];

/** Names of the kept ones, for `process.capabilities.bounding`. */
export const BOUNDING_SET: readonly string[] = KEPT_CAPABILITIES.map(({ name }) => name);
