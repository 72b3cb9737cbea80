/**
 * A rule as `nft list ruleset` writes it, from the expressions of which the kernel made it: loads
 * into registers, comparisons, actions. Counts of counters are left out (they are no part of what
 * the rule says). What is not known here stands in brackets, as `nft --debug=netlink` prints it.
 * Pure.
 *
 *   [ meta load l4proto => reg 1 ] [ cmp eq reg 1 0x06 ] [ payload load 2b @ transport header + 2 => reg 1 ]
 *   [ cmp eq reg 1 0x0016 ] [ counter ] [ immediate reg 0 accept ]       →   tcp dport 22 counter accept
 */
import { NFTA_DATA, NFTA_EXPR, NFTA_VERDICT_CODE } from './constants.js';
import type { Attributes } from './decode.js';
import { formatIp } from './ip.js';
import { describeExpression } from './nft-describe.js';
import {
  bigEndian,
  ctSelector,
  fibSelector,
  hex,
  metaSelector,
  type PacketContext,
  payloadSelector,
  type Selector,
} from './nft-fields.js';
import { type SetElements, setText } from './nft-set.js';

/** What a rule's text depends on besides its expressions. */
export interface RuleContext {
  /** of the table: `inet`, `ip`, `ip6`, `bridge` */
  readonly family: string;
  /** the elements of an anonymous set of this table */
  readonly set: (name: string) => SetElements | undefined;
}

/** A piece of the text; a condition that only says which header follows is hidden by that header. */
interface Phrase {
  text: string;
  readonly implies?: 'family' | 'protocol';
}

const OPERATORS: Readonly<Record<number, string>> = {
  0: '',
  1: '!= ',
  2: '< ',
  3: '<= ',
  4: '> ',
  5: '>= ',
};
const NOT_EQUAL = 1;
const LESS_OR_EQUAL = 3;
const GREATER_OR_EQUAL = 5;
const VERDICT_REGISTER = 0;
const VERDICTS: Readonly<Record<number, string>> = {
  0: 'drop',
  1: 'accept',
  3: 'queue',
  [-1]: 'continue',
  [-2]: 'break',
  [-3]: 'jump',
  [-4]: 'goto',
  [-5]: 'return',
};
const UNITS: Readonly<Record<number, string>> = {
  1: 'second',
  60: 'minute',
  3600: 'hour',
  86400: 'day',
  604800: 'week',
};
const EMPTY = new Uint8Array();

/** From the elements of NFTA_RULE_EXPRESSIONS. */
export function ruleText(expressions: readonly Attributes[], context: RuleContext): string {
  const reader = new RuleReader(context);
  for (const expression of expressions) reader.read(expression);
  return reader.text;
}

/** A verdict as attributes of NFTA_DATA_VERDICT: `accept`, `jump other`. */
export function verdictText(verdict: Attributes): string {
  const code = (verdict.be32(NFTA_VERDICT_CODE) ?? 0) | 0; // signed
  const chain = verdict.text(2);
  return `${VERDICTS[code] ?? `verdict ${code}`}${chain === undefined ? '' : ` ${chain}`}`;
}

class RuleReader {
  private readonly context: RuleContext;
  private readonly phrases: Phrase[] = [];
  private packet: PacketContext;
  /** what was loaded and not yet used; several make up one key */
  private loaded: Selector[] = [];
  private mask: Uint8Array | null = null;
  private lowest: Uint8Array | null = null;
  private readonly constants = new Map<number, Uint8Array>();

  constructor(context: RuleContext) {
    this.context = context;
    const family = context.family === 'ip' ? 4 : context.family === 'ip6' ? 6 : null;
    this.packet = { family, protocol: null };
  }

  get text(): string {
    return this.phrases
      .map(({ text }) => text)
      .filter((text) => text !== '')
      .join(' ');
  }

  read(expression: Attributes): void {
    const name = expression.text(NFTA_EXPR.NFTA_EXPR_NAME) ?? '?';
    const data = expression.nested(NFTA_EXPR.NFTA_EXPR_DATA);
    const read = this.readers[name];
    const text = read === undefined ? `[ ${describeExpression(expression)} ]` : read(data);
    if (text !== null) this.phrases.push({ text });
  }

  /** By the expression's name; the attributes' numbers are those of linux/netfilter/nf_tables.h. */
  private readonly readers: Readonly<Record<string, (data: Attributes) => string | null>> = {
    meta: (data) => this.loadOrSet(metaSelector(data.be32(2) ?? -1), data.be32(3)),
    ct: (data) => this.loadOrSet(ctSelector(data.be32(2) ?? -1), data.be32(4)),
    fib: (data) => this.load(fibSelector(data.be32(2) ?? 0, data.be32(3) ?? 0)),
    payload: (data) => this.readPayload(data),
    bitwise: (data) => {
      this.mask = dataValue(data, 4);
      return null;
    },
    cmp: (data) => this.compare(data.be32(2) ?? 0, dataValue(data, 3)),
    range: (data) => this.range(data),
    lookup: (data) => this.lookUp(data),
    immediate: (data) => this.immediate(data),
    counter: () => 'counter',
    masq: () => 'masquerade',
    notrack: () => 'notrack',
    nat: (data) => this.translate(data),
    redir: (data) => {
      const port = this.constants.get(data.be32(1) ?? -1);
      return port === undefined ? 'redirect' : `redirect to :${bigEndian(port)}`;
    },
    limit: limitText,
    log: logText,
    reject: (data) => rejectText(data, this.packet),
  };

