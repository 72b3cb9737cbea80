/** The example of docs/recording-format.md, byte for byte: what version 1 is, for ever. */
import { expect, it } from 'vitest';
import { openRecording } from './reader.js';
import { bytesSource } from './recording-index.js';

const EXAMPLE = `
8954524d0d0a1a0a4800000090000000010000004b28a63d0000804804e779420000804804e7794200000000
0000000000000000000000007b22666f726d6174223a2274657272617269756d2d7265636f7264696e67222c
2276657273696f6e223a312c2263726561746564223a313738303030303030303030302c226c6573736f6e22
3a22636f6e7461696e6572732f3031222c2273616e64626f78223a227331222c226b65726e656c223a22362e
312e30222c226c616e677561676573223a5b22656e225d7d530100006000000001000000001f640c00008048
04e779420000804804e77942000000000000000000000000000000001f8b0800000000000003358bb10a8030
0c05ffe5cd199cf3375133086d5a9b1484d27f172a2ec7dd70031e120a1e70bdc11b21165decdccb03b69e12
a1b672a8bb3a784c824956af72fc9d4bb7583e09a12d5f26c9bf79be9d96b1516400000044010000cc000000
050000006f5e42b300409f4804e779420050fd4804e77942000000000000000003000000000000001f8b0800
0000000000039590b10a02310c86779f427ed753d25339e9eae04bb81c3643e1aead6d0a8af8ee5215f5381d
cc106892fef9bf5c20e7c0d0108ebd756db7f0811daad7bbb4142a0449d05421f1115a551068d56ce8116ba2
ebe43296ca12b26038ac88682c2f7c1268cca6f8103af8be6f9d5924696391b1a614d517779d75e58335d379
2e66a33f704ad05835d4e892e85dde459f03b4cb5df7e4a987166bfa83a7265afde4b91bdac7bda392bed3b1
3303363e59d97ac3ef732f471bd7d71b7021b719b9010000450100006a0000000100000067c45eab0050fd48
04e779420050fd4804e77942030000000000000003000000000000001f8b0800000000000003ab564acd4b51
b2524acec92f4e4d51d251cacc4b49ad50b28a8e56f250d2b1d031b434d23134b7308003349e818e41ac4eb4
52b0928e1148cec48418d52e4a3ac626263a46a6c8669b22ab36323030d531d0318e8dad05002077118ba200
000054020000000000008954524d454e440a`;

it('the documented example is read as documented', async () => {
  const digits = EXAMPLE.replaceAll('\n', '');
  const bytes = Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
  expect(bytes).toHaveLength(766);
  const recording = await openRecording(bytesSource(bytes));
  expect(recording.header).toEqual({
    ...{ format: 'terrarium-recording', version: 1, created: 1_780_000_000_000 },
    ...{ lesson: 'containers/01', sandbox: 's1', kernel: '6.1.0', languages: ['en'] },
  });
  expect(recording.end).toBe('closed');
  expect(recording.index.chunks.map(({ kind, offset, bytes }) => [kind, offset, bytes])).toEqual([
    ['H', 8, 192],
    ['S', 200, 144],
    ['D', 344, 252],
  ]);
  const types: string[] = [];
  for await (const record of recording.records()) types.push(record.type);
  expect(types).toEqual([
    'terminal.open',
    'terminal.output',
    'command.start',
    'terminal.output',
    'command.end',
  ]);
  const state = await recording.stateAt(1_780_000_002_004);
  expect(state?.commands?.['c1']).toMatchObject({ line: 'id -u', endedAt: null });
  const [terminal] = await recording.terminalsAt(1_780_000_001_500);
  expect(String.fromCharCode(...terminal!.output[0]!)).toBe('# ');
});
