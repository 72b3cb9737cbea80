/**
 * Constants of netlink, rtnetlink and nf_tables by their kernel names, from the headers
 * linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/if_bridge.h,
 * linux/veth.h and linux/netfilter/nf_tables.h. The same on x86_64 and arm64. Pure data; displays
 * spell messages with these names, as strace does.
 */
import type { ConstantTable } from '../constants.js';

/** socket(2): families, types; sendto/recvfrom flags */
export const AF = { AF_UNSPEC: 0, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16 } as const;
export const SOCK = { SOCK_RAW: 3, SOCK_CLOEXEC: 0o2000000 } as const satisfies ConstantTable;
export const MSG = { MSG_DONTWAIT: 0x40 } as const satisfies ConstantTable;

/** netlink(7): families of sockets */
export const NETLINK = { NETLINK_ROUTE: 0, NETLINK_SOCK_DIAG: 4, NETLINK_NETFILTER: 12 } as const;

/** sock_diag(7): sockets of one family and protocol, by their states (bits) */
export const SOCK_DIAG_BY_FAMILY = 20;
export const INET_DIAG_REQ_BYTES = 56;
export const INET_DIAG_MSG_BYTES = 72;
export const IPPROTO = { IPPROTO_TCP: 6, IPPROTO_UDP: 17 } as const;
/** net/tcp_states.h; an udp socket that is bound and not connected is in CLOSE */
export const TCP_STATE = { TCP_CLOSE: 7, TCP_LISTEN: 10 } as const;

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
  NLM_F_DUMP_INTR: 0x10,
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
  RTM_NEWNETCONF: 80,
  RTM_GETNETCONF: 82,
  RTM_NEWNSID: 88,
  RTM_GETNSID: 90,
  RTM_NEWSTATS: 92,
  RTM_GETSTATS: 94,
} as const satisfies ConstantTable;

/** Groups of NETLINK_ROUTE that tell of changes, RTNLGRP_… */
export const RTNLGRP = {
  RTNLGRP_LINK: 1,
  RTNLGRP_IPV4_IFADDR: 5,
  RTNLGRP_IPV4_ROUTE: 7,
  RTNLGRP_IPV6_IFADDR: 9,
  RTNLGRP_IPV6_ROUTE: 11,
  RTNLGRP_IPV4_NETCONF: 24,
} as const;
/** The group of NETLINK_NETFILTER that tells of changed rules */
export const NFNLGRP_NFTABLES = 7;

/** linux/net_namespace.h: this namespace's number for another one */
export const NETNSA = { NETNSA_NSID: 1, NETNSA_PID: 2, NETNSA_FD: 3 } as const;
/** linux/netconf.h */
export const NETCONFA = { NETCONFA_IFINDEX: 1, NETCONFA_FORWARDING: 2 } as const;
export const NETCONFA_IFINDEX_ALL = -1;
/** Counters of links, struct rtnl_link_stats64 */
export const IFLA_STATS_LINK_64 = 1;
export const IF_STATS_MSG_BYTES = 12;

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
  IFF_DEBUG: 0x4,
  IFF_LOOPBACK: 0x8,
  IFF_POINTOPOINT: 0x10,
  IFF_NOTRAILERS: 0x20,
  IFF_RUNNING: 0x40,
  IFF_NOARP: 0x80,
  IFF_PROMISC: 0x100,
  IFF_ALLMULTI: 0x200,
  IFF_MASTER: 0x400,
  IFF_SLAVE: 0x800,
  IFF_MULTICAST: 0x1000,
  IFF_PORTSEL: 0x2000,
  IFF_AUTOMEDIA: 0x4000,
  IFF_DYNAMIC: 0x8000,
  IFF_LOWER_UP: 0x10000,
  IFF_DORMANT: 0x20000,
  IFF_ECHO: 0x40000,
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
  RTA_MULTIPATH: 9,
  RTA_TABLE: 15,
  RTA_VIA: 18,
} as const;
export const RT_TABLE = { RT_TABLE_MAIN: 254, RT_TABLE_LOCAL: 255 } as const;
/** A route looked up for a packet and kept (IPv6): none that somebody made */
export const RTM_F_CLONED = 0x200;
export const RTN = {
  RTN_UNICAST: 1,
  RTN_LOCAL: 2,
  RTN_BLACKHOLE: 6,
  RTN_UNREACHABLE: 7,
  RTN_PROHIBIT: 8,
  RTN_THROW: 9,
} as const;
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
  NFT_MSG_NEWSET: 9,
  NFT_MSG_GETSET: 10,
  NFT_MSG_NEWSETELEM: 12,
  NFT_MSG_GETSETELEM: 13,
  NFT_MSG_NEWGEN: 15,
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
export const NFTA_SET = {
  NFTA_SET_TABLE: 1,
  NFTA_SET_NAME: 2,
  NFTA_SET_FLAGS: 3,
  NFTA_SET_KEY_TYPE: 4,
  NFTA_SET_KEY_LEN: 5,
} as const;
export const NFT_SET_FLAG = { NFT_SET_ANONYMOUS: 1, NFT_SET_INTERVAL: 4, NFT_SET_MAP: 8 } as const;
export const NFTA_SET_ELEM_LIST = {
  NFTA_SET_ELEM_LIST_TABLE: 1,
  NFTA_SET_ELEM_LIST_SET: 2,
  NFTA_SET_ELEM_LIST_ELEMENTS: 3,
} as const;
export const NFTA_SET_ELEM = {
  NFTA_SET_ELEM_KEY: 1,
  NFTA_SET_ELEM_DATA: 2,
  NFTA_SET_ELEM_FLAGS: 3,
  NFTA_SET_ELEM_KEY_END: 10,
} as const;
export const NFT_SET_ELEM_INTERVAL_END = 1;
/** What a changed ruleset tells last: who did it, in the initial pid namespace */
export const NFTA_GEN = { NFTA_GEN_ID: 1, NFTA_GEN_PROC_PID: 2, NFTA_GEN_PROC_NAME: 3 } as const;
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
