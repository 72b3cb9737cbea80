/** What a container's plan is made from, and the facts of the place where it is made. */
import type { RuntimeConfig } from '@terrarium/spec';
import { insideLayout } from '../cgroups/index.js';
import type { HostFacts } from '../host-facts.js';
import type { ContainerNetwork } from '../network/index.js';
import type { ExecTarget } from '../plan/join-sandbox.js';
import type { ForeignFd, Stdio } from '../plan/standard-files.js';

/** What the plan is made from. */
export interface ContainerPlanInput {
  readonly id: string;
  readonly config: RuntimeConfig;
  /** absolute directory that relative paths of the config start from */
  readonly bundle: string;
  /** of the runtime's side: the host, or the sandbox (see sandboxFacts) */
  readonly facts: HostFacts;
  /** make it inside this sandbox; paths of the config are the sandbox's then */
  readonly sandbox?: ExecTarget;
  /**
   * A FIFO of the host: init detaches from the run and waits at it, so that whoever finds the FIFO
   * may start the container later. Without it, init goes on to execve at once.
   */
  readonly startFifo?: string;
  /**
   * With startFifo: a FIFO of the host where init says what became of it after the start: nothing
   * when it is the program (end of file), else LastWords of @terrarium/syscall.
   */
  readonly resultFifo?: string;
  /**
   * A FIFO of the host at which two processes wait for one byte each while hooks run: outside
   * before it releases init (createRuntime), init before it changes its root (createContainer).
   */
  readonly hooksFifo?: string;
  /**
   * An open file that carries the lifecycle's flock(2): whoever still works on the container holds
   * it too, so that it stays locked when the process that drives the plan is killed.
   */
  readonly lock?: ForeignFd;
  /** without a terminal; all three are /dev/null by default */
  readonly stdio?: Stdio;
  /** become fds 3, 4, … of the program */
  readonly preserveFds?: readonly ForeignFd[];
  /** whether a bind's source is a file: it decides what is made at the destination; by default a directory */
  readonly sourceKind?: (source: string) => 'file' | 'directory';
  /** connects the container's own network namespace to a bridge of the runtime's */
  readonly network?: ContainerNetwork;
  /** use MS_MOVE and chroot: where the runtime's root is an initramfs */
  readonly noPivot?: boolean;
}

/** The group below each hierarchy's mount point. */
export function groupOf({ id, config, sandbox }: ContainerPlanInput): string {
  const given = config.linux?.cgroupsPath;
  if (given !== undefined && given !== '') return given.startsWith('/') ? given : `/${given}`;
  return sandbox === undefined ? `/terrarium-containers/${id}` : `/${id}`;
}

/**
 * The facts of a place inside a sandbox: the same kernel, and the hierarchies as mounted there,
 * rooted at the sandbox's own group.
 */
export function sandboxFacts({ facts }: ExecTarget): HostFacts {
  return { ...facts, cgroups: insideLayout(facts.cgroups) };
}
