/**
 * What a lesson or a step may ask of the machine beyond the findings of `terrarium doctor`: a version
 * of Linux, a version of cgroups. Node only.
 */
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import type { LocalText } from '../types.js';

/** Which words for control groups a machine has. */
export type CgroupVersion = 'v1' | 'v2';

/** What is asked about. */
export interface Machine {
  /** as uname(2) says it: `6.1.0-13-amd64` */
  readonly kernelRelease: string;
  readonly cgroup: CgroupVersion;
}

/** v2 where its one hierarchy stands at the top; where v1 has any controllers, it has those that limit. */
export function cgroupVersion(): CgroupVersion {
  return existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : 'v1';
}

/** The machine that this runs on. */
export function thisMachine(): Machine {
  return { kernelRelease: release(), cgroup: cgroupVersion() };
}

/**
 * What a machine lacks, as a sentence.
 *
 * @param feature `kernel.6.6` (that or newer), `cgroup.v1`, `cgroup.v2`; others are doctor's
 * @returns null where it has it, or where the feature is not of this kind
 */
export function machineLacks(feature: string, machine: Machine = thisMachine()): LocalText | null {
  const [, major, minor] = /^kernel\.(\d+)\.(\d+)$/.exec(feature) ?? [];
  if (major !== undefined && minor !== undefined) {
    if (isAtLeast(machine.kernelRelease, Number(major), Number(minor))) return null;
    return {
      en: `it needs Linux ${major}.${minor} or newer, this is ${machine.kernelRelease}`,
      zh: `需要 Linux ${major}.${minor} 或更新的内核，这台机器是 ${machine.kernelRelease}`,
    };
  }
  const [, wanted] = /^cgroup\.(v[12])$/.exec(feature) ?? [];
  if (wanted === undefined || wanted === machine.cgroup) return null;
  return {
    en: `it needs cgroup ${wanted}, the controllers here are in ${machine.cgroup}`,
    zh: `需要 cgroup ${wanted}，而这里的控制器在 ${machine.cgroup} 中`,
  };
}

function isAtLeast(release: string, major: number, minor: number): boolean {
  const [has = 0, hasMinor = 0] = release.split(/[.-]/).map(Number);
  return has > major || (has === major && hasMinor >= minor);
}
