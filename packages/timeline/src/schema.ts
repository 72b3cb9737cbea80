/**
 * Schemas of snapshots and events for the edge where they arrive as text: the browser's socket,
 * a recording, the observer's pipe. Inside, the types of state.ts and events.ts are trusted.
 */
import { z } from 'zod';
import type { EventBody, TimelineEvent } from './events.js';
import {
  type CgroupState,
  type CommandState,
  type LayerEntry,
  type LinkCounters,
  type LinkState,
  type MountState,
  NAMESPACE_KINDS,
  type NamespaceHolder,
  type NamespaceKind,
  type NamespaceState,
  type NetworkState,
  type NsInode,
  type OverlayState,
  type ProcessFacts,
  type ProcessState,
  type ProcessUsage,
  type SandboxState,
  type State,
  type SyscallState,
  type TapedCall,
} from './state.js';

const count = z.number().int().nonnegative();
const inode = count;
const key = z.string();
const kind: z.ZodType<NamespaceKind> = z.enum(NAMESPACE_KINDS);

const namespaces: z.ZodType<Readonly<Record<NamespaceKind, NsInode>>> = z.object({
  pid: inode,
  mnt: inode,
  net: inode,
  uts: inode,
  ipc: inode,
  user: inode,
  cgroup: inode,
  time: inode,
});

const facts: z.ZodType<ProcessFacts> = z.object({
  root: z.string(),
  cwd: z.string(),
  seccomp: count,
  noNewPrivs: z.boolean(),
  capabilities: z.object({
    effective: z.string(),
    permitted: z.string(),
    bounding: z.string(),
  }),
  oomScoreAdj: z.number().int(),
});

const elsewhere = z.record(z.string(), z.string());

const processFields = {
  parent: key.nullable(),
  pids: z.array(count),
  comm: z.string(),
  args: z.array(z.string()),
  state: z.string(),
  uid: z.object({ outside: count, inside: count }),
  namespaces,
  cgroup: z.string(),
  terminal: count.nullable(),
  processGroup: z.number().int(),
};

const processState: z.ZodType<ProcessState> = z.object({
  key,
  hostPid: count,
  startTime: count,
  ...processFields,
  cgroups: z.exactOptional(elsewhere),
  facts: z.exactOptional(facts),
  bornAt: z.number(),
});

const processChange = z.object({
  parent: z.exactOptional(processFields.parent),
  pids: z.exactOptional(processFields.pids),
  comm: z.exactOptional(processFields.comm),
  args: z.exactOptional(processFields.args),
  state: z.exactOptional(processFields.state),
  uid: z.exactOptional(processFields.uid),
  namespaces: z.exactOptional(processFields.namespaces),
  cgroup: z.exactOptional(processFields.cgroup),
  terminal: z.exactOptional(processFields.terminal),
  processGroup: z.exactOptional(processFields.processGroup),
  cgroups: z.exactOptional(elsewhere),
  facts: z.exactOptional(facts),
});

const holder: z.ZodType<NamespaceHolder> = z.discriminatedUnion('by', [
  z.object({ by: z.literal('mount'), mountNs: inode, path: z.string() }),
  z.object({ by: z.literal('fd'), process: key, fd: count }),
]);

const namespaceState: z.ZodType<NamespaceState> = z.object({
  inode,
  kind,
  parent: inode.nullable(),
  owner: inode.nullable(),
  ofSandbox: z.boolean(),
  ofHost: z.boolean(),
  holders: z.array(holder),
  label: z.exactOptional(z.string()),
  bornAt: z.number(),
});

const mountState: z.ZodType<MountState> = z.object({
  mountId: count,
  parentId: count,
  device: z.string(),
  root: z.string(),
  mountPoint: z.string(),
  mountOptions: z.string(),
  optionalFields: z.array(z.string()),
  fsType: z.string(),
  mountSource: z.string(),
  superOptions: z.string(),
  procPidNs: z.exactOptional(inode),
});

const sandboxState: z.ZodType<SandboxState> = z.object({
  id: z.string(),
  init: key,
  namespaces,
  kernelRelease: z.string(),
});

const commandState: z.ZodType<CommandState> = z.object({
  id: z.string(),
  terminal: z.string(),
  line: z.string().nullable(),
  process: key,
  processGroup: z.number().int().nullable(),
  startSeq: count,
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  exitCode: z.number().int().nullable(),
});

const processUsage: z.ZodType<ProcessUsage> = z.object({ rss: z.number(), cpu: z.number() });

const texts = z.record(z.string(), z.string());

const cgroupState: z.ZodType<CgroupState> = z.object({
  key: z.string(),
  hierarchy: z.string(),
  path: z.string(),
  files: texts,
  lastOom: z.exactOptional(z.object({ t: z.number(), victim: z.string().nullable() })),
  bornAt: z.number(),
});

