/**
 * One bundle for every runtime that is measured: a busybox root file system and the configs, the
 * same for ours and for peers. `remove` leaves nothing.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const NAMESPACES = ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup'];
const MIB = 1024 * 1024;
const ID_BASE = 1_600_000; // host ids that nobody here has

/** @returns {{folder: string, rootfs: string, states: string, bare: string, remove(): void}} */
export function makeBundle() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-bench-'));
  fs.chmodSync(folder, 0o755);
  const lower = path.join(folder, 'lower');
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys/fs/cgroup', 'tmp'])
    fs.mkdirSync(path.join(lower, name), { recursive: true });
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((file) => fs.existsSync(file));
  if (busybox === undefined)
    throw new Error('needs a static busybox: apt-get install busybox-static');
  fs.copyFileSync(busybox, path.join(lower, 'bin/busybox'));
  for (const applet of ['sh', 'true']) fs.symlinkSync('busybox', path.join(lower, 'bin', applet));
  const rootfs = path.join(folder, 'rootfs');
  const scratch = path.join(folder, 'scratch');
  for (const directory of [rootfs, scratch]) fs.mkdirSync(directory);
  mount('-t', 'tmpfs', 'scratch', scratch); // overlay's upper cannot lie on an overlay
  for (const name of ['upper', 'work']) fs.mkdirSync(path.join(scratch, name));
  const layers = `lowerdir=${lower},upperdir=${scratch}/upper,workdir=${scratch}/work`;
  mount('-t', 'overlay', 'overlay', '-o', layers, rootfs);
  for (const directory of ['', 'bin', 'dev', 'proc', 'sys', 'sys/fs', 'sys/fs/cgroup'])
    fs.chownSync(path.join(rootfs, directory), ID_BASE, ID_BASE); // the full config's root
  return {
    folder,
    rootfs,
    states: scratch, // a tmpfs, as /run is, where runtimes keep theirs
    bare: compileBare(folder),
    remove: () => {
      for (const directory of [rootfs, scratch]) execFileSync('umount', [directory]);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

function mount(...args) {
  execFileSync('mount', args);
}

function compileBare(folder) {
  const source = fileURLToPath(new URL('../native/bare-container.c', import.meta.url));
  const program = path.join(folder, 'bare-container');
  execFileSync('gcc', ['-O2', '-static', '-o', program, source]); // static: it starts fastest
  return program;
}

/** /bin/true with six namespaces, pivot_root and /proc: what the bare program does, and no more. */
export function trueConfig(rootfs) {
  const powers = ['CAP_KILL'];
  return {
    ociVersion: '1.0.2',
    root: { path: rootfs },
    hostname: 'bare',
    process: {
      user: { uid: 0, gid: 0 },
      args: ['/bin/true'],
      cwd: '/',
      env: ['PATH=/bin'],
      capabilities: { bounding: powers, effective: powers, permitted: powers },
    },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces: NAMESPACES.map((type) => ({ type })) },
  };
}

/** Everything on: as podman would ask for it, with a user namespace and a console too. */
export function fullConfig(rootfs, { terminal = true } = {}) {
  const powers = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SETGID', 'CAP_SETUID'];
  const ids = [{ containerID: 0, hostID: ID_BASE, size: 65_536 }];
  return {
    ...trueConfig(rootfs),
    hostname: 'full',
    process: {
      terminal,
      consoleSize: { height: 24, width: 80 },
      user: { uid: 0, gid: 0, additionalGids: [7] },
      args: ['/bin/true'],
      cwd: '/tmp',
      env: ['PATH=/bin', 'HOME=/root', 'TERM=xterm'],
      noNewPrivileges: true,
      oomScoreAdj: 100,
      capabilities: {
        bounding: powers,
        effective: powers,
        permitted: powers,
        inheritable: powers,
        ambient: powers,
      },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 512 }],
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
      },
      {
        destination: '/dev/mqueue',
        type: 'mqueue',
        source: 'mqueue',
        options: ['nosuid', 'noexec', 'nodev'],
      },
      {
        destination: '/sys',
        type: 'sysfs',
        source: 'sysfs',
        options: ['nosuid', 'noexec', 'nodev', 'ro'],
      },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', 'noexec', 'nodev', 'ro'],
      },
    ],
    linux: {
      namespaces: [...NAMESPACES, 'user', 'time'].map((type) => ({ type })),
      uidMappings: ids,
      gidMappings: ids,
      timeOffsets: { monotonic: { secs: 1000 } },
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0' },
      maskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/proc/scsi',
        '/sys/firmware',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        memory: { limit: 256 * MIB },
        cpu: { shares: 512, quota: 50_000, period: 100_000 },
        pids: { limit: 100 },
      },
      seccomp: seccompProfile(),
    },
  };
}

/** Calls that no container needs, by name: a list as long as those of real profiles. */
function seccompProfile() {
  const names = [
    'acct',
    'add_key',
    'bpf',
    'clock_settime',
    'delete_module',
    'finit_module',
    'init_module',
    'kexec_file_load',
    'kexec_load',
    'keyctl',
    'lookup_dcookie',
    'mbind',
    'move_pages',
    'open_by_handle_at',
    'perf_event_open',
    'personality',
    'pivot_root',
    'process_vm_readv',
    'process_vm_writev',
    'ptrace',
    'quotactl',
    'reboot',
    'request_key',
    'set_mempolicy',
    'setns',
    'settimeofday',
    'swapoff',
    'swapon',
    'syslog',
    'umount2',
    'unshare',
    'userfaultfd',
    'vhangup',
  ];
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }],
  };
}
