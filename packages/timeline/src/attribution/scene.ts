/**
 * A sandbox played by hand for tests of attribution: methods are what people and programs do, and
 * emit what the observer would. Not exported from the package's index.
 */
import type { EventBody, TimelineEvent } from '../events.js';
import { History } from '../history.js';
import {
  SANDBOX_NAMESPACES,
  sampleMount,
  sampleNamespace,
  sampleProcess,
  sampleStart,
} from '../sample.js';
import type { NamespaceKind, NsInode, ProcessState } from '../state.js';
import { attributionOf, type CommandDiff, commandDiff, type DiffObject } from './command-diff.js';
import { objectName } from './describe-diff.js';

export class Scene {
  readonly events: TimelineEvent[] = [];
  readonly history: History = new History({ segmentEvents: 16 });
  private readonly living = new Map<string, ProcessState>();
  private pid = 2000;
  private inode = 9000;
  private mountId = 100;

  constructor() {
    for (const body of sampleStart()) this.emit(body);
  }

  emit(body: EventBody, t: number = 1000 + this.events.length): void {
    const event: TimelineEvent = { ...body, seq: this.events.length + 1, t };
    this.events.push(event);
    this.history.append([event]);
  }

  /** A shell that joined from outside, on a terminal of its own. */
  shell(terminal: number): ProcessState {
    const hostPid = this.pid++;
    const process = sampleProcess(hostPid, { terminal, parent: null });
    this.living.set(process.key, process);
    this.emit({ type: 'process.fork', process });
    return process;
  }

  start(id: string, shell: ProcessState, at?: number): void {
    this.emit({
      ...{ type: 'command.start', id, terminal: `t${shell.terminal}`, line: id },
      ...{ process: shell.key, processGroup: null, ...(at !== undefined && { at }) },
    });
  }

  end(id: string, at?: number): void {
    this.emit({ type: 'command.end', id, exitCode: 0, ...(at !== undefined && { at }) });
  }

  /** fork; the child is its parent's copy until told otherwise. */
  fork(parent: ProcessState, special: Partial<ProcessState> = {}, actor?: string): ProcessState {
    const hostPid = this.pid++;
    const now = this.living.get(parent.key) ?? parent;
    const process: ProcessState = {
      ...now,
      ...{ key: `${hostPid}:${hostPid}`, hostPid, startTime: hostPid, parent: parent.key },
      ...{ pids: [hostPid, hostPid - 1000], bornAt: 1000 + this.events.length },
      ...special,
    };
    this.living.set(process.key, process);
    this.emit({ type: 'process.fork', process, ...(actor !== undefined && { actor }) });
    return process;
  }

  exec(process: ProcessState, ...args: string[]): void {
    const comm = args[0]!;
    this.living.set(process.key, { ...this.living.get(process.key)!, comm, args });
    this.emit({ type: 'process.exec', key: process.key, comm, args });
  }

  change(process: ProcessState, change: Partial<ProcessState>, actor?: ProcessState): void {
    this.living.set(process.key, { ...this.living.get(process.key)!, ...change });
    const by = actor === undefined ? {} : { actor: actor.key };
    this.emit({ type: 'process.change', key: process.key, change, ...by });
  }

  /** fork, setpgid, exec: one program of a job. @param group of the pipeline's first */
  run(shell: ProcessState, line: string, group?: ProcessState): ProcessState {
    const child = this.fork(shell);
    this.change(child, { processGroup: (group ?? child).hostPid });
    this.exec(child, ...line.split(' '));
    return child;
  }

  exit(process: ProcessState, killer?: ProcessState): void {
    this.living.delete(process.key);
    const by = killer === undefined ? {} : { actor: killer.key };
    this.emit({ type: 'process.exit', key: process.key, waitStatus: killer ? 9 : 0, ...by });
  }

  /** What the observer tells of a new namespace, before it tells of its first member. */
  namespace(kind: NamespaceKind): NsInode {
    const inode = this.inode++;
    const nests = kind === 'pid' || kind === 'user';
    const parent = nests ? SANDBOX_NAMESPACES[kind] : null;
    this.emit({ type: 'namespace.appear', namespace: sampleNamespace(kind, inode, { parent }) });
    return inode;
  }

  /** unshare(2) in a process. */
  unshare(process: ProcessState, kind: NamespaceKind): NsInode {
    const inode = this.namespace(kind);
    const { namespaces } = this.living.get(process.key)!;
    this.change(process, { namespaces: { ...namespaces, [kind]: inode } });
    return inode;
  }

  mount(
    mountNs: NsInode,
    mountPoint: string,
    actor?: ProcessState,
    special: Partial<ReturnType<typeof sampleMount>> = {},
  ): number {
    const mountId = this.mountId++;
    const mount = { ...sampleMount(mountId, mountPoint), ...special };
    const by = actor === undefined ? {} : { actor: actor.key };
    this.emit({ type: 'mount.attach', mountNs, mount, ...by });
    return mountId;
  }

  unmount(mountNs: NsInode, mountId: number, actor?: ProcessState): void {
    const by = actor === undefined ? {} : { actor: actor.key };
    this.emit({ type: 'mount.detach', mountNs, mountId, ...by });
  }

  vanish(inode: NsInode): void {
    this.emit({ type: 'namespace.vanish', inode });
  }

  diff(command: string): CommandDiff {
    const diff = commandDiff(this.history, command);
    if (diff === null) throw new Error(`no command ${command}`);
    return diff;
  }

  /** The four lists in short words: `+ sleep`, `- uts:[9000]`, `~ bash cgroup`, `* ls`. */
  brief(command: string): string[] {
    const diff = this.diff(command);
    return [
      ...diff.appeared.map((one) => `+ ${name(one)}`),
      ...diff.changed.map(
        ({ object, fields }) => `~ ${name(object)} ${fields.map(({ field }) => field).join(' ')}`,
      ),
      ...diff.vanished.map((one) => `- ${name(one)}`),
      ...diff.passed.map((one) => `* ${name(one)}`),
    ];
  }

  commands(): string[] {
    return attributionOf(this.history)
      .spans()
      .map(({ line, within }) => (within === null ? `${line}` : `${line} in ${within}`));
  }
}

function name(one: DiffObject): string {
  if (one.kind === 'process') return one.process.args.join(' ');
  if (one.kind === 'namespace') return `${one.namespace.kind}:[${one.namespace.inode}]`;
  if (one.kind === 'mount') return `${one.mount.mountPoint}${one.copied ? ' copy' : ''}`;
  return objectName(one);
}
