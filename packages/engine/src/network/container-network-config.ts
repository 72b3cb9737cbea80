/**
 * The config of a container's network: schema, defaults, and what no single field can check. Pure.
 */

import {
  contains,
  firstAddress,
  INTERFACE_NAME_LENGTH,
  parseIp,
  parseMac,
  parsePrefix,
} from '@terrarium/syscall';
import * as z from 'zod';
import { isInterfaceName } from './netlink-calls.js';

const port = z.int().min(1).max(65_535);
const ip = z.string().refine(parses(parseIp), 'an IP address');
const ipPrefix = z.string().refine(parses(parsePrefix), 'an address with prefix: 10.88.0.2/16');
const interfaceName = z
  .string()
  .refine(isInterfaceName, `a name of 1 to ${INTERFACE_NAME_LENGTH} bytes without slash or space`);

/** A port of the runtime's namespace that leads to a port of the container. */
export const hostPortSchema = z.strictObject({
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  hostPort: port.describe('port of the runtime namespace'),
  containerPort: port.describe('port of the container'),
  hostAddress: ip
    .optional()
    .describe('only packets to this address; any local address of the namespace by default'),
});

/** The network of one container. */
export const containerNetworkSchema = z
  .strictObject({
    bridge: interfaceName.default('tr0').describe('made when it is missing'),
    address: ipPrefix.describe('with the prefix length of the subnet: 10.88.0.2/16, fd00:88::2/64'),
    gateway: ip.optional().describe("the bridge's address; the first of the subnet by default"),
    address6: ipPrefix.optional().describe('a second address, IPv6'),
    gateway6: ip.optional().describe('the first of that subnet by default'),
    interfaceName: interfaceName.default('eth0').describe("the container's end of the pair"),
    hostPorts: z.array(hostPortSchema).default([]),
    masquerade: z
      .boolean()
      .default(true)
      .describe('what leaves the subnet looks as if the runtime namespace had sent it'),
    mtu: z.int().min(68).max(65_535).optional().describe('bytes; of both ends'),
    mac: z.string().refine(parses(parseMac), 'a MAC address of one interface').optional(),
  })
  .superRefine((network, context) => {
    for (const problem of problemsOf(network))
      context.addIssue({ code: 'custom', message: problem });
  });

/** What a caller writes: what has a default may be left out. */
export type ContainerNetworkConfig = z.input<typeof containerNetworkSchema>;

/** The same with defaults. */
export type ContainerNetwork = z.output<typeof containerNetworkSchema>;

/** A port forward with defaults. */
export type HostPort = z.output<typeof hostPortSchema>;

/** An address of the container with the gateway of its subnet. */
export interface Placement {
  readonly address: string;
  readonly gateway: string;
}

/** Parses a config. @throws ZodError that names the field */
export function parseContainerNetwork(config: ContainerNetworkConfig): ContainerNetwork {
  return containerNetworkSchema.parse(config);
}

/** The container's addresses, each with its gateway. */
export function placements(network: ContainerNetwork): Placement[] {
  const { address, gateway, address6, gateway6 } = network;
  const first = { address, gateway: gateway ?? firstAddress(parsePrefix(address)) };
  if (address6 === undefined) return [first];
  return [first, { address: address6, gateway: gateway6 ?? firstAddress(parsePrefix(address6)) }];
}

/** What no single field shows. Runs on fields that are well-formed or not: zod checks those, too. */
function problemsOf(network: z.output<typeof containerNetworkSchema>): string[] {
  if (!isComplete(network)) return [];
  const problems: string[] = [];
  for (const { address, gateway } of placements(network)) {
    const own = parsePrefix(address);
    if (!contains(own, parseIp(gateway)))
      problems.push(`the gateway ${gateway} is not in the subnet of ${address}`);
    if (gateway === address.split('/')[0]) problems.push(`${gateway} is the gateway's own address`);
  }
  if (network.address6 !== undefined && parsePrefix(network.address6).family !== 6)
    problems.push(`address6 is not IPv6: ${network.address6}`);
  const families = placements(network).map(({ address }) => parsePrefix(address).family);
  for (const { hostAddress } of network.hostPorts) {
    if (hostAddress === undefined) continue;
    const { family } = parseIp(hostAddress);
    if (!families.includes(family))
      problems.push(
        `no port of ${hostAddress} can be forwarded: the container has no IPv${family} address`,
      );
    if (hostAddress === '::1')
      problems.push('no port of ::1 can be forwarded: IPv6 has no route_localnet');
  }
  return problems;
}

function isComplete(network: z.output<typeof containerNetworkSchema>): boolean {
  const { address, address6, gateway, gateway6, hostPorts } = network;
  const addresses = [address, ...(address6 === undefined ? [] : [address6])];
  const plain = [gateway, gateway6, ...hostPorts.map((one) => one.hostAddress)];
  return (
    addresses.every(parses(parsePrefix)) &&
    plain.every((one) => one === undefined || parses(parseIp)(one))
  );
}

/** A check for zod from a parser that throws. */
function parses(parse: (text: string) => unknown): (text: string) => boolean {
  return (value) => {
    try {
      parse(value);
      return true;
    } catch {
      return false; // zod reports it, with the field's name
    }
  };
}
