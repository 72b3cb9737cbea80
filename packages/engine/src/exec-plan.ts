/**
 * The plan that starts a program in a running sandbox: join what init lives in, then be confined
 * as init is, then execve. Pure.
 *
 *   outside  forked by a player (the daemon's or the terminal host's); host root. Takes the
 *            terminal or the pipes, enters the cgroups, joins all eight namespaces, clones.
 *   process  born inside, also in the pid namespace (setns changes that only for children); a
 *            child of the player, not of outside, so that the player hears of its end.
 */
import type { LinuxSeccomp, PosixRlimit } from '@terrarium/spec';
import {
  CLONE,
  CLONE_ARGS_BYTES,
  CLOSE_RANGE,
  cstring,
  ERRNO,
  flagged,
  NAMESPACE_KINDS,
  O,
  type Plan,
  PlanBuilder,
  PR,
  pointers,
  type Slot,
  shown,
  stringArray,
  TIOC,
} from '@terrarium/syscall';
import type { HostFacts } from './host-facts.js';
import { KEYCTL_JOIN_SESSION_KEYRING } from './kernel-constants.js';
import { joinV1Cgroups, openV2Leaf } from './plan/cgroup-calls.js';
import { cloneArgs } from './plan/clone-args.js';
import {
  leaveHostKeyring,
  setCapabilities,
  setIds,
  setRlimits,
  setSeccomp,
} from './plan/confine.js';
import { FDCWD, octal, purpose, Script } from './plan/script.js';

/** A running sandbox as an exec needs it: plain JSON, so that another process can make the plan. */
export interface ExecTarget {
  readonly id: string;
  readonly initPid: number;
  /** field 22 of /proc/PID/stat; whoever runs the plan compares it just before */
  readonly initStartTime: number;
  /** group below each hierarchy's mount point */
  readonly cgroupsPath: string;
  readonly facts: HostFacts;
  readonly rlimits: readonly PosixRlimit[];
  readonly oomScoreAdj: number;
  readonly boundingCapabilities: readonly string[];
  readonly seccomp: LinuxSeccomp;
}

/** An open file of a living process of the host. */
export interface ForeignFd {
  readonly ownerPid: number;
  readonly fd: number;
}

/** Standard input, output and error; null is the sandbox's /dev/null. */
export interface Stdio {
  readonly stdin: ForeignFd | null;
  readonly stdout: ForeignFd | null;
  readonly stderr: ForeignFd | null;
}

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
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
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
  const init = joinSandbox(outside, target);
  joinCgroupNamespace(process, init);
  becomeMember(process, target, input, standard);
  execute(process, input);
  return builder.build();
}

/** Registers with the fds that become 0, 1 and 2; null: /dev/null of the sandbox. */
type StandardFiles = readonly [Slot | null, Slot | null, Slot | null];

// ---- outside: host root, host namespaces until setns ----

/** pidfd_getfd instead of passing fds through sockets: the plan says itself where they come from. */
function takeStandardFiles(script: Script, input: ExecInput): StandardFiles {
  if (input.terminal !== undefined) {
    const { ownerPid, slaveFd } = input.terminal;
    const slave = takeFd(script, { ownerPid, fd: slaveFd }, 'terminal');
    return [slave, slave, slave];
  }
  const { stdin = null, stdout = null, stderr = null } = input.stdio ?? {};
  return [
    stdin === null ? null : takeFd(script, stdin, 'stdin'),
    stdout === null ? null : takeFd(script, stdout, 'stdout'),
    stderr === null ? null : takeFd(script, stderr, 'stderr'),
  ];
}

function takeFd(script: Script, { ownerPid, fd }: ForeignFd, name: string): Slot {
  const owner = script.builder.slot(`${name}Owner`);
  const taken = script.builder.slot(name);
  const why = purpose(
    'take-fd',
    `take the ${name} from the process that holds it`,
    `从持有者进程取得 ${name}`,
  );
  script.call('pidfd_open', [ownerPid, 0], why, { store: owner });
  script.call('pidfd_getfd', [owner, fd, 0], why, { store: taken });
  script.call('close', [owner], why);
  return taken;
}

/** @returns the register with init's pidfd */
function joinSandbox(script: Script, target: ExecTarget): Slot {
  const init = script.builder.slot('init');
  script.call(
    'pidfd_open',
    [target.initPid, 0],
    purpose(
      'open-init',
      "hold the sandbox's init by an fd, which cannot come to mean another process",
      '用文件描述符持有沙箱的 init，它不会变成指向别的进程',
    ),
    { store: init },
  );
  leaveHostKeyring(script, KEYCTL_JOIN_SESSION_KEYRING, [ERRNO.ENOSYS, ERRNO.EDQUOT, ERRNO.EPERM]);
  // Before setns: these paths are the host's.
  script.writeFile(
    '/proc/self/oom_score_adj',
    String(target.oomScoreAdj),
    purpose(
      'oom-score',
      'be killed before anything of the host when memory runs out',
      '内存不足时，先于宿主机的任何进程被杀',
    ),
  );
  joinV1Cgroups(script, target.facts.cgroups, target.cgroupsPath);
  const group = openV2Leaf(script, target.facts.cgroups, target.cgroupsPath);
  setRlimits(script, target.rlimits, target.facts);
  script.call(
    'prctl',
    [flagged(PR, 'PR_SET_DUMPABLE'), 0, 0, 0, 0],
    purpose(
      'not-dumpable',
      'let nobody inside ptrace us between joining and execve',
      '在加入之后、execve 之前，不让里面的任何进程 ptrace 我们',
    ),
  );
  const kinds = NAMESPACE_KINDS.filter(({ proc }) => proc !== 'cgroup');
  const names = kinds.map(({ flagName }) => flagName).join('|');
  script.call(
    'setns',
    [
      init,
      shown(
        kinds.reduce((bits, { flag }) => bits + flag, 0),
        names,
      ),
    ],
    purpose(
      'join-namespaces',
      'join the namespaces of init, all but one at once',
      '一次加入 init 的命名空间，只差一个',
    ),
  );
  cloneInside(script, group);
  return init;
}

