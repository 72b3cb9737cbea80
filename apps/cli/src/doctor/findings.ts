/** Judges the facts of a machine: what is there, what it is for, and what to do where it lacks. */
import { NAMESPACE_KINDS } from '@terrarium/timeline';
import { type Machine, moduleExists } from './machine.js';

/** One line of doctor. `id` is what a lesson's `requires` names. */
export interface Finding {
  readonly id: string;
  readonly status: 'present' | 'lacking';
  /** without a required thing the lab cannot run; without another it can do less */
  readonly required: boolean;
  readonly found: string;
  readonly purpose: string;
  /** null when it is present */
  readonly remedy: string | null;
}

const MIB = 1024 * 1024;
/** The oldest kernel with id-mapped mounts of ext4 and mount_setattr(2). */
const OLDEST_KERNEL = [5, 12] as const;
const OLDEST_NODE = [20, 9] as const;
/** Daemon, terminal host, observer and page take about 400 MiB, a sandbox at most 512. */
const LEAST_MEMORY_BYTES = 1024 * MIB;

/** Capabilities that root of the host needs here, by number. */
const CAPABILITIES = [
  ['CAP_SYS_ADMIN', 21, 'namespaces, mounts'],
  ['CAP_SETUID', 7, 'id maps of user namespaces'],
  ['CAP_NET_ADMIN', 12, "the sandbox's network namespace"],
  ['CAP_SYS_PTRACE', 19, "reading the sandboxes' namespaces"],
  ['CAP_MKNOD', 27, 'device files'],
] as const;

/** Everything doctor says, required things first. */
export function findings(machine: Machine): Finding[] {
  const all = [
    kernel(machine),
    node(machine),
    root(machine),
    ...capabilities(machine),
    ...namespaces(machine),
    overlay(machine),
    ...cgroups(machine),
    tracing(machine),
    memory(machine),
    ...programs(machine),
  ];
  return all.sort((a, b) => Number(b.required) - Number(a.required));
}

function finding(
  id: string,
  present: boolean,
  required: boolean,
  texts: { found: string; purpose: string; remedy: string },
): Finding {
  const { found, purpose, remedy } = texts;
  return {
    id,
    status: present ? 'present' : 'lacking',
    required,
    found,
    purpose,
    remedy: present ? null : remedy,
  };
}

function atLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number.parseFloat);
  return a > major || (a === major && b >= minor);
}

function kernel(machine: Machine): Finding {
  return finding('kernel', atLeast(machine.kernelRelease, OLDEST_KERNEL), true, {
    found: `Linux ${machine.kernelRelease}`,
    purpose: 'one base image for all sandboxes needs id-mapped mounts, since 5.12',
    remedy: 'boot a newer kernel: Debian 12 has 6.1',
  });
}

function node(machine: Machine): Finding {
  return finding('node', atLeast(machine.nodeVersion, OLDEST_NODE), true, {
    found: `Node ${machine.nodeVersion}`,
    purpose: 'runs the lab; Next.js needs 20.9',
    remedy: 'install Node 20.9 or later',
  });
}

function root(machine: Machine): Finding {
  return finding('root', machine.uid === 0, false, {
    found: `uid ${machine.uid}`,
    purpose: 'the daemon makes namespaces and mounts as root; npm start asks sudo for it',
    remedy: 'run sudo npx terrarium doctor to see what root would see',
  });
}

function capabilities(machine: Machine): Finding[] {
  if (machine.uid !== 0) return [];
  return CAPABILITIES.map(([name, bit, purpose]) => {
    const has = ((machine.capabilities >> BigInt(bit)) & 1n) === 1n;
    return finding(`capability.${name}`, has, true, {
      found: has ? name : `root without ${name}`,
      purpose,
      remedy: 'you are root in a container: start it with --privileged, or use the host',
    });
  });
}

function namespaces(machine: Machine): Finding[] {
  return NAMESPACE_KINDS.map((kind) => {
    const allowed = kind !== 'user' || userNamespacesAllowed(machine);
    const present = machine.namespaces.includes(kind) && allowed;
    return finding(`namespace.${kind}`, present, true, {
      found: present ? `/proc/self/ns/${kind}` : `no ${kind} namespaces`,
      purpose: 'every sandbox has all eight kinds',
      remedy: allowed
        ? `boot a kernel built with the ${kind} namespace`
        : 'sysctl -w user.max_user_namespaces=15000 (and kernel.unprivileged_userns_clone=1)',
    });
  });
}

function userNamespacesAllowed(machine: Machine): boolean {
  return machine.maxUserNamespaces !== 0;
}

function overlay(machine: Machine): Finding {
  const loaded = machine.filesystems.includes('overlay');
  const present = loaded || moduleExists(machine, 'overlayfs');
  return finding('overlay', present, true, {
    found: loaded ? 'overlay in /proc/filesystems' : 'overlay as a module, not loaded yet',
    purpose: 'a sandbox writes above the shared base image',
    remedy: 'modprobe overlay, or boot a kernel with CONFIG_OVERLAY_FS',
  });
}

function cgroups(machine: Machine): Finding[] {
  const { layout, v1, v2 } = machine.cgroups;
  const layouts: Readonly<Record<typeof layout, string>> = {
    v2: 'cgroup v2',
    v1: 'cgroup v1',
    hybrid: 'cgroup v1 beside v2 (hybrid)',
    none: 'no cgroup hierarchy is mounted',
  };
  const controllers = ['memory', 'pids', 'cpu'].map((name) => {
    const present = v1.includes(name) || v2.includes(name);
    return finding(`cgroup.${name}`, present, true, {
      found: present ? `${name} (${v1.includes(name) ? 'v1' : 'v2'})` : `no ${name} controller`,
      purpose: 'limits what one learner may use',
      remedy: `boot with cgroup_enable=${name}, or mount the controller`,
    });
  });
  return [
    finding('cgroup', layout !== 'none', true, {
      found: layouts[layout],
      purpose: 'each sandbox is a group of processes with limits',
      remedy: 'mount -t cgroup2 none /sys/fs/cgroup',
    }),
    ...controllers,
  ];
}

function tracing(machine: Machine): Finding {
  return finding('tracefs', machine.tracefs !== null, false, {
    found: machine.tracefs ?? (machine.uid === 0 ? 'not mounted' : 'not visible without root'),
    purpose: 'tells of processes and mounts at once; without it the views follow scans',
    remedy: 'mount -t tracefs nodev /sys/kernel/tracing (the daemon tries this itself)',
  });
}

function memory(machine: Machine): Finding {
  const mib = Math.round(machine.freeMemoryBytes / MIB);
  return finding('memory', machine.freeMemoryBytes >= LEAST_MEMORY_BYTES, false, {
    found: `${mib} MiB available`,
    purpose: 'the lab itself and the first sandboxes',
    remedy: `free ${LEAST_MEMORY_BYTES / MIB} MiB, or lower TERRARIUM_MEMORY`,
  });
}

const PROGRAM_PURPOSES = {
  mmdebstrap: ['builds the base image', 'npm start installs it, or apt install mmdebstrap'],
  gcc: ['compiles the player', 'npm start installs it, or apt install gcc libc6-dev'],
  chromium: ['walkthroughs and page tests', 'npm test installs it, or apt install chromium'],
} as const;

function programs(machine: Machine): Finding[] {
  return Object.entries(PROGRAM_PURPOSES).map(([name, [purpose, remedy]]) => {
    const path = machine.programs.get(name) ?? null;
    const found = path ?? `no ${name} on PATH`;
    return finding(`program.${name}`, path !== null, false, { found, purpose, remedy });
  });
}
