/**
 * The last call of a plan's process: becoming the program. Who runs it: a process that is wholly
 * confined already; after a success nothing of ours is left in it.
 */
import {
  CLOSE_RANGE,
  cstring,
  ERRNO,
  flagged,
  pointers,
  shown,
  stringArray,
} from '@terrarium/syscall';
import { purpose, type Script } from './script.js';

/** Where a name without a slash is looked for when the environment has no PATH. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Closes everything but the standard files (and `keep` files behind them), then execve. A name
 * without a slash is looked for along PATH, as execvp(3) does.
 *
 * @param env `NAME=value` each
 * @param file what to execute, where it is not the first argument: hooks say both
 */
export function execute(
  script: Script,
  args: readonly string[],
  env: readonly string[],
  keep = 0,
  file = args[0] ?? '',
): void {
  script.call(
    'close_range',
    [3 + keep, shown(0xffff_ffff, '~0U'), flagged(CLOSE_RANGE, 'CLOSE_RANGE_CLOEXEC')],
    purpose(
      'close-fds',
      'let execve close everything but the standard files',
      '让 execve 关闭标准文件以外的一切',
    ),
  );
  const argv = pointers(args.map((arg) => cstring(arg)));
  const envp = stringArray(env);
  const candidates = candidatesFor(file, env);
  candidates.forEach((candidate, index) => {
    const isLast = index === candidates.length - 1;
    script.call(
      'execve',
      [candidate, argv, envp],
      purpose('execve', `become ${candidate}`, `变成 ${candidate}`),
      {
        display: `execve(${JSON.stringify(candidate)}, ${JSON.stringify(args)}, /* ${env.length} vars */)`,
        tolerate: isLast ? [] : [ERRNO.ENOENT, ERRNO.ENOTDIR, ERRNO.EACCES],
      },
    );
  });
}

function candidatesFor(file: string, env: readonly string[]): string[] {
  if (file.includes('/')) return [file];
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length);
  return (path ?? DEFAULT_PATH)
    .split(':')
    .map((directory) => `${directory === '' ? '.' : directory}/${file}`);
}
