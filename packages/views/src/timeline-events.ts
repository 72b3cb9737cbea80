/** Which lane an event belongs to, and its words: what the scrubber draws and says. */
import type { NamespaceKind, NsInode, ProcessKey, State, TimelineEvent } from '@terrarium/timeline';
import { namespaceName } from './kinds.js';
import { type Lang, strings } from './strings.js';

/** From top to bottom; commands are spans, the others ticks. */
export const TICK_LANES = [
  'command',
  'process',
  'namespace',
  'mount',
  'cgroup',
  'layer',
  'network',
  'check',
] as const;
export type Lane = (typeof TICK_LANES)[number];

/** Its lane; null for what the track does not show: counters, which come all the time. */
export function laneOf(event: TimelineEvent): Lane | null {
  const [subject, verb] = event.type.split('.');
  if (verb === 'sample' || verb === 'copying') return null;
  switch (subject) {
    case 'process':
    case 'namespace':
    case 'mount':
    case 'cgroup':
    case 'network':
    case 'check':
      return subject;
    case 'overlay':
      return 'layer';
    case 'sandbox':
      return 'process';
    default:
      return null;
  }
}

/** The kind of the namespace that an event is about: from the state, or from its appearance. */
export function kindOf(
  event: TimelineEvent,
  events: readonly TimelineEvent[],
  state: State | undefined,
): NamespaceKind | null {
  if (event.type === 'namespace.appear') return event.namespace.kind;
  if (event.type !== 'namespace.change' && event.type !== 'namespace.vanish') return null;
  const known = state?.namespaces[event.inode];
  if (known !== undefined) return known.kind;
  for (let i = events.length - 1; i >= 0; i--) {
    const other = events[i]!;
    if (other.type === 'namespace.appear' && other.namespace.inode === event.inode)
      return other.namespace.kind;
  }
  return null;
}

/** One event in words: `fork: sh 4715`. Pids are the host's, as on the timeline. */
export function describeEvent(
  event: TimelineEvent,
  events: readonly TimelineEvent[],
  state: State | undefined,
  lang: Lang,
): string {
  const words = strings(lang);
  const who = (key: ProcessKey) => processName(key, event.seq, events, state);
  const which = (inode: NsInode) => {
    const kind = kindOf(event, events, state);
    return kind === null ? `[${inode}]` : namespaceName(kind, inode);
  };
  switch (event.type) {
    case 'sandbox.start':
      return words.sandboxStarted;
    case 'sandbox.end':
      return words.sandboxEnded;
    case 'process.fork':
      return words.eventFork(`${event.process.comm} ${event.process.pids.join(' → ')}`);
    case 'process.exec':
      return words.eventExec(event.args.length > 0 ? event.args.join(' ') : event.comm);
    case 'process.change':
      return words.eventChange(`${who(event.key)} ${Object.keys(event.change).join(', ')}`);
    case 'process.exit':
      return words.eventExit(who(event.key));
    case 'namespace.appear':
      return words.newNamespace(which(event.namespace.inode), 1);
    case 'namespace.change':
      return words.eventChange(which(event.inode));
    case 'namespace.vanish':
      return words.goneNamespace(which(event.inode), 1);
    case 'mount.attach':
      return words.mounted(`${event.mount.mountPoint} (${event.mount.fsType})`);
    case 'mount.change':
      return words.eventChange(event.mount.mountPoint);
    case 'mount.detach':
      return words.unmounted(mountPoint(event.mountNs, event.mountId, event.seq, events, state));
    case 'mount.forget':
      return words.goneNamespace(namespaceName('mnt', event.mountNs), 1);
    case 'terminal.open':
      return words.eventTerminal(event.pts);
    case 'terminal.close':
      return event.terminal;
    case 'command.start':
      return `$ ${event.line ?? event.id}`;
    case 'command.end':
      return `$ ${commandLine(event.id, events, state)} → ${event.exitCode ?? '?'}`;
    case 'check':
      return words.eventCheck(event.step, event.passed);
    case 'cgroup.appear':
      return words.eventAppear(`cgroup ${event.cgroup.key}`);
    case 'cgroup.change':
      return words.eventChange(`cgroup ${event.key} ${Object.keys(event.files).join(', ')}`);
    case 'cgroup.vanish':
      return words.eventVanish(`cgroup ${event.key}`);
    case 'cgroup.oom':
      return words.eventOom(event.comm ?? '?', event.key);
    case 'overlay.appear':
      return words.eventAppear(`overlay ${event.overlay.key}`);
    case 'overlay.change':
      return words.eventChange(Object.keys(event.entries).join(', '));
    case 'overlay.vanish':
      return words.eventVanish(`overlay ${event.key}`);
    case 'network.appear':
      return words.eventAppear(namespaceName('net', event.network.netNs));
    case 'network.change':
      return words.eventChange(namespaceName('net', event.netNs));
    case 'network.vanish':
      return words.eventVanish(namespaceName('net', event.netNs));
    case 'syscall':
      return `${event.call.name}(${event.call.args.join(', ')}) = ${event.call.errno ?? event.call.result ?? '?'}`;
    case 'syscall.tracing':
      return words.eventTracing(event.on);
    case 'process.sample':
    case 'cgroup.sample':
    case 'network.sample':
    case 'overlay.copying':
      return ''; // counters: the strip does not show them
  }
}

function commandLine(
  id: string,
  events: readonly TimelineEvent[],
  state: State | undefined,
): string {
  for (const event of events)
    if (event.type === 'command.start' && event.id === id) return event.line ?? id;
  return state?.commands?.[id]?.line ?? id;
}

/** Its name at that moment: from the last fork or exec before it, else from the state. */
function processName(
  key: ProcessKey,
  seq: number,
  events: readonly TimelineEvent[],
  state: State | undefined,
): string {
  const hostPid = key.split(':')[0];
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i]!;
    if (event.seq > seq) continue;
    if (event.type === 'process.exec' && event.key === key) return `${event.comm} ${hostPid}`;
    if (event.type === 'process.fork' && event.process.key === key)
      return `${event.process.comm} ${hostPid}`;
  }
  const known = state?.processes[key];
  return known === undefined ? `${hostPid}` : `${known.comm} ${hostPid}`;
}

function mountPoint(
  mountNs: NsInode,
  mountId: number,
  seq: number,
  events: readonly TimelineEvent[],
  state: State | undefined,
): string {
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i]!;
    if (event.seq > seq || (event.type !== 'mount.attach' && event.type !== 'mount.change'))
      continue;
    if (event.mountNs === mountNs && event.mount.mountId === mountId) return event.mount.mountPoint;
  }
  return state?.mounts[mountNs]?.[mountId]?.mountPoint ?? `${mountId}`;
}
