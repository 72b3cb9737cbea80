/**
 * The plan that starts a program in a running sandbox: join what init lives in, then be confined
 * as init is, then execve. Pure.
 *
 *   outside  forked by a player (the daemon's or the terminal host's); host root. Takes the
 *            terminal or the pipes, enters the cgroups, joins all eight namespaces, clones.
 *   process  born inside, also in the pid namespace (setns changes that only for children); a
 *            child of the player, not of outside, so that the player hears of its end.
 */
import { ERRNO, flagged, type Plan, PlanBuilder, TIOC } from '@terrarium/syscall';
import { setIds } from './plan/confine.js';
import { DEFAULT_PATH, execute } from './plan/execute.js';
import {
  confineLikeSandbox,
  type ExecTarget,
  joinCgroupNamespace,
  joinSandbox,
} from './plan/join-sandbox.js';
import { octal, purpose, Script } from './plan/script.js';
import {
  placeStandardFiles,
  type StandardFiles,
  type Stdio,
  takeFd,
  takeStdio,
} from './plan/standard-files.js';

export type { ExecTarget } from './plan/join-sandbox.js';
export type { ForeignFd, Stdio } from './plan/standard-files.js';

/** What to start. */
export interface ExecInput {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** ids inside the sandbox; root by default */
  readonly user?: {
    readonly uid: number;
    readonly gid: number;
    readonly groups?: readonly number[];
  };
  /** the slave of a pty becomes the controlling terminal and all three standard files */
  readonly terminal?: { readonly ownerPid: number; readonly slaveFd: number };
  /** without a terminal; all null by default */
  readonly stdio?: Stdio;
}

/** The process of the plan that becomes the program: `result.hostPids[EXEC_PROCESS]`. */
export const EXEC_PROCESS = 'process';

/** As a login on the Debian image has it; `env` is laid over it. */
export const DEFAULT_ENV: Readonly<Record<string, string>> = {
  PATH: DEFAULT_PATH,
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  LANG: 'C.UTF-8',
};

/** Makes the plan. @throws Error on empty args */
export function execPlan(target: ExecTarget, input: ExecInput): Plan {
  if (input.args[0] === undefined) throw new Error('exec needs at least one argument');
  const builder = new PlanBuilder(`exec ${input.args[0]} in sandbox ${target.id}`);
  const outside = new Script(builder, 'outside', builder.slot('fd'));
  const process = new Script(builder, EXEC_PROCESS, builder.slot('processFd'));
  const standard = takeStandardFiles(outside, input);
  const init = joinSandbox(outside, target, EXEC_PROCESS);
  joinCgroupNamespace(process, init);
  becomeMember(process, target, input, standard);
  execute(
    process,
    input.args,
    Object.entries({ ...DEFAULT_ENV, ...input.env }).map(([name, value]) => `${name}=${value}`),
  );
  return builder.build();
}

// ---- outside: host root, host namespaces until setns ----

function takeStandardFiles(script: Script, input: ExecInput): StandardFiles {
  if (input.terminal === undefined) return takeStdio(script, input.stdio);
  const { ownerPid, slaveFd } = input.terminal;
  const slave = takeFd(script, { ownerPid, fd: slaveFd }, 'terminal');
  return [slave, slave, slave];
}

// ---- process: inside, with a full set of capabilities there, until it is confined ----

function becomeMember(
  script: Script,
  target: ExecTarget,
  input: ExecInput,
  standard: StandardFiles,
): void {
  script.call('setsid', [], purpose('session', 'lead a session of its own', '成为新会话的首进程'));
  const [stdin] = standard;
  if (input.terminal !== undefined && stdin !== null) {
    script.call(
      'ioctl',
      [stdin, flagged(TIOC, 'TIOCSCTTY'), 0],
      purpose(
        'controlling-terminal',
        'make the pty the controlling terminal, so that Ctrl-C reaches us',
        '把这个 pty 设为控制终端，这样 Ctrl-C 才能送达',
      ),
    );
  }
  placeStandardFiles(script, standard);
  confineLikeSandbox(script, target);
  const { uid = 0, gid = 0, groups = [] } = input.user ?? {};
  setIds(script, uid, gid, groups);
  script.call('umask', [octal(0o022)], purpose('umask', 'the usual umask', '通常的 umask'));
  script.call('chdir', [input.cwd ?? '/root'], purpose('cwd', 'where it starts', '起始目录'), {
    // A learner may have removed it; a shell in / is better than none.
    tolerate: input.cwd === undefined ? [ERRNO.ENOENT, ERRNO.ENOTDIR] : [],
  });
}
