/**
 * Every field of the runtime-spec's Linux config is applied or refused by name. The table below
 * says where each goes; the test takes the list of fields from the schema, so that a field added
 * there is missing here until somebody decides. "Applied" is shown, not claimed: two values of the
 * field must give plans that differ in the step named.
 */
import { type RuntimeConfig, runtimeConfig } from '@terrarium/spec';
import { describe, expect, test } from 'vitest';
import { baseConfig, byPurpose, planned } from './container-plan.fixture.js';

/** A schema as zod describes it, as far as it is walked here. */
interface Schema {
  readonly def: {
    readonly type: string;
    readonly innerType?: Schema;
    readonly element?: Schema;
    readonly valueType?: Schema;
    readonly shape?: Readonly<Record<string, Schema>>;
  };
}

/** Paths of all leaves: `mounts[].options[]`, `annotations.*` */
function leaves({ def }: Schema, path = ''): string[] {
  const { innerType, element, valueType, shape } = def;
  if (innerType !== undefined) return leaves(innerType, path);
  if (element !== undefined) return leaves(element, `${path}[]`);
  if (valueType !== undefined) return leaves(valueType, `${path}.*`);
  const fields = Object.entries(shape ?? {});
  if (fields.length === 0) return [path];
  return fields.flatMap(([name, field]) => leaves(field, path === '' ? name : `${path}.${name}`));
}

type Deep = { [key: string]: unknown };

/** Merges over the base config; lists replace lists. */
function merged(base: unknown, over: unknown): unknown {
  if (typeof over !== 'object' || over === null || Array.isArray(over)) return over;
  const result: Deep = { ...((base ?? {}) as Deep) };
  for (const [key, value] of Object.entries(over)) result[key] = merged(result[key], value);
  return result;
}

const configWith = (over: Deep): RuntimeConfig => runtimeConfig.parse(merged(baseConfig(), over));

/** Two values, as what they change of the base config, and the step that must differ between them. */
type Applied = { readonly step: string; readonly one: Deep; readonly other: Deep };
/** What is not applied says so, with the field's name. */
type Refused = { readonly refused: Deep; readonly as?: string };
/** Not the plan's: who else reads it. */
type Elsewhere = { readonly elsewhere: string };

const process = (own: Deep): Deep => ({ process: own });
const linux = (own: Deep): Deep => ({ linux: own });
const kinds = (...types: string[]) => types.map((type) => ({ type }));
const ALL = kinds('pid', 'mount', 'ipc', 'uts', 'network', 'cgroup', 'time');

const applied = (step: string, one: Deep, other: Deep): Applied => ({ step, one, other });
const set = (step: string, name: string, one: unknown, other: unknown) =>
  applied(
    step,
    process({ capabilities: { [name]: one } }),
    process({ capabilities: { [name]: other } }),
  );
const map = (field: string, one: Deep, other: Deep): Applied => {
  const row = { containerID: 0, hostID: 100_000, size: 65_536 };
  const withMaps = (change: Deep) =>
    linux({
      namespaces: [...ALL, { type: 'user' }],
      uidMappings: [row],
      gidMappings: [row],
      [field]: [{ ...row, ...change }],
    });
  return applied('id-map', withMaps(one), withMaps(other));
};
const mount = (step: string, one: Deep, other: Deep): Applied => {
  const row = { destination: '/m', type: 'tmpfs', source: 's', options: ['ro'] };
  return applied(step, { mounts: [{ ...row, ...one }] }, { mounts: [{ ...row, ...other }] });
};
const device = (change: Deep, step = 'device'): Applied => {
  const row = { type: 'c', path: '/dev/x', major: 9, minor: 9, fileMode: 0o600, uid: 1, gid: 1 };
  return applied(step, linux({ devices: [row] }), linux({ devices: [{ ...row, ...change }] }));
};
const scheduler = (one: Deep, other: Deep): Applied => {
  const row = { policy: 'SCHED_DEADLINE' };
  return applied(
    'scheduler',
    process({ scheduler: { ...row, ...one } }),
    process({ scheduler: { ...row, ...other } }),
  );
};
const seccomp = (one: Deep, other: Deep): Applied => {
  const row = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
  };
  return applied(
    'seccomp',
    linux({ seccomp: { ...row, ...one } }),
    linux({ seccomp: { ...row, ...other } }),
  );
};
const rule = (one: Deep, other: Deep): Applied => {
  const row = {
    names: ['mkdir'],
    action: 'SCMP_ACT_ERRNO',
    args: [{ index: 0, value: 1, valueTwo: 1, op: 'SCMP_CMP_MASKED_EQ' }],
  };
  return seccomp({ syscalls: [{ ...row, ...one }] }, { syscalls: [{ ...row, ...other }] });
};
const argument = (change: Deep): Applied => {
  const row = { index: 0, value: 1, valueTwo: 1, op: 'SCMP_CMP_MASKED_EQ' };
  return rule({ args: [row] }, { args: [{ ...row, ...change }] });
};

