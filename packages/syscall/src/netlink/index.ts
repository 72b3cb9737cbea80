/**
 * netlink(7): messages as bytes, and what the kernel lists of links, addresses, routes and rules as
 * plain values. Used by plans (engine) and by whoever listens (observer).
 */
export * from './constants.js';
export * from './decode.js';
export * from './dump-requests.js';
export * from './ip.js';
export * from './messages.js';
export * from './network-state.js';
export { type SetElements, setsToList } from './nft-set.js';
export * from './ruleset.js';
export * from './socket.js';
export * from './waiting-sockets.js';
