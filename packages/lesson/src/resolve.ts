/**
 * Reads paths such as `p.namespaces.pid.parent` from a folded state. Pure.
 */
import {
  type MountState,
  membersOf,
  type NamespaceKind,
  propagationOf,
  type State,
} from '@terrarium/timeline';
import { cgroupFields, entryFields, linkFields, listenerOf, overlayFields } from './objects.js';

/** What a variable stands for: the identity of a kernel object, which may be gone meanwhile. */
export type Binding =
  | { readonly kind: 'process'; readonly key: string }
  | { readonly kind: 'namespace'; readonly inode: number }
  | { readonly kind: 'mount'; readonly mountNs: number; readonly mountId: number }
  | { readonly kind: 'cgroup'; readonly path: string }
  | { readonly kind: 'overlay'; readonly key: string }
  | {
      readonly kind: 'entry';
      readonly overlay: string;
      readonly layer: number;
      readonly path: string;
    }
  | { readonly kind: 'link'; readonly netNs: number; readonly index: number }
  | {
      readonly kind: 'listener';
      readonly netNs: number;
      readonly protocol: string;
      readonly address: string;
      readonly port: number;
    }
  | { readonly kind: 'call'; readonly seq: number }
  | { readonly kind: 'command'; readonly id: string };
export type Bindings = Readonly<Record<string, Binding>>;

/** Thrown inside an evaluation when a path starts at a variable that no clause could bind. */
export class Unbound extends Error {}

/**
 * The value at the end of a path; an object's identity (process key, namespace inode) where the
 * path ends on an object, undefined where the object is gone or has no such thing.
 *
 * @throws Unbound when the path's variable stands for nothing
 */
export function resolve(path: string, bindings: Bindings, state: State): unknown {
  const [variable = '', ...fields] = path.split('.');
  if (variable === 'sandbox') return fromSandbox(fields, state);
  const binding = Object.hasOwn(bindings, variable) ? bindings[variable] : undefined;
  if (binding === undefined) throw new Unbound(variable);
  switch (binding.kind) {
    case 'process':
      return fromProcess(binding.key, fields, state);
    case 'namespace':
      return fromNamespace(binding.inode, fields, state);
    case 'mount': {
      const mounts = state.mounts[String(binding.mountNs)];
      return fromMount(mounts?.[String(binding.mountId)], fields, state);
    }
    case 'cgroup':
      return inside(cgroupFields(binding.path, state), fields, binding.path);
    case 'overlay':
      return inside(overlayFields(binding.key, state), fields, binding.key);
    case 'entry':
      return inside(entryFields(binding, state), fields, binding.path);
    case 'link': {
      const [field, ...rest] = fields;
      if (field === 'netNs') return fromNamespace(binding.netNs, rest, state);
      const link = state.networks?.[binding.netNs]?.links[binding.index];
      return inside(linkFields(link), fields, link?.name);
    }
    case 'listener': {
      const [field, ...rest] = fields;
      if (field === 'netNs') return fromNamespace(binding.netNs, rest, state);
      const listener = listenerOf(binding, state);
      if (field === 'process' && listener?.process != null) {
        return fromProcess(listener.process, rest, state);
      }
      return inside(listener, fields, binding.port);
    }
    case 'call': {
      const call = state.calls?.find(({ seq }) => seq === binding.seq);
      const [field, ...rest] = fields;
      if (field === 'process' && call !== undefined) return fromProcess(call.process, rest, state);
      return inside(call, fields, binding.seq);
    }
    case 'command': {
      const command = state.commands?.[binding.id];
      const [field, ...rest] = fields;
      if (field === 'process' && command !== undefined) {
        return fromProcess(command.process, rest, state);
      }
      if (field === 'running') return command === undefined ? undefined : command.endedAt === null;
      return inside(command, fields, binding.id);
    }
  }
}

