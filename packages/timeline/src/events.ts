/**
 * The events of a timeline. The observer writes them (without `seq`), the daemon numbers them,
 * and `fold` turns them back into state, in the daemon and in the browser alike.
 */
import type {
  CgroupKey,
  CgroupState,
  LayerEntry,
  LinkCounters,
  LinkState,
  MountState,
  NamespaceState,
  NetworkState,
  NsInode,
  OverlayState,
  ProcessKey,
  ProcessState,
  ProcessUsage,
  SandboxState,
  SyscallState,
} from './state.js';

/**
 * Who did it, where the source knows (a tracepoint names the caller): the attribution of events to
 * commands then needs no other rule. May name a process that has ended since.
 */
interface Acted {
  readonly actor?: ProcessKey;
}

/** What happened, without its place on the timeline. */
export type EventBody =
  /** a sandbox (or a reset one) begins: everything before is gone */
  | { readonly type: 'sandbox.start'; readonly sandbox: SandboxState }
  | { readonly type: 'sandbox.end'; readonly id: string }
  /** fork, clone: or a scan found a process whose fork was not seen */
  | ({
      readonly type: 'process.fork';
      readonly process: ProcessState;
      /** who called fork, where that is not the parent: CLONE_PARENT, or it ended meanwhile */
    } & Acted)
  | {
      readonly type: 'process.exec';
      readonly key: ProcessKey;
      readonly comm: string;
      readonly args: readonly string[];
      /** when it was run, milliseconds since the epoch; where the trace told */
      readonly at?: number;
    }
  /** any other fields that changed: setns, setuid, setsid, cgroup move, state, reparenting */
  | ({
      readonly type: 'process.change';
      readonly key: ProcessKey;
      readonly change: Partial<Omit<ProcessState, 'key' | 'hostPid' | 'startTime' | 'bornAt'>>;
      /** another process that did this to it: wrote its pid into cgroup.procs */
    } & Acted)
  /** gone from /proc; waitStatus as in wait(2), null when it was not seen */
  | ({
      readonly type: 'process.exit';
      readonly key: ProcessKey;
      readonly waitStatus: number | null;
      /**
       * the sender of the signal that ended it; where a pid namespace's init took it along in its
       * own end, whoever ended the init
       */
    } & Acted)
  | ({ readonly type: 'namespace.appear'; readonly namespace: NamespaceState } & Acted)
  | ({
      readonly type: 'namespace.change';
      readonly inode: NsInode;
      readonly change: Partial<Pick<NamespaceState, 'holders' | 'parent' | 'owner' | 'label'>>;
      /** who called sethostname */
    } & Acted)
  | { readonly type: 'namespace.vanish'; readonly inode: NsInode }
  | ({
      readonly type: 'mount.attach';
      readonly mountNs: NsInode;
      readonly mount: MountState;
    } & Acted)
  | ({
      readonly type: 'mount.change';
      readonly mountNs: NsInode;
      readonly mount: MountState;
    } & Acted)
  | ({
      readonly type: 'mount.detach';
      readonly mountNs: NsInode;
      readonly mountId: number;
    } & Acted)
  /** the mount namespace itself is gone, with all its mounts */
  | { readonly type: 'mount.forget'; readonly mountNs: NsInode }
  /** counters of living processes, those that changed */
  | { readonly type: 'process.sample'; readonly usage: Readonly<Record<ProcessKey, ProcessUsage>> }
  /** mkdir, or a scan found a group; its members are told by process.change */
  | ({ readonly type: 'cgroup.appear'; readonly cgroup: CgroupState } & Acted)
  /** control files that were written; null for one that went */
  | ({
      readonly type: 'cgroup.change';
      readonly key: CgroupKey;
      readonly files: Readonly<Record<string, string | null>>;
    } & Acted)
  | ({ readonly type: 'cgroup.vanish'; readonly key: CgroupKey } & Acted)
  /** counters of groups, those that changed */
  | {
      readonly type: 'cgroup.sample';
      /** when they were read, ms since the epoch; the event's own time is when it was told of */
      readonly at?: number;
      readonly meters: Readonly<Record<CgroupKey, Readonly<Record<string, string>>>>;
    }
  /** the OOM killer chose a process of this group */
  | {
      readonly type: 'cgroup.oom';
      readonly key: CgroupKey;
      readonly victim: ProcessKey | null;
      readonly comm: string | null;
    }
  | ({ readonly type: 'overlay.appear'; readonly overlay: OverlayState } & Acted)
  /** entries of one layer that came, changed or (null) went */
  | ({
      readonly type: 'overlay.change';
      readonly key: string;
      readonly layer: number;
      readonly entries: Readonly<Record<string, LayerEntry | null>>;
      /** entries that there are beyond those listed, where that changed */
      readonly more?: number;
    } & Acted)
  /** files on their way up: bytes in the work directory; empty when none is */
  | {
      readonly type: 'overlay.copying';
      readonly key: string;
      readonly copying: Readonly<Record<string, number>>;
    }
  | ({ readonly type: 'overlay.vanish'; readonly key: string } & Acted)
  | { readonly type: 'network.appear'; readonly network: NetworkState }
  /** links by index (null: gone); each list that changed, whole */
  | ({
      readonly type: 'network.change';
      readonly netNs: NsInode;
      readonly links?: Readonly<Record<string, LinkState | null>>;
      readonly routes?: NetworkState['routes'];
      readonly listeners?: NetworkState['listeners'];
      readonly tables?: NetworkState['tables'];
      readonly forwards?: boolean;
    } & Acted)
  | {
      readonly type: 'network.sample';
      readonly traffic: Readonly<Record<string, Readonly<Record<string, LinkCounters>>>>;
    }
  | { readonly type: 'network.vanish'; readonly netNs: NsInode }
  /** the tape of system calls was switched on or off */
  | {
      readonly type: 'syscall.tracing';
      readonly on: boolean;
      /** why it ended though nobody asked, or could not begin */
      readonly reason?: string;
      /** calls that were left out since the last word on it: too many at once */
      readonly lost?: number;
    }
  | { readonly type: 'syscall'; readonly call: SyscallState }
  | { readonly type: 'terminal.open'; readonly terminal: string; readonly pts: number }
  | { readonly type: 'terminal.close'; readonly terminal: string }
  /** a shell begins a command line (OSC 133;C) */
  | {
      readonly type: 'command.start';
      readonly id: string;
      readonly terminal: string;
      /** as the learner typed it; null where the shell did not say */
      readonly line: string | null;
      /** the shell */
      readonly process: ProcessKey;
      /** its first job's group, in the host's pid namespace; null when not known (a builtin) */
      readonly processGroup: number | null;
      /** when, by the shell's own clock, ms since the epoch: orders it among forks (`bornAt`) */
      readonly at?: number;
    }
  /** the shell is back at its prompt (OSC 133;D); background jobs may go on */
  | {
      readonly type: 'command.end';
      readonly id: string;
      readonly exitCode: number | null;
      readonly at?: number;
    }
  /** a step's check changed colour */
  | {
      readonly type: 'check';
      readonly lesson: string;
      readonly step: string;
      readonly passed: boolean;
    };

/** An event with its place: `seq` grows by one, `t` is milliseconds since the epoch. */
export type TimelineEvent = EventBody & { readonly seq: number; readonly t: number };