const HOOK = {
  elsewhere: 'hooks.ts, at the moment of its name; the plan waits for it: await-hooks',
};
const RESOURCES = { elsewhere: 'cgroups/resources: its own table of every field' };

const TABLE: Readonly<Record<string, Applied | Refused | Elsewhere>> = {
  ociVersion: { refused: { ociVersion: '2.0.0' } },
  'root.path': applied('open-root', { root: { path: 'a' } }, { root: { path: 'b' } }),
  'root.readonly': applied(
    'readonly-root',
    { root: { readonly: true } },
    { root: { readonly: false } },
  ),
  'mounts[].destination': mount('mount-tmpfs', {}, { destination: '/n' }),
  'mounts[].type': mount('mount-ramfs', {}, { type: 'ramfs' }),
  'mounts[].source': mount('mount-tmpfs', {}, { source: 't' }),
  'mounts[].options[]': mount('mount-tmpfs', {}, { options: ['rw'] }),
  'process.terminal': applied(
    'console-master',
    process({ terminal: true }),
    process({ terminal: false }),
  ),
  'process.consoleSize.height': applied(
    'console',
    process({ terminal: true, consoleSize: { height: 1, width: 1 } }),
    process({ terminal: true, consoleSize: { height: 2, width: 1 } }),
  ),
  'process.consoleSize.width': applied(
    'console',
    process({ terminal: true, consoleSize: { height: 1, width: 1 } }),
    process({ terminal: true, consoleSize: { height: 1, width: 2 } }),
  ),
  'process.user.uid': applied(
    'set-ids',
    process({ user: { uid: 1 } }),
    process({ user: { uid: 2 } }),
  ),
  'process.user.gid': applied(
    'set-ids',
    process({ user: { gid: 1 } }),
    process({ user: { gid: 2 } }),
  ),
  'process.user.umask': applied(
    'umask',
    process({ user: { umask: 1 } }),
    process({ user: { umask: 2 } }),
  ),
  'process.user.additionalGids[]': applied(
    'set-ids',
    process({ user: { additionalGids: [1] } }),
    process({ user: { additionalGids: [2] } }),
  ),
  'process.args[]': applied('execve', process({ args: ['/a'] }), process({ args: ['/b'] })),
  'process.env[]': applied('execve', process({ env: ['A=1'] }), process({ env: ['A=2'] })),
  'process.cwd': applied('cwd', process({ cwd: '/a' }), process({ cwd: '/b' })),
  'process.capabilities.bounding[]': set('drop-capability', 'bounding', ['CAP_KILL'], []),
  'process.capabilities.effective[]': set('capset', 'effective', ['CAP_KILL'], []),
  'process.capabilities.inheritable[]': set('capset', 'inheritable', ['CAP_KILL'], []),
  'process.capabilities.permitted[]': set('capset', 'permitted', ['CAP_KILL'], []),
  'process.capabilities.ambient[]': set('ambient-capability', 'ambient', ['CAP_KILL'], []),
  'process.rlimits[].type': applied(
    'rlimit',
    process({ rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }] }),
    process({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }] }),
  ),
  'process.rlimits[].soft': applied(
    'rlimit',
    process({ rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }] }),
    process({ rlimits: [{ type: 'RLIMIT_CORE', soft: 2, hard: 2 }] }),
  ),
  'process.rlimits[].hard': applied(
    'rlimit',
    process({ rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }] }),
    process({ rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 3 }] }),
  ),
  'process.noNewPrivileges': applied(
    'no-new-privs',
    process({ noNewPrivileges: true }),
    process({ noNewPrivileges: false }),
  ),
  'process.apparmorProfile': { refused: process({ apparmorProfile: 'x' }) },
  'process.selinuxLabel': { refused: process({ selinuxLabel: 'x' }) },
  'process.oomScoreAdj': applied(
    'oom-score',
    process({ oomScoreAdj: 1 }),
    process({ oomScoreAdj: 2 }),
  ),
  'process.scheduler.policy': scheduler({}, { policy: 'SCHED_BATCH' }),
  'process.scheduler.nice': scheduler({}, { nice: 3 }),
  'process.scheduler.priority': scheduler({}, { priority: 3 }),
  'process.scheduler.flags[]': scheduler({}, { flags: ['SCHED_FLAG_RESET_ON_FORK'] }),
  'process.scheduler.runtime': scheduler({}, { runtime: 3 }),
  'process.scheduler.deadline': scheduler({}, { deadline: 3 }),
  'process.scheduler.period': scheduler({}, { period: 3 }),
  'process.ioPriority.class': applied(
    'io-priority',
    process({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 1 } }),
    process({ ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 1 } }),
  ),
  'process.ioPriority.priority': applied(
    'io-priority',
    process({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 1 } }),
    process({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 2 } }),
  ),
  'process.execCPUAffinity.initial': {
    refused: process({ execCPUAffinity: { initial: '0' } }),
    as: 'process.execCPUAffinity',
  },
  'process.execCPUAffinity.final': {
    refused: process({ execCPUAffinity: { final: '0' } }),
    as: 'process.execCPUAffinity',
  },
  hostname: applied('hostname', { hostname: 'a' }, { hostname: 'b' }),
  domainname: applied('domainname', { domainname: 'a' }, { domainname: 'b' }),
  'annotations.*': { elsewhere: 'kept in the record; the standard gives them no effect' },
  'linux.namespaces[].type': applied(
    'clone-init',
    linux({ namespaces: kinds('pid', 'mount') }),
    linux({ namespaces: kinds('pid', 'mount', 'ipc') }),
  ),
  'linux.namespaces[].path': applied(
    'open-namespace',
    linux({ namespaces: [...kinds('mount'), { type: 'ipc', path: '/a' }] }),
    linux({ namespaces: [...kinds('mount'), { type: 'ipc', path: '/b' }] }),
  ),
  'linux.uidMappings[].containerID': map('uidMappings', {}, { containerID: 1 }),
  'linux.uidMappings[].hostID': map('uidMappings', {}, { hostID: 1 }),
  'linux.uidMappings[].size': map('uidMappings', {}, { size: 1 }),
  'linux.gidMappings[].containerID': map('gidMappings', {}, { containerID: 1 }),
  'linux.gidMappings[].hostID': map('gidMappings', {}, { hostID: 1 }),
  'linux.gidMappings[].size': map('gidMappings', {}, { size: 1 }),
  'linux.timeOffsets.*.secs': applied(
    'time-offsets',
    linux({ timeOffsets: { boottime: { secs: 1 } } }),
    linux({ timeOffsets: { boottime: { secs: 2 } } }),
  ),
  'linux.timeOffsets.*.nanosecs': applied(
    'time-offsets',
    linux({ timeOffsets: { boottime: { nanosecs: 1 } } }),
    linux({ timeOffsets: { boottime: { nanosecs: 2 } } }),
  ),
  'linux.devices[].type': device({ type: 'b' }),
  'linux.devices[].path': device({ path: '/dev/y' }),
  'linux.devices[].major': device({ major: 8 }),
  'linux.devices[].minor': device({ minor: 8 }),
  'linux.devices[].fileMode': device({ fileMode: 0o640 }),
  'linux.devices[].uid': device({ uid: 2 }),
  'linux.devices[].gid': device({ gid: 2 }),
  'linux.cgroupsPath': applied(
    'cgroup-make',
    linux({ cgroupsPath: '/a' }),
    linux({ cgroupsPath: '/b' }),
  ),
  'linux.rootfsPropagation': applied(
    'root-propagation',
    linux({ rootfsPropagation: 'shared' }),
    linux({ rootfsPropagation: 'slave' }),
  ),
  'linux.seccomp.defaultAction': seccomp({}, { defaultAction: 'SCMP_ACT_LOG' }),
  'linux.seccomp.defaultErrnoRet': seccomp(
    { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 },
    { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 2 },
  ),
  'linux.seccomp.flags[]': seccomp({}, { flags: ['SECCOMP_FILTER_FLAG_LOG'] }),
  'linux.seccomp.listenerPath': {
    refused: linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/x' } }),
  },
  'linux.seccomp.syscalls[].names[]': rule({}, { names: ['rmdir'] }),
  'linux.seccomp.syscalls[].action': rule({}, { action: 'SCMP_ACT_KILL' }),
  'linux.seccomp.syscalls[].errnoRet': rule({}, { errnoRet: 7 }),
  'linux.seccomp.syscalls[].args[].index': argument({ index: 1 }),
  'linux.seccomp.syscalls[].args[].value': argument({ value: 3 }),
  'linux.seccomp.syscalls[].args[].valueTwo': argument({ valueTwo: 0 }),
  'linux.seccomp.syscalls[].args[].op': argument({ op: 'SCMP_CMP_GT' }),
  'linux.sysctl.*': applied(
    'sysctl',
    linux({ sysctl: { 'net.x': '1' } }),
    linux({ sysctl: { 'net.x': '2' } }),
  ),
  'linux.maskedPaths[]': applied(
    'mask-path',
    linux({ maskedPaths: ['/a'] }),
    linux({ maskedPaths: ['/b'] }),
  ),
  'linux.readonlyPaths[]': applied(
    'readonly-path',
    linux({ readonlyPaths: ['/a'] }),
    linux({ readonlyPaths: ['/b'] }),
  ),
  'linux.mountLabel': { refused: linux({ mountLabel: 'x' }) },
  'linux.netDevices.*.name': {
    refused: linux({ netDevices: { eth0: { name: 'eth1' } } }),
    as: 'linux.netDevices',
  },
  'linux.intelRdt': { refused: linux({ intelRdt: {} }) },
  'linux.memoryPolicy.mode': {
    refused: linux({ memoryPolicy: { mode: 'MPOL_BIND' } }),
    as: 'linux.memoryPolicy',
  },
  'linux.personality.domain': applied(
    'personality',
    linux({ personality: { domain: 'LINUX' } }),
    linux({ personality: { domain: 'LINUX32' } }),
  ),
  'linux.personality.flags[]': {
    refused: linux({ personality: { domain: 'LINUX', flags: ['x'] } }),
    as: 'linux.personality.flags',
  },
  'linux.seccomp.architectures[]': {
    elsewhere:
      'seccomp/compile.ts: calls of another architecture than the machine’s are killed whatever is listed',
  },
  'linux.seccomp.listenerMetadata': {
    elsewhere: 'means something with listenerPath only, which is refused',
  },
};

