import { describe, expect, it } from 'vitest';
import {
  OVERFLOW_UID,
  Proc,
  parseArgs,
  parseCgroup,
  parseIdMap,
  parseNamespaceLink,
  parseStat,
  parseStatus,
  uidInside,
} from './proc.js';

/** /proc/PID/stat of a bash on /dev/pts/1, Linux 6.18; the name is put in by the tests. */
const stat = (comm: string, state = 'S', exitCode = 0): string =>
  `22890 (${comm}) ${state} 22885 22880 22870 34817 22890 4194304 1138 15203 0 3 1 0 13 7 20 0 1 0 173242 5214208 1009 18446744073709551615 94222 94299 140722 0 0 0 65536 3686404 1266761467 0 0 0 17 1 0 0 0 0 0 94309 94314 94789 140722 140722 140722 140722 ${exitCode}\n`;

describe('parseStat', () => {
  it('reads the fields by their numbers in proc_pid_stat(5)', () => {
    expect(parseStat(stat('bash'))).toEqual({
      comm: 'bash',
      state: 'S',
      parentPid: 22885,
      processGroup: 22880,
      terminal: 1,
      threads: 1,
      startTime: 173242,
      waitStatus: null,
    });
  });

  it('is not confused by parentheses, spaces and newlines in the name', () => {
    for (const comm of ['a) S 1 (b', ') R 1 1 1 1', 'x\ny', '']) {
      expect(parseStat(stat(comm))).toMatchObject({ comm, parentPid: 22885 });
    }
  });

  it('has a wait status for a zombie only', () => {
    expect(parseStat(stat('sh', 'Z', 7 << 8))?.waitStatus).toBe(1792);
    expect(parseStat(stat('sh', 'S', 7 << 8))?.waitStatus).toBeNull();
  });

  it('knows ptys from other terminals, beyond number 255 too', () => {
    const withTty = (tty: number) => parseStat(stat('x').replace('34817', String(tty)))?.terminal;
    expect(withTty(34816)).toBe(0); // 136:0
    expect(withTty(1025)).toBeNull(); // 4:1, tty1
    expect(withTty(0)).toBeNull();
    expect(withTty((136 << 8) | (300 & 0xff) | ((300 >> 8) << 20))).toBe(300);
  });

  it('refuses what is no stat', () => {
    expect(parseStat('')).toBeNull();
  });
});

describe('parseStatus', () => {
  const text =
    'Name:\tsh\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\nPid:\t4711\nPPid:\t1\nTracerPid:\t0\nUid:\t100000\t100001\t100002\t100003\nGid:\t0\t0\t0\t0\nNStgid:\t4711\t7\t1\nNSpid:\t4711\t7\t1\nNSpgid:\t4711\t7\t1\n';

  it('reads the effective uid and the pid of every level', () => {
    const parsed = { threadGroup: 4711, uid: 100001, pids: [4711, 7, 1], rights: null };
    expect(parseStatus(text)).toEqual(parsed);
  });

  it('reads what the process may do', () => {
    const [permitted, effective, bounding] = ['01', '02', '03'].map((end) => end.padStart(16, '0'));
    const rights = `CapInh:\t0\nCapPrm:\t${permitted}\nCapEff:\t${effective}\nCapBnd:\t${bounding}\nCapAmb:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\n`;
    expect(parseStatus(text + rights)?.rights).toEqual({
      seccomp: 2,
      noNewPrivs: true,
      capabilities: { effective, permitted, bounding },
    });
  });

  it('does without the NSpid line, which kernels without pid namespaces lack', () => {
    expect(parseStatus(text.replace(/NSpid.*\n/, ''))?.pids).toEqual([4711]);
    expect(parseStatus('Name:\tsh\n')).toBeNull();
  });
});

describe('small formats', () => {
  it('parseArgs keeps empty arguments and forgives a missing end', () => {
    expect(parseArgs('sh\0-c\0\0')).toEqual(['sh', '-c', '']);
    expect(parseArgs('nginx: worker')).toEqual(['nginx: worker']);
    expect(parseArgs('')).toEqual([]);
  });

  it('uidInside maps through the right extent', () => {
    const map = parseIdMap('         0     100000      65536\n     70000          5          1\n');
    expect(uidInside(map, 100000)).toBe(0);
    expect(uidInside(map, 101000)).toBe(1000);
    expect(uidInside(map, 5)).toBe(70000);
    expect(uidInside(map, 165536)).toBe(OVERFLOW_UID);
    expect(uidInside([], 0)).toBe(OVERFLOW_UID);
  });

  it('parseCgroup finds a v1 controller, v2, and a path with colons', () => {
    const text = '9:name=systemd:/\n8:pids:/lab/s1/a:b\n3:cpu,cpuacct:/x (deleted)\n0::/lab/s1\n';
    expect(parseCgroup(text, 'pids')).toEqual({ id: 8, path: '/lab/s1/a:b' });
    expect(parseCgroup(text, '')).toEqual({ id: 0, path: '/lab/s1' });
    expect(parseCgroup(text, 'cpu,cpuacct')).toEqual({ id: 3, path: '/x' });
    expect(parseCgroup(text, 'memory')).toBeNull();
  });

  it('parseNamespaceLink reads links and refuses other targets', () => {
    expect(parseNamespaceLink('pid:[4026531836]')).toEqual({ kind: 'pid', inode: 4026531836 });
    expect(parseNamespaceLink('socket:[123]')).toEqual({ kind: 'socket', inode: 123 });
    expect(parseNamespaceLink('/tmp/pid:[1]')).toBeNull();
  });
});

describe('Proc', () => {
  it('reads this very process', () => {
    const proc = new Proc();
    expect(proc.stat(process.pid)?.parentPid).toBe(process.ppid);
    expect(proc.status(process.pid)?.threadGroup).toBe(process.pid);
    expect(proc.args(process.pid)?.length).toBeGreaterThan(0);
    expect(proc.threads(process.pid)).toContain(process.pid);
    expect(proc.mountinfo('self')).toContain(' / ');
  });

  it('answers null for what is gone', () => {
    const proc = new Proc();
    const gone = 2 ** 22 + 1;
    expect(proc.exists(gone)).toBe(false);
    expect(proc.stat(gone)).toBeNull();
    expect(proc.namespaces(gone)).toBeNull();
    expect(proc.args(gone)).toBeNull();
    expect(proc.children(gone)).toEqual([]);
  });
});
