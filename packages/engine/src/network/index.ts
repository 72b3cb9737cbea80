export {
  addressesFrom,
  bridgePorts,
  type InterfaceAddress,
  linksFrom,
  type NetworkLink,
  type NetworkRoute,
  nextAddress,
  type RulesetChain,
  type RulesetRule,
  type RulesetTable,
  routesFrom,
  rulesetFrom,
} from '@terrarium/syscall';
export * from './addresses.js';
export * from './bridges.js';
export * from './connect-network.js';
export * from './container-network.js';
export * from './container-network-config.js';
export type { LinkSettings, NamespaceReference } from './link-message.js';
export * from './links.js';
export * from './net-devices.js';
export {
  closeNetlink,
  interfaceIndex,
  type NetlinkSocket,
  openNetlink,
} from './netlink-calls.js';
export * from './network-error.js';
export * from './network-namespace.js';
export {
  addTable,
  deleteTable,
  type NftChain,
  type NftRule,
  type NftTable,
} from './nftables.js';
export * from './primitives.js';
export * from './probe-network.js';
export * from './read-network.js';
export * from './routes.js';
