/**
 * Calls that set the limits of a new group: files in the order of their translation, and the device
 * program of v2. Who runs them: see cgroup-calls.ts.
 */
import { join } from 'node:path';
import type { LinuxDevice, LinuxResources } from '@terrarium/spec';
import { bytes, flagged, lengthOf, O, type Purpose } from '@terrarium/syscall';
import {
  type CgroupHierarchy,
  type CgroupLayout,
  containerDeviceRules,
  deviceProgram,
  groupPath,
  type LimitWrite,
} from '../cgroups/index.js';
import { attachDeviceProgram } from './device-program-calls.js';
import { FDCWD, purpose, type Script } from './script.js';

/** Whose group it is, as sentences name it: "the sandbox", "container web-1". */
export interface Whose {
  readonly en: string;
  readonly zh: string;
}

/** v1: before the first process comes, and before the config's own CPUs, which must be among these. */
export function inheritCpuset(
  script: Script,
  { inherited }: CgroupHierarchy,
  directory: string,
): void {
  if (inherited === undefined) return;
  const why = purpose(
    'cgroup-cpuset',
    'copy the CPUs and memory nodes down: a new v1 cpuset has none and refuses every process',
    '把 CPU 和内存节点复制下来：新的 v1 cpuset 一个都没有，会拒绝任何进程',
  );
  script.writeFile(join(directory, 'cpuset.cpus'), inherited.cpus, why);
  script.writeFile(join(directory, 'cpuset.mems'), inherited.mems, why);
}

/**
 * Nothing but what is allowed, whatever a new group allows: on v1 it is all that the group above
 * may, and so it is on v2 without a program. Then root inside, which may make nodes, could open the
 * machine's disk. Inside a sandbox nobody may set device rules: the sandbox's hold.
 */
export function withDefaultDevices(
  layout: CgroupLayout,
  resources: LinuxResources,
  nodes: readonly LinuxDevice[] = [],
): LinuxResources {
  const { devices = [], ...rest } = resources;
  const canDeny = layout.hierarchies.some(
    ({ version, controllers }) => version === 2 || controllers.includes('devices'),
  );
  if (layout.seenFrom === 'sandbox' || (devices.length === 0 && !canDeny)) return resources;
  return { ...rest, devices: containerDeviceRules(devices, nodes) };
}

/** In their order. A list, such as v1's of devices, is written line by line to one open file. */
export function writeLimits(
  script: Script,
  directory: string,
  writes: readonly LimitWrite[],
  whose: Whose,
  strict: boolean,
): void {
  let at = 0;
  while (at < writes.length) {
    const [first] = writes.slice(at);
    if (first === undefined) return;
    const end = writes.findIndex(({ file }, index) => index > at && file !== first.file);
    const run = writes.slice(at, end === -1 ? writes.length : end);
    at += run.length;
    const path = join(directory, first.file);
    // rsvd limits of huge pages stay optional: the standard has a fallback for kernels without.
    const optional = first.optional && (!strict || first.file.includes('.rsvd.'));
    if (optional) {
      for (const write of run)
        script.optionalWriteFile(path, write.value, limitPurpose(write, whose));
    } else {
      writeLines(script, path, run, whose);
    }
  }
}

function writeLines(script: Script, path: string, run: readonly LimitWrite[], whose: Whose): void {
  const [only] = run;
  if (run.length === 1 && only !== undefined) {
    script.writeFile(path, only.value, limitPurpose(only, whose));
    return;
  }
  const file = script.builder.slot('limits');
  const flags = flagged(O, 'O_WRONLY', 'O_CLOEXEC');
  for (const [index, write] of run.entries()) {
    const why = limitPurpose(write, whose);
    if (index === 0) script.call('openat', [FDCWD, path, flags], why, { store: file });
    const line = bytes(write.value);
    script.call('write', [file, line, lengthOf(line)], why, { atLeast: 1 });
    if (index === run.length - 1) script.call('close', [file], why);
  }
}

function limitPurpose({ file, value }: LimitWrite, whose: Whose): Purpose {
  return purpose(
    'cgroup-limit',
    `limit ${whose.en}: ${file} = ${value}`,
    `限制${whose.zh}：${file} = ${value}`,
  );
}

/** On v1 the rules were written as a list; v2 has no files for them but runs a program. */
export function limitDevicesV2(
  script: Script,
  layout: CgroupLayout,
  group: string,
  { devices = [] }: LinuxResources,
  whose: Whose,
): void {
  const hierarchy = layout.hierarchies.find(({ version }) => version === 2);
  const inV1 = layout.hierarchies.some(({ controllers }) => controllers.includes('devices'));
  if (hierarchy === undefined || inV1 || layout.seenFrom === 'sandbox') return;
  const program = deviceProgram(devices);
  if (program === null) return;
  attachDeviceProgram(script, groupPath(hierarchy, group), program, whose);
}
