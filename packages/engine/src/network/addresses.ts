/**
 * Addresses of interfaces. Appends to a plan; the process that runs it needs CAP_NET_ADMIN over
 * the socket's network namespace.
 */
import {
  addressFamily,
  attribute,
  ERRNO,
  IFA,
  IFA_F,
  type IpPrefix,
  le32,
  type Message,
  NLM_F,
  parsePrefix,
  RT_SCOPE,
  RTM,
  type Slot,
} from '@terrarium/syscall';
import { purpose, type Script } from '../plan/script.js';
import { displayIndex } from './link-message.js';
import { type NetlinkSocket, request } from './netlink-calls.js';

/** An interface by name, for displays, and by the index that messages carry. */
export interface LinkReference {
  readonly name: string;
  readonly index: Slot | number;
}

/** Gives an interface an address with its prefix length: `10.88.0.2/16`, `fd00::2/64`. */
export function addAddress(
  script: Script,
  socket: NetlinkSocket,
  link: LinkReference,
  address: string,
  options: { readonly ifMissing?: boolean } = {},
): void {
  const why = purpose(
    'address',
    `give ${link.name} the address ${address}; its prefix says who is a neighbour`,
    `给 ${link.name} 地址 ${address}；前缀说明谁是邻居`,
  );
  const extras = options.ifMissing === true ? { tolerate: [ERRNO.EEXIST] } : {};
  request(script, socket, [addressMessage('RTM_NEWADDR', link, address)], why, extras);
}

/** Takes an address from an interface. */
export function deleteAddress(
  script: Script,
  socket: NetlinkSocket,
  link: LinkReference,
  address: string,
  options: { readonly ifExists?: boolean } = {},
): void {
  const why = purpose(
    'address-delete',
    `take the address ${address} from ${link.name}`,
    `从 ${link.name} 去掉地址 ${address}`,
  );
  const extras = options.ifExists === true ? { tolerate: [ERRNO.EADDRNOTAVAIL] } : {};
  request(script, socket, [addressMessage('RTM_DELADDR', link, address)], why, extras);
}

/** The message alone. */
export function addressMessage(
  type: 'RTM_NEWADDR' | 'RTM_DELADDR',
  link: LinkReference,
  text: string,
): Message {
  const address = parsePrefix(text);
  const created = type === 'RTM_NEWADDR' ? NLM_F.NLM_F_CREATE | NLM_F.NLM_F_EXCL : 0;
  const { index } = link;
  return {
    type: RTM[type],
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK | created,
    // struct ifaddrmsg: family, prefix length, flags, scope, index
    header: [
      Uint8Array.of(
        addressFamily(address.family),
        address.prefix,
        type === 'RTM_NEWADDR' ? flagsOf(address) : 0,
        RT_SCOPE.RT_SCOPE_UNIVERSE,
      ),
      typeof index === 'number' ? le32(index) : index,
    ],
    attributes: [
      attribute(IFA.IFA_LOCAL, address.bytes),
      attribute(IFA.IFA_ADDRESS, address.bytes),
    ],
    display: `{${type}, index=${displayIndex(index)}, local=${text}}`,
  };
}

/**
 * No duplicate address detection, which would keep an IPv6 address unusable for a second and more:
 * whoever hands out addresses here knows that they are unique. IPv4 has none in the kernel.
 */
function flagsOf({ family }: IpPrefix): number {
  return family === 6 ? IFA_F.IFA_F_NODAD : 0;
}
