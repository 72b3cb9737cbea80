/**
 * One field of `linux.resources` on its way to the kernel: the writes that apply it, or why this
 * version of cgroups cannot. Every subject's file answers for each given field, so none is lost.
 */
import type { CgroupHierarchy, LimitWrite } from '../types.js';

/** What becomes of one given field: writes, or a reason why not. Neither: the kernel does so anyway. */
export interface Wish {
  readonly field: string;
  readonly writes: readonly LimitWrite[];
  readonly problem?: string;
}

/** The field is applied by writing a value to each file, in this order. */
export function wish(
  field: string,
  ...writes: readonly (readonly [string, string | number])[]
): Wish {
  return {
    field: `linux.resources.${field}`,
    writes: writes.map(([file, value]) => limitWrite(field, file, value)),
  };
}

/** The same, where a kernel without the file (or refusing it) may be lived with. */
export function optionalWish(field: string, file: string, value: string | number): Wish {
  const write = { ...limitWrite(field, file, value), optional: true };
  return { field: `linux.resources.${field}`, writes: [write] };
}

/** The field cannot be applied. @param reason goes on after the field's name: `cgroup v2 has none` */
export function refusal(field: string, reason: string): Wish {
  return { field: `linux.resources.${field}`, writes: [], problem: reason };
}

/** The field asks for what the kernel does anyway. */
export function granted(field: string): Wish {
  return { field: `linux.resources.${field}`, writes: [] };
}

/** False only when somebody has looked and the file is not there. */
export function mayHave(hierarchy: CgroupHierarchy, file: string): boolean {
  return hierarchy.controlFiles?.includes(file) ?? true;
}

/** -1 is the standard's "unlimited", `max` is v2's. */
export function maxOr(value: number): string {
  return value < 0 ? 'max' : String(value);
}

function limitWrite(field: string, file: string, value: string | number): LimitWrite {
  return { file, value: String(value), optional: false, field: `linux.resources.${field}` };
}