  private load(selector: Selector): null {
    this.loaded.push(selector);
    return null;
  }

  private loadOrSet(selector: Selector, source: number | undefined): string | null {
    if (source === undefined) return this.load(selector);
    const value = this.constants.get(source);
    return `${selector.text} set ${value === undefined ? `reg ${source}` : selector.format(value)}`;
  }

  private readPayload(data: Attributes): string | null {
    const [base = 0, offset = 0, length = 0] = [2, 3, 4].map((type) => data.be32(type));
    if (data.be32(5) !== undefined) return '[ payload write ]';
    const selector = payloadSelector(base, offset, length, this.packet);
    // `ip saddr` says that it is IPv4, `tcp dport` that it is TCP: no need to say so before.
    if (selector.text.startsWith('ip') || selector.text.startsWith('icmp')) this.hide('family');
    if (base === 2 && this.packet.protocol !== null) this.hide('protocol');
    return this.load(selector);
  }

  private hide(what: Phrase['implies']): void {
    for (const phrase of this.phrases) if (phrase.implies === what) phrase.text = '';
  }

  private compare(operator: number, bytes: Uint8Array): string | null {
    const [selector] = this.take();
    if (selector === undefined) return `[ cmp ${OPERATORS[operator]}${hex(bytes)} ]`;
    const { mask } = this;
    this.mask = null;
    if (mask !== null) return maskedText(selector, mask, operator, bytes);
    if (operator === GREATER_OR_EQUAL) {
      this.lowest = bytes;
      this.loaded = [selector]; // the other end of a range may follow
      return `${selector.text} >= ${selector.format(bytes)}`;
    }
    if (operator === LESS_OR_EQUAL && this.lowest !== null) {
      const range = `${selector.text} ${selector.format(this.lowest)}-${selector.format(bytes)}`;
      this.lowest = null;
      this.phrases.pop();
      return range;
    }
    const text = `${selector.text} ${OPERATORS[operator] ?? ''}${valueText(selector, bytes)}`;
    const implies = operator === 0 ? this.learn(selector, bytes) : undefined;
    if (implies === undefined) return text;
    this.phrases.push({ text, implies });
    return null;
  }

  /** What a comparison tells of the packet. */
  private learn({ text }: Selector, bytes: Uint8Array): Phrase['implies'] {
    const value = bigEndian(bytes);
    if (text === 'meta nfproto' || text === 'meta protocol' || text === 'ether type') {
      if (value === 2 || value === 0x0800) this.packet = { ...this.packet, family: 4 };
      else if (value === 10 || value === 0x86dd) this.packet = { ...this.packet, family: 6 };
      else return undefined;
      return 'family';
    }
    if (text === 'meta l4proto' || text === 'ip protocol' || text === 'ip6 nexthdr') {
      this.packet = { ...this.packet, protocol: value };
      return 'protocol';
    }
    return undefined;
  }

  private range(data: Attributes): string {
    const [selector] = this.take();
    const [from, to] = [dataValue(data, 3), dataValue(data, 4)];
    if (selector === undefined) return '[ range ]';
    const not = data.be32(2) === NOT_EQUAL ? '!= ' : '';
    return `${selector.text} ${not}${selector.format(from)}-${selector.format(to)}`;
  }

  private lookUp(data: Attributes): string {
    const name = data.text(1) ?? '?';
    const selectors = this.take();
    const key = selectors.map(({ text }) => text).join(' . ');
    const result = data.be32(3);
    const kind = result === undefined ? '' : result === VERDICT_REGISTER ? 'vmap ' : 'map ';
    const not = ((data.be32(5) ?? 0) & 1) !== 0 ? '!= ' : '';
    const elements = this.context.set(name);
    const set = elements === undefined ? `@${name}` : setText(elements, selectors, verdictText);
    return `${key} ${kind}${not}${set}`;
  }

  private immediate(data: Attributes): string | null {
    const register = data.be32(1) ?? 0;
    const value = data.nested(2);
    if (register === VERDICT_REGISTER) {
      return verdictText(value.nested(NFTA_DATA.NFTA_DATA_VERDICT));
    }
    this.constants.set(register, value.bytes(NFTA_DATA.NFTA_DATA_VALUE) ?? EMPTY);
    return null;
  }

