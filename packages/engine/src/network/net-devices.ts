/**
 * linux.netDevices of the runtime spec: devices of the runtime's network namespace that the
 * container gets, with their MTU, MAC and lasting addresses. Pure; two processes write their parts,
 * as for a container's own network: one in the runtime's namespace, one in the container's.
 *
 * Nobody gives them back: when the container's namespace dies, the kernel returns hardware to the
 * initial namespace and destroys what is virtual.
 */
import type { Slot } from '@terrarium/syscall';
import { purpose, type Script } from '../plan/script.js';
import { addAddress } from './addresses.js';
import { moveAndRenameLink, setLinkUp } from './links.js';
import {
  checkedInterfaceName,
  closeNetlink,
  interfaceIndex,
  openNetlink,
} from './netlink-calls.js';
import type { NetworkDump } from './read-network.js';

/** A device to be moved. */
export interface NetDevice {
  /** in the runtime's namespace */
  readonly name: string;
  /** in the container's */
  readonly newName: string;
  /** which a move takes away: they are given again */
  readonly addresses: readonly string[];
}

/**
 * Reads what the config asks for against what there is.
 *
 * @param runtime of the runtime's namespace, read just before
 * @throws Error for a device that is not there, and for a template (`eth%d`): the name that the
 *   kernel would choose is not known when the plan is made
 */
export function netDevicesFrom(
  config: Readonly<Record<string, { readonly name?: string | undefined }>>,
  runtime: Pick<NetworkDump, 'links' | 'addresses'>,
): NetDevice[] {
  return Object.entries(config).map(([name, { name: newName = name }]) => {
    if (!runtime.links.some((link) => link.name === name))
      throw new Error(`linux.netDevices: there is no device ${name}`);
    if (newName.includes('%'))
      throw new Error(`linux.netDevices: names chosen by the kernel are not supported: ${newName}`);
    const addresses = runtime.addresses.filter(
      ({ link, scope, permanent }) => link === name && scope === 'global' && permanent,
    );
    return {
      name,
      newName: checkedInterfaceName(newName),
      addresses: addresses.map(({ address }) => address),
    };
  });
}

/** In the runtime's namespace: moves the devices to that of the process `init`. */
export function giveNetDevices(
  script: Script,
  devices: readonly NetDevice[],
  init: Slot | number,
): void {
  if (devices.length === 0) return;
  const route = openNetlink(script, 'NETLINK_ROUTE', 'route');
  for (const { name, newName } of devices) {
    const index = interfaceIndex(script, route, name);
    const why = purpose(
      'net-device-move',
      `give the device ${name} to the container, as ${newName}`,
      `把设备 ${name} 交给容器，在那里叫 ${newName}`,
    );
    moveAndRenameLink(script, route, { index, newName, to: { kind: 'pid', value: init } }, why);
  }
  closeNetlink(script, route);
}

/** In the container's namespace: gives them their addresses again and brings them up. */
export function takeNetDevices(script: Script, devices: readonly NetDevice[]): void {
  if (devices.length === 0) return;
  const route = openNetlink(script, 'NETLINK_ROUTE', 'containerRoute');
  for (const { newName, addresses } of devices) {
    const index = interfaceIndex(script, route, newName);
    for (const address of addresses) addAddress(script, route, { name: newName, index }, address);
    setLinkUp(script, route, newName);
  }
  closeNetlink(script, route);
}
