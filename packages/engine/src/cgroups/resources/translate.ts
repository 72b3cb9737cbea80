/**
 * linux.resources → files to write, whatever the layout; and its other half, which fields cannot be
 * applied here and why. Pure. One table answers both, so a field is either written or named: no
 * third way.
 */
import type { LinuxResources } from '@terrarium/spec';
import { deviceProblemsInSandbox, deviceRuleProblems, v1DeviceWrites } from '../devices/rules.js';
import type { CgroupHierarchy, CgroupLayout, LimitWrite, ResourceProblem } from '../types.js';
import { blockIOV1, blockIOV2 } from './block-io.js';
import { cpuset, cpuV1, cpuV2 } from './cpu.js';
import { memoryV1, memoryV2 } from './memory.js';
import { hugepages, netClassV1, netPriorityV1, pids, rdma, unifiedV2 } from './others.js';
import { granted, refusal, type Wish } from './wish.js';

/** Says what becomes of each given field of its subject. */
type Translate = (resources: LinuxResources, hierarchy: CgroupHierarchy) => Wish[];

/** A subject of linux.resources. A version without `translate` knows no such controller. */
interface Subject {
  readonly v1?: { readonly controller: string; readonly translate: Translate };
  readonly v2?: { readonly controller: string; readonly translate: Translate };
  /** why v2 has none, where that is worth a sentence */
  readonly notInV2?: string;
}

/** In the order in which a new group's files are written. */
const SUBJECTS: readonly Subject[] = [
  {
    v1: { controller: 'memory', translate: memoryV1 },
    v2: { controller: 'memory', translate: memoryV2 },
  },
  { v1: { controller: 'pids', translate: pids }, v2: { controller: 'pids', translate: pids } },
  { v1: { controller: 'cpu', translate: cpuV1 }, v2: { controller: 'cpu', translate: cpuV2 } },
  {
    v1: { controller: 'cpuset', translate: cpuset },
    v2: { controller: 'cpuset', translate: cpuset },
  },
  {
    v1: { controller: 'blkio', translate: blockIOV1 },
    v2: { controller: 'io', translate: blockIOV2 },
  },
  {
    v1: { controller: 'hugetlb', translate: hugepages },
    v2: { controller: 'hugetlb', translate: hugepages },
  },
  { v1: { controller: 'net_cls', translate: netClassV1 }, notInV2: 'cgroup v2 has no net_cls' },
  {
    v1: { controller: 'net_prio', translate: netPriorityV1 },
    notInV2: 'cgroup v2 has no net_prio',
  },
  { v1: { controller: 'rdma', translate: rdma }, v2: { controller: 'rdma', translate: rdma } },
];

/** A write, and where. */
export interface PlacedWrite {
  readonly hierarchy: CgroupHierarchy;
  readonly write: LimitWrite;
}

/** What becomes of all of linux.resources. */
export interface Translation {
  /** hierarchy by hierarchy as the layout lists them, each in the order to write */
  readonly writes: readonly PlacedWrite[];
  readonly problems: readonly ResourceProblem[];
  /** v2 controllers that the group's parents must hand on for these writes */
  readonly controllers: readonly string[];
}

/**
 * Translates `linux.resources` for a layout.
 *
 * Device rules of v1 are among the writes; on v2 they are a program (see devices/program.ts).
 */
export function translateResources(layout: CgroupLayout, resources: LinuxResources): Translation {
  const placed = SUBJECTS.map((subject) => translateSubject(subject, layout, resources));
  placed.push(translateDevices(layout, resources), translateUnified(layout, resources));
  const writes = layout.hierarchies.flatMap((hierarchy) =>
    placed
      .filter((one) => one.hierarchy === hierarchy)
      .flatMap(({ wishes }) => wishes.flatMap((one) => one.writes))
      .map((write) => ({ hierarchy, write })),
  );
  const problems = placed.flatMap(({ wishes }) =>
    wishes.flatMap(({ field, problem }) =>
      problem === undefined ? [] : [{ field, reason: problem }],
    ),
  );
  return { writes, problems, controllers: v2Controllers(writes) };
}