const layerEntry: z.ZodType<LayerEntry> = z.object({
  kind: z.enum(['file', 'directory', 'symlink', 'device', 'fifo', 'socket', 'whiteout']),
  size: z.number(),
  opaque: z.exactOptional(z.boolean()),
  came: z.exactOptional(z.enum(['copy-up', 'created', 'renamed'])),
  copiedIn: z.exactOptional(z.number()),
});

const copying = z.record(z.string(), z.number());

const overlayState: z.ZodType<OverlayState> = z.object({
  key: z.string(),
  bornAt: z.number(),
  layers: z.array(
    z.object({
      dir: z.string(),
      role: z.enum(['upper', 'lower']),
      entries: z.record(z.string(), layerEntry).nullable(),
      more: count,
    }),
  ),
  workDir: z.string().nullable(),
  ofSandbox: z.boolean(),
  copying: z.exactOptional(copying),
});

const linkState: z.ZodType<LinkState> = z.object({
  index: count,
  name: z.string(),
  kind: z.string(),
  flags: z.array(z.string()),
  mtu: count,
  mac: z.string(),
  master: count.nullable(),
  peer: z.object({ netNs: inode.nullable(), index: count }).nullable(),
  addresses: z.array(z.string()),
});

const routes = z.array(
  z.object({
    to: z.string(),
    via: z.string().nullable(),
    dev: z.string().nullable(),
    source: z.string().nullable(),
  }),
);

const listeners = z.array(
  z.object({
    protocol: z.enum(['tcp', 'tcp6', 'udp', 'udp6']),
    address: z.string(),
    port: count,
    process: key.nullable(),
  }),
);

const nftTables = z.array(
  z.object({
    family: z.string(),
    name: z.string(),
    chains: z.array(
      z.object({
        name: z.string(),
        hook: z.string().nullable(),
        type: z.string().nullable(),
        priority: z.number().int().nullable(),
        policy: z.string().nullable(),
        rules: z.array(
          z.object({
            handle: count,
            text: z.string(),
            packets: z.exactOptional(count),
            bytes: z.exactOptional(count),
          }),
        ),
      }),
    ),
  }),
);

const networkState: z.ZodType<NetworkState> = z.object({
  netNs: inode,
  links: z.record(z.string(), linkState),
  routes,
  listeners,
  tables: nftTables,
  forwards: z.exactOptional(z.boolean()),
});

const linkCounters: z.ZodType<LinkCounters> = z.object({
  rxBytes: count,
  rxPackets: count,
  txBytes: count,
  txPackets: count,
  dropped: count,
});

const syscallFields = {
  process: key,
  name: z.string(),
  args: z.array(z.string()),
  result: z.number().int().nullable(),
  errno: z.string().nullable(),
  at: z.number(),
  took: z.number().nullable(),
};

const syscallState: z.ZodType<SyscallState> = z.object(syscallFields);
const tapedCall: z.ZodType<TapedCall> = z.object({ ...syscallFields, seq: count });

const usage = z.record(z.string(), processUsage);
const meters = z.record(z.string(), texts);
const cpuReading = z.object({ t: z.number(), usedMicros: z.number() });
const cpuWait = z.object({ t: z.number(), periods: z.number(), throttled: z.number() });
const traffic = z.record(z.string(), z.record(z.string(), linkCounters));

/** A whole folded state, as a `snapshot` message and a recording have it. */
export const stateSchema: z.ZodType<State> = z.object({
  seq: count,
  t: z.number(),
  sandbox: sandboxState.nullable(),
  processes: z.record(z.string(), processState),
  namespaces: z.record(z.string(), namespaceState),
  mounts: z.record(z.string(), z.record(z.string(), mountState)),
  commands: z.exactOptional(z.record(z.string(), commandState)),
  usage: z.exactOptional(usage),
  cgroups: z.exactOptional(z.record(z.string(), cgroupState)),
  meters: z.exactOptional(meters),
  cpuReadings: z.exactOptional(z.record(z.string(), z.array(cpuReading))),
  cpuWaits: z.exactOptional(z.record(z.string(), z.array(cpuWait))),
  overlays: z.exactOptional(z.record(z.string(), overlayState)),
  networks: z.exactOptional(z.record(z.string(), networkState)),
  traffic: z.exactOptional(traffic),
  tracing: z.exactOptional(z.boolean()),
  tracingEnded: z.exactOptional(z.string()),
  callsLost: z.exactOptional(z.number()),
  calls: z.exactOptional(z.array(tapedCall)),
});

/** Who did it, where the source knows. */
const actor = z.exactOptional(key);
const at = z.exactOptional(z.number());

