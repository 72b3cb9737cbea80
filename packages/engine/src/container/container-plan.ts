/**
 * The plan of a container: an OCI config and the host's facts → every system call that makes it.
 * Pure: the same input gives the same plan, so tests assert it without a kernel, the stepper shows
 * it, and a broken step can be put in on purpose.
 *
 * Up to three processes:
 *   entry    only for a container inside a sandbox: forked by the player, host root; joins the
 *            sandbox and makes outside there, confined as everything in the sandbox is.
 *   outside  the runtime's side: root in the runtime's namespaces (forked by the player, or made by
 *            entry). Makes the cgroups, opens what the container is to see of the runtime's files,
 *            clones init, writes its id maps.
 *   init     in the container's namespaces. Mounts, changes its root, gives up its powers, waits
 *            for `start`, becomes the program.
 *
 *   (entry ── setns, clone3 ──▶) outside ── clone3 ──▶ init
 *                                   │ id maps, hooks      │ joins its cgroups
 *                                   │ ── release pipe ──▶ │
 *                                   ▼ exits               ▼ mounts, pivot_root, masks, capabilities,
 *                                                           detach, read(start.fifo), execve
 *
 * init is a child of the player (CLONE_PARENT), so the player hears of its end.
 */
import { dirname } from 'node:path';
import type { LinuxNamespace, RuntimeConfig } from '@terrarium/spec';
import {
  CLONE,
  CLONE_ARGS_BYTES,
  ERRNO,
  flagged,
  MS,
  NAMESPACE_KINDS,
  O,
  type Plan,
  PlanBuilder,
  PR,
  type Slot,
  scratch,
  shown,
} from '@terrarium/syscall';
import { translateResources } from '../cgroups/index.js';
import { KEYCTL_JOIN_SESSION_KEYRING } from '../kernel-constants.js';
import { type ContainerNetwork, configureContainer, connectContainer } from '../network/index.js';
import {
  joinV1Cgroups,
  makeCgroups,
  makeNestedParents,
  openV2Group,
} from '../plan/cgroup-calls.js';
import { changeRoot, enterRootPurpose, moveRoot, pivotRoot } from '../plan/change-root.js';
import { cloneArgs } from '../plan/clone-args.js';
import { leaveHostKeyring, setIds } from '../plan/confine.js';
import { type ConsoleRegisters, makeConsole, takeConsole } from '../plan/console.js';
import { DEFAULT_PATH, execute } from '../plan/execute.js';
import {
  awaitRelease,
  awaitWord,
  openReleasePipe,
  type ReleasePipe,
  release,
} from '../plan/handshake.js';
import { raiseLoopback, setDomainname, setHostname, writeIdMaps } from '../plan/identity.js';
import {
  confineLikeSandbox,
  type ExecTarget,
  joinCgroupNamespace,
  joinSandbox,
} from '../plan/join-sandbox.js';
import { openHostProc, openPrivateProc } from '../plan/private-proc.js';
import { becomeProcess, sealProcess, setPersonality } from '../plan/process-calls.js';
import { FDCWD, purpose, Script } from '../plan/script.js';
import {
  NO_FILES,
  placeStandardFiles,
  type StandardFiles,
  takeFd,
  takeStdio,
} from '../plan/standard-files.js';
import { askForMaps, type MapRequest, openMapRequest, serveMapRequest } from './maps-by-entry.js';
import { type ContainerPlanInput, groupOf } from './plan-input.js';
import { moveUp, placePreserved, takePreserved } from './preserved-files.js';
import {
  attachRoot,
  fillRoot,
  mapSources,
  openSources,
  type Sources,
  sealRoot,
  sourcePropagation,
} from './rootfs.js';
import { assertSupported } from './supported.js';

/** A plan, and where in it the lifecycle finds what it must know. */
export interface ContainerPlan {
  readonly plan: Plan;
  /** the process that becomes the program: `result.hostPids[init]` */
  readonly init: 'init';
  /** of init: index of the open of ptmx, whose result is the console master's fd; null without terminal */
  readonly consoleIndex: number | null;
  /** of outside: index of the read of the hooks FIFO; null without one */
  readonly hooksIndex: number | null;
  /** of init: index of its read of the hooks FIFO; null without one */
  readonly containerHooksIndex: number | null;
}

