/**
 * What the nftables rules of one network namespace do to one packet, read from the rules' text.
 * A rule that says something this reader does not know is reported as uncertain and passed over:
 * better "may apply" than a wrong verdict.
 */
import { type IpAddress, isSameIp, isWithin, parseIp, parsePrefix } from './ip-address.js';
import type { NetworkState, NftChainState, NftTableState } from './state.js';

export type PacketProtocol = 'icmp' | 'tcp' | 'udp';

/** A packet at one hook. */
export interface Packet {
  readonly source: string | null;
  readonly destination: string;
  readonly protocol: PacketProtocol;
  /** destination port; null for icmp */
  readonly port: number | null;
  /** names of the interfaces by which it came and will leave; null where there is none */
  readonly came: string | null;
  readonly leaves: string | null;
}

export type Verdict = 'accept' | 'drop' | 'reject' | 'masquerade' | 'snat' | 'dnat' | 'policy-drop';

/** One rule (or a chain's policy) that has a say in this packet. */
export interface RuleHit {
  readonly table: Pick<NftTableState, 'family' | 'name'>;
  readonly chain: string;
  /** null for the policy */
  readonly rule: NftChainState['rules'][number] | null;
  readonly verdict: Verdict;
  /** of snat and dnat: the new address, with a port where it says one */
  readonly to: string | null;
  /** false: whether it matches this packet depends on what is not known here */
  readonly sure: boolean;
}

/** What all chains of one hook do together. */
export interface HookResult {
  readonly hits: readonly RuleHit[];
  /** the hit that ends the packet's way */
  readonly ended: RuleHit | null;
  /** the hit that rewrites an address */
  readonly rewrites: RuleHit | null;
}

/** Runs the packet through the base chains of a hook, in the order of their priorities. */
export function passHook(network: NetworkState, hook: string, packet: Packet): HookResult {
  const family = parseIp(packet.destination)?.family === 6 ? 'ip6' : 'ip';
  const chains = network.tables
    .filter((table) => table.family === family || table.family === 'inet')
    .flatMap((table) => table.chains.map((chain) => ({ table, chain })))
    .filter(({ chain }) => chain.hook === hook)
    .sort((a, b) => (a.chain.priority ?? 0) - (b.chain.priority ?? 0));
  const hits: RuleHit[] = [];
  let rewrites: RuleHit | null = null;
  for (const { table, chain } of chains) {
    const own = passChain(table, chain, packet, 0);
    hits.push(...own);
    const last = own.findLast(({ sure }) => sure) ?? null;
    if (last === null) {
      if (chain.policy !== 'drop') continue;
      const policy = { table, chain: chain.name, rule: null, to: null, sure: true } as const;
      const ended: RuleHit = { ...policy, verdict: 'policy-drop' };
      return { hits: [...hits, ended], ended, rewrites };
    }
    if (last.verdict === 'drop' || last.verdict === 'reject')
      return { hits, ended: last, rewrites };
    if (last.verdict !== 'accept') rewrites = last;
  }
  return { hits, ended: null, rewrites };
}

/** Chains that jump to each other in a circle do not exist; a damaged recording may say so. */
const MAX_JUMPS = 16;

/** Hits up to and with the first that is sure and ends the chain. */
function passChain(
  table: NftTableState,
  chain: NftChainState,
  packet: Packet,
  depth: number,
): RuleHit[] {
  const hits: RuleHit[] = [];
  for (const rule of chain.rules) {
    const read = readRule(rule.text, packet);
    if (read.matches === 'no' || read.verdict === null) continue;
    if (read.verdict === 'return' && read.matches === 'yes') return hits;
    if (read.verdict === 'return') continue;
    if (read.verdict === 'jump' || read.verdict === 'goto') {
      const target = table.chains.find(({ name }) => name === read.to);
      if (target === undefined || depth >= MAX_JUMPS) continue;
      const sure = read.matches === 'yes';
      const inner = passChain(table, target, packet, depth + 1);
      hits.push(...inner.map((hit) => ({ ...hit, sure: hit.sure && sure })));
      if (sure && (read.verdict === 'goto' || inner.some((hit) => hit.sure))) return hits;
      continue;
    }
    const sure = read.matches === 'yes';
    hits.push({ table, chain: chain.name, rule, verdict: read.verdict, to: read.to, sure });
    if (sure) return hits;
  }
  return hits;
}

type Matching = 'yes' | 'no' | 'maybe';

interface ReadRule {
  readonly matches: Matching;
  readonly verdict: Exclude<Verdict, 'policy-drop'> | 'return' | 'jump' | 'goto' | null;
  readonly to: string | null;
}

