/**
 * Constants of netlink, rtnetlink and nf_tables by their kernel names, from the headers
 * linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/if_bridge.h,
 * linux/veth.h and linux/netfilter/nf_tables.h. The same on x86_64 and arm64. Pure data; displays
 * spell messages with these names, as strace does.
 */
import type { ConstantTable } from '@terrarium/syscall';

/** socket(2): families, types; sendto/recvfrom flags */
export const AF = { AF_UNSPEC: 0, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16 } as const;
export const SOCK = { SOCK_RAW: 3, SOCK_CLOEXEC: 0o2000000 } as const satisfies ConstantTable;
export const MSG = { MSG_DONTWAIT: 0x40 } as const satisfies ConstantTable;

/** netlink(7): families of sockets */
export const NETLINK = { NETLINK_ROUTE: 0, NETLINK_NETFILTER: 12 } as const;

/** setsockopt of a netlink socket: answers say in words what is wrong (NLMSGERR_ATTR_MSG) */
export const SOL_NETLINK = 270;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;

/** Message types that every netlink family has */
export const NLMSG = { NLMSG_NOOP: 1, NLMSG_ERROR: 2, NLMSG_DONE: 3 } as const;

/** nlmsg_flags of requests */
export const NLM_F = {
  NLM_F_REQUEST: 0x1,
  NLM_F_MULTI: 0x2,
  NLM_F_ACK: 0x4,
  NLM_F_CAPPED: 0x100,
  NLM_F_ACK_TLVS: 0x200,
  NLM_F_EXCL: 0x200,
  NLM_F_DUMP: 0x300,
  NLM_F_CREATE: 0x400,
  NLM_F_APPEND: 0x800,
} as const;

/** Attributes of NLMSG_ERROR with NETLINK_EXT_ACK */
export const NLMSGERR_ATTR = { NLMSGERR_ATTR_MSG: 1, NLMSGERR_ATTR_OFFS: 2 } as const;

/** nla_type: this attribute holds attributes; the values below the bit are the type */
export const NLA_F_NESTED = 0x8000;
export const NLA_TYPE_MASK = 0x3fff;

/** rtnetlink(7) messages */
export const RTM = {
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_SETLINK: 19,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  RTM_GETROUTE: 26,
} as const satisfies ConstantTable;

/** Attributes of a link */
export const IFLA = {
  IFLA_ADDRESS: 1,
  IFLA_IFNAME: 3,
  IFLA_MTU: 4,
  IFLA_LINK: 5,
  IFLA_MASTER: 10,
  IFLA_PROTINFO: 12,
  IFLA_OPERSTATE: 16,
  IFLA_LINKINFO: 18,
  IFLA_NET_NS_PID: 19,
  IFLA_NET_NS_FD: 28,
  IFLA_EXT_MASK: 29,
  IFLA_LINK_NETNSID: 37,
} as const satisfies ConstantTable;
export const IFLA_INFO = {
  IFLA_INFO_KIND: 1,
  IFLA_INFO_DATA: 2,
  IFLA_INFO_SLAVE_KIND: 4,
  IFLA_INFO_SLAVE_DATA: 5,
} as const;
export const VETH_INFO_PEER = 1;
/** Attributes of a bridge's port */
export const IFLA_BRPORT = { IFLA_BRPORT_STATE: 1, IFLA_BRPORT_MODE: 4 } as const;
/** leave the counters out of RTM_GETLINK's answer, which they would treble */
export const RTEXT_FILTER_SKIP_STATS = 8;

/** Flags of an interface, netdevice(7) */
export const IFF = {
  IFF_UP: 0x1,
  IFF_BROADCAST: 0x2,
  IFF_LOOPBACK: 0x8,
  IFF_RUNNING: 0x40,
  IFF_MULTICAST: 0x1000,
  IFF_LOWER_UP: 0x10000,
} as const satisfies ConstantTable;

/** Attributes and flags of an address; scopes of addresses and routes */
export const IFA = { IFA_ADDRESS: 1, IFA_LOCAL: 2, IFA_FLAGS: 8 } as const;
export const IFA_F = { IFA_F_NODAD: 0x2, IFA_F_TENTATIVE: 0x40, IFA_F_PERMANENT: 0x80 } as const;
export const RT_SCOPE = {
  RT_SCOPE_UNIVERSE: 0,
  RT_SCOPE_LINK: 253,
  RT_SCOPE_HOST: 254,
} as const satisfies ConstantTable;