/** What both processes know. */
interface Context {
  readonly input: ContainerPlanInput;
  readonly namespaces: readonly LinuxNamespace[];
  readonly pipe: ReleasePipe;
  readonly sources: Sources;
  readonly standard: StandardFiles;
  readonly preserved: readonly Slot[];
  readonly startFifo: Slot | null;
  readonly resultFifo: Slot | null;
  readonly hooksFifo: Slot | null;
  readonly lock: Slot | null;
  readonly cgroupNamespace: Slot | null;
}

/** Process names of the plan. */
const ENTRY = 'entry';
const OUTSIDE = 'outside';
const INIT = 'init';

/**
 * Makes the plan.
 *
 * @throws ConfigError naming each field that is not supported
 */
export function containerPlan(input: ContainerPlanInput): ContainerPlan {
  assertSupported(input.config, input.sandbox !== undefined);
  const where = input.sandbox === undefined ? '' : ` in sandbox ${input.sandbox.id}`;
  const first = input.sandbox === undefined ? OUTSIDE : ENTRY;
  const builder = new PlanBuilder(`container ${input.id}${where}`, first);
  const taken = takeFromHost(new Script(builder, first, builder.slot('entryFd')), input);
  const request =
    input.sandbox === undefined ? null : enterSandbox(builder, input.sandbox, input.config);
  const outside = new Script(builder, OUTSIDE, builder.slot('fd'));
  const init = new Script(builder, INIT, builder.slot('initFd'));
  const context = writeOutside(outside, input, taken, request);
  writeInit(init, context);
  const plan = builder.build();
  return {
    plan,
    init: INIT,
    consoleIndex: indexOf(plan, INIT, 'console-master'),
    hooksIndex: indexOf(plan, OUTSIDE, 'await-hooks'),
    containerHooksIndex: indexOf(plan, INIT, 'await-container-hooks'),
  };
}

/** Index of the first call with that purpose in a process's list. */
function indexOf(plan: Plan, process: string, purposeId: string): number | null {
  const index = (plan.processes[process] ?? []).findIndex(
    ({ purpose: { id } }) => id === purposeId,
  );
  return index === -1 ? null : index;
}

// ---- whatever is named by paths and pids of the host: before anyone leaves it ----

interface Taken {
  readonly standard: StandardFiles;
  readonly preserved: readonly Slot[];
  readonly startFifo: Slot | null;
  readonly resultFifo: Slot | null;
  readonly hooksFifo: Slot | null;
  readonly lock: Slot | null;
}

function takeFromHost(script: Script, input: ContainerPlanInput): Taken {
  return {
    lock: input.lock === undefined ? null : takeFd(script, input.lock, 'lock'),
    standard: input.config.process?.terminal === true ? NO_FILES : takeStdio(script, input.stdio),
    preserved: takePreserved(script, input.preserveFds ?? []),
    startFifo: input.startFifo === undefined ? null : openFifo(script, input.startFifo, 'start'),
    resultFifo:
      input.resultFifo === undefined
        ? null
        : openResultFifo(script, input.resultFifo, 3 + (input.preserveFds?.length ?? 0)),
    hooksFifo: input.hooksFifo === undefined ? null : openFifo(script, input.hooksFifo, 'hooks'),
  };
}

const NOT_WAITING = ['O_NONBLOCK'] as const;

/** For reading and writing: the open does not wait, and the death of a writer does not end the read. */
function openFifo(script: Script, fifo: string, name: 'start' | 'hooks'): Slot {
  const slot = script.builder.slot(`${name}Fifo`);
  script.call(
    'openat',
    // At the hooks' one there is another thing to wait for: see awaitWord.
    [FDCWD, fifo, flagged(O, 'O_RDWR', ...(name === 'hooks' ? NOT_WAITING : []), 'O_CLOEXEC')],
    purpose(
      `open-${name}-fifo`,
      `open the FIFO by which the lifecycle says that ${name === 'start' ? 'the program may start' : 'hooks have run'}`,
      name === 'start'
        ? '打开 FIFO：生命周期由它告知程序可以启动'
        : '打开 FIFO：生命周期由它告知钩子已运行',
    ),
    { store: slot },
  );
  return slot;
}

