/** Plans of file access as data, and what is made of a kernel's answers; no kernel is asked. */
import { type Call, ERRNO, type Plan, RecordingPlayer, S, type Script } from '@terrarium/syscall';
import { describe, expect, it } from 'vitest';
import { BOUNDING_SET } from '../capabilities.js';
import type { ExecTarget } from '../exec-plan.js';
import { HYBRID_FACTS, V2_FACTS } from '../facts.fixture.js';
import { startTimeOf } from '../process-facts.js';
import { sandboxSeccomp } from '../seccomp/index.js';
import { holdOf, listDirectoryPlan, readFilePlan, VISITOR, writeFilePlan } from './file-plans.js';
import { decodeEntries, decodeKernelSystem, decodeStatus, decodeText } from './readings.js';
import { type FileError, readInSandbox, writeInSandbox } from './sandbox-files.js';

const TARGET: ExecTarget = {
  ...{ id: 'lab-1', initPid: process.pid, initStartTime: startTimeOf(process.pid) ?? 0 },
  ...{ cgroupsPath: '/terrarium/lab-1', facts: HYBRID_FACTS, oomScoreAdj: 500 },
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 65_536 }],
  boundingCapabilities: BOUNDING_SET,
  seccomp: sandboxSeccomp(),
};

const calls = (plan: Plan): Call[] =>
  (plan.processes[VISITOR] ?? []).filter((step): step is Call => step.kind === 'call');
const shown = (plan: Plan): string[] => calls(plan).map(({ display }) => display);

function statusBytes(mode: number, { size = 0, seconds = 1, nanoseconds = 5 } = {}): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  view.setUint16(28, mode, true);
  view.setBigUint64(40, BigInt(size), true);
  view.setBigInt64(112, BigInt(seconds), true);
  view.setUint32(120, nanoseconds, true);
  return bytes;
}

