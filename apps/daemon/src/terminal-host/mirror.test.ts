import { describe, expect, it } from 'vitest';
import { EmulatorMirror } from './mirror.js';

const text = (mirror: EmulatorMirror): string => new TextDecoder().decode(mirror.screen().screen);
const feed = (mirror: EmulatorMirror, output: string): void => mirror.write(Buffer.from(output));

describe('EmulatorMirror', () => {
  it('has the same screen whether a flood came in pieces or with the parser in between', () => {
    const flood = Array.from({ length: 30_000 }, (_, i) => `line ${i} ${'日'.repeat(i % 60)}\r\n`);
    const deferred = new EmulatorMirror(80, 24, 0, () => {});
    const eager = new EmulatorMirror(80, 24, 0, () => {});
    for (let at = 0; at < flood.length; at += 500) {
      const piece = flood.slice(at, at + 500).join('');
      feed(deferred, piece);
      feed(eager, piece);
      eager.flush();
    }
    expect(deferred.deferring).toBe(true);
    expect(text(deferred)).toBe(text(eager));
    expect(deferred.screen()).toMatchObject({ ground: Buffer.byteLength(flood.join('')) });
  });

  it('draws what waits before what does not', () => {
    const mirror = new EmulatorMirror(80, 24, 0, () => {});
    feed(mirror, 'plain\r\n');
    expect(mirror.deferring).toBe(true);
    feed(mirror, '\x1b[1mbold');
    expect(mirror.deferring).toBe(false);
    expect(text(mirror)).toContain('plain\r\n\x1b[0;1mbold');
  });

  it('says from where a screen in the middle of a sequence can be continued', () => {
    const mirror = new EmulatorMirror(80, 24, 1000, () => {});
    feed(mirror, 'ab\x1b[3');
    expect(mirror.screen()).toMatchObject({ ground: 1002, offset: 1005 });
    mirror.write(Uint8Array.of(0x31, 0x6d, 0xe6, 0x97));
    expect(mirror.screen()).toMatchObject({ ground: 1007, offset: 1009 });
  });

  it('answers queries', () => {
    const answers: string[] = [];
    const mirror = new EmulatorMirror(80, 24, 0, (data) => answers.push(data));
    feed(mirror, 'abc\x1b[6n\x1b[c');
    expect(answers).toEqual(['\x1b[1;4R', '\x1b[?1;2c']);
  });
});