/**
 * Not for writing alone, which would wait for a reader.
 *
 * @param lowest where preserved files end: the fd is in use until execve
 */
function openResultFifo(script: Script, fifo: string, lowest: number): Slot {
  const why = purpose(
    'open-result-fifo',
    'open the FIFO by which start hears whether the program could be executed',
    '打开 FIFO：start 由它得知程序能否执行',
  );
  const low = script.builder.slot('resultFifo');
  script.call('openat', [FDCWD, fifo, flagged(O, 'O_RDWR', 'O_CLOEXEC')], why, { store: low });
  const high = moveUp(script, low, lowest, why);
  script.call('close', [low], why);
  return high;
}

/** @returns how outside has the id maps written; null where there are none to write */
function enterSandbox(
  builder: PlanBuilder,
  target: ExecTarget,
  { linux }: RuntimeConfig,
): MapRequest | null {
  const entry = new Script(builder, ENTRY, builder.slot('joinFd'));
  const request = isNew(linux?.namespaces ?? [], 'user') ? openMapRequest(entry) : null;
  const init = joinSandbox(entry, target, OUTSIDE);
  if (request !== null)
    serveMapRequest(entry, request, linux?.uidMappings ?? [], linux?.gidMappings ?? []);
  const outside = new Script(builder, OUTSIDE, builder.slot('confineFd'));
  joinCgroupNamespace(outside, init);
  confineLikeSandbox(outside, target);
  setIds(outside, 0, 0, []); // root of the sandbox: as yet it is the host's, which is nobody in here
  return request;
}

// ---- outside: the runtime's side ----

function writeOutside(
  script: Script,
  input: ContainerPlanInput,
  taken: Taken,
  request: MapRequest | null,
): Context {
  const { config, facts } = input;
  const linux = config.linux ?? {};
  const namespaces = linux.namespaces ?? [];
  leaveHostKeyring(script, KEYCTL_JOIN_SESSION_KEYRING, [ERRNO.ENOSYS, ERRNO.EDQUOT, ERRNO.EPERM]);
  script.call('umask', [0], modesPurpose);
  setOomScore(script, config.process?.oomScoreAdj);
  if (input.sandbox !== undefined && dirname(groupOf(input)) !== '/') {
    // On the host the daemon makes them beforehand.
    const { controllers } = translateResources(facts.cgroups, linux.resources ?? {});
    makeNestedParents(script, facts.cgroups, groupOf(input), controllers);
  }
  makeCgroups(script, facts.cgroups, groupOf(input), linux.resources ?? {}, null, {
    whose: { en: `container ${input.id}`, zh: `容器 ${input.id}` },
    // Device rules take the machine's root; inside a sandbox, the sandbox's own rules hold.
    defaultDevices: input.sandbox === undefined,
    nodes: linux.devices ?? [],
  });
  const group = openV2Group(script, facts.cgroups, groupOf(input));
  const sources = openSources(script, input);
  const pipe = openReleasePipe(script);
  const cgroupNamespace = joinNamespaces(script, namespaces);
  setTimeOffsets(script, linux.timeOffsets, namespaces);
  script.call(
    'prctl',
    [flagged(PR, 'PR_SET_DUMPABLE'), 0, 0, 0, 0],
    purpose(
      'not-dumpable',
      'let nobody inside ptrace init before it has given up its powers',
      '在 init 放弃特权之前，不让里面的任何进程 ptrace 它',
    ),
  );
  const init = cloneInit(script, namespaces, linux.timeOffsets !== undefined, group);
  if (request !== null) askForMaps(script, request, init);
  else if (isNew(namespaces, 'user'))
    writeIdMaps(script, init, linux.uidMappings ?? [], linux.gidMappings ?? []);
  mapSources(script, input, sources, init);
  if (input.network !== undefined) connect(script, input, input.network, init);
  if (taken.hooksFifo !== null) awaitHooks(script, taken.hooksFifo);
  release(script, pipe);
  return { input, namespaces, pipe, sources, cgroupNamespace, ...taken };
}

