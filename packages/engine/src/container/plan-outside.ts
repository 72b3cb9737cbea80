/**
 * The calls of `outside`: the runtime's side, root in the runtime's namespaces. Makes the cgroups,
 * opens what the container is to see, clones init, and does for it what only a parent may.
 */
import { dirname } from 'node:path';
import type { LinuxNamespace, RuntimeConfig } from '@terrarium/spec';
import {
  CLONE,
  CLONE_ARGS_BYTES,
  ERRNO,
  flagged,
  NAMESPACE_KINDS,
  O,
  PR,
  type Slot,
  shown,
} from '@terrarium/syscall';
import { translateResources } from '../cgroups/index.js';
import { KEYCTL_JOIN_SESSION_KEYRING } from '../kernel-constants.js';
import { type ContainerNetwork, connectContainer } from '../network/index.js';
import { makeCgroups, makeNestedParents, openV2Group } from '../plan/cgroup-calls.js';
import { cloneArgs } from '../plan/clone-args.js';
import { leaveHostKeyring } from '../plan/confine.js';
import { awaitWord, openReleasePipe, release } from '../plan/handshake.js';
import { writeIdMaps } from '../plan/identity.js';
import { openHostProc, openPrivateProc } from '../plan/private-proc.js';
import { FDCWD, purpose, type Script } from '../plan/script.js';
import { askForMaps, type MapRequest } from './maps-by-entry.js';
import { isNew, kindOf } from './namespace-questions.js';
import { type Context, INIT } from './plan-context.js';
import type { Taken } from './plan-entry.js';
import { type ContainerPlanInput, groupOf } from './plan-input.js';
import { mapSources, openSources } from './rootfs.js';

/** Everything that outside does, in order. @returns what init goes on with */
export function writeOutside(
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
