/**
 * Device rules of the OCI config: what they mean, and their v1 spelling. Pure.
 *
 * The kernel's v1 device cgroup is the standard's model: a default (allow or deny everything, set
 * by a rule of type `a`) and a list of exceptions. It cannot take one device out of a wildcard:
 * after `allow c 1:*`, `deny c 1:3` changes nothing. So on v1 such a pair is refused by name; the
 * program that stands for the list on v2 can do it, and there the last rule that matches wins.
 * @see kernel docs admin-guide/cgroup-v1/devices; security/device_cgroup.c
 */
import type { LinuxDevice, LinuxDeviceCgroup } from '@terrarium/spec';
import type { LimitWrite, ResourceProblem } from '../types.js';

/** One rule with nothing left out; null is any number, access is never empty. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type: 'a' | 'b' | 'c';
  readonly major: number | null;
  readonly minor: number | null;
  readonly access: string;
}

/** A device number has 12 bits of major and 20 of minor. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

/** Fills in what the standard lets a config leave out; a rule with access "" says nothing. */
export function deviceRules(rules: readonly LinuxDeviceCgroup[]): DeviceRule[] {
  return rules.flatMap(({ allow, type = 'a', major, minor, access = 'rwm' }) => {
    if (access === '') return [];
    return [{ allow, type, major: anyNumber(major), minor: anyNumber(minor), access }];
  });
}

/** -1 is "any" in configs that Go programs write. */
function anyNumber(value: number | null | undefined): number | null {
  return value === undefined || value === null || value < 0 ? null : value;
}

/** What cannot be said to the kernel. @param version of the hierarchy that will hold the rules */
export function deviceRuleProblems(
  rules: readonly LinuxDeviceCgroup[],
  version: 1 | 2,
): readonly ResourceProblem[] {
  const problems: ResourceProblem[] = [];
  const problem = (index: number, reason: string) =>
    problems.push({ field: `devices[${index}]`, reason });
  const seen: DeviceRule[] = [];
  rules.forEach((given, index) => {
    const [rule] = deviceRules([given]);
    if (rule === undefined) return;
    if (rule.type === 'a') {
      const partly = rule.major !== null || rule.minor !== null || !isFull(rule.access);
      if (partly) problem(index, 'type a means all devices and all access: leave out the rest');
      seen.length = 0;
      return;
    }
    if ((rule.major ?? 0) > MAX_MAJOR || (rule.minor ?? 0) > MAX_MINOR) {
      problem(index, `no device has the number ${rule.major ?? '*'}:${rule.minor ?? '*'}`);
    }
    const hole = version === 1 ? seen.find((other) => cutsInto(rule, other)) : undefined;
    if (hole !== undefined) {
      problem(index, `cgroup v1 cannot make an exception from ${ruleText(hole)}`);
    }
    seen.push(rule);
  });
  return problems;
}

/** True when both can be meant by one device. */
export function overlap(one: DeviceRule, other: DeviceRule): boolean {
  const meets = (a: number | null, b: number | null) => a === null || b === null || a === b;
  const sameType = one.type === 'a' || other.type === 'a' || one.type === other.type;
  return sameType && meets(one.major, other.major) && meets(one.minor, other.minor);
}

/** True when both name the same device or devices. */
export function sameDevices(one: DeviceRule, other: DeviceRule): boolean {
  return one.type === other.type && one.major === other.major && one.minor === other.minor;
}

function cutsInto(rule: DeviceRule, earlier: DeviceRule): boolean {
  if (rule.allow === earlier.allow || sameDevices(rule, earlier)) return false;
  const shared = [...rule.access].some((letter) => earlier.access.includes(letter));
  return shared && overlap(rule, earlier);
}

function isFull(access: string): boolean {
  return [...'rwm'].every((letter) => access.includes(letter));
}

/** `allow c 1:* rwm` */
export function ruleText(rule: DeviceRule): string {
  return `${rule.allow ? 'allow' : 'deny'} ${v1Line(rule)}`;
}

/** `c 1:3 rwm` in devices.allow or devices.deny, one rule a write, in the config's order. */
export function v1DeviceWrites(rules: readonly LinuxDeviceCgroup[]): LimitWrite[] {
  return deviceRules(rules).map((rule) => ({
    file: rule.allow ? 'devices.allow' : 'devices.deny',
    value: v1Line(rule),
    optional: false,
    field: 'linux.resources.devices',
  }));
}

function v1Line({ type, major, minor, access }: DeviceRule): string {
  return type === 'a' ? 'a' : `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`;
}

/** What every container may open, as the runtimes agreed: config-linux.md, "Default Devices". */
const DEFAULT_DEVICES: readonly (readonly [major: number, minor: number | null])[] = [
  [1, 3], // null
  [1, 5], // zero
  [1, 7], // full
  [1, 8], // random
  [1, 9], // urandom
  [5, 0], // tty
  [5, 1], // console
  [5, 2], // ptmx
  [136, null], // pts/N
];

/**
 * The rules of a container: nothing, then what the config says, then its default devices, then leave
 * to make the nodes that it lists (making one opens nothing). Nothing first, also for a config
 * without rules: a new group may all that the group above it may, and root inside could make a node
 * for the machine's disk. A config that wants all devices says so: `{ allow: true, access: 'rwm' }`.
 */
export function containerDeviceRules(
  rules: readonly LinuxDeviceCgroup[] = [],
  nodes: readonly LinuxDevice[] = [],
): LinuxDeviceCgroup[] {
  const defaults = DEFAULT_DEVICES.map(([major, minor]) => ({
    allow: true,
    type: 'c' as const,
    major,
    ...(minor === null ? {} : { minor }),
    access: 'rwm',
  }));
  const listed = nodes.flatMap(({ type, major, minor }): LinuxDeviceCgroup[] => {
    if (type === 'p' || major === undefined || minor === undefined) return [];
    return [{ allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access: 'm' }];
  });
  const first = deniesAll(rules[0]) ? [] : [{ allow: false, access: 'rwm' }];
  return [...first, ...rules, ...defaults, ...listed];
}

function deniesAll(rule: LinuxDeviceCgroup | undefined): boolean {
  const [first] = rule === undefined ? [] : deviceRules([rule]);
  return first !== undefined && first.type === 'a' && !first.allow && isFull(first.access);
}

/**
 * Only root of the host may set device rules, so a container inside a sandbox has the sandbox's.
 * They are at least as strict as any config's: whatever it denies, every container gets the default
 * devices, and a sandbox allows none beyond them (a test holds the two lists against each other).
 * What a config allows beyond them cannot exist there: nobody makes a device node in a user
 * namespace. So only rules that make no sense are left to refuse.
 */
export function deviceProblemsInSandbox(
  rules: readonly LinuxDeviceCgroup[],
): readonly ResourceProblem[] {
  return deviceRuleProblems(rules, 2);
}
