/**
 * One vocabulary for what a group has used, whatever the version of cgroups: units are in the names,
 * null is what this host's kernel does not count. spellings.ts tells each value's file.
 */

/** Processor time of the group and all below it. */
export interface CpuStats {
  readonly usageMicros: number;
  readonly userMicros: number | null;
  readonly systemMicros: number | null;
  /** periods in which the group had something to run, while it has a quota */
  readonly periods: number | null;
  /** of these: periods in which it used up its quota and had to wait */
  readonly throttledPeriods: number | null;
  /** how long its processes waited for that, added up over CPUs */
  readonly throttledMicros: number | null;
}

/** Memory of the group and all below it, in bytes. */
export interface MemoryStats {
  readonly currentBytes: number;
  readonly peakBytes: number | null;
  /** null: unlimited */
  readonly limitBytes: number | null;
  readonly swapBytes: number | null;
  /** heap, stacks and other memory without a file */
  readonly anonBytes: number | null;
  /** the page cache, tmpfs and shared memory included */
  readonly fileBytes: number | null;
  readonly shmemBytes: number | null;
  /** stacks, page tables, inodes and the like */
  readonly kernelBytes: number | null;
  /** how often an allocation ran into the limit, and memory had to be taken back first */
  readonly limitHits: number | null;
  /** processes that the OOM killer took here; v1 counts the group alone, v2 all below it too */
  readonly oomKills: number | null;
}

/** Processes and threads of the group and all below it. */
export interface PidsStats {
  readonly current: number;
  /** null: unlimited */
  readonly limit: number | null;
  readonly peak: number | null;
  /** forks that the limit refused */
  readonly refused: number | null;
}

/** What went to and from one block device. */
export interface IoStats {
  readonly major: number;
  readonly minor: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
}

/** Huge pages of one size. */
export interface HugetlbStats {
  /** as files and the OCI config spell it: `2MB` */
  readonly pageSize: string;
  readonly currentBytes: number;
  /** null: unlimited */
  readonly limitBytes: number | null;
  readonly refused: number | null;
}

/** How long processes waited for a resource: `some` at least one of them, `full` all of them. */
export interface PressureStats {
  readonly someMicros: number;
  readonly fullMicros: number | null;
}

/** @see readStats */
export interface CgroupStats {
  readonly cpu: CpuStats | null;
  readonly memory: MemoryStats | null;
  readonly pids: PidsStats | null;
  /** null: nobody counts; empty: nothing was read or written */
  readonly io: readonly IoStats[] | null;
  readonly hugetlb: readonly HugetlbStats[];
  /** v2 (and hybrid) only */
  readonly pressure: Readonly<Record<'cpu' | 'memory' | 'io', PressureStats | null>> | null;
  /** the files that each value came from, by its name here: `memory.currentBytes` */
  readonly sources: Readonly<Record<string, readonly string[]>>;
}
