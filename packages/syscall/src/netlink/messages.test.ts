import { describe, expect, test } from 'vitest';
import { PlanBuilder } from '../plan-builder.js';
import { bytesOf, hex } from './bytes.fixture.js';
import { NLM_F } from './constants.js';
import { Attributes, decodeAnswer, decodeMessages } from './decode.js';
import {
  attribute,
  be32,
  byteLength,
  cString,
  holding,
  type Message,
  messageBlock,
  nested,
  u8,
  u32,
} from './messages.js';

function message(attributes: Message['attributes']): Message {
  return {
    type: 16,
    flags: NLM_F.NLM_F_REQUEST,
    header: [hex('00000000')],
    attributes,
    display: '',
  };
}

describe('messageBlock', () => {
  test('writes header, fixed struct and padded attributes, byte for byte', () => {
    const block = messageBlock([message([cString(3, 'tr0'), u8(1, 7), u32(4, 1400)])]);
    const expected = hex(
      '2c000000 1000 0100 01000000 00000000', // length 44, type 16, NLM_F_REQUEST, sequence 1, pid 0
      '00000000', // the family's struct
      '0800 0300 74723000', // "tr0" and its NUL
      '0500 0100 07 000000', // one byte, three of padding
      '0800 0400 78050000', // 1400
    );
    expect(bytesOf(block)).toEqual(expected);
    expect(byteLength(block)).toBe(44);
  });

  test('numbers the messages from 1', () => {
    const decoded = decodeMessages(bytesOf(messageBlock([message([]), message([]), message([])])));
    expect(decoded.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test('pads a nested attribute to 4 bytes and counts its own length without padding', () => {
    const [inner] = decodeMessages(bytesOf(messageBlock([message([nested(2, [u8(1, 9)])])])));
    expect(inner?.body).toEqual(hex('00000000', '0c00 0280', '0500 0100 09 000000'));
  });

  test('marks nf_tables lists as nested, and rtnetlink’s not', () => {
    expect(nested(2, []).type).toBe(0x8002);
    expect(holding(2, []).type).toBe(2);
  });

  test('network order is big-endian', () => {
    expect(be32(1, -100).payload).toEqual([Uint8Array.of(0xff, 0xff, 0xff, 0x9c)]);
  });

  test('a slot stands where its value will be, and is not padded', () => {
    const pid = new PlanBuilder('test').slot('pid');
    const block = messageBlock([message([nested(18, [u32(19, pid)])])]);
    expect(block.parts.map(({ kind }) => kind)).toEqual(['bytes', 'int']);
    expect(byteLength(block)).toBe(32);
    const bytes = bytesOf(block, { pid: 4711 });
    const [decoded] = decodeMessages(bytes);
    expect(new Attributes(decoded?.body ?? hex(), 4).nested(18).u32(19)).toBe(4711);
  });

  test('refuses a name that NUL would cut short', () => {
    expect(() => cString(3, 'a\0b')).toThrow('a name with NUL inside: "a\\u0000b"');
  });
});

describe('decode', () => {
  test('refuses lengths that lead out of the bytes', () => {
    const short = hex('ff000000 1000 0100 01000000 00000000');
    expect(() => decodeMessages(short)).toThrow('netlink message of 255 bytes at byte 0 of 16');
    expect(() => decodeMessages(hex('0f000000 1000 0100 01000000 00000000'))).toThrow(
      'of 15 bytes',
    );
    expect(() => new Attributes(hex('0900 0300 74723000'))).toThrow(
      'netlink attribute of 9 bytes at byte 0 of 8',
    );
    expect(() => new Attributes(hex('0300 0300'))).toThrow('of 3 bytes');
  });

  test('reads what the builder wrote', () => {
    const attributes = [
      cString(1, 'x'),
      u32(2, 0xffff_ffff),
      nested(5, [be32(1, 7), be32(1, 8)]),
      attribute(6, hex('0000000000000002')),
    ];
    const [decoded] = decodeMessages(bytesOf(messageBlock([message(attributes)])));
    const read = new Attributes(decoded?.body ?? hex(), 4);
    expect(read.text(1)).toBe('x');
    expect(read.u32(2)).toBe(0xffff_ffff);
    expect(read.nested(5).list).toHaveLength(2);
    expect(read.nested(5).be32(1)).toBe(7);
    expect(read.be64(6)).toBe(2n);
    expect(read.text(9)).toBeUndefined();
    expect(read.nested(9).list).toEqual([]);
  });

  test('an acknowledgement: error 0, and the header of what it answers', () => {
    // As the kernel sent it for RTM_NEWLINK with sequence number 5.
    const answer = hex(
      '24000000 0200 0001 05000000 b15d0000',
      '00000000',
      '64000000 1000 0506 05000000 00000000',
    );
    expect(decodeAnswer(answer)).toEqual({ errno: 0, type: 16, sequence: 5, message: null });
  });

  test('a refusal: errno, and the words of NETLINK_EXT_ACK behind the whole request', () => {
    const answer = hex(
      '44000000 0200 0002 01000000 b15d0000', // NLM_F_ACK_TLVS, not capped
      'edffffff', // -ENODEV
      '20000000 1000 0500 01000000 00000000 00000000000000000000000000000000',
      '0f00 0100 6e6f2073756368206900 0000',
    );
    expect(decodeAnswer(answer)).toEqual({
      errno: 19,
      type: 16,
      sequence: 1,
      message: 'no such i',
    });
  });

  test('something else is no answer', () => {
    expect(decodeAnswer(hex('14000000 0300 0200 01000000 00000000 00000000'))).toBeNull();
  });
});
