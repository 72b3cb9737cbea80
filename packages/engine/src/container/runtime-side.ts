/** Where the runtime's side of a container is: the host, or the sandbox that it lives in. Pure. */
import type { RuntimeConfig } from '@terrarium/spec';
import type { HostFacts } from '../host-facts.js';
import type { ExecTarget } from '../plan/join-sandbox.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';
import type { NamespaceType } from './join-container.js';
import { sandboxFacts } from './plan-input.js';

/** As plans need it. */
export interface RuntimeSide {
  readonly facts: HostFacts;
  readonly sandbox: ExecTarget | undefined;
  /** the container's group below the mount points there */
  readonly group: string;
}

/** @see the file's header */
export function runtimeSide({ facts }: EngineContext, record: ContainerRecord): RuntimeSide {
  if (record.sandbox === null) return { facts, sandbox: undefined, group: record.group };
  const sandbox = { ...record.sandbox, facts };
  const group = record.group.slice(record.sandbox.cgroupsPath.length);
  return { facts: sandboxFacts(sandbox), sandbox, group };
}

/** The kinds of namespaces that a container has, or shares by path. */
export function namespaceTypes({ linux }: RuntimeConfig): NamespaceType[] {
  return (linux?.namespaces ?? []).map(({ type }) => type);
}
