/**
 * The requests that ask a network namespace for all it has of a kind. The answer is any number of
 * datagrams, the last with NLMSG_DONE. Pure data.
 */
import {
  AF,
  IF_STATS_MSG_BYTES,
  IFADDRMSG_BYTES,
  IFINFOMSG_BYTES,
  IFLA,
  IFLA_STATS_LINK_64,
  NETCONFA,
  NETCONFA_IFINDEX_ALL,
  NETNSA,
  NFNL_SUBSYS_NFTABLES,
  NFT_MSG,
  NFTA_SET_ELEM_LIST,
  NLM_F,
  RTEXT_FILTER_SKIP_STATS,
  RTM,
  RTMSG_BYTES,
} from './constants.js';
import { attribute, cString, le32, type Message, u32 } from './messages.js';

const DUMP_FLAGS = NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_DUMP;

/** By what they ask for; the first four of NETLINK_ROUTE, the others of NETLINK_NETFILTER. */
export const DUMP: Readonly<
  Record<
    'links' | 'addresses' | 'routes' | 'statistics' | 'tables' | 'chains' | 'rules' | 'sets',
    Message
  >
> = {
  links: {
    type: RTM.RTM_GETLINK,
    flags: DUMP_FLAGS,
    header: [new Uint8Array(IFINFOMSG_BYTES)],
    attributes: [u32(IFLA.IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)],
    display: '{RTM_GETLINK, flags=NLM_F_DUMP}',
  },
  addresses: {
    type: RTM.RTM_GETADDR,
    flags: DUMP_FLAGS,
    header: [new Uint8Array(IFADDRMSG_BYTES)],
    attributes: [],
    display: '{RTM_GETADDR, flags=NLM_F_DUMP}',
  },
  routes: {
    type: RTM.RTM_GETROUTE,
    flags: DUMP_FLAGS,
    header: [new Uint8Array(RTMSG_BYTES)],
    attributes: [],
    display: '{RTM_GETROUTE, flags=NLM_F_DUMP}',
  },
  statistics: {
    type: RTM.RTM_GETSTATS,
    flags: DUMP_FLAGS,
    // family, padding, index, then the kinds of counters that are wanted, as bits
    header: [new Uint8Array(IF_STATS_MSG_BYTES - 4), le32(1 << (IFLA_STATS_LINK_64 - 1))],
    attributes: [],
    display: '{RTM_GETSTATS, filter_mask=IFLA_STATS_LINK_64, flags=NLM_F_DUMP}',
  },
  tables: nftDump('NFT_MSG_GETTABLE'),
  chains: nftDump('NFT_MSG_GETCHAIN'),
  rules: nftDump('NFT_MSG_GETRULE'),
  sets: nftDump('NFT_MSG_GETSET'),
};

/** The elements of one set; `family` is NFPROTO_…, as the set's own message had it. */
export function dumpSetElements(family: number, table: string, set: string): Message {
  return {
    ...nftDump('NFT_MSG_GETSETELEM', family),
    attributes: [
      cString(NFTA_SET_ELEM_LIST.NFTA_SET_ELEM_LIST_TABLE, table),
      cString(NFTA_SET_ELEM_LIST.NFTA_SET_ELEM_LIST_SET, set),
    ],
  };
}

/** Asks for the number that a namespace (an open fd of this process) has in the socket's own. */
export function namespaceIdRequest(namespaceFd: number): Message {
  return {
    type: RTM.RTM_GETNSID,
    flags: NLM_F.NLM_F_REQUEST,
    header: [new Uint8Array(4)], // struct rtgenmsg, padded
    attributes: [u32(NETNSA.NETNSA_FD, namespaceFd)],
    display: `{RTM_GETNSID, fd=${namespaceFd}}`,
  };
}

/** Asks whether IPv4 packets for others are passed on: net.ipv4.ip_forward. */
export const FORWARDING_REQUEST: Message = {
  type: RTM.RTM_GETNETCONF,
  flags: NLM_F.NLM_F_REQUEST,
  header: [Uint8Array.of(AF.AF_INET, 0, 0, 0)], // struct netconfmsg, padded
  attributes: [attribute(NETCONFA.NETCONFA_IFINDEX, le32(NETCONFA_IFINDEX_ALL))],
  display: '{RTM_GETNETCONF, ifindex=NETCONFA_IFINDEX_ALL}',
};

function nftDump(type: keyof typeof NFT_MSG, family: number = AF.AF_UNSPEC): Message {
  return {
    type: (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG[type],
    flags: DUMP_FLAGS,
    header: [Uint8Array.of(family, 0, 0, 0)],
    attributes: [],
    display: `{${type}, flags=NLM_F_DUMP}`,
  };
}