/** Attributes and fields of a route */
export const RTA = {
  RTA_DST: 1,
  RTA_OIF: 4,
  RTA_GATEWAY: 5,
  RTA_PRIORITY: 6,
  RTA_PREFSRC: 7,
  RTA_TABLE: 15,
} as const;
export const RT_TABLE = { RT_TABLE_MAIN: 254, RT_TABLE_LOCAL: 255 } as const;
export const RTN = { RTN_UNICAST: 1, RTN_LOCAL: 2 } as const;
export const RTPROT = {
  RTPROT_KERNEL: 2,
  RTPROT_BOOT: 3,
  RTPROT_STATIC: 4,
  RTPROT_RA: 9,
} as const satisfies ConstantTable;

/** netdevice(7): the index of an interface by its name */
export const SIOCGIFINDEX = 0x8933;

/** nfnetlink: messages of one batch take effect together or not at all */
export const NFNL_MSG_BATCH_BEGIN = 16;
export const NFNL_MSG_BATCH_END = 17;
export const NFNL_SUBSYS_NFTABLES = 10;

/** nf_tables messages, without the subsystem in the upper byte */
export const NFT_MSG = {
  NFT_MSG_NEWTABLE: 0,
  NFT_MSG_GETTABLE: 1,
  NFT_MSG_DELTABLE: 2,
  NFT_MSG_NEWCHAIN: 3,
  NFT_MSG_GETCHAIN: 4,
  NFT_MSG_DELCHAIN: 5,
  NFT_MSG_NEWRULE: 6,
  NFT_MSG_GETRULE: 7,
  NFT_MSG_DELRULE: 8,
} as const satisfies ConstantTable;

/** Families of tables and of packets */
export const NFPROTO = {
  NFPROTO_INET: 1,
  NFPROTO_IPV4: 2,
  NFPROTO_IPV6: 10,
} as const satisfies ConstantTable;

export const NFTA_TABLE = { NFTA_TABLE_NAME: 1, NFTA_TABLE_HANDLE: 4 } as const;
export const NFTA_CHAIN = {
  NFTA_CHAIN_TABLE: 1,
  NFTA_CHAIN_NAME: 3,
  NFTA_CHAIN_HOOK: 4,
  NFTA_CHAIN_POLICY: 5,
  NFTA_CHAIN_TYPE: 7,
} as const;
export const NFTA_HOOK = { NFTA_HOOK_HOOKNUM: 1, NFTA_HOOK_PRIORITY: 2 } as const;
export const NFTA_RULE = {
  NFTA_RULE_TABLE: 1,
  NFTA_RULE_CHAIN: 2,
  NFTA_RULE_HANDLE: 3,
  NFTA_RULE_EXPRESSIONS: 4,
  NFTA_RULE_USERDATA: 7,
} as const;
export const NFTA_LIST_ELEM = 1;
export const NFTA_EXPR = { NFTA_EXPR_NAME: 1, NFTA_EXPR_DATA: 2 } as const;
export const NFTA_DATA = { NFTA_DATA_VALUE: 1, NFTA_DATA_VERDICT: 2 } as const;
export const NFTA_VERDICT_CODE = 1;
export const NFTA_COUNTER = { NFTA_COUNTER_BYTES: 1, NFTA_COUNTER_PACKETS: 2 } as const;

/** Where a chain hangs in the way of a packet */
export const NF_INET = {
  prerouting: 0,
  input: 1,
  forward: 2,
  output: 3,
  postrouting: 4,
} as const;

/** Verdicts of a rule */
export const NF_VERDICT = { drop: 0, accept: 1 } as const;

/** Bytes of the fixed part of a message, behind the netlink header */
export const NLMSG_HEADER_BYTES = 16;
export const IFINFOMSG_BYTES = 16;
export const IFADDRMSG_BYTES = 8;
export const RTMSG_BYTES = 12;
export const NFGENMSG_BYTES = 4;

/** IFNAMSIZ without its NUL: the longest name of an interface */
export const INTERFACE_NAME_LENGTH = 15;
