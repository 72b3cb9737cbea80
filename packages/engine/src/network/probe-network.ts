/**
 * Tries what a container's network needs of the kernel, each thing in a throw-away network
 * namespace: a trial beats a list of options, as parts may be modules that are not there. Run as
 * root by a player; the namespaces die with the trials.
 */
import {
  CLONE,
  flagged,
  type Plan,
  PlanBuilder,
  type Player,
  parseIp,
  parsePrefix,
} from '@terrarium/syscall';
import { purpose, Script } from '../plan/script.js';
import { ensureBridge } from './bridges.js';
import { forwardTable, masqueradeTable } from './container-rules.js';
import { addVeth } from './links.js';
import { openNetlink } from './netlink-calls.js';
import { explainNetworkError, isPlanError } from './network-error.js';
import { addTable } from './nftables.js';

/** What was tried, and how it went. */
export interface NetworkFeature {
  readonly name: 'network namespaces' | 'veth' | 'bridge' | 'masquerade' | 'port forwarding';
  readonly available: boolean;
  /** why not, in one sentence; null when it works */
  readonly problem: string | null;
}

const WHY = purpose('probe-network', 'try what this kernel can do', '试一试这个内核能做什么');

const TRIALS: Readonly<Record<NetworkFeature['name'], (script: Script) => void>> = {
  'network namespaces': () => {},
  veth: (script) =>
    addVeth(script, openNetlink(script, 'NETLINK_ROUTE', 'route'), {
      name: 'a',
      peer: { name: 'b' },
    }),
  bridge: (script) => ensureBridge(script, openNetlink(script, 'NETLINK_ROUTE', 'route'), 'tr0'),
  masquerade: (script) => {
    const table = masqueradeTable('probe', parsePrefix('10.88.0.0/16'), 'tr0');
    addTable(script, openNetlink(script, 'NETLINK_NETFILTER', 'netfilter'), table, WHY);
  },
  'port forwarding': (script) => {
    const forward = { protocol: 'tcp', hostPort: 8080, containerPort: 80 } as const;
    const table = forwardTable('probe', parseIp('10.88.0.2'), forward);
    addTable(script, openNetlink(script, 'NETLINK_NETFILTER', 'netfilter'), table, WHY);
  },
};

/** Tries everything. */
export async function probeNetwork(player: Player): Promise<NetworkFeature[]> {
  const names = Object.keys(TRIALS) as NetworkFeature['name'][];
  return await Promise.all(names.map((name) => tryFeature(player, name)));
}

async function tryFeature(player: Player, name: NetworkFeature['name']): Promise<NetworkFeature> {
  const plan = trialPlan(name);
  try {
    await player.run(plan, { batched: true }).done;
    return { name, available: true, problem: null };
  } catch (error) {
    if (!isPlanError(error)) throw error;
    const problem = explainNetworkError(plan, error)?.message ?? error.message;
    return { name, available: false, problem };
  }
}

function trialPlan(name: NetworkFeature['name']): Plan {
  const builder = new PlanBuilder(`try ${name}`);
  const script = new Script(builder, 'outside', builder.slot('fd'));
  script.call('unshare', [flagged(CLONE, 'CLONE_NEWNET')], WHY);
  TRIALS[name](script);
  return builder.build();
}
