/**
 * What a plan needs to know of the host, as plain JSON: plans stay pure functions, and the
 * terminal host can make an exec plan from what the daemon has written down.
 */
import type { Architecture } from '@terrarium/syscall';
import type { CgroupLayout } from './cgroups/index.js';

/** Soft and hard limit; null means unlimited. */
export interface RlimitFact {
  readonly soft: number | null;
  readonly hard: number | null;
}

/** Facts of one host at one time; gathered by `probeHostFacts`. */
export interface HostFacts {
  readonly architecture: Architecture;
  readonly kernelRelease: string;
  readonly cgroups: CgroupLayout;
  /** by RLIMIT_ name: what our own processes start with */
  readonly rlimits: Readonly<Record<string, RlimitFact>>;
  /** number of the last capability that the kernel knows, from /proc/sys/kernel/cap_last_cap */
  readonly lastCapability: number;
  /** changes with every boot of the host */
  readonly bootId: string;
}
