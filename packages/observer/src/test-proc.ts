/**
 * A directory that looks like /proc and a cgroup hierarchy to the observer, for tests without
 * root. Not exported from the package's index.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CgroupPlace } from './cgroup-walk.js';
import type { Machine } from './context.js';
import { type Namespaces, Proc } from './proc.js';

/** The host's initial namespaces, with the kernel's own inode numbers. */
export const HOST: Namespaces = {
  pid: 4026531836,
  mnt: 4026531841,
  net: 4026531833,
  uts: 4026531838,
  ipc: 4026531839,
  user: 4026531837,
  cgroup: 4026531835,
  time: 4026531834,
};

/** The namespaces of the fake sandbox. */
export const OWN: Namespaces = {
  pid: 5001,
  mnt: 5002,
  net: 5003,
  uts: 5004,
  ipc: 5005,
  user: 5006,
  cgroup: 5007,
  time: 5008,
};

/** One process of the fake machine. */
export interface FakeProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly comm: string;
  readonly args?: readonly string[];
  readonly state?: string;
  readonly startTime?: number;
  readonly pids?: readonly number[];
  readonly uid?: number;
  readonly namespaces?: Namespaces;
  readonly cgroup?: string;
  readonly tty?: number;
  readonly exe?: string;
  readonly waitStatus?: number;
}

const MOUNTINFO = `1 0 0:40 / / rw - overlay overlay rw
2 1 0:41 / /proc rw,nosuid - proc proc rw
`;

/** The fake machine: /proc in `root`, one cgroup at `cgroupDir`. */
export class TestProc {
  readonly root: string = mkdtempSync(join(tmpdir(), 'observer-proc-'));
  readonly cgroupDir: string = join(this.root, 'cgroup/s1');
  readonly place: CgroupPlace;
  readonly machine: Machine;
  time = 1_000_000;
  private readonly cgroups = new Map<number, string>();

  constructor() {
    mkdirSync(this.cgroupDir, { recursive: true });
    this.place = { dir: this.cgroupDir, controllers: 'pids', hierarchy: 8, path: '/lab/s1' };
    this.machine = {
      proc: new Proc(this.root),
      calls: {
        namespaceAncestors: () => [],
        namespaceOwners: () => [],
        hostName: () => null,
        procPidNamespace: () => OWN.pid,
      },
      host: HOST,
      kernelRelease: '6.1.0',
      bootedAt: 0,
      now: () => this.time,
    };
  }

  /** Adds a process, or replaces one. */
  put(fake: FakeProcess): void {
    this.drop(fake.pid);
    const dir = join(this.root, String(fake.pid));
    mkdirSync(join(dir, 'ns'), { recursive: true });
    mkdirSync(join(dir, 'fd'));
    mkdirSync(join(dir, `task/${fake.pid}`), { recursive: true });
    const file = (name: string, text: string): void => writeFileSync(join(dir, name), text);
    const cgroup = fake.cgroup ?? '/lab/s1';
    file('stat', statOf(fake));
    file('status', statusOf(fake));
    file('comm', `${fake.comm}\n`);
    file('cmdline', (fake.args ?? [fake.comm]).map((arg) => `${arg}\0`).join(''));
    file('cgroup', `9:cpu:/\n8:pids:${cgroup}\n0::/\n`);
    file('uid_map', '         0     100000      65536\n');
    file('mountinfo', MOUNTINFO);
    symlinkSync(fake.exe ?? '/usr/bin/bash', join(dir, 'exe'));
    const namespaces = fake.namespaces ?? OWN;
    for (const [kind, inode] of Object.entries(namespaces)) {
      symlinkSync(`${kind}:[${inode}]`, join(dir, 'ns', kind));
    }
    symlinkSync(`pid:[${namespaces.pid}]`, join(dir, 'ns/pid_for_children'));
    symlinkSync(`time:[${namespaces.time}]`, join(dir, 'ns/time_for_children'));
    if (fake.state !== 'Z') this.cgroups.set(fake.pid, cgroup);
    this.writeCgroups();
  }

  /** Lets a process be reaped. */
  drop(pid: number): void {
    rmSync(join(this.root, String(pid)), { recursive: true, force: true });
    this.cgroups.delete(pid);
    this.writeCgroups();
  }

  /** An open fd whose link reads `link`. */
  openFd(pid: number, fd: number, link: string): void {
    symlinkSync(link, join(this.root, String(pid), 'fd', String(fd)));
  }

  mountinfo(pid: number, text: string): void {
    writeFileSync(join(this.root, String(pid), 'mountinfo'), MOUNTINFO + text);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  private writeCgroups(): void {
    const members = new Map<string, number[]>([['/lab/s1', []]]);
    for (const [pid, path] of this.cgroups) {
      members.set(path, [...(members.get(path) ?? []), pid]);
    }
    for (const [path, pids] of members) {
      if (!path.startsWith('/lab/s1')) continue;
      const dir = join(this.cgroupDir, path.slice('/lab/s1'.length));
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'cgroup.procs'), pids.map((pid) => `${pid}\n`).join(''));
    }
  }
}

function statOf(fake: FakeProcess): string {
  const { pid, comm, state = 'S', parentPid, tty = 0, startTime = pid, waitStatus = 0 } = fake;
  const head = `${pid} (${comm}) ${state} ${parentPid} ${pid} ${pid} ${tty} -1 4194560 100 0 0 0 0 0`;
  const tail = `0 0 20 0 1 0 ${startTime} 3000000 900 18446744073709551615 ${'0 '.repeat(26)}`;
  return `${head} ${tail}${waitStatus}\n`;
}

function statusOf(fake: FakeProcess): string {
  const { pid, comm, uid = 100000, pids = [pid, pid - 1000] } = fake;
  return `Name:\t${comm}\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t${pid}\nPid:\t${pid}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nNSpid:\t${pids.join('\t')}\nNSpgid:\t${pids.join('\t')}\n`;
}
