/**
 * The calls before anyone leaves the host: whatever is named by its paths and pids is taken by the
 * plan's first process; for a container in a sandbox that process then enters it. Host root.
 */
import type { RuntimeConfig } from '@terrarium/spec';
import { flagged, O, type PlanBuilder, type Slot } from '@terrarium/syscall';
import { setIds } from '../plan/confine.js';
import {
  confineLikeSandbox,
  type ExecTarget,
  joinCgroupNamespace,
  joinSandbox,
} from '../plan/join-sandbox.js';
import { FDCWD, purpose, Script } from '../plan/script.js';
import { NO_FILES, type StandardFiles, takeFd, takeStdio } from '../plan/standard-files.js';
import { type MapRequest, openMapRequest, serveMapRequest } from './maps-by-entry.js';
import { isNew } from './namespace-questions.js';
import { ENTRY, OUTSIDE } from './plan-context.js';
import type { ContainerPlanInput } from './plan-input.js';
import { moveUp, takePreserved } from './preserved-files.js';

/** What the first process holds for those it makes: fds that they inherit. */
export interface Taken {
  readonly standard: StandardFiles;
  readonly preserved: readonly Slot[];
  readonly startFifo: Slot | null;
  readonly resultFifo: Slot | null;
  readonly hooksFifo: Slot | null;
  readonly lock: Slot | null;
}

/** Written to the first process, still in the host's namespaces. */
export function takeFromHost(script: Script, input: ContainerPlanInput): Taken {
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
export function enterSandbox(
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