const modesPurpose = purpose(
  'umask-zero',
  'give files exactly the modes that the config says',
  '让文件的权限位与配置完全一致',
);

function setOomScore(script: Script, score: number | undefined): void {
  if (score === undefined) return;
  script.writeFile(
    '/proc/self/oom_score_adj',
    String(score),
    purpose(
      'oom-score',
      'how early the kernel kills it when memory runs out; children inherit it',
      '内存不足时内核多早杀它；子进程会继承',
    ),
  );
}

/** Existing namespaces, by path. The user namespace last: with it go the powers over the others. */
function joinNamespaces(script: Script, namespaces: readonly LinuxNamespace[]): Slot | null {
  let cgroup: Slot | null = null;
  const joined = namespaces.filter(({ path: file }) => file !== undefined);
  const ordered = [
    ...joined.filter(({ type }) => type !== 'user'),
    ...joined.filter(({ type }) => type === 'user'),
  ];
  const opened = ordered.map(({ type, path: file = '' }) => {
    const slot = script.builder.slot(`${type}Ns`);
    script.call(
      'openat',
      [FDCWD, file, flagged(O, 'O_RDONLY', 'O_CLOEXEC')],
      purpose(
        'open-namespace',
        `open the ${type} namespace to join`,
        `打开要加入的 ${type} 命名空间`,
      ),
      { store: slot },
    );
    return { type, slot };
  });
  for (const { type, slot } of opened) {
    if (type === 'cgroup') {
      cgroup = slot; // init joins it: only once it is in its groups
      continue;
    }
    const kind = kindOf(type);
    script.call(
      'setns',
      [slot, shown(kind.flag, kind.flagName)],
      purpose('join-namespace', `join the ${type} namespace`, `加入 ${type} 命名空间`),
    );
  }
  return cgroup;
}

/** Offsets can be written only while nobody is in the namespace: so it is made by unshare(2). */
function setTimeOffsets(
  script: Script,
  offsets: NonNullable<RuntimeConfig['linux']>['timeOffsets'],
  namespaces: readonly LinuxNamespace[],
): void {
  if (offsets === undefined || !isNew(namespaces, 'time')) return;
  const why = purpose(
    'time-offsets',
    'set the clocks of the new time namespace before its first process',
    '在首个进程进入之前，设定新时间命名空间的时钟偏移',
  );
  script.call('unshare', [flagged(CLONE, 'CLONE_NEWTIME')], why);
  const rows = Object.entries(offsets).map(
    ([clock, { secs = 0, nanosecs = 0 } = {}]) => `${clock} ${secs} ${nanosecs}\n`,
  );
  script.writeFile('/proc/self/timens_offsets', rows.join(''), why);
}

/**
 * All new namespaces at once, but the cgroup one: it would be rooted at the group of outside, so
 * init makes it when it is in its own.
 */
function cloneInit(
  script: Script,
  namespaces: readonly LinuxNamespace[],
  timeIsMade: boolean,
  group: Slot | null,
): Slot {
  const kinds = NAMESPACE_KINDS.filter(
    ({ oci }) => isNew(namespaces, oci) && oci !== 'cgroup' && !(oci === 'time' && timeIsMade),
  );
  const names = ['CLONE_PARENT', ...kinds.map(({ flagName }) => flagName)];
  let bits = BigInt(CLONE.CLONE_PARENT);
  for (const { flag } of kinds) bits |= BigInt(flag);
  if (group !== null) {
    bits |= BigInt(CLONE.CLONE_INTO_CGROUP);
    names.push('CLONE_INTO_CGROUP');
  }
  const init = script.builder.slot('init');
  const groupField = group === null ? '' : ', cgroup=<group>';
  script.call(
    'clone3',
    [cloneArgs(bits, { group }), CLONE_ARGS_BYTES],
    purpose(
      'clone-init',
      'make the container’s first process: the namespaces are flags of an ordinary clone',
      '创建容器的第一个进程：命名空间只是一次普通 clone 的标志',
    ),
    {
      display: `clone3({flags=${names.join('|')}${groupField}}, ${CLONE_ARGS_BYTES})`,
      child: INIT,
      store: init,
    },
  );
  return init;
}