/** The row of a field; whole families share one. */
function rowOf(field: string): Applied | Refused | Elsewhere | undefined {
  if (field.startsWith('hooks.')) return HOOK;
  if (field.startsWith('linux.resources.')) return RESOURCES;
  return TABLE[field];
}

const FIELDS = leaves(runtimeConfig as unknown as Schema);

describe('every field of a config', () => {
  test('has a row, and every row a field', () => {
    expect(FIELDS.length).toBeGreaterThan(150);
    expect(FIELDS.filter((field) => rowOf(field) === undefined && !isMountMap(field))).toEqual([]);
    expect(Object.keys(TABLE).filter((field) => !FIELDS.includes(field))).toEqual([]);
  });

  test.each(FIELDS.filter((field) => 'step' in (rowOf(field) ?? {})))('%s is applied', (field) => {
    const { step, one, other } = rowOf(field) as Applied;
    const [before, after] = [one, other].map((over) => byPurpose(planned(configWith(over))));
    expect(before?.has(step) || after?.has(step)).toBe(true);
    expect(before?.get(step)).not.toEqual(after?.get(step));
  });

  test.each(FIELDS.filter((field) => 'refused' in (rowOf(field) ?? {})))(
    '%s is refused',
    (field) => {
      const { refused, as = field } = rowOf(field) as Refused;
      expect(() => planned(configWith(refused))).toThrow(as);
    },
  );

  test('mounts[].uidMappings are applied where they are the container’s, refused where not', () => {
    const row = { containerID: 0, hostID: 100_000, size: 65_536 };
    const withMaps = (of: Deep) =>
      configWith({
        mounts: [
          {
            destination: '/m',
            type: 'bind',
            source: '/s',
            options: ['bind'],
            uidMappings: [{ ...row, ...of }],
            gidMappings: [row],
          },
        ],
        linux: { namespaces: [...ALL, { type: 'user' }], uidMappings: [row], gidMappings: [row] },
      });
    expect(byPurpose(planned(withMaps({}))).has('idmap-mount')).toBe(true);
    expect(() => planned(withMaps({ hostID: 7 }))).toThrow('mounts[0].uidMappings');
  });
});

function isMountMap(field: string): boolean {
  return /^mounts\[\]\.[ug]idMappings/.test(field);
}
