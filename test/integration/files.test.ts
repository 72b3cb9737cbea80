/**
 * Files of a sandbox on the real kernel, read and written as its learner's root: what a path means
 * is decided inside, nothing hangs, nothing is half written.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  archiveSandbox,
  type DirectoryReading,
  type FileError,
  type FileReading,
  readInSandbox,
  writeInSandbox,
} from '../../packages/engine/src/index.js';
import { hasDebianImage, type Lab, missing, startLab, until } from './sandbox-lab.js';

const lacks = missing();
const suffix = lacks === null ? '' : ` (missing: ${lacks})`;
const ID = 'files-1';
const MIB = 1024 * 1024;

describe.skipIf(lacks !== null)(`files of a sandbox${suffix}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab('files', { limits: { diskBytes: 8 * MIB } });
    await lab.engine.create({ id: ID });
  });
  afterAll(async () => await lab.close());
  beforeEach(async () => {
    await sh('rm -rf /lab/t && mkdir /lab/t');
  });

  async function sh(script: string): Promise<string> {
    const { exitCode, output } = await lab.sh(ID, script);
    expect(exitCode, output).toBe(0);
    return output.trim();
  }
  const target = () => lab.engine.execTarget(ID);
  const read = (path: string) => readInSandbox(lab.player, target(), path);
  const write = (path: string, text: string, expected: Parameters<typeof writeInSandbox>[4]) =>
    writeInSandbox(lab.player, target(), path, text, expected);

  async function file(path: string): Promise<FileReading> {
    const reading = await read(path);
    if (reading.kind !== 'file') throw new Error(`${path} is a directory`);
    return reading;
  }
  async function names(path: string): Promise<string[]> {
    const reading = (await read(path)) as DirectoryReading;
    return reading.entries.map(({ name }) => name);
  }
  async function refusal(action: Promise<unknown>): Promise<string> {
    const error = await action.then(
      () => null,
      (reason: FileError) => reason,
    );
    return error?.code ?? 'nothing was refused';
  }

  test('reads a text as it is: line ends, a byte order mark, Chinese', async () => {
    await sh(
      `printf '\\357\\273\\277a\\r\\nb\\n\\344\\270\\255' > /lab/t/text; chmod 640 /lab/t/text`,
    );
    expect(await file('/lab/t/text')).toMatchObject({
      ...{ path: '/lab/t/text', text: '\uFEFFa\r\nb\n中', size: 11, mode: 0o640, kernel: null },
      mtime: `${await sh(`date -r /lab/t/text +%s%N`)}`,
    });
    await sh(': > /lab/t/empty');
    expect(await file('/lab/t/empty')).toMatchObject({ text: '', size: 0 });
  });

  test('a link out of the sandbox leads to the sandbox’s own file', async () => {
    // A file that every host has, and that nothing in the sandbox asks.
    await sh('echo inside-only > /etc/shells; ln -s /etc/shells /lab/t/absolute');
    await sh('ln -s ../../../../../../../etc/shells /lab/t/relative; ln -s / /lab/t/top');
    const host = readFileSync('/etc/shells', 'utf8');
    for (const path of ['absolute', 'relative', 'top/lab/t/absolute', '../../../etc/shells']) {
      const reading = await file(`/lab/t/${path}`);
      expect(reading.text).toBe('inside-only\n');
      expect(reading.text).not.toBe(host);
      expect(reading.path).toBe('/etc/shells');
    }
    const { entries } = (await read('/lab/t/top')) as DirectoryReading;
    expect(entries.map(({ name }) => name)).toContain('lab');
  });

  test('what has no end is refused and never opened', async () => {
    await sh('mkfifo /lab/t/fifo; ln -s /dev/zero /lab/t/zero');
    for (const path of ['/lab/t/fifo', '/dev/zero', '/lab/t/zero', '/dev/tty', '/dev/null']) {
      expect(await refusal(read(path)), path).toBe('not-regular');
    }
    // A writer that waits for a reader goes on waiting: opening would have let it through.
    await sh('(echo x > /lab/t/fifo; : > /lab/t/through) > /dev/null 2>&1 &');
    expect(await refusal(read('/lab/t/fifo'))).toBe('not-regular');
    expect(await names('/lab/t')).not.toContain('through');
    expect(await sh('cat /lab/t/fifo')).toBe('x');
  });

  test('/proc and the cgroups are the learner’s own, and said to be the kernel’s', async () => {
    const hostname = await sh('cat /proc/sys/kernel/hostname');
    expect(await file('/proc/sys/kernel/hostname')).toMatchObject({
      ...{ text: `${hostname}\n`, kernel: 'proc' },
    });
    expect((await file('/proc/1/status')).text).toContain('Name:\tinit');
    expect(await refusal(read('/proc/self/status'))).toBe('ENOENT');
    expect(await names('/proc')).toContain('1');
    expect(await names('/proc')).not.toContain(String(process.pid));
  });

  test('says in errno’s words what is not there, closed or no text', async () => {
    await sh(`printf 'a\\0b' > /lab/t/nul; printf '\\377\\376' > /lab/t/latin; mkdir /lab/t/d`);
    await sh('ln -s loop /lab/t/loop; ln -s nowhere /lab/t/dangling');
    const rows = [
      ...[['/lab/t/none', 'ENOENT'] as const, ['/lab/t/dangling', 'ENOENT'] as const],
      ...[['/lab/t/nul/x', 'ENOTDIR'] as const, ['/lab/t/loop', 'ELOOP'] as const],
      ...[['/lab/t/nul', 'binary'] as const, ['/lab/t/latin', 'binary'] as const],
      ['/proc/kmsg', 'EACCES'] as const,
    ];
    for (const [path, code] of rows) expect(await refusal(read(path)), path).toBe(code);
    expect((await read('/lab/t/d')).kind).toBe('directory');
  });

  test('a large file is refused before it is read, one that hides its size when it does not end', async () => {
    await sh('head -c 524288 /dev/zero | tr "\\0" a > /lab/t/fits');
    await sh('head -c 524289 /dev/zero | tr "\\0" a > /lab/t/large');
    expect((await file('/lab/t/fits')).size).toBe(524_288);
    expect(await refusal(read('/lab/t/large'))).toBe('too-large');
    expect(await refusal(write('/lab/t/new', 'a'.repeat(524_289), 'new'))).toBe('too-large');
    // Its size is said to be 0.
    if (readFileSync('/proc/kallsyms').length > 524_288) {
      expect(await refusal(read('/proc/kallsyms'))).toBe('too-large');
    }
  });

  test('lists what there is, directories first, with a cap', async () => {
    await sh('cd /lab/t; mkdir b; touch a .hidden 中; ln -s a l; mkfifo p');
    expect(await read('/lab/t')).toEqual({
      ...{ kind: 'directory', path: '/lab/t', truncated: false },
      entries: [
        { name: 'b', kind: 'directory' },
        { name: '.hidden', kind: 'file' },
        { name: 'a', kind: 'file' },
        { name: 'l', kind: 'symlink' },
        { name: 'p', kind: 'other' },
        { name: '中', kind: 'file' },
      ],
    });
    await sh('mkdir /lab/t/many; cd /lab/t/many; seq 2100 | xargs touch');
    const many = (await read('/lab/t/many')) as DirectoryReading;
    expect([many.entries.length, many.truncated]).toEqual([2000, true]);
  });

  test('writes as a whole: another file takes the name, owner and mode stay', async () => {
    await sh('echo old > /lab/t/f; chown 1000:1001 /lab/t/f; chmod 4750 /lab/t/f');
    await sh('exec 3< /lab/t/f; (sleep 1000 <&3) > /dev/null 2>&1 & ln /lab/t/f /lab/t/same');
    const { mtime } = await file('/lab/t/f');
    const written = await write('/lab/t/f', 'new\n', { mtime });
    expect(await sh('stat -c "%a %u %g" /lab/t/f; cat /lab/t/f')).toBe('4750 1000 1001\nnew');
    expect(await sh('cat /lab/t/same')).toBe('old');
    expect((await file('/lab/t/f')).mtime).toBe(written.mtime);
    expect(await names('/lab/t')).toEqual(['f', 'same']);
    await sh('pkill -KILL sleep || killall -9 sleep');
  });

  test('a file that changed meanwhile is not overwritten unless that is wished', async () => {
    await sh('echo one > /lab/t/f');
    const { mtime } = await file('/lab/t/f');
    await sh('echo two > /lab/t/f');
    expect(await refusal(write('/lab/t/f', 'mine', { mtime }))).toBe('changed');
    expect(await sh('cat /lab/t/f')).toBe('two');
    await write('/lab/t/f', 'mine', 'any');
    expect(await sh('cat /lab/t/f')).toBe('mine');
    await sh('rm /lab/t/f');
    expect(await refusal(write('/lab/t/f', 'mine', 'any'))).toBe('ENOENT');
    await sh('ln -s /etc/passwd /lab/t/f');
    expect(await refusal(write('/lab/t/f', 'mine', 'any'))).toBe('changed');
    expect(await sh('head -c 5 /etc/passwd')).toBe('root:');
  });

  test('a new file is new: nothing is replaced', async () => {
    await write('/lab/t/n', 'text\n', 'new');
    expect(await sh('stat -c "%a %u %g" /lab/t/n; cat /lab/t/n')).toBe('644 0 0\ntext');
    expect(await refusal(write('/lab/t/n', 'other', 'new'))).toBe('EEXIST');
    await sh('ln -s /lab/t/elsewhere /lab/t/link');
    expect(await refusal(write('/lab/t/link', 'other', 'new'))).toBe('EEXIST');
    expect(await refusal(write('/lab/t/none/n', 'text', 'new'))).toBe('ENOENT');
    expect(await names('/lab/t')).toEqual(['link', 'n']);
  });

  test('what is read-only, a directory, a mount point or the kernel’s is not replaced', async () => {
    await sh('cd /lab/t; mkdir d ro; mount -t tmpfs -o ro x ro; touch m; mount --bind m m');
    const rows = [
      ...[['/lab/t/ro/f', 'new', 'EROFS'] as const, ['/lab/t/d', 'any', 'EISDIR'] as const],
      ...[['/lab/t/m', 'any', 'EBUSY'] as const, ['/proc/new', 'new', 'ENOENT'] as const],
      ['/sys/new', 'new', 'EROFS'] as const,
    ];
    for (const [path, expected, code] of rows) {
      expect(await refusal(write(path, 'x', expected)), path).toBe(code);
    }
    expect(await names('/lab/t')).toEqual(['d', 'ro', 'm']);
    await sh('umount /lab/t/m /lab/t/ro');
  });

  test('a full disk is ENOSPC; the old file stays whole and nothing is left', async () => {
    await sh('echo old > /lab/t/f');
    await lab.sh(ID, 'dd if=/dev/zero of=/lab/t/fill bs=4096 2> /dev/null');
    expect(await refusal(write('/lab/t/f', 'x'.repeat(400_000), 'any'))).toBe('ENOSPC');
    expect(await sh('cat /lab/t/f')).toBe('old');
    expect(await names('/lab/t')).toEqual(['f', 'fill']);
    await sh('rm /lab/t/fill');
  });

  test('a directory that is renamed all the while leads nowhere else', async () => {
    await sh('cd /lab/t; mkdir a; echo mine > a/f; ln -s /etc b');
    await sh(
      '(cd /lab/t; while :; do mv a c; mv b a; mv a b; mv c a; done) > /dev/null 2>&1 & echo $! > /lab/pid',
    );
    try {
      for (let i = 0; i < 10; i++) {
        const got = await read('/lab/t/a/f').catch((error: FileError) => error.code);
        if (typeof got === 'string') expect(got).toBe('ENOENT');
        else expect(got).toMatchObject({ text: 'mine\n' });
      }
    } finally {
      await sh('kill -9 $(cat /lab/pid)');
    }
  });

  test('a learner’s folders become one archive, without what is mounted in them', async () => {
    await sh('echo mine > /lab/t/keep; mkdir /lab/t/big; mount -t tmpfs x /lab/t/big');
    await sh('head -c 1000000 /dev/urandom > /lab/t/big/noise');
    try {
      const archive = await archiveSandbox(lab.player, target());
      if (hasDebianImage()) expect(archive.length).toBeLessThan(500_000);
      const list = execFileSync('tar', ['-tzf', '-'], { input: archive, encoding: 'utf8' });
      expect(list.split('\n')).toEqual(expect.arrayContaining(['root/', 'lab/t/keep', 'tmp/']));
      const kept = ['-xzOf', '-', 'lab/t/keep'];
      expect(execFileSync('tar', kept, { input: archive, encoding: 'utf8' })).toBe('mine\n');
    } finally {
      await sh('umount /lab/t/big');
    }
    await sh('head -c 1000000 /dev/urandom > /lab/t/noise');
    expect(await refusal(archiveSandbox(lab.player, target(), 100_000))).toBe('too-large');
  });

  test('no process of the sandbox sees the visitor, and it leaves none', async () => {
    const listed = async (): Promise<string[]> =>
      (await names('/proc')).filter((name) => /^\d+$/.test(name));
    await until('only init is left', async () => (await listed()).join() === '1');
    const answers = Promise.all([...Array(5)].map(() => read('/etc/passwd')));
    expect(await listed()).toEqual(['1']);
    await answers;
    await write('/lab/t/n', 'x', 'new');
    const { initPid, cgroups } = lab.engine.list()[0] ?? { initPid: 0, cgroups: [] };
    for (const directory of cgroups) {
      const members = (): string => readFileSync(`${directory}/cgroup.procs`, 'utf8').trim();
      await until(`${directory} is empty`, () => ['', String(initPid)].includes(members()));
    }
  });
});
