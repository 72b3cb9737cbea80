/**
 * Subjects: what a sentence of a lesson, a command, a row of a view or a system call is *about*, as
 * a short text, so that pointing at one lights up all others that are about the same.
 */
import type { TimelineEvent } from './events.js';
import type { CgroupKey, NsInode, ProcessKey } from './state.js';

/** `process:4711:88`, `namespace:4026532801`, `mount:4026532801:37` … See `subject`. */
export type Subject = string;

/** Makers of subjects, one per kind of thing. */
export const subject = {
  process: (key: ProcessKey): Subject => `process:${key}`,
  namespace: (inode: NsInode): Subject => `namespace:${inode}`,
  mount: (mountNs: NsInode, mountId: number): Subject => `mount:${mountNs}:${mountId}`,
  cgroup: (key: CgroupKey): Subject => `cgroup:${key}`,
  /** a path in an overlay, whatever layer it is in; without a path the overlay itself */
  overlay: (key: string, path = ''): Subject => `overlay:${key}:${path}`,
  /** one layer of it, by its index: the uppermost is 0 */
  layer: (key: string, index: number): Subject => `layer:${key}:${index}`,
  network: (netNs: NsInode): Subject => `namespace:${netNs}`,
  link: (netNs: NsInode, index: number): Subject => `link:${netNs}:${index}`,
  command: (id: string): Subject => `command:${id}`,
  /** a system call, by the number of its event */
  call: (seq: number): Subject => `call:${seq}`,
} as const;

/** What an event is about: the object that it changes, and for a system call also its caller. */
export function subjectsOf(event: TimelineEvent): readonly Subject[] {
  switch (event.type) {
    case 'process.fork':
      return [subject.process(event.process.key)];
    case 'process.exec':
    case 'process.change':
    case 'process.exit':
      return [subject.process(event.key)];
    case 'namespace.appear':
      return [subject.namespace(event.namespace.inode)];
    case 'namespace.change':
    case 'namespace.vanish':
      return [subject.namespace(event.inode)];
    case 'mount.attach':
    case 'mount.change':
      return [subject.mount(event.mountNs, event.mount.mountId)];
    case 'mount.detach':
      return [subject.mount(event.mountNs, event.mountId)];
    case 'cgroup.appear':
      return [subject.cgroup(event.cgroup.key)];
    case 'cgroup.change':
    case 'cgroup.vanish':
    case 'cgroup.oom':
      return [subject.cgroup(event.key)];
    case 'overlay.appear':
      return [subject.overlay(event.overlay.key)];
    case 'overlay.vanish':
      return [subject.overlay(event.key)];
    case 'overlay.change':
      return Object.keys(event.entries).map((path) => subject.overlay(event.key, path));
    case 'network.appear':
      return [subject.network(event.network.netNs)];
    case 'network.change': {
      const links = Object.keys(event.links ?? {});
      if (links.length === 0) return [subject.network(event.netNs)];
      return links.map((index) => subject.link(event.netNs, Number(index)));
    }
    case 'network.vanish':
      return [subject.network(event.netNs)];
    case 'syscall':
      return [subject.call(event.seq), subject.process(event.call.process)];
    case 'command.start':
    case 'command.end':
      return [subject.command(event.id)];
    default:
      return [];
  }
}