/** In a sandbox /proc is what the learner made of it. */
function connect(
  script: Script,
  { id, sandbox }: ContainerPlanInput,
  network: ContainerNetwork,
  init: Slot,
): void {
  const proc = sandbox === undefined ? openHostProc(script) : openPrivateProc(script);
  connectContainer(script, id, network, init, proc);
  script.call('close', [proc], purpose('close-proc', 'no longer needed', '不再需要'));
}

/** Written to outside. */
function awaitHooks(script: Script, fifo: Slot): void {
  awaitWord(
    script,
    fifo,
    purpose(
      'await-hooks',
      'wait while the hooks of this moment run: namespaces exist, the root is not changed yet',
      '等待此刻的钩子运行完：命名空间已存在，根尚未切换',
    ),
  );
}

// ---- init: in the container's namespaces ----

function writeInit(script: Script, context: Context): void {
  const { input, namespaces, pipe } = context;
  const { config, facts } = input;
  const linux = config.linux ?? {};
  joinV1Cgroups(script, facts.cgroups, groupOf(input));
  enterCgroupNamespace(script, context);
  awaitRelease(script, pipe);
  if (has(namespaces, 'user')) becomeRootInside(script);
  if (config.hostname !== undefined && config.hostname !== '') setHostname(script, config.hostname);
  if (config.domainname !== undefined && config.domainname !== '')
    setDomainname(script, config.domainname);
  if (input.network !== undefined) configureContainer(script, input.network);
  else if (isNew(namespaces, 'network')) raiseLoopback(script);
  const root = prepareRoot(script, context);
  writeSysctls(script, linux.sysctl ?? {});
  if (context.hooksFifo !== null) awaitContainerHooks(script, context.hooksFifo);
  enterRoot(script, context, root);
  const console = config.process?.terminal === true ? makeConsole(script, config.process) : null;
  sealRoot(script, config);
  becomeProgram(script, context, console);
}

function enterCgroupNamespace(script: Script, { namespaces, cgroupNamespace }: Context): void {
  const why = purpose(
    'cgroup-namespace',
    'take a cgroup namespace: the group it is in now is its root',
    '进入新的 cgroup 命名空间：此刻所在的组就是它的根',
  );
  if (cgroupNamespace !== null)
    script.call('setns', [cgroupNamespace, flagged(CLONE, 'CLONE_NEWCGROUP')], why);
  else if (isNew(namespaces, 'cgroup'))
    script.call('unshare', [flagged(CLONE, 'CLONE_NEWCGROUP')], why);
}

/** Mapped by now: id 0 of the new user namespace owns what is made from here on. */
function becomeRootInside(script: Script): void {
  const why = purpose(
    'become-root-inside',
    'be root of the new user namespace, so that what is mounted belongs to it',
    '成为新用户命名空间里的 root，使挂载的东西归它所有',
  );
  script.call('setgroups', [0, 0], why, { tolerate: [ERRNO.EPERM] });
  script.call('setresgid', [0, 0, 0], why);
  script.call('setresuid', [0, 0, 0], why);
  // Changing ids made us visible to the others of the namespace again.
  script.call('prctl', [flagged(PR, 'PR_SET_DUMPABLE'), 0, 0, 0, 0], why);
}

/** @returns the register with an O_PATH fd of the new root */
function prepareRoot(script: Script, context: Context): Slot {
  const { input, namespaces, sources } = context;
  if (has(namespaces, 'mount')) {
    cutPropagation(script, input.config);
    const at = attachRoot(script, input, sources);
    fillRoot(at, input, sources);
    return at.root;
  }
  return sources.root; // chroot: a detached mount will do as a directory
}

/** Nothing mounted here may travel to the runtime's namespace, whatever that shares. */
function cutPropagation(script: Script, config: RuntimeConfig): void {
  const flags = flagged(MS, 'MS_REC', sourcePropagation(config));
  script.call(
    'mount',
    [0, '/', 0, flags, 0],
    purpose(
      'private-mounts',
      'cut propagation, so that nothing mounted here travels to the host',
      '切断挂载传播，使这里的挂载不会传回宿主机',
    ),
    { display: `mount(NULL, "/", NULL, ${flags.display}, NULL)` },
  );
}

