/** The record of a container that is about to be made. Pure, but for the clock. */
import { resolve } from 'node:path';
import type { RuntimeConfig } from '@terrarium/spec';
import { containerGroup } from '../cgroups/index.js';
import { type ContainerNetworkConfig, parseContainerNetwork } from '../network/index.js';
import type { ExecTarget } from '../plan/join-sandbox.js';
import { ContainerError } from './container-error.js';
import { type ContainerRecord, containerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';

/** What it is made from. */
export interface NewRecordInput {
  readonly id: string;
  readonly bundle: string;
  readonly config: RuntimeConfig;
  readonly sandbox?: ExecTarget;
  readonly network?: ContainerNetworkConfig;
}

/** @throws ContainerError `config` for what no later process could read again */
export function newRecord(context: EngineContext, input: NewRecordInput): ContainerRecord {
  const { id, sandbox, config } = input;
  const parent = sandbox === undefined ? context.parentGroup : '/';
  const group = containerGroup(config.linux?.cgroupsPath, { parent, id });
  const record: ContainerRecord = {
    version: 1,
    id,
    bundle: resolve(input.bundle),
    status: 'creating',
    paused: false,
    init: null,
    bootId: context.facts.bootId,
    owner: context.self,
    group: sandbox === undefined ? group : `${sandbox.cgroupsPath}${group}`,
    sandbox: sandbox === undefined ? null : withoutFacts(sandbox),
    createdAt: Date.now(),
    startedAt: null,
    madeParents: [],
    hooksBegun: false,
    consoleFd: null,
    tail: { first: 0, displays: [] },
    network: networkOf(input),
    exit: null,
    config,
  };
  const checked = containerRecord.safeParse(record);
  if (checked.success) return record;
  const [issue] = checked.error.issues;
  const reason = `${issue?.path.join('.')}: ${issue?.message}`;
  throw new ContainerError({ code: 'config', what: `create container ${id}`, reason });
}

function networkOf({ id, config, network }: NewRecordInput): ContainerRecord['network'] {
  if (network === undefined) return null;
  const namespace = config.linux?.namespaces?.find(({ type }) => type === 'network');
  if (namespace !== undefined && namespace.path === undefined)
    return parseContainerNetwork(network);
  const reason = 'network: the container needs a network namespace of its own';
  throw new ContainerError({ code: 'config', what: `create container ${id}`, reason });
}

function withoutFacts({
  facts: _,
  ...target
}: ExecTarget): NonNullable<ContainerRecord['sandbox']> {
  const { rlimits, boundingCapabilities } = target;
  return {
    ...target,
    rlimits: [...rlimits],
    boundingCapabilities: [...boundingCapabilities],
  };
}
