import { describe, expect, it } from 'vitest';
import {
  decodeClientFrame,
  decodeHostFrame,
  encodeAck,
  encodeAttach,
  encodeExit,
  encodeInput,
  encodeOutput,
  encodeResize,
  encodeRestore,
  encodeResume,
  encodeSize,
  FrameError,
} from './terminal-frames.js';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));

describe('terminal frames', () => {
  it.each([
    ['input', encodeInput(bytes('6c 73 0d')), '00 6c730d'],
    ['resize', encodeResize(80, 24), '01 0050 0018'],
    ['ack', encodeAck(65536), '02 40f0000000000000'],
    ['attach with nothing drawn', encodeAttach(null, null), '03 7ff8000000000000 0000 0000'],
    ['attach', encodeAttach(1, { cols: 300, rows: 50 }), '03 3ff0000000000000 012c 0032'],
    ['output', encodeOutput(bytes('e697a5')), '00 e697a5'],
    ['restore', encodeRestore(2, bytes('41')), '01 4000000000000000 41'],
    ['exit', encodeExit(130), '02 00000082'],
    ['resume', encodeResume(2 ** 53 - 1), '03 433fffffffffffff'],
    ['size', encodeSize(1000, 1), '04 03e8 0001'],
  ])('%s has these bytes', (_name, frame, hex) => {
    expect([...frame].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(
      hex.replaceAll(' ', ''),
    );
  });

  it('reads what the client writes', () => {
    expect(decodeClientFrame(bytes('00 03'))).toEqual({ type: 'input', bytes: bytes('03') });
    expect(decodeClientFrame(bytes('01 0050 0018'))).toEqual({
      type: 'resize',
      cols: 80,
      rows: 24,
    });
    expect(decodeClientFrame(bytes('02 40f0000000000000'))).toEqual({ type: 'ack', offset: 65536 });
    expect(decodeClientFrame(encodeAttach(null, null))).toEqual({
      type: 'attach',
      offset: null,
      size: null,
    });
    expect(decodeClientFrame(encodeAttach(7, { cols: 80, rows: 24 }))).toEqual({
      type: 'attach',
      offset: 7,
      size: { cols: 80, rows: 24 },
    });
  });

  it('reads what the host writes', () => {
    expect(decodeHostFrame(bytes('02 ffffffff'))).toEqual({ type: 'exit', code: -1 });
    expect(decodeHostFrame(bytes('04 0050 0018'))).toEqual({ type: 'size', cols: 80, rows: 24 });
    expect(decodeHostFrame(encodeResume(9))).toEqual({ type: 'resume', offset: 9 });
    expect(decodeHostFrame(encodeRestore(3, bytes('1b63')))).toEqual({
      type: 'restore',
      offset: 3,
      bytes: bytes('1b63'),
    });
  });

  it.each([
    ['nothing', ''],
    ['an unknown type', '7f 00'],
    ['a short size', '01 0050'],
    ['no columns', '01 0000 0018'],
    ['too many rows', '01 0050 ffff'],
    ['an ack of NaN', '02 7ff8000000000000'],
    ['an ack of a fraction', '02 3fe0000000000000'],
    ['an attach of infinity', '03 7ff0000000000000 0000 0000'],
    ['a long attach', '03 7ff8000000000000 0000 0000 00'],
  ])('refuses %s from a client', (_name, hex) => {
    expect(() => decodeClientFrame(bytes(hex))).toThrow(FrameError);
  });

  it('reads a frame in the middle of a larger buffer', () => {
    const buffer = bytes('ff ff 01 0050 0018 ff');
    expect(decodeClientFrame(buffer.subarray(2, 7))).toEqual({
      type: 'resize',
      cols: 80,
      rows: 24,
    });
  });
});
