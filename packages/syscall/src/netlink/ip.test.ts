import { describe, expect, test } from 'vitest';
import {
  contains,
  firstAddress,
  formatIp,
  formatMac,
  nextAddress,
  parseIp,
  parseMac,
  parsePrefix,
} from './ip.js';

describe('IP addresses', () => {
  test.each([
    ['10.88.0.2', '0a580002'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['fd00:88::2', 'fd000088000000000000000000000002'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['2001:db8::1:0:0:1', '20010db8000000000001000000000001'],
    ['fe80::', 'fe800000000000000000000000000000'],
  ])('%s there and back', (text, hex) => {
    expect(Buffer.from(parseIp(text).bytes).toString('hex')).toBe(hex);
    expect(formatIp(parseIp(text).bytes)).toBe(text);
  });

  test('an IPv4 address inside an IPv6 one', () => {
    expect(formatIp(parseIp('::ffff:10.0.0.1').bytes)).toBe('::ffff:a00:1');
  });

  test.each(['', '10.88.0', '10.88.0.256', 'fe80::1%eth0', 'tr0', '1::2::3', '10.0.0.1/8'])(
    'refuses %j',
    (text) => {
      expect(() => parseIp(text)).toThrow('not an IP address');
    },
  );

  test.each(['10.0.0.1', '10.0.0.1/33', '10.0.0.1/', '10.0.0.1/-1', 'fd00::1/129', '10.0.0.1/8/8'])(
    'refuses the prefix %j',
    (text) => {
      expect(() => parsePrefix(text)).toThrow('not an IP address');
    },
  );

  test('subnets of any length', () => {
    expect(contains(parsePrefix('10.88.0.0/13'), parseIp('10.95.255.255'))).toBe(true);
    expect(contains(parsePrefix('10.88.0.0/13'), parseIp('10.96.0.0'))).toBe(false);
    expect(contains(parsePrefix('0.0.0.0/0'), parseIp('192.0.2.1'))).toBe(true);
    expect(contains(parsePrefix('0.0.0.0/0'), parseIp('::1'))).toBe(false);
    expect(firstAddress(parsePrefix('10.88.3.4/16'))).toBe('10.88.0.1');
    expect(firstAddress(parsePrefix('fd00::99/64'))).toBe('fd00::1');
  });
});

describe('nextAddress', () => {
  test('the lowest that is free, behind the gateway', () => {
    expect(nextAddress('10.88.0.0/16', [])).toBe('10.88.0.2/16');
    expect(nextAddress('10.88.0.0/16', ['10.88.0.2/16', '10.88.0.4'])).toBe('10.88.0.3/16');
    expect(nextAddress('fd00:88::/64', ['fd00:88:0::2'])).toBe('fd00:88::3/64');
  });

  test('carries into the next byte', () => {
    const taken = Array.from({ length: 254 }, (_, index) => `10.88.0.${index + 2}`);
    expect(nextAddress('10.88.0.0/16', taken)).toBe('10.88.1.0/16');
  });

  test('never gives out the network’s own or the broadcast address, and says when it is full', () => {
    expect(nextAddress('10.0.0.0/30', [])).toBe('10.0.0.2/30');
    expect(() => nextAddress('10.0.0.0/30', ['10.0.0.2'])).toThrow(
      'no free address in 10.0.0.0/30: 1 are taken',
    );
    expect(() => nextAddress('10.0.0.0/31', [])).toThrow('no free address');
    expect(nextAddress('fd00::/126', ['fd00::2'])).toBe('fd00::3/126');
  });
});

describe('MAC addresses', () => {
  test('there and back', () => {
    expect(formatMac(parseMac('02:00:0A:58:00:02'))).toBe('02:00:0a:58:00:02');
  });

  test.each(['', '02:00:0a:58:00', '02-00-0a-58-00-02', '01:00:5e:00:00:01', '00:00:00:00:00:00'])(
    'refuses %j',
    (text) => {
      expect(() => parseMac(text)).toThrow(/not (a|the) MAC address/);
    },
  );
});
