/**
 * Reads paths such as `p.namespaces.pid.parent` from a folded state. Pure.
 */
import {
  type MountState,
  membersOf,
  type NamespaceKind,
  type ProcessState,
  processesOf,
  type State,
} from '@terrarium/timeline';

/** What a variable stands for: the identity of a kernel object, which may be gone meanwhile. */
export type Binding =
  | { readonly kind: 'process'; readonly key: string }
  | { readonly kind: 'namespace'; readonly inode: number }
  | { readonly kind: 'mount'; readonly mountNs: number; readonly mountId: number };
export type Bindings = Readonly<Record<string, Binding>>;

/** Thrown inside an evaluation when a path starts at a variable that no clause could bind. */
export class Unbound extends Error {}

/** Orders candidates newest first: of two that fit, the learner's latest attempt is taken. */
export function newestProcesses(state: State): readonly ProcessState[] {
  return [...processesOf(state)].reverse();
}

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
  return inside(mount, fields);
}

/** Follows plain properties; a negative position counts from a list's end. */
function inside(value: unknown, fields: readonly string[]): unknown {
  let at = value;
  for (const field of fields) {
    if (Array.isArray(at)) at = at.at(Number(field));
    else if (typeof at === 'object' && at !== null && Object.hasOwn(at, field)) {
      at = (at as Readonly<Record<string, unknown>>)[field];
    } else return undefined;
  }
  return at;
}