/** The schemas of all events, each with `place` (seq and t, or nothing) beside its own fields. */
function eventSchemas<P extends z.ZodRawShape>(place: P) {
  return z.discriminatedUnion('type', [
    z.object({ ...place, type: z.literal('sandbox.start'), sandbox: sandboxState }),
    z.object({ ...place, type: z.literal('sandbox.end'), id: z.string() }),
    z.object({ ...place, type: z.literal('process.fork'), process: processState, actor }),
    z.object({
      ...place,
      type: z.literal('process.exec'),
      key,
      comm: z.string(),
      args: z.array(z.string()),
      at,
    }),
    z.object({ ...place, type: z.literal('process.change'), key, change: processChange, actor }),
    z.object({
      ...place,
      type: z.literal('process.exit'),
      key,
      waitStatus: z.number().int().nullable(),
      actor,
    }),
    z.object({ ...place, type: z.literal('namespace.appear'), namespace: namespaceState, actor }),
    z.object({
      ...place,
      type: z.literal('namespace.change'),
      inode,
      change: z.object({
        holders: z.exactOptional(z.array(holder)),
        parent: z.exactOptional(inode.nullable()),
        owner: z.exactOptional(inode.nullable()),
        label: z.exactOptional(z.string()),
      }),
      actor,
    }),
    z.object({ ...place, type: z.literal('namespace.vanish'), inode }),
    z.object({
      ...place,
      type: z.literal('mount.attach'),
      mountNs: inode,
      mount: mountState,
      actor,
    }),
    z.object({
      ...place,
      type: z.literal('mount.change'),
      mountNs: inode,
      mount: mountState,
      actor,
    }),
    z.object({ ...place, type: z.literal('mount.detach'), mountNs: inode, mountId: count, actor }),
    z.object({ ...place, type: z.literal('mount.forget'), mountNs: inode }),
    z.object({ ...place, type: z.literal('process.sample'), usage }),
    z.object({ ...place, type: z.literal('cgroup.appear'), cgroup: cgroupState, actor }),
    z.object({
      ...place,
      type: z.literal('cgroup.change'),
      key: z.string(),
      files: z.record(z.string(), z.string().nullable()),
      actor,
    }),
    z.object({ ...place, type: z.literal('cgroup.vanish'), key: z.string(), actor }),
    z.object({
      ...place,
      type: z.literal('cgroup.sample'),
      at: z.exactOptional(z.number()),
      meters,
    }),
    z.object({
      ...place,
      type: z.literal('cgroup.oom'),
      key: z.string(),
      victim: key.nullable(),
      comm: z.string().nullable(),
    }),
    z.object({ ...place, type: z.literal('overlay.appear'), overlay: overlayState, actor }),
    z.object({
      ...place,
      type: z.literal('overlay.change'),
      key: z.string(),
      layer: count,
      entries: z.record(z.string(), layerEntry.nullable()),
      more: z.exactOptional(count),
      actor,
    }),
    z.object({ ...place, type: z.literal('overlay.copying'), key: z.string(), copying }),
    z.object({ ...place, type: z.literal('overlay.vanish'), key: z.string(), actor }),
    z.object({ ...place, type: z.literal('network.appear'), network: networkState }),
    z.object({
      ...place,
      type: z.literal('network.change'),
      netNs: inode,
      links: z.exactOptional(z.record(z.string(), linkState.nullable())),
      routes: z.exactOptional(routes),
      listeners: z.exactOptional(listeners),
      tables: z.exactOptional(nftTables),
      forwards: z.exactOptional(z.boolean()),
      actor,
    }),
    z.object({ ...place, type: z.literal('network.sample'), traffic }),
    z.object({ ...place, type: z.literal('network.vanish'), netNs: inode }),
    z.object({
      ...place,
      type: z.literal('syscall.tracing'),
      on: z.boolean(),
      reason: z.exactOptional(z.string()),
      lost: z.exactOptional(z.number()),
    }),
    z.object({ ...place, type: z.literal('syscall'), call: syscallState }),
    z.object({
      ...place,
      type: z.literal('terminal.open'),
      terminal: z.string(),
      pts: count,
    }),
    z.object({ ...place, type: z.literal('terminal.close'), terminal: z.string() }),
    z.object({
      ...place,
      type: z.literal('command.start'),
      id: z.string(),
      terminal: z.string(),
      line: z.string().nullable(),
      process: key,
      processGroup: z.number().int().nullable(),
      at,
    }),
    z.object({
      ...place,
      type: z.literal('command.end'),
      id: z.string(),
      exitCode: z.number().int().nullable(),
      at,
    }),
    z.object({
      ...place,
      type: z.literal('check'),
      lesson: z.string(),
      step: z.string(),
      passed: z.boolean(),
    }),
  ]);
}

/** An event without its place, as the observer sends it. */
export const eventBodySchema: z.ZodType<EventBody> = eventSchemas({});

/** A numbered event, as an `events` message and a recording have it. */
export const timelineEventSchema: z.ZodType<TimelineEvent> = eventSchemas({
  seq: count,
  t: z.number(),
});
