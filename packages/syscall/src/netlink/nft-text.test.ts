/** Expressions as nft 1.0.6 sends them; the whole vocabulary is held against nft itself elsewhere. */
import { expect, test } from 'vitest';
import { bytesOf } from './bytes.fixture.js';
import { NFTA_DATA, NFTA_EXPR, NFTA_LIST_ELEM } from './constants.js';
import { Attributes, decodeMessages } from './decode.js';
import { type Attribute, attribute, be32, cString, messageBlock, nested } from './messages.js';
import { ruleText } from './nft-text.js';

type Expression = readonly [name: string, ...data: Attribute[]];

function text(expressions: readonly Expression[], family = 'inet'): string {
  const attributes = expressions.map(([name, ...data]) =>
    nested(NFTA_LIST_ELEM, [
      cString(NFTA_EXPR.NFTA_EXPR_NAME, name),
      nested(NFTA_EXPR.NFTA_EXPR_DATA, data),
    ]),
  );
  const message = { type: 0, flags: 0, header: [], attributes, display: '' };
  const [decoded] = decodeMessages(bytesOf(messageBlock([message])));
  const list = new Attributes(decoded?.body ?? new Uint8Array()).each(NFTA_LIST_ELEM);
  return ruleText(list, { family, set: () => undefined });
}

const value = (type: number, ...bytes: number[]): Attribute =>
  nested(type, [attribute(NFTA_DATA.NFTA_DATA_VALUE, Uint8Array.from(bytes))]);
const meta = (key: number): Expression => ['meta', be32(1, 1), be32(2, key)];
const payload = (base: number, offset: number, length: number): Expression => [
  'payload',
  ...[be32(1, 1), be32(2, base), be32(3, offset), be32(4, length)],
];
const cmp = (operator: number, ...bytes: number[]): Expression => [
  'cmp',
  ...[be32(1, 1), be32(2, operator), value(3, ...bytes)],
];
const verdict = (code: number): Expression => [
  'immediate',
  be32(1, 0),
  nested(2, [nested(NFTA_DATA.NFTA_DATA_VERDICT, [be32(1, code)])]),
];

test('a condition that only says which header follows is not said', () => {
  const tcp = [meta(16), cmp(0, 6)];
  const rule = [...tcp, payload(2, 2, 2), cmp(0, 0, 22), ['counter'] as Expression, verdict(1)];
  expect(text(rule)).toBe('tcp dport 22 counter accept');
  expect(text([...tcp, verdict(0)])).toBe('meta l4proto tcp drop');
});

test('of a network whose mask ends with a byte, only so many bytes are compared', () => {
  expect(text([payload(1, 12, 1), cmp(0, 10)], 'ip')).toBe('ip saddr 10.0.0.0/8');
  expect(text([payload(1, 12, 4), cmp(1, 10, 0, 0, 1)], 'ip')).toBe('ip saddr != 10.0.0.1');
});

test('two comparisons of one value are a range', () => {
  const load = [meta(16), cmp(0, 17), payload(2, 0, 2)];
  expect(text([...load, cmp(5, 0, 10), cmp(3, 0, 20)])).toBe('udp sport 10-20');
});

test('flags of a connection', () => {
  const load: Expression = ['ct', be32(1, 1), be32(2, 0)];
  const mask: Expression = ['bitwise', be32(1, 1), be32(2, 1), be32(3, 4), value(4, 6, 0, 0, 0)];
  expect(text([load, mask, cmp(1, 0, 0, 0, 0)])).toBe('ct state established,related');
});

test('a set by its name, and what is not known in brackets', () => {
  expect(text([payload(1, 12, 4), ['lookup', cString(1, 'bad')]], 'ip')).toBe('ip saddr @bad');
  expect(text([['tproxy'], verdict(-5)])).toBe('[ tproxy ] return');
});
