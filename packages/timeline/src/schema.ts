/**
 * Schemas of snapshots and events for the edge where they arrive as text: the browser's socket,
 * a recording, the observer's pipe. Inside, the types of state.ts and events.ts are trusted.
 */
import { z } from 'zod';
import type { EventBody, TimelineEvent } from './events.js';
import {
  type CommandState,
  type MountState,
  NAMESPACE_KINDS,
  type NamespaceHolder,
  type NamespaceKind,
  type NamespaceState,
  type NsInode,
  type ProcessState,
  type SandboxState,
  type State,
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

/** A whole folded state, as a `snapshot` message and a recording have it. */
export const stateSchema: z.ZodType<State> = z.object({
  seq: count,
  t: z.number(),
  sandbox: sandboxState.nullable(),
  processes: z.record(z.string(), processState),
  namespaces: z.record(z.string(), namespaceState),
  mounts: z.record(z.string(), z.record(z.string(), mountState)),
  commands: z.exactOptional(z.record(z.string(), commandState)),
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
      }),
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
