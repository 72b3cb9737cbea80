/**
 * What a config asks for that this engine does not do, by the field's name. Nothing is ignored
 * silently: a container that would start without something it was promised does not start.
 * Pure.
 */
import type { LinuxIdMapping, RuntimeConfig } from '@terrarium/spec';

/** One field that is refused, with the reason. */
export interface ConfigProblem {
  /** as in config.json: `linux.intelRdt` */
  readonly field: string;
  readonly reason: string;
}

/** Why a config cannot be run; all problems at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ field, reason }) => `${field}: ${reason}`).join('; '));
    this.problems = problems;
  }
}

/**
 * @param inSandbox the runtime's side is the root of a sandbox, not of the machine
 * @throws ConfigError naming every field that is not supported or contradicts another
 */
export function assertSupported(config: RuntimeConfig, inSandbox: boolean): void {
  const problems = [...configProblems(config), ...(inSandbox ? sandboxProblems(config) : [])];
  if (problems.length > 0) throw new ConfigError(problems);
}

/** All problems of a config; empty when every field is applied. */
export function configProblems(config: RuntimeConfig): ConfigProblem[] {
  return [
    ...versionProblems(config),
    ...rootProblems(config),
    ...processProblems(config),
    ...namespaceProblems(config),
    ...mountProblems(config),
    ...mountMapProblems(config),
    ...linuxProblems(config),
  ];
}

/** What takes the root of the machine. */
function sandboxProblems({ linux }: RuntimeConfig): ConfigProblem[] {
  return (linux?.resources?.devices?.length ?? 0) > 0
    ? [
        problem(
          'linux.resources.devices',
          'device rules take the root of the machine; in a sandbox its own rules hold',
        ),
      ]
    : [];
}

function problem(field: string, reason: string): ConfigProblem {
  return { field, reason };
}

function versionProblems({ ociVersion }: RuntimeConfig): ConfigProblem[] {
  return /^1\.\d+\.\d+/.test(ociVersion)
    ? []
    : [problem('ociVersion', `${ociVersion} is not a version 1.x.y of the runtime-spec`)];
}

function rootProblems({ root }: RuntimeConfig): ConfigProblem[] {
  return root === undefined ? [problem('root', 'a container needs a root file system')] : [];
}

function processProblems({ process }: RuntimeConfig): ConfigProblem[] {
  if (process === undefined) return [];
  return [
    ...(process.args === undefined ? [problem('process.args', 'there is nothing to execute')] : []),
    ...(filled(process.apparmorProfile)
      ? [problem('process.apparmorProfile', 'AppArmor profiles are not supported')]
      : []),
    ...(filled(process.selinuxLabel)
      ? [problem('process.selinuxLabel', 'SELinux labels are not supported')]
      : []),
    ...(process.execCPUAffinity !== undefined
      ? [problem('process.execCPUAffinity', 'CPU affinity of execs is not supported')]
      : []),
  ];
}

function namespaceProblems({ linux, hostname, domainname }: RuntimeConfig): ConfigProblem[] {
  const namespaces = linux?.namespaces ?? [];
  const has = (type: string) => namespaces.some((one) => one.type === type);
  const problems: ConfigProblem[] = [];
  const seen = new Set<string>();
  for (const { type, path } of namespaces) {
    if (seen.has(type)) problems.push(problem('linux.namespaces', `${type} is listed twice`));
    seen.add(type);
    if (type === 'mount' && path !== undefined)
      problems.push(
        problem('linux.namespaces', 'a container cannot be built in an existing mount namespace'),
      );
  }
  if ((filled(hostname) || filled(domainname)) && !has('uts'))
    problems.push(
      problem('hostname', 'without a uts namespace it would rename the runtime’s own machine'),
    );
  const own = namespaces.find(({ type }) => type === 'user');
  const maps = (linux?.uidMappings?.length ?? 0) + (linux?.gidMappings?.length ?? 0);
  if (maps > 0 && own === undefined)
    problems.push(problem('linux.uidMappings', 'id maps need a user namespace'));
  if (own !== undefined && own.path === undefined && maps === 0)
    problems.push(
      problem('linux.uidMappings', 'a new user namespace without id maps has no users'),
    );
  if (linux?.timeOffsets !== undefined && !namespaces.some(isNew('time')))
    problems.push(problem('linux.timeOffsets', 'clock offsets need a new time namespace'));
  problems.push(...sysctlProblems(linux?.sysctl ?? {}, has));
  return problems;
}

