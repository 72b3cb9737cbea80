import { PlanBuilder, PlanError } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { Script } from '../plan/script.js';
import { hex } from './bytes.fixture.js';
import { addVeth, deleteLink } from './links.js';
import { openNetlink } from './netlink-calls.js';
import { explainNetworkError } from './network-error.js';

/** A plan that makes a pair of links, and the error of its answer (step 3) with these bytes. */
function failed(bytes: Uint8Array | undefined, index = 3) {
  const builder = new PlanBuilder('test');
  const script = new Script(builder, 'outside', builder.slot('fd'));
  const route = openNetlink(script, 'NETLINK_ROUTE', 'route');
  addVeth(script, route, { name: 'a', peer: { name: 'b' } });
  deleteLink(script, route, 'a');
  const report = { process: 'outside', index, result: -1n, errno: 17, nanoseconds: 0 };
  const error = new PlanError({
    plan: 'test',
    message: 'failed',
    reports: [],
    failed: bytes === undefined ? report : { ...report, bytes },
  });
  return explainNetworkError(builder.build(), error);
}

const EEXIST = hex(
  '24000000 0200 0001 00000000 00000000', // NLM_F_CAPPED
  'efffffff',
  '4c000000 1000 0506 01000000 00000000',
  '00000000000000000000000000000000', // the rest of the block
);

describe('explainNetworkError', () => {
  test('says what was asked, the errno, and what it may mean', () => {
    expect(failed(EEXIST)).toEqual({
      request: '{RTM_NEWLINK, ifname="a", kind="veth", peer="b"}',
      errno: 17,
      code: 'EEXIST',
      words: null,
      hint: 'a link of that name is there already, here or in the namespace of the other end',
      message:
        'a cable with two ends: a here, b at its other end: {RTM_NEWLINK, ifname="a", kind="veth", peer="b"}: EEXIST (file exists); a link of that name is there already, here or in the namespace of the other end',
    });
  });

  test('quotes the kernel’s own words', () => {
    const words = hex(
      '40000000 0200 0003 00000000 00000000', // NLM_F_CAPPED, NLM_F_ACK_TLVS
      'edffffff',
      '4c000000 1000 0506 01000000 00000000',
      '1c00 0100 4e6f2073756368206465766963652c20736f72727900 0000',
    );
    expect(failed(words)).toMatchObject({ code: 'ENODEV', words: 'No such device, sorry' });
    expect(failed(words)?.message).toContain('ENODEV (no such device): No such device, sorry');
  });

  test('leaves other failures alone', () => {
    expect(failed(undefined)).toBeNull();
    expect(failed(EEXIST, 0)).toBeNull();
    expect(failed(EEXIST, 2)).toBeNull();
  });
});
