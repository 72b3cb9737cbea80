/**
 * The calls of `init`: in the container's namespaces. Mounts, changes its root, gives up its
 * powers, waits for `start`, becomes the program.
 */
import type { RuntimeConfig } from '@terrarium/spec';
import { CLONE, ERRNO, flagged, MS, PR, type Slot, scratch } from '@terrarium/syscall';
import { configureContainer } from '../network/index.js';
import { joinV1Cgroups } from '../plan/cgroup-calls.js';
import { changeRoot, enterRootPurpose, moveRoot, pivotRoot } from '../plan/change-root.js';
import { type ConsoleRegisters, makeConsole, takeConsole } from '../plan/console.js';
import { DEFAULT_PATH, execute } from '../plan/execute.js';
import { awaitRelease, awaitWord } from '../plan/handshake.js';
import { raiseLoopback, setDomainname, setHostname } from '../plan/identity.js';
import { becomeProcess, sealProcess, setPersonality } from '../plan/process-calls.js';
import { purpose, type Script } from '../plan/script.js';
import { placeStandardFiles } from '../plan/standard-files.js';
import { has, isNew } from './namespace-questions.js';
import type { Context } from './plan-context.js';
import { groupOf } from './plan-input.js';
import { placePreserved } from './preserved-files.js';
import { attachRoot, fillRoot, sealRoot, sourcePropagation } from './rootfs.js';

/** Everything that init does, in order, up to execve. */
export function writeInit(script: Script, context: Context): void {
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