function isNew(type: string) {
  return (one: { type: string; path?: string | undefined }) =>
    one.type === type && one.path === undefined;
}

/** Keys that belong to a namespace; any other would change the whole machine. */
const SYSCTL_NAMESPACES: readonly (readonly [prefix: string, namespace: string])[] = [
  ['net.', 'network'],
  ['fs.mqueue.', 'ipc'],
  ['kernel.msg', 'ipc'],
  ['kernel.sem', 'ipc'],
  ['kernel.shm', 'ipc'],
  ['kernel.domainname', 'uts'],
  ['kernel.hostname', 'uts'],
  ['user.max_', 'user'],
];

function sysctlProblems(
  sysctl: Readonly<Record<string, string>>,
  has: (type: string) => boolean,
): ConfigProblem[] {
  return Object.keys(sysctl).flatMap((key) => {
    const dotted = key.replaceAll('/', '.');
    const row = SYSCTL_NAMESPACES.find(([prefix]) => dotted.startsWith(prefix));
    if (row === undefined)
      return [
        problem('linux.sysctl', `${key} belongs to no namespace: it would change the machine`),
      ];
    return has(row[1])
      ? []
      : [problem('linux.sysctl', `${key} needs a ${row[1]} namespace of the container’s own`)];
  });
}

function mountProblems({ mounts, linux, root }: RuntimeConfig): ConfigProblem[] {
  const hasMountNamespace = (linux?.namespaces ?? []).some(({ type }) => type === 'mount');
  const needing: readonly (readonly [string, number])[] = [
    ['mounts', mounts?.length ?? 0],
    ['root.readonly', root?.readonly === true ? 1 : 0],
    ['linux.rootfsPropagation', linux?.rootfsPropagation === undefined ? 0 : 1],
    ['linux.maskedPaths', linux?.maskedPaths?.length ?? 0],
    ['linux.readonlyPaths', linux?.readonlyPaths?.length ?? 0],
  ];
  return needing.flatMap(([field, count]) =>
    count > 0 && !hasMountNamespace
      ? [problem(field, 'without a mount namespace it would change the runtime’s own mounts')]
      : [],
  );
}

/** A mount's ids are mapped by the container's own user namespace: no other maps can be had from it. */
function mountMapProblems({ mounts = [], linux }: RuntimeConfig): ConfigProblem[] {
  return mounts.flatMap((mount, index) =>
    (['uidMappings', 'gidMappings'] as const).flatMap((field) => {
      const wanted = mount[field] ?? [];
      if (wanted.length === 0 || sameMaps(wanted, linux?.[field] ?? [])) return [];
      const reason = 'ids of a mount can only be mapped as the container’s own are';
      return [problem(`mounts[${index}].${field}`, reason)];
    }),
  );
}

function sameMaps(one: readonly LinuxIdMapping[], other: readonly LinuxIdMapping[]): boolean {
  const rows = (maps: readonly LinuxIdMapping[]) =>
    maps.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`).join();
  return rows(one) === rows(other);
}

function linuxProblems({ linux }: RuntimeConfig): ConfigProblem[] {
  if (linux === undefined) return [];
  return [
    ...(linux.intelRdt !== undefined
      ? [problem('linux.intelRdt', 'cache and bandwidth allocation is not supported')]
      : []),
    ...(linux.memoryPolicy !== undefined
      ? [problem('linux.memoryPolicy', 'NUMA policies are not supported')]
      : []),
    ...(linux.netDevices !== undefined && Object.keys(linux.netDevices).length > 0
      ? [problem('linux.netDevices', 'moving network devices is not supported')]
      : []),
    ...(filled(linux.mountLabel)
      ? [problem('linux.mountLabel', 'SELinux labels are not supported')]
      : []),
    ...((linux.personality?.flags?.length ?? 0) > 0
      ? [problem('linux.personality.flags', 'the standard reserves them')]
      : []),
    ...seccompProblems(linux.seccomp),
  ];
}

function seccompProblems(seccomp: NonNullable<RuntimeConfig['linux']>['seccomp']): ConfigProblem[] {
  if (seccomp === undefined) return [];
  const notifies = (seccomp.syscalls ?? []).some(({ action }) => action === 'SCMP_ACT_NOTIFY');
  return filled(seccomp.listenerPath) || notifies
    ? [problem('linux.seccomp.listenerPath', 'user notification is not supported')]
    : [];
}

function filled(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}
