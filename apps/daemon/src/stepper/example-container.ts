/**
 * The container that the page offers at once: busybox with everything that makes a process a
 * container, each thing once. Also what a learner may copy as a first config.json.
 */
import type { RuntimeConfig } from '@terrarium/spec';

/** Where every sandbox has a busybox root file system. */
const ROOTFS = '/images/busybox';

/** Lives until it is ended: as PID 1 of its namespace it ignores what it has no handler for. */
const PROGRAM = ['/bin/sh', '-c', 'while :; do sleep 3600; done'];

/** Ids of the sandbox that the container's user namespace shows as 0, 1, … */
const IDS = { containerID: 0, hostID: 0, size: 65_536 };

const KEPT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

/** An OCI runtime configuration; its paths are the sandbox's. */
export function exampleContainer(): RuntimeConfig {
  return {
    ociVersion: '1.2.0',
    hostname: 'container',
    root: { path: ROOTFS, readonly: true },
    process: {
      cwd: '/',
      args: PROGRAM,
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      user: { uid: 0, gid: 0 },
      noNewPrivileges: true,
      capabilities: {
        bounding: KEPT_CAPABILITIES,
        effective: KEPT_CAPABILITIES,
        permitted: KEPT_CAPABILITIES,
      },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 256, hard: 256 }],
    },
    mounts: [
      {
        destination: '/proc',
        type: 'proc',
        source: 'proc',
        options: ['nosuid', 'noexec', 'nodev'],
      },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'mode=755', 'size=64k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      {
        destination: '/tmp',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'nodev', 'mode=1777', 'size=1m'],
      },
      {
        destination: '/sys',
        type: 'sysfs',
        source: 'sysfs',
        options: ['nosuid', 'noexec', 'nodev', 'ro'],
      },
    ],
    linux: {
      namespaces: [
        { type: 'user' },
        { type: 'pid' },
        { type: 'mount' },
        { type: 'uts' },
        { type: 'ipc' },
        { type: 'network' },
        { type: 'cgroup' },
        { type: 'time' },
      ],
      uidMappings: [IDS],
      gidMappings: [IDS],
      resources: {
        memory: { limit: 32 * 1024 * 1024 },
        pids: { limit: 32 },
      },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'],
    },
  };
}