/** The fields that cannot be applied here; empty: all can. */
export function resourcesProblems(
  layout: CgroupLayout,
  resources: LinuxResources,
): readonly ResourceProblem[] {
  return translateResources(layout, resources).problems;
}

/** `linux.resources.network.classID: this host has no net_cls controller` */
export function problemText({ field, reason }: ResourceProblem): string {
  return `${field}: ${reason}`;
}

/** The writes of one hierarchy: what a driver answers. */
export function limitsOf(
  hierarchy: CgroupHierarchy,
  resources: LinuxResources,
): readonly LimitWrite[] {
  const kind = hierarchy.version === 1 ? 'v1' : 'v2';
  const layout: CgroupLayout = { kind, hierarchies: [hierarchy] };
  return translateResources(layout, resources).writes.map(({ write }) => write);
}

interface Placed {
  readonly hierarchy?: CgroupHierarchy;
  readonly wishes: readonly Wish[];
}

/** The kernel binds a controller to one hierarchy, so the first that has it is the only one. */
function translateSubject(
  subject: Subject,
  layout: CgroupLayout,
  resources: LinuxResources,
): Placed {
  for (const hierarchy of layout.hierarchies) {
    const part = hierarchy.version === 1 ? subject.v1 : subject.v2;
    if (part === undefined || !hierarchy.controllers.includes(part.controller)) continue;
    return { hierarchy, wishes: part.translate(resources, hierarchy) };
  }
  const part = subject.v1 ?? subject.v2;
  const given = part?.translate(resources, NOWHERE) ?? [];
  const why =
    layout.kind === 'v2' && subject.notInV2 !== undefined
      ? subject.notInV2
      : `this host has no ${(layout.kind === 'v2' ? subject.v2 : undefined)?.controller ?? part?.controller} controller`;
  const wishes = given.map(({ field }) => refusal(field.replace(/^linux\.resources\./, ''), why));
  return { wishes };
}

/** Stands in where no hierarchy has the controller: only the fields' names are wanted. */
const NOWHERE: CgroupHierarchy = { version: 1, mountPoint: '/', controllers: [], name: '' };

function translateDevices(layout: CgroupLayout, { devices }: LinuxResources): Placed {
  if (devices === undefined || devices.length === 0) return { wishes: [] };
  if (layout.seenFrom === 'sandbox')
    return { wishes: deviceProblemsInSandbox(devices).map(devicesRefusal) };
  const v1 = layout.hierarchies.find(({ controllers }) => controllers.includes('devices'));
  if (v1 !== undefined) {
    const problems = deviceRuleProblems(devices, 1);
    const writes = problems.length === 0 ? v1DeviceWrites(devices) : [];
    return {
      hierarchy: v1,
      wishes: [...problems.map(devicesRefusal), { ...granted('devices'), writes }],
    };
  }
  const v2 = layout.hierarchies.find(({ version }) => version === 2);
  if (v2 !== undefined) return { wishes: deviceRuleProblems(devices, 2).map(devicesRefusal) };
  return { wishes: [refusal('devices', 'this host has no devices controller')] };
}

function devicesRefusal({ field, reason }: ResourceProblem): Wish {
  return refusal(field, reason);
}

function translateUnified(layout: CgroupLayout, resources: LinuxResources): Placed {
  const hierarchy = layout.hierarchies.find(({ version }) => version === 2);
  if (hierarchy !== undefined) return { hierarchy, wishes: unifiedV2(resources, hierarchy) };
  const keys = Object.keys(resources.unified ?? {});
  return { wishes: keys.map((key) => refusal(`unified.${key}`, 'this host has no cgroup v2')) };
}

function v2Controllers(writes: readonly PlacedWrite[]): string[] {
  const names = writes
    .filter(({ hierarchy }) => hierarchy.version === 2)
    .map(({ write }) => write.file.split('.')[0] ?? '');
  return [...new Set(names)].filter((name) => name !== 'cgroup');
}