  private translate(data: Attributes): string {
    const constant = (type: number): Uint8Array | undefined =>
      this.constants.get(data.be32(type) ?? -1);
    const [from, to, port, lastPort] = [constant(3), constant(4), constant(5), constant(6)];
    const end = to === undefined || isSame(to, from) ? '' : `-${formatIp(to)}`;
    const address = from === undefined ? '' : formatIp(from);
    const last = lastPort === undefined || isSame(lastPort, port) ? '' : `-${bigEndian(lastPort)}`;
    const ports = port === undefined ? '' : `:${bigEndian(port)}${last}`;
    const shown = from?.length === 16 && ports !== '' ? `[${address}]` : address;
    const family = this.context.family === 'inet' && from !== undefined;
    const word = family ? (from.length === 16 ? ' ip6' : ' ip') : '';
    return `${data.be32(1) === 1 ? 'dnat' : 'snat'}${word} to ${shown}${end}${ports}`;
  }

  private take(): Selector[] {
    const taken = this.loaded;
    this.loaded = [];
    return taken;
  }
}

function valueText(selector: Selector, bytes: Uint8Array): string {
  if (selector.prefix !== undefined) {
    const whole = new Uint8Array(selector.length);
    whole.set(bytes);
    return `${selector.format(whole)}/${selector.prefix}`;
  }
  return selector.format(bytes);
}

/** `ip saddr 10.0.0.0/12`, `ct state established,related`, `tcp flags syn / fin,syn` */
function maskedText(
  selector: Selector,
  mask: Uint8Array,
  operator: number,
  bytes: Uint8Array,
): string {
  const { text, flags, format } = selector;
  const compared = operator === NOT_EQUAL ? '!=' : '==';
  if (flags) {
    const nothing = bytes.every((byte) => byte === 0);
    if (nothing && operator === NOT_EQUAL) return `${text} ${format(mask)}`;
    if (nothing) return `${text} ! ${format(mask)}`;
    return `${text} ${operator === NOT_EQUAL ? '!= ' : ''}${format(bytes)} / ${format(mask)}`;
  }
  const prefix = prefixLength(mask);
  const not = operator === NOT_EQUAL ? '!= ' : '';
  if (/addr$/.test(text) && prefix !== null) return `${text} ${not}${format(bytes)}/${prefix}`;
  return `${text} & ${format(mask)} ${compared} ${format(bytes)}`;
}

/** Null for a mask with holes. */
function prefixLength(mask: Uint8Array): number | null {
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : null;
}

/** What nft takes when nothing is said. */
const USUAL_BURST = 5;

function limitText(data: Attributes): string {
  const [rate, unit] = [data.be64(1) ?? 0n, Number(data.be64(2) ?? 1n)];
  const burst = data.be32(3) ?? 0;
  const over = ((data.be32(5) ?? 0) & 1) !== 0 ? 'over ' : '';
  const bytes = data.be32(4) === 1;
  const amount = bytes ? `${rate} bytes` : String(rate);
  const tail =
    burst === 0 || (!bytes && burst === USUAL_BURST)
      ? ''
      : ` burst ${burst} ${bytes ? 'bytes' : 'packets'}`;
  return `limit rate ${over}${amount}/${UNITS[unit] ?? `${unit} seconds`}${tail}`;
}

function logText(data: Attributes): string {
  const prefix = data.text(2);
  const group = data.bytes(1);
  const words = prefix === undefined ? '' : ` prefix "${prefix}"`;
  return `log${words}${group === undefined ? '' : ` group ${bigEndian(group)}`}`;
}

/** Codes of a refusal: of ICMP, of ICMPv6, and of whichever the packet needs (icmpx). */
const REFUSALS: Readonly<Record<'icmp' | 'icmpv6' | 'icmpx', Readonly<Record<number, string>>>> = {
  icmp: {
    0: 'net-unreachable',
    1: 'host-unreachable',
    2: 'prot-unreachable',
    3: 'port-unreachable',
    9: 'net-prohibited',
    10: 'host-prohibited',
    13: 'admin-prohibited',
  },
  icmpv6: {
    0: 'no-route',
    1: 'admin-prohibited',
    3: 'addr-unreachable',
    4: 'port-unreachable',
    5: 'policy-fail',
    6: 'reject-route',
  },
  icmpx: {
    0: 'no-route',
    1: 'port-unreachable',
    2: 'host-unreachable',
    3: 'admin-prohibited',
  },
};
/** nft_reject_types */
const TCP_RESET = 1;
const WHICHEVER = 2;

function rejectText(data: Attributes, { family }: PacketContext): string {
  const [type, code] = [data.be32(1), data.u8(2) ?? 0];
  if (type === TCP_RESET) return 'reject with tcp reset';
  const protocol = type === WHICHEVER ? 'icmpx' : family === 6 ? 'icmpv6' : 'icmp';
  const refusal = REFUSALS[protocol][code] ?? String(code);
  const unsaid = protocol === 'icmpx' && refusal === 'port-unreachable';
  return unsaid ? 'reject' : `reject with ${protocol} ${refusal}`;
}

function dataValue(data: Attributes, type: number): Uint8Array {
  return data.nested(type).bytes(NFTA_DATA.NFTA_DATA_VALUE) ?? EMPTY;
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
