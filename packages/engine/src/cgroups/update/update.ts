/**
 * New limits for a running group: all of them or none. Runs in the daemon as root; what is written
 * is data first (updateWrites), so that a lesson can show it.
 */
import { join } from 'node:path';
import type { LinuxResources } from '@terrarium/spec';
import { readControl, tryWriteControl, writeControl } from '../files.js';
import { groupPath } from '../layout.js';
import { problemText, translateResources } from '../resources/translate.js';
import { numberOf } from '../stats/parse.js';
import type { CgroupHierarchy, CgroupLayout, LimitWrite } from '../types.js';
import { completeResources, orderedWrites, type ReadFile, restoringValue } from './order.js';
import { v1DeviceTransition } from './v1-devices.js';

/** One write of an update, and what takes it back. */
export interface UpdateWrite extends LimitWrite {
  /** absolute */
  readonly path: string;
  /** absolute; devices.deny for devices.allow */
  readonly restorePath: string;
  readonly restoreValue: string;
}

/** An update that was refused; the old limits are in place. */
export class UpdateError extends Error {
  override readonly name = 'UpdateError';
  /** the field of the OCI config that could not be applied */
  readonly field: string;

  constructor(field: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.field = field;
  }
}

/**
 * What to write to a running group so that `resources` hold; fields that are not given stay.
 *
 * @throws UpdateError naming the fields that cannot be applied here, or a memory limit below what
 *   is in use (memory.checkBeforeUpdate)
 */
export function updateWrites(
  layout: CgroupLayout,
  group: string,
  resources: LinuxResources,
  readFile: (path: string) => string | null = readControl,
): readonly UpdateWrite[] {
  const read: ReadFile = (hierarchy, file) => readFile(join(groupPath(hierarchy, group), file));
  const complete = completeResources(layout.hierarchies, resources, read);
  const { writes, problems } = translateResources(layout, complete);
  const [problem] = problems;
  if (problem !== undefined) {
    throw new UpdateError(problem.field, problems.map(problemText).join('; '));
  }
  checkBeforeUpdate(layout, resources, read);
  return layout.hierarchies.flatMap((hierarchy) => {
    const here = (file: string) => read(hierarchy, file);
    const own = writes.filter((one) => one.hierarchy === hierarchy).map(({ write }) => write);
    const devices = own.some(({ file }) => file.startsWith('devices.'));
    const ordered = orderedWrites(
      own.filter(({ file }) => !file.startsWith('devices.')),
      here,
    );
    if (devices) {
      ordered.push(...v1DeviceTransition(here('devices.list') ?? '', resources.devices ?? []));
    }
    return ordered.map((write) => withRestore(write, groupPath(hierarchy, group), here));
  });
}

/**
 * Changes the limits of a running group at once. On a pure v2 host device rules are a program, which
 * `replaceDeviceProgram` swaps: see updateGroup.
 *
 * @throws UpdateError when the kernel refuses one: those written before are taken back
 */
export function writeUpdate(writes: readonly UpdateWrite[]): void {
  const done: UpdateWrite[] = [];
  for (const write of writes) {
    done.push(write);
    try {
      if (write.optional) tryWriteControl(write.path, write.value);
      else writeControl(write.path, write.value);
    } catch (error) {
      takeBack(done);
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      const message = `${write.field}: write ${JSON.stringify(write.value)} to ${write.path}: ${code}${hintFor(write, code)}; the old limits are in place`;
      throw new UpdateError(write.field, message, error);
    }
  }
}

/** Newest first; a write that the kernel refused changed nothing, and its old value is no harm. */
export function takeBack(writes: readonly UpdateWrite[]): void {
  for (const { restorePath, restoreValue } of [...writes].reverse()) {
    // A value that was accepted once is accepted again, unless what it depends on has changed too:
    // then the kernel keeps the newer one, and there is nothing else to be done about it.
    tryWriteControl(restorePath, restoreValue);
  }
}

function withRestore(
  write: LimitWrite,
  directory: string,
  read: (file: string) => string | null,
): UpdateWrite {
  const path = join(directory, write.file);
  const opposite = { 'devices.allow': 'devices.deny', 'devices.deny': 'devices.allow' }[write.file];
  if (opposite !== undefined) {
    return { ...write, path, restorePath: join(directory, opposite), restoreValue: write.value };
  }
  const restoreValue = restoringValue(write.file, read(write.file) ?? '', write.value);
  return { ...write, path, restorePath: path, restoreValue };
}

/** v1's kernel refuses a limit below the usage (EBUSY); v2's would start the OOM killer. */
function checkBeforeUpdate(layout: CgroupLayout, { memory }: LinuxResources, read: ReadFile): void {
  const { limit, checkBeforeUpdate: wanted } = memory ?? {};
  if (wanted !== true || limit === undefined || limit < 0) return;
  const hierarchy = layout.hierarchies.find(({ controllers }) => controllers.includes('memory'));
  if (hierarchy === undefined) return;
  const used = usage(hierarchy, read);
  if (used === null || used <= limit) return;
  const field = 'linux.resources.memory.limit';
  throw new UpdateError(
    field,
    `${field}: ${used} bytes are in use, more than the new limit ${limit}`,
  );
}

function usage(hierarchy: CgroupHierarchy, read: ReadFile): number | null {
  const file = hierarchy.version === 1 ? 'memory.usage_in_bytes' : 'memory.current';
  return numberOf(read(hierarchy, file) ?? '');
}

/** Errnos that say less than one would wish. */
function hintFor({ file }: LimitWrite, code: string): string {
  if (code === 'EBUSY' && file === 'memory.limit_in_bytes') {
    return ' (more is in use, and could not be taken back)';
  }
  if (code === 'EINVAL' && /^memory\.(memsw\.)?limit_in_bytes$/.test(file)) {
    return ' (memory must not exceed memory plus swap, memory.memsw.limit_in_bytes)';
  }
  if (code === 'EINVAL' && file.startsWith('cpu.rt_')) {
    return ' (the group above has no realtime left to give)';
  }
  if (code === 'EINVAL' && /^cpu\.(cfs|max)/.test(file)) {
    return ' (the share is larger than that of the group above, or shorter than 1 ms)';
  }
  if (code === 'ENODEV') return ' (there is no such block device)';
  return '';
}