/**
 * From inside the cgroup namespace, CLONE_INTO_CGROUP would be refused (where v2 is mounted with
 * nsdelegate, one may not be moved in from outside): so the child joins that namespace itself.
 */
function cloneInside(script: Script, group: Slot | null): void {
  const into = group === null ? '' : '|CLONE_INTO_CGROUP';
  const groupField = group === null ? '' : ', cgroup=<group>';
  const bits = CLONE.CLONE_PARENT + (group === null ? 0 : CLONE.CLONE_INTO_CGROUP);
  script.call(
    'clone3',
    [cloneArgs(BigInt(bits), { group }), CLONE_ARGS_BYTES],
    purpose(
      'clone-process',
      'make a child: only children are in the joined pid namespace',
      '创建子进程：只有子进程才进入所加入的 PID 命名空间',
    ),
    {
      display: `clone3({flags=CLONE_PARENT${into}${groupField}}, ${CLONE_ARGS_BYTES})`,
      child: EXEC_PROCESS,
    },
  );
}

// ---- process: inside, with a full set of capabilities there, until it is confined ----

function joinCgroupNamespace(script: Script, init: Slot): void {
  script.call(
    'setns',
    [init, flagged(CLONE, 'CLONE_NEWCGROUP')],
    purpose(
      'join-cgroup-namespace',
      'join the last one, where the sandbox’s group is the root',
      '加入最后一个：在那里沙箱的组就是根',
    ),
  );
}

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
  setCapabilities(script, target.boundingCapabilities, target.facts);
  setSeccomp(script, target.seccomp, target.facts);
  const { uid = 0, gid = 0, groups = [] } = input.user ?? {};
  setIds(script, uid, gid, groups);
  script.call('umask', [octal(0o022)], purpose('umask', 'the usual umask', '通常的 umask'));
  script.call('chdir', [input.cwd ?? '/root'], purpose('cwd', 'where it starts', '起始目录'), {
    // A learner may have removed it; a shell in / is better than none.
    tolerate: input.cwd === undefined ? [ERRNO.ENOENT, ERRNO.ENOTDIR] : [],
  });
}

function placeStandardFiles(script: Script, standard: StandardFiles): void {
  const why = purpose(
    'standard-files',
    'standard input, output and error',
    '标准输入、标准输出和标准错误',
  );
  const nothing = standard.includes(null) ? script.builder.slot('nothing') : null;
  if (nothing !== null) {
    script.call('openat', [FDCWD, '/dev/null', flagged(O, 'O_RDWR', 'O_CLOEXEC')], why, {
      store: nothing,
    });
  }
  standard.forEach((slot, fd) => {
    const source = slot ?? nothing;
    if (source !== null) script.call('dup3', [source, fd, 0], why);
  });
}

/** A name without a slash is looked for along PATH, as execvp(3) does. */
function execute(script: Script, input: ExecInput): void {
  const [file = ''] = input.args;
  const env = { ...DEFAULT_ENV, ...input.env };
  script.call(
    'close_range',
    [3, shown(0xffff_ffff, '~0U'), flagged(CLOSE_RANGE, 'CLOSE_RANGE_CLOEXEC')],
    purpose(
      'close-fds',
      'let execve close everything but the standard files',
      '让 execve 关闭标准文件以外的一切',
    ),
  );
  const argv = pointers(input.args.map((arg) => cstring(arg)));
  const envp = stringArray(Object.entries(env).map(([name, value]) => `${name}=${value}`));
  const candidates = file.includes('/')
    ? [file]
    : (env['PATH'] ?? '')
        .split(':')
        .map((directory) => `${directory === '' ? '.' : directory}/${file}`);
  candidates.forEach((candidate, index) => {
    const isLast = index === candidates.length - 1;
    script.call(
      'execve',
      [candidate, argv, envp],
      purpose('execve', `become ${candidate}`, `变成 ${candidate}`),
      {
        display: `execve(${JSON.stringify(candidate)}, ${JSON.stringify(input.args)}, /* ${Object.keys(env).length} vars */)`,
        tolerate: isLast ? [] : [ERRNO.ENOENT, ERRNO.ENOTDIR, ERRNO.EACCES],
      },
    );
  });
}