/** Through the runtime's own /proc, which the container cannot have replaced (CVE-2025-52881). */
function writeSysctls(script: Script, sysctls: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(sysctls)) {
    script.writeFile(
      `/proc/sys/${key.includes('/') ? key : key.replaceAll('.', '/')}`,
      value,
      purpose(
        'sysctl',
        `${key} = ${value}, in the container's own namespaces only`,
        `${key} = ${value}，只作用于容器自己的命名空间`,
      ),
    );
  }
}

function awaitContainerHooks(script: Script, fifo: Slot): void {
  const why = purpose(
    'await-container-hooks',
    'wait while hooks run in these namespaces: all is mounted, the root is still the runtime’s',
    '等待钩子在这些命名空间中运行完：一切已挂载，根仍是运行时的根',
  );
  awaitWord(script, fifo, why);
  script.call('close', [fifo], why);
}

function enterRoot(script: Script, { namespaces, input }: Context, root: Slot): void {
  script.call('fchdir', [root], enterRootPurpose);
  script.call('close', [root], enterRootPurpose);
  if (!has(namespaces, 'mount')) changeRoot(script);
  else if (input.noPivot === true) moveRoot(script);
  else pivotRoot(script);
}

function becomeProgram(script: Script, context: Context, console: ConsoleRegisters | null): void {
  const { input, standard, preserved, startFifo, resultFifo, lock } = context;
  const { config, facts } = input;
  const { process, linux } = config;
  script.call('setsid', [], purpose('session', 'lead a session of its own', '成为新会话的首进程'));
  if (console === null) placeStandardFiles(script, standard);
  else takeConsole(script, console);
  if (process === undefined) throw new Error('config without process');
  if (linux?.personality !== undefined) setPersonality(script, linux.personality.domain);
  const confinement = {
    facts,
    ...(linux?.seccomp === undefined ? {} : { seccomp: linux.seccomp }),
  };
  becomeProcess(script, process, confinement);
  if (lock !== null) letGoOfLock(script, lock);
  if (startFifo !== null) awaitStart(script, startFifo, resultFifo);
  sealProcess(script, process, confinement);
  execute(
    script,
    process.args ?? [],
    withPath(process.env ?? []),
    placePreserved(script, preserved),
  );
}

function letGoOfLock(script: Script, lock: Slot): void {
  const why = purpose(
    'unlock',
    'let go of the container’s lock: nothing of create is under way any more',
    '放开容器的锁：创建工作已全部完成',
  );
  script.call('close', [lock], why);
}

/** The run ends here for whoever created the container; `start` may be said by another process. */
function awaitStart(script: Script, fifo: Slot, result: Slot | null): void {
  script.builder.detach(
    script.process,
    purpose(
      'created',
      'the container is created: let go of the runtime and wait',
      '容器已创建：脱离运行时，等待启动',
    ),
    result ?? undefined,
  );
  const why = purpose(
    'await-start',
    'wait for start: one byte in the FIFO',
    '等待 start：FIFO 中的一个字节',
  );
  script.call('read', [fifo, scratch(1), 1], why, { atLeast: 1 });
  script.call('close', [fifo], why);
}

function withPath(env: readonly string[]): readonly string[] {
  return env.some((entry) => entry.startsWith('PATH=')) ? env : [...env, `PATH=${DEFAULT_PATH}`];
}

// ---- small questions to the config ----

function has(namespaces: readonly LinuxNamespace[], type: string): boolean {
  return namespaces.some((one) => one.type === type);
}

function isNew(namespaces: readonly LinuxNamespace[], type: string): boolean {
  return namespaces.some((one) => one.type === type && one.path === undefined);
}

function kindOf(type: string): (typeof NAMESPACE_KINDS)[number] {
  const kind = NAMESPACE_KINDS.find(({ oci }) => oci === type);
  if (kind === undefined) throw new Error(`unknown namespace type ${type}`);
  return kind;
}
