/**
 * Gives and takes networks by running the plans: a failure is explained, and what a half-made
 * network left is removed. For whoever has a namespace already (a lesson, a pod); a container's own
 * plan has the same calls in it and does not need this. Root of the runtime namespace, by a player.
 */
import type { Player } from '@terrarium/syscall';
import { bridgePorts } from '@terrarium/syscall';
import { runUndo } from '../undo.js';
import { bridgeRemovalPlan, networkRemovalPlan, networkSetupPlan } from './container-network.js';
import type { ContainerNetwork } from './container-network-config.js';
import { explainNetworkError, isPlanError } from './network-error.js';
import { describeNetworkNamespace, type NetworkNamespace } from './network-namespace.js';
import { readLinks } from './read-network.js';

/** What to connect. */
export interface ConnectInput {
  readonly id: string;
  readonly network: ContainerNetwork;
  /** the runtime's */
  readonly netns: NetworkNamespace;
  /** a process in the namespace that gets the network */
  readonly containerPid: number;
}

/**
 * Makes a network.
 *
 * @throws Error that says which message the kernel refused and why; then nothing is left of it, nor
 *   of a bridge that was made for it
 */
export async function connectNetwork(player: Player, input: ConnectInput): Promise<void> {
  const { id, network, netns } = input;
  await exclusively(netns, async () => {
    const links = await readLinks(player, netns);
    const hadBridge = links.some(({ name }) => name === network.bridge);
    const plan = networkSetupPlan(input);
    try {
      await player.run(plan, { batched: true }).done;
    } catch (error) {
      const refusal = isPlanError(error) ? explainNetworkError(plan, error) : null;
      const told = refusal === null ? error : new Error(refusal.message, { cause: error });
      const ofBridge = {
        name: `remove the bridge ${network.bridge}`,
        run: () => removeIfUnused(player, netns, network.bridge),
      };
      const ofOwn = {
        name: 'remove its link and its rules',
        run: () => removeOwn(player, id, netns),
      };
      throw await runUndo(`connect ${id}`, told, hadBridge ? [ofOwn] : [ofBridge, ofOwn]);
    }
  });
}

/**
 * Removes a network. Harmless when it is gone.
 *
 * @param input.bridge removed too, when this was its last port
 */
export async function disconnectNetwork(
  player: Player,
  input: { readonly id: string; readonly netns: NetworkNamespace; readonly bridge?: string },
): Promise<void> {
  const { id, netns, bridge } = input;
  await exclusively(netns, async () => {
    await removeOwn(player, id, netns);
    if (bridge !== undefined) await removeIfUnused(player, netns, bridge);
  });
}

async function removeOwn(player: Player, id: string, netns: NetworkNamespace): Promise<void> {
  await player.run(networkRemovalPlan({ id, netns }), { batched: true }).done;
}

async function removeIfUnused(
  player: Player,
  netns: NetworkNamespace,
  bridge: string,
): Promise<void> {
  const links = await readLinks(player, netns);
  const link = links.find(({ name }) => name === bridge);
  if (link?.kind !== 'bridge' || bridgePorts(links, bridge).length > 0) return;
  await player.run(bridgeRemovalPlan(bridge, netns), { batched: true }).done;
}

/**
 * The last of what is under way in each namespace: between looking at a bridge and removing it no
 * other call of ours may plug something in.
 */
const underWay = new Map<string, Promise<void>>();

async function exclusively(netns: NetworkNamespace, work: () => Promise<void>): Promise<void> {
  const key = describeNetworkNamespace(netns);
  const before = underWay.get(key) ?? Promise.resolve();
  const own = before.then(work);
  const tail = own.catch(() => {}); // who comes next waits for the end, however it was
  underWay.set(key, tail);
  try {
    await own;
  } finally {
    if (underWay.get(key) === tail) underWay.delete(key);
  }
}
