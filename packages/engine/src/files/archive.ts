/**
 * A learner's folders as one gzip'ed tar, before their sandbox goes. The sandbox's own tar writes
 * it, as its root; here its output is read, with a bound in bytes and in time. What it writes is
 * the learner's, whoever answers to the name of tar there: it is handed on, never unpacked.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Player } from '@terrarium/syscall';
import { openStdioPipes } from '../container/stdio-pipes.js';
import type { ExecTarget } from '../exec-plan.js';
import { execInSandbox } from '../sandbox-engine.js';
import { FileError } from './sandbox-files.js';

/** Where lessons and learners put what they make: home, the disk of the lab, /tmp. */
export const LEARNER_FOLDERS: readonly string[] = ['root', 'lab', 'tmp'];
/** Compressed, bytes: texts by the thousand, and no root file system; a daemon holds it in memory. */
export const ARCHIVE_BYTES = 8 * 1024 * 1024;
/** A tar that takes longer is stuck on a file system of the learner's. */
const TIMEOUT_MS = 30_000;

/** GNU tar stays on the file systems that were named; busybox's does not know how. */
const FLAGS = [['--one-file-system', '--ignore-failed-read', '--warning=none'], []] as const;

let archives = 0;

/** @throws FileError too-large, timeout, or ENOENT where the sandbox has no tar that works */
export async function archiveSandbox(
  player: Player,
  target: ExecTarget,
  maxBytes: number = ARCHIVE_BYTES,
): Promise<Uint8Array> {
  for (const flags of FLAGS) {
    const args = ['tar', ...flags, '-czf', '-', '-C', '/', ...LEARNER_FOLDERS];
    const archive = await outputOf(player, target, args, maxBytes);
    if (archive.length > 0) return archive;
  }
  throw refused('ENOENT', 'the sandbox has no tar that works');
}

async function outputOf(
  player: Player,
  target: ExecTarget,
  args: readonly string[],
  maxBytes: number,
): Promise<Uint8Array> {
  const pipes = openStdioPipes(join(tmpdir(), `terrarium-archive-${process.pid}-${++archives}`));
  const started = await execInSandbox(player, target, {
    args,
    cwd: '/',
    stdio: { ...pipes.stdio, stdin: null, stderr: null },
  }).catch((error: unknown) => {
    pipes.discard();
    throw error;
  });
  const { stdin, stdout, stderr } = pipes.started();
  for (const unused of [stdin, stderr]) unused.destroy();
  try {
    return await collect(stdout, maxBytes);
  } catch (error) {
    kill(started.hostPid);
    throw error;
  } finally {
    // Whoever still writes is told that nobody reads: EPIPE. Its end is not waited for: it is a
    // program of the learner's, which may close its output and stay.
    stdout.destroy();
  }
}

async function collect(stream: Readable, maxBytes: number): Promise<Uint8Array> {
  const timer = setTimeout(
    () => stream.destroy(refused('timeout', 'tar does not end')),
    TIMEOUT_MS,
  );
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      size += (chunk as Buffer).length;
      if (size > maxBytes) throw refused('too-large', `more than ${maxBytes} bytes, compressed`);
      chunks.push(chunk as Buffer);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}

function refused(code: 'ENOENT' | 'timeout' | 'too-large', why: string): FileError {
  return new FileError('archive', LEARNER_FOLDERS.map((one) => `/${one}`).join(' '), code, why);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended already
  }
}