/** Reads one rule as `nft list ruleset` prints it. */
export function readRule(text: string, packet: Packet): ReadRule {
  const tokens = text
    .replace(/comment "[^"]*"/g, '')
    .replace(/counter packets \d+ bytes \d+|\bcounter\b/g, '')
    .replace(/log( (prefix "[^"]*"|level \w+|group \d+|flags \w+))*/g, '')
    .replace(/^(.*?)# handle \d+$/, '$1')
    .match(/"[^"]*"|\{[^}]*\}|[^\s]+/g);
  const rest = [...(tokens ?? [])];
  let matches: Matching = 'yes';
  while (rest.length > 0) {
    const verdict = takeVerdict(rest);
    if (verdict !== null) return { matches, ...verdict };
    const found = takeMatch(rest, packet);
    if (found === 'no') return { matches: 'no', verdict: null, to: null };
    if (found === 'maybe') matches = 'maybe';
  }
  return { matches, verdict: null, to: null };
}

function takeVerdict(rest: string[]): Pick<ReadRule, 'verdict' | 'to'> | null {
  const [word, second, third, fourth] = rest;
  switch (word) {
    case 'accept':
    case 'drop':
    case 'reject':
    case 'return':
    case 'masquerade':
      return { verdict: word, to: null };
    case 'jump':
    case 'goto':
      return { verdict: word, to: second ?? null };
    case 'snat':
    case 'dnat': // dnat to A, dnat ip to A
      return { verdict: word, to: (second === 'to' ? third : fourth) ?? null };
    default:
      return null;
  }
}

/** Takes one comparison from the front, or one word that is not understood. */
function takeMatch(rest: string[], packet: Packet): Matching {
  if (rest[0] === 'meta') rest.shift();
  const key = takeKey(rest);
  if (key === null) {
    rest.shift();
    return 'maybe';
  }
  const differs = rest[0] === '!=';
  if (rest[0] === '!=' || rest[0] === '==') rest.shift();
  const matching = compare(key, valuesOf(rest.shift() ?? ''), packet);
  if (!differs || matching === 'maybe') return matching;
  return matching === 'yes' ? 'no' : 'yes';
}

/** Keys of one word and of two. */
const KEYS = [
  ...['iifname', 'iif', 'oifname', 'oif', 'l4proto'],
  ...['ip saddr', 'ip daddr', 'ip protocol', 'ip6 saddr', 'ip6 daddr', 'ip6 nexthdr'],
  ...['tcp dport', 'udp dport', 'th dport', 'icmp type', 'ct state'],
];

function takeKey(rest: string[]): string | null {
  const [first, second] = rest;
  const key = [`${first} ${second}`, `${first}`].find((one) => KEYS.includes(one));
  if (key !== undefined) rest.splice(0, key.includes(' ') ? 2 : 1);
  return key ?? null;
}

/** `{ 80, 443 }` and `established,related` as lists. */
function valuesOf(token: string): readonly string[] {
  return token
    .replace(/[{}]/g, '')
    .split(',')
    .map((value) => value.trim().replaceAll('"', ''))
    .filter((value) => value !== '');
}

function compare(key: string, values: readonly string[], packet: Packet): Matching {
  switch (key) {
    case 'iifname':
    case 'iif':
      return anyOf(values, (value) => matchesName(value, packet.came));
    case 'oifname':
    case 'oif':
      return anyOf(values, (value) => matchesName(value, packet.leaves));
    case 'ip saddr':
    case 'ip6 saddr':
      return packet.source === null ? 'maybe' : addressIn(packet.source, values);
    case 'ip daddr':
    case 'ip6 daddr':
      return addressIn(packet.destination, values);
    case 'l4proto':
    case 'ip protocol':
    case 'ip6 nexthdr':
      return anyOf(values, (value) => value === packet.protocol);
    case 'tcp dport':
    case 'udp dport':
      if (packet.protocol !== key.slice(0, 3)) return 'no';
      return anyOf(values, (value) => matchesPort(value, packet.port));
    case 'th dport':
      return anyOf(values, (value) => matchesPort(value, packet.port));
    case 'icmp type':
      return anyOf(values, (value) => packet.protocol === 'icmp' && value === 'echo-request');
    case 'ct state': // the first packet of a connection
      return anyOf(values, (value) => value === 'new');
    default:
      return 'maybe';
  }
}

function anyOf(values: readonly string[], test: (value: string) => boolean): Matching {
  return values.some(test) ? 'yes' : 'no';
}

function matchesName(pattern: string, name: string | null): boolean {
  if (name === null) return false;
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Services that nft prints by name, of those that a lesson meets. */
const SERVICES: Readonly<Record<string, number>> = { ssh: 22, domain: 53, http: 80, https: 443 };

function matchesPort(value: string, port: number | null): boolean {
  if (port === null) return false;
  const [low, high] = value.split('-').map((end) => SERVICES[end] ?? Number(end));
  return low !== undefined && port >= low && port <= (high ?? low);
}

function addressIn(text: string, values: readonly string[]): Matching {
  const address = parseIp(text);
  if (address === null) return 'maybe';
  // A named set (@blocked) is not in the state.
  if (values.some((value) => value.startsWith('@'))) return 'maybe';
  return anyOf(values, (value) => isInRange(address, value));
}

function isInRange(address: IpAddress, value: string): boolean {
  const [low, high] = value.split('-').map(parseIp);
  if (low && high) {
    return (
      low.family === address.family && low.value <= address.value && address.value <= high.value
    );
  }
  const prefix = parsePrefix(value);
  return prefix !== null && (isSameIp(address, prefix) || isWithin(address, prefix));
}
