/** What the files that write a container's plan tell each other. */
import type { LinuxNamespace } from '@terrarium/spec';
import type { Slot } from '@terrarium/syscall';
import type { ReleasePipe } from '../plan/handshake.js';
import type { StandardFiles } from '../plan/standard-files.js';
import type { ContainerPlanInput } from './plan-input.js';
import type { Sources } from './rootfs.js';

/** What outside has made that init goes on with. */
export interface Context {
  readonly input: ContainerPlanInput;
  readonly namespaces: readonly LinuxNamespace[];
  readonly pipe: ReleasePipe;
  readonly sources: Sources;
  readonly standard: StandardFiles;
  readonly preserved: readonly Slot[];
  readonly startFifo: Slot | null;
  readonly resultFifo: Slot | null;
  readonly hooksFifo: Slot | null;
  readonly lock: Slot | null;
  readonly cgroupNamespace: Slot | null;
}

/** Process names of the plan, see container-plan.ts. */
export const ENTRY = 'entry';
export const OUTSIDE = 'outside';
export const INIT = 'init';
