import { expect, test } from 'vitest';
import { parseSockets } from './listeners.js';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

test('of tcp, those that listen', () => {
  const text = `${HEAD}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5271 1 0 100 0 0 10 0
   1: 0200000A:0016 0300000A:A0B4 01 00000000:00000000 02:000A1F00 00000000     0        0 5300 2 0 20 4 31 10 -1
`;
  expect(parseSockets(text, 'tcp')).toEqual([
    { protocol: 'tcp', address: '127.0.0.1', port: 8080, inode: 5271 },
  ]);
});

test('of udp, those that are bound and not connected', () => {
  const text = `${HEAD} 3019: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   102        0 712 2 0000 0
 3020: 0200000A:9C40 08080808:0035 01 00000000:00000000 00:00000000 00000000   102        0 713 2 0000 0
`;
  expect(parseSockets(text, 'udp')).toEqual([
    { protocol: 'udp', address: '0.0.0.0', port: 5353, inode: 712 },
  ]);
});

test('addresses of IPv6 are words in the machine’s order', () => {
  const text = `${HEAD}   0: 000080FE00000000FFE0C80838D646FE:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9 1 0 100 0 0 10 0
   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10 1 0 100 0 0 10 0
`;
  expect(parseSockets(text, 'tcp6').map(({ address }) => address)).toEqual([
    'fe80::8c8:e0ff:fe46:d638',
    '::',
  ]);
});

test('nothing comes of a damaged row', () => {
  expect(parseSockets(`${HEAD}   0: 0100007F:1F90 0A\n\n`, 'tcp')).toEqual([]);
});
