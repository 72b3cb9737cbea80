/**
 * linux.resources.blockIO in both spellings (controller blkio, v2: io). Rates are bytes or
 * operations per second of one device, weights a share of it while it is busy.
 *
 * Which file takes weights depends on the kernel: BFQ's (blkio.bfq.weight, io.bfq.weight), CFQ's
 * until Linux 5.0 (blkio.weight), or iocost's (io.weight).
 * @see kernel docs admin-guide/cgroup-v1/blkio-controller, admin-guide/cgroup-v2 "IO"
 */
import type { LinuxBlockIO, LinuxResources } from '@terrarium/spec';
import type { CgroupHierarchy } from '../types.js';
import { mayHave, refusal, type Wish, wish } from './wish.js';

const THROTTLES = [
  { field: 'throttleReadBpsDevice', v1: 'blkio.throttle.read_bps_device', v2: 'rbps' },
  { field: 'throttleWriteBpsDevice', v1: 'blkio.throttle.write_bps_device', v2: 'wbps' },
  { field: 'throttleReadIOPSDevice', v1: 'blkio.throttle.read_iops_device', v2: 'riops' },
  { field: 'throttleWriteIOPSDevice', v1: 'blkio.throttle.write_iops_device', v2: 'wiops' },
] as const;

/** v1: `8:0 1048576` to the file of its kind; only direct I/O is held back. 0 lifts a limit. */
export function blockIOV1({ blockIO }: LinuxResources, hierarchy: CgroupHierarchy): Wish[] {
  if (blockIO === undefined) return [];
  const throttles = THROTTLES.flatMap(({ field, v1 }) =>
    (blockIO[field] ?? []).map(({ major, minor, rate }) =>
      wish(`blockIO.${field}`, [v1, `${major}:${minor} ${rate}`]),
    ),
  );
  const file = firstOf(hierarchy, ['blkio.bfq.weight', 'blkio.weight']);
  const perDevice = firstOf(hierarchy, ['blkio.bfq.weight_device', 'blkio.weight_device']);
  return [
    ...weights(blockIO, file, perDevice, (weight) => weight),
    ...leafWeights(blockIO, hierarchy),
    ...throttles,
  ];
}

/** v2: `8:0 rbps=1048576` to io.max; buffered writes are held back too. */
export function blockIOV2({ blockIO }: LinuxResources, hierarchy: CgroupHierarchy): Wish[] {
  if (blockIO === undefined) return [];
  const throttles = THROTTLES.flatMap(({ field, v2 }) =>
    (blockIO[field] ?? []).map(({ major, minor, rate }) =>
      // 0 would be refused (ERANGE): v1 and the standard's users mean "no limit" by it.
      wish(`blockIO.${field}`, ['io.max', `${major}:${minor} ${v2}=${rate === 0 ? 'max' : rate}`]),
    ),
  );
  const file = firstOf(hierarchy, ['io.bfq.weight', 'io.weight']);
  const scale = file === 'io.weight' ? iocostWeight : (weight: number) => weight;
  return [...weights(blockIO, file, file, scale), ...leafWeights(blockIO, hierarchy), ...throttles];
}

/** The standard's 10..1000 on iocost's 1..10000. */
function iocostWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** The first that exists; the first of all where nobody has looked. */
function firstOf(hierarchy: CgroupHierarchy, files: readonly string[]): string | undefined {
  return files.find((file) => mayHave(hierarchy, file));
}

function weights(
  blockIO: LinuxBlockIO,
  file: string | undefined,
  perDevice: string | undefined,
  scale: (weight: number) => number,
): Wish[] {
  const none = 'this kernel has no I/O scheduler with weights (BFQ or iocost)';
  const wishes: Wish[] = [];
  const { weight, weightDevice = [] } = blockIO;
  if (weight !== undefined && weight !== 0) {
    const field = 'blockIO.weight';
    wishes.push(checkedWeight(field, weight, file, none, (to) => [to, scale(weight)]));
  }
  for (const device of weightDevice) {
    if (device.weight === undefined) continue;
    const field = 'blockIO.weightDevice.weight';
    const value = `${device.major}:${device.minor} ${scale(device.weight)}`;
    wishes.push(checkedWeight(field, device.weight, perDevice, none, (to) => [to, value]));
  }
  return wishes;
}

function checkedWeight(
  field: string,
  weight: number,
  file: string | undefined,
  none: string,
  write: (file: string) => readonly [string, string | number],
): Wish {
  if (file === undefined) return refusal(field, none);
  if (weight < 10 || weight > 1000) return refusal(field, `must be 10 to 1000, not ${weight}`);
  return wish(field, write(file));
}

/** Of CFQ, which Linux 5.0 dropped. */
function leafWeights(
  { leafWeight, weightDevice = [] }: LinuxBlockIO,
  hierarchy: CgroupHierarchy,
): Wish[] {
  const known = hierarchy.controlFiles?.includes('blkio.leaf_weight') ?? false;
  const none = 'only the CFQ scheduler had leaf weights, and Linux 5.0 dropped it';
  const wishes: Wish[] = [];
  if (leafWeight !== undefined) {
    const field = 'blockIO.leafWeight';
    wishes.push(known ? wish(field, ['blkio.leaf_weight', leafWeight]) : refusal(field, none));
  }
  for (const { major, minor, leafWeight: weight } of weightDevice) {
    if (weight === undefined) continue;
    const field = 'blockIO.weightDevice.leafWeight';
    const value = `${major}:${minor} ${weight}`;
    wishes.push(known ? wish(field, ['blkio.leaf_weight_device', value]) : refusal(field, none));
  }
  return wishes;
}
