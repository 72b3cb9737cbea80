/** Constants of network, key and capability calls that only the engine's plans need. */

/** socket(2) */
export const AF_INET = 2;
export const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;

/** netdevice(7): set an interface's flags */
export const SIOCSIFFLAGS = 0x8914;
export const IFF_UP = 0x1;
/** sizeof(struct ifreq) on 64-bit machines; the name has 16 bytes, the flags follow */
export const IFREQ_BYTES = 40;
export const IFNAMSIZ = 16;

/** keyctl(2) */
export const KEYCTL_JOIN_SESSION_KEYRING = 1;

/** capset(2): the version with 64-bit sets in two halves */
export const LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;

/** RLIM_INFINITY of prlimit64 */
export const RLIM64_INFINITY = 0xffff_ffff_ffff_ffffn;

/** Most capabilities a kernel may have; sets are 64 bits wide. */
export const CAPABILITY_BITS = 64;
