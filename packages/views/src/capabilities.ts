/** Capability sets as /proc/PID/status has them, 16 hexadecimal digits, and the names of their bits. */

/** In the order of their numbers, see <linux/capability.h>. */
export const CAPABILITIES = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
] as const;

/** Names of the capabilities in a set; a bit that this list does not know is its number. */
export function capabilityNames(hex: string): readonly string[] {
  const set = BigInt(`0x${hex}`);
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if (((set >> BigInt(bit)) & 1n) === 1n) names.push(CAPABILITIES[bit] ?? String(bit));
  }
  return names;
}

/** Those that are missing in a set of all that are known. */
export function missingCapabilities(hex: string): readonly string[] {
  const has = new Set(capabilityNames(hex));
  return CAPABILITIES.filter((name) => !has.has(name));
}