describe('plans of file access', () => {
  const plans = [
    readFilePlan(TARGET, '/lab/f'),
    listDirectoryPlan(TARGET, '/lab/f'),
    writeFilePlan(TARGET, {
      ...{ path: '/lab/f', content: Buffer.from('x'), isNew: false, temporary: '.t' },
    }),
  ];

  it('touch no path of the learner before the process is inside and confined', () => {
    for (const plan of plans) {
      const all = shown(plan);
      const confined = all.findLastIndex((display) => display.startsWith('setresuid(0, 0, 0)'));
      expect(confined).toBeGreaterThan(all.findIndex((display) => display.startsWith('seccomp(')));
      expect(all.findIndex((display) => display.includes('"/lab'))).toBeGreaterThan(confined);
      expect(all.filter((display) => display.includes('clone'))).toEqual([]);
    }
  });

  it('are charged to the sandbox’s group in v2, too, without a child', () => {
    const all = shown(readFilePlan({ ...TARGET, facts: V2_FACTS }, '/lab/f'));
    const joined = all.findIndex((display) => /lab-1.*cgroup\.procs/.test(display));
    expect(joined).toBeGreaterThan(0);
    expect(joined).toBeLessThan(all.findIndex((display) => display.startsWith('setns(')));
  });

  it('open a file by O_PATH, and to read it only behind the hold, by that fd', () => {
    const [plan] = plans as [Plan];
    const behind = shown(plan).slice(holdOf(plan));
    const before = shown(plan).slice(0, holdOf(plan));
    expect(before.filter((display) => display.includes('"/lab/f"'))).toEqual([
      'openat(AT_FDCWD, "/lab/f", O_PATH|O_CLOEXEC)',
    ]);
    expect(behind[0]).toMatch(/^openat\(<.*proc>, "self\/fd\/<held>", .*O_NONBLOCK/);
    expect(behind.join()).not.toContain('/lab');
  });

  it('make nothing before the hold, and rename last', () => {
    const plan = plans[2] as Plan;
    const behind = calls(plan)
      .slice(holdOf(plan))
      .map(({ syscall }) => syscall);
    expect(behind).toEqual(['openat', 'write', 'fchown', 'fchmod', 'renameat2', 'statx']);
  });
});

describe('reading and writing', () => {
  /** A kernel with one file, described by its mode. */
  function player(mode: number, special: Script = () => undefined): RecordingPlayer {
    let reads = 0;
    return new RecordingPlayer((call, process, index) => {
      const own = special(call, process, index);
      if (own !== undefined || !call.purpose.id.startsWith('file-')) return own;
      if (call.syscall === 'statx') return { bytes: statusBytes(mode, { size: 2 }) };
      if (call.syscall === 'fstatfs') return { bytes: new Uint8Array(120) };
      if (call.syscall === 'readlinkat') return { result: 6n, bytes: Buffer.from('/lab/f\0\0') };
      if (call.syscall === 'read') {
        return { result: reads++ === 0 ? 2n : 0n, bytes: Buffer.from('hi\0\0') };
      }
      if (call.syscall === 'write') return { result: BigInt(call.atLeast ?? 0) };
      return undefined;
    });
  }
  const code = (action: Promise<unknown>): Promise<string> =>
    action.then(
      () => 'done',
      (error: FileError) => error.code,
    );

  it('gives a regular file’s text', async () => {
    expect(await readInSandbox(player(S.S_IFREG | 0o644), TARGET, '/lab/link')).toEqual({
      ...{ kind: 'file', path: '/lab/f', text: 'hi', size: 2, mode: 0o644 },
      ...{ mtime: '1000000005', kernel: null },
    });
  });

  it.each([['S_IFIFO'], ['S_IFCHR'], ['S_IFBLK'], ['S_IFSOCK']] as const)(
    'does not open a %s',
    async (type) => {
      const opened: string[] = [];
      const kernel = player(S[type], (call) => {
        if (call.purpose.id === 'file-open') opened.push(call.display);
        return undefined;
      });
      expect(await code(readInSandbox(kernel, TARGET, '/lab/f'))).toBe('not-regular');
      expect(opened).toEqual([]);
    },
  );

  it('compares the time of the last change before anything is made', async () => {
    const kernel = player(S.S_IFREG);
    expect(await code(writeInSandbox(kernel, TARGET, '/lab/f', 'x', { mtime: '1' }))).toBe(
      'changed',
    );
    expect(kernel.plans).toHaveLength(1); // nothing to clean up
    expect(await code(writeInSandbox(kernel, TARGET, '/lab/f', 'x', { mtime: '1000000005' }))).toBe(
      'done',
    );
  });

  it('removes what was half written, and says why it was not whole', async () => {
    const full = player(S.S_IFREG, (call) =>
      call.syscall === 'write' && call.purpose.id === 'file-write'
        ? { errno: ERRNO.ENOSPC, result: -1n }
        : undefined,
    );
    expect(await code(writeInSandbox(full, TARGET, '/lab/f', 'x', 'any'))).toBe('ENOSPC');
    expect(full.plans.at(-1) && shown(full.plans.at(-1) as Plan).at(-1)).toMatch(
      /^unlinkat\(<directory>, "\.terrarium-[0-9a-f]{12}", 0\)$/,
    );
    const short = player(S.S_IFREG, (call) =>
      call.syscall === 'write' && call.purpose.id === 'file-write' ? { result: 1n } : undefined,
    );
    expect(await code(writeInSandbox(short, TARGET, '/lab/f', 'xyz', 'any'))).toBe('ENOSPC');
  });

  it('asks nothing of a sandbox whose init is another process', async () => {
    const kernel = player(S.S_IFREG);
    const gone = { ...TARGET, initStartTime: 1 };
    expect(await code(readInSandbox(kernel, gone, '/lab/f'))).toBe('ESRCH');
    expect(kernel.plans).toEqual([]);
  });

  it('does not take a refusal on the way in for one about the file', async () => {
    const closed = player(S.S_IFREG, (call) =>
      call.syscall === 'setns' ? { errno: ERRNO.EPERM, result: -1n } : undefined,
    );
    expect(await code(readInSandbox(closed, TARGET, '/lab/f'))).toBeUndefined();
  });
});

describe('decoding', () => {
  it('reads a status, times before 1970 too', () => {
    expect(decodeStatus(statusBytes(0o100644, { size: 7, seconds: -1 }))).toEqual({
      ...{ mode: 0o100644, size: 7, mtime: '-999999995' },
    });
  });

  it('knows the kernel’s own file systems', () => {
    const bytes = new Uint8Array(120);
    bytes.set([0xa0, 0x9f]);
    expect(decodeKernelSystem(bytes)).toBe('proc');
    expect(decodeKernelSystem(new Uint8Array(120))).toBeNull();
  });

  it('reads directory entries, without names that cannot be asked for', () => {
    const entry = (type: number, name: Buffer): Buffer => {
      const length = Math.ceil((19 + name.length + 1) / 8) * 8;
      const bytes = Buffer.alloc(length);
      bytes.writeUInt16LE(length, 16);
      bytes[18] = type;
      name.copy(bytes, 19);
      return bytes;
    };
    const all = [
      ...[entry(4, Buffer.from('.')), entry(8, Buffer.from('中')), entry(10, Buffer.from('l'))],
      ...[entry(8, Buffer.from([0xff])), entry(1, Buffer.from('pipe'))],
    ];
    expect(decodeEntries(Buffer.concat(all))).toEqual([
      { name: '中', kind: 'file' },
      { name: 'l', kind: 'symlink' },
      { name: 'pipe', kind: 'other' },
    ]);
    expect(decodeEntries(Buffer.alloc(40))).toEqual([]);
  });

  it('takes no bytes for text that would come back as others', () => {
    expect(decodeText(Buffer.from('\uFEFFa\r\n'))).toBe('\uFEFFa\r\n');
    expect(decodeText(Buffer.from([0xff]))).toBeNull();
    expect(decodeText(Buffer.from('a\0'))).toBeNull();
  });
});
