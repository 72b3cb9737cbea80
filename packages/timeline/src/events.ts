/**
 * The events of a timeline. The observer writes them (without `seq`), the daemon numbers them,
 * and `fold` turns them back into state, in the daemon and in the browser alike.
 */
import type {
  MountState,
  NamespaceState,
  NsInode,
  ProcessKey,
  ProcessState,
  SandboxState,
} from './state.js';

/** What happened, without its place on the timeline. */
export type EventBody =
  /** a sandbox (or a reset one) begins: everything before is gone */
  | { readonly type: 'sandbox.start'; readonly sandbox: SandboxState }
  | { readonly type: 'sandbox.end'; readonly id: string }
  /** fork, clone: or a scan found a process whose fork was not seen */
  | { readonly type: 'process.fork'; readonly process: ProcessState }
  | {
      readonly type: 'process.exec';
      readonly key: ProcessKey;
      readonly comm: string;
      readonly args: readonly string[];
    }
  /** any other fields that changed: setns, setuid, setsid, cgroup move, state, reparenting */
  | {
      readonly type: 'process.change';
      readonly key: ProcessKey;
      readonly change: Partial<Omit<ProcessState, 'key' | 'hostPid' | 'startTime' | 'bornAt'>>;
    }
  /** gone from /proc; waitStatus as in wait(2), null when it was not seen */
  | { readonly type: 'process.exit'; readonly key: ProcessKey; readonly waitStatus: number | null }
  | { readonly type: 'namespace.appear'; readonly namespace: NamespaceState }
  | {
      readonly type: 'namespace.change';
      readonly inode: NsInode;
      readonly change: Partial<Pick<NamespaceState, 'holders' | 'parent' | 'owner'>>;
    }
  | { readonly type: 'namespace.vanish'; readonly inode: NsInode }
  | { readonly type: 'mount.attach'; readonly mountNs: NsInode; readonly mount: MountState }
  | { readonly type: 'mount.change'; readonly mountNs: NsInode; readonly mount: MountState }
  | { readonly type: 'mount.detach'; readonly mountNs: NsInode; readonly mountId: number }
  /** the mount namespace itself is gone, with all its mounts */
  | { readonly type: 'mount.forget'; readonly mountNs: NsInode }
  | { readonly type: 'terminal.open'; readonly terminal: string; readonly pts: number }
  | { readonly type: 'terminal.close'; readonly terminal: string }
  /** a step's check changed colour */
  | {
      readonly type: 'check';
      readonly lesson: string;
      readonly step: string;
      readonly passed: boolean;
    };

/** An event with its place: `seq` grows by one, `t` is milliseconds since the epoch. */
export type TimelineEvent = EventBody & { readonly seq: number; readonly t: number };
