/**
 * What a path may name: the fields of each kind of kernel object, and where a hop leads.
 * The loader checks every path of a lesson against this table; `resolve.ts` reads them.
 */
import { NAMESPACE_KINDS } from '@terrarium/timeline';

/** What a path can stand on. */
export type NodeKind = 'sandbox' | 'process' | 'namespace' | 'mount' | 'namespaces' | 'uid';
/** What a field holds: a value, a list, or an object with fields of its own. */
export type FieldType = 'value' | 'list' | NodeKind;

/** Fields by node; a field of an object type is that object's identity when the path ends there. */
export const FIELDS: Readonly<Record<NodeKind, Readonly<Record<string, FieldType>>>> = {
  sandbox: {
    id: 'value',
    init: 'process',
    namespaces: 'namespaces',
    kernelRelease: 'value',
  },
  process: {
    key: 'value',
    parent: 'process',
    hostPid: 'value',
    /** pid in the sandbox's pid namespace: what the learner sees from outside the nested one */
    sandboxPid: 'value',
    /** pid in its own pid namespace */
    ownPid: 'value',
    pids: 'list',
    comm: 'value',
    args: 'list',
    /** args joined with spaces */
    command: 'value',
    state: 'value',
    uid: 'uid',
    namespaces: 'namespaces',
    cgroup: 'value',
    terminal: 'value',
    processGroup: 'value',
  },
  namespace: {
    inode: 'value',
    kind: 'value',
    parent: 'namespace',
    owner: 'namespace',
    ofSandbox: 'value',
    ofHost: 'value',
    /** how many processes are in it */
    members: 'value',
    /** how many mounts and file descriptors hold it open */
    holders: 'value',
  },
  mount: {
    mountId: 'value',
    parentId: 'value',
    device: 'value',
    root: 'value',
    mountPoint: 'value',
    mountOptions: 'value',
    optionalFields: 'list',
    fsType: 'value',
    mountSource: 'value',
    superOptions: 'value',
    procPidNs: 'namespace',
  },
  namespaces: Object.fromEntries(NAMESPACE_KINDS.map((kind) => [kind, 'namespace' as const])),
  uid: { outside: 'value', inside: 'value' },
};

/**
 * Says what is wrong with a path, or null.
 *
 * @param scope the variables that are bound where the path stands; `sandbox` always is
 */
export function pathProblem(path: string, scope: ReadonlyMap<string, NodeKind>): string | null {
  const [variable = '', ...fields] = path.split('.');
  let type: FieldType | undefined = variable === 'sandbox' ? 'sandbox' : scope.get(variable);
  if (type === undefined) return `nothing binds "${variable}" before this place`;
  for (const field of fields) {
    if (type === 'list') {
      if (!/^-?\d+$/.test(field)) return `"${field}" is no position in a list`;
      type = 'value';
      continue;
    }
    if (type === 'value') return `"${field}" asks for a part of a plain value`;
    const known: Readonly<Record<string, FieldType>> = FIELDS[type];
    if (!Object.hasOwn(known, field)) {
      return `a ${type} has no field "${field}"; it has ${Object.keys(known).join(', ')}`;
    }
    type = known[field] as FieldType;
  }
  return null;
}