function fromSandbox(fields: readonly string[], state: State): unknown {
  const sandbox = state.sandbox;
  const [field, ...rest] = fields;
  if (sandbox === null || field === undefined) return sandbox?.id;
  if (field === 'init') return fromProcess(sandbox.init, rest, state);
  if (field === 'namespaces') return fromNamespaces(sandbox.namespaces, rest, state);
  return inside(sandbox, fields);
}

function fromProcess(key: string, fields: readonly string[], state: State): unknown {
  const [field, ...rest] = fields;
  if (field === undefined || (field === 'key' && rest.length === 0)) return key;
  const process = state.processes[key];
  if (process === undefined) return undefined;
  switch (field) {
    case 'parent':
      return process.parent === null ? null : fromProcess(process.parent, rest, state);
    case 'sandboxPid':
      return process.pids[1];
    case 'ownPid':
      return process.pids.at(-1);
    case 'command':
      return process.args.join(' ');
    case 'namespaces':
      return fromNamespaces(process.namespaces, rest, state);
    default:
      return inside(process, fields);
  }
}

function fromNamespaces(
  namespaces: Readonly<Record<NamespaceKind, number>>,
  fields: readonly string[],
  state: State,
): unknown {
  const [kind, ...rest] = fields;
  if (kind === undefined) return namespaces;
  const inode = inside(namespaces, [kind]);
  return typeof inode === 'number' ? fromNamespace(inode, rest, state) : undefined;
}

function fromNamespace(inode: number, fields: readonly string[], state: State): unknown {
  const [field, ...rest] = fields;
  if (field === undefined || field === 'inode') return inode;
  if (field === 'members') return membersOf(state, inode).length;
  const namespace = state.namespaces[inode];
  if (namespace === undefined) return undefined;
  if (field === 'holders') return namespace.holders.length;
  if (field === 'parent' || field === 'owner') {
    const next = namespace[field];
    return next === null ? null : fromNamespace(next, rest, state);
  }
  return inside(namespace, fields);
}

function fromMount(
  mount: MountState | undefined,
  fields: readonly string[],
  state: State,
): unknown {
  const [field, ...rest] = fields;
  if (mount === undefined) return undefined;
  if (field === undefined) return mount.mountId;
  if (field === 'procPidNs' && mount.procPidNs !== undefined) {
    return fromNamespace(mount.procPidNs, rest, state);
  }
  if (field in MOUNT_EXTRAS) return MOUNT_EXTRAS[field as keyof typeof MOUNT_EXTRAS](mount);
  return inside(mount, fields);
}

/** What is spelt in a mount's options, taken apart. */
const MOUNT_EXTRAS = {
  peerGroup: (mount: MountState) => propagationOf(mount).peerGroup,
  master: (mount: MountState) => propagationOf(mount).master,
  propagation: propagationName,
  /** `ro`, `nosuid` … of the mount and of the file system */
  options: (mount: MountState) => [
    ...mount.mountOptions.split(','),
    ...mount.superOptions.split(','),
  ],
} as const;

/** As mount(8) and findmnt(8) say it; a slave may be shared as well. */
function propagationName(mount: MountState): string {
  const { peerGroup, master, unbindable } = propagationOf(mount);
  if (unbindable) return 'unbindable';
  if (master !== null) return peerGroup === null ? 'slave' : 'slave,shared';
  return peerGroup === null ? 'private' : 'shared';
}

/**
 * Follows plain properties; a negative position counts from a list's end.
 *
 * @param itself what a path means that ends on the object
 */
function inside(value: unknown, fields: readonly string[], itself: unknown = value): unknown {
  if (fields.length === 0) return value === undefined ? undefined : itself;
  let at = value;
  for (const field of fields) {
    if (Array.isArray(at)) at = at.at(Number(field));
    else if (typeof at === 'object' && at !== null && Object.hasOwn(at, field)) {
      at = (at as Readonly<Record<string, unknown>>)[field];
    } else return undefined;
  }
  return at;
}
