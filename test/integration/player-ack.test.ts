/**
 * Answers in memory on the real kernel: a netlink request whose refusal comes as a message, though
 * send and recv succeed. Needs root; works in network namespaces of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  ERRNO,
  PlanBuilder,
  type PlanError,
  ResidentPlayer,
  scratch,
  struct,
} from '../../packages/syscall/src/index.js';
import { call, fork, missing, output, root } from './player-lab.js';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const IFLA_IFNAME = 3;
const IFF_UP = 1;
const NLMSGHDR_BYTES = 16; // then nlmsgerr.error

/** RTM_NEWLINK for the link `lo`, which every network namespace has. */
function newLink(flags: number): ReturnType<typeof struct> {
  return struct([
    [40, 4], // nlmsghdr: length, type, flags, sequence, port
    [RTM_NEWLINK, 2],
    [NLM_F_REQUEST | NLM_F_ACK | flags, 2],
    [1, 4],
    [0, 4],
    [0, 4], // ifinfomsg: family, type, index, flags, change
    [0, 4],
    [IFF_UP, 4],
    [IFF_UP, 4],
    [7, 2], // rtattr: length, type, name, padding
    [IFLA_IFNAME, 2],
    new TextEncoder().encode('lo\0\0'),
  ]);
}

describe.skipIf(!root)(`ack${missing}`, () => {
  let player: ResidentPlayer;

  beforeAll(async () => {
    player = await ResidentPlayer.start({ binary: buildPlayer() });
  });
  afterAll(async () => {
    await player?.close();
  });

  /** Sends the request in a child with the given namespaces and reads its acknowledgement. */
  function request(flags: number, namespaces: Parameters<typeof fork>[3], tolerate: number[] = []) {
    const builder = new PlanBuilder('netlink');
    const socket = builder.slot('socket');
    const after = builder.slot('after');
    fork(builder, 'outside', 'child', namespaces);
    call(builder, 'child', 'socket', [AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE], {
      store: socket,
    });
    const message = newLink(flags);
    call(builder, 'child', 'sendto', [socket, message, 40, 0, 0, 0], { atLeast: 40 });
    const answer = scratch(512);
    call(builder, 'child', 'recvfrom', [socket, answer, 512, 0, 0, 0], {
      atLeast: NLMSGHDR_BYTES + 4,
      ack: { from: answer, offset: NLMSGHDR_BYTES },
      loads: [{ from: answer, offset: NLMSGHDR_BYTES, width: 4, to: after }],
      reportBlock: answer,
      tolerate,
    });
    call(builder, 'child', 'getpid', []);
    return player.run(builder.build()).done;
  }

  test('0 is success: the call’s own result stays', async () => {
    const { reports } = await request(0, ['CLONE_NEWNET']);
    const recv = reports.find(({ process, index }) => process === 'child' && index === 2);
    expect(recv).toMatchObject({ errno: 0 });
    expect(Number(recv?.result)).toBeGreaterThanOrEqual(NLMSGHDR_BYTES + 4);
  });

  test.each<[string, number, Parameters<typeof fork>[3]]>([
    ['EEXIST', NLM_F_CREATE | NLM_F_EXCL, ['CLONE_NEWNET']],
    ['EPERM', 0, ['CLONE_NEWUSER']], // no power over the network namespace that it is in
  ])('a refusal fails with %s', async (code, flags, namespaces) => {
    const error = (await request(flags, namespaces).catch(
      (reason: unknown) => reason,
    )) as PlanError;
    expect(error.message).toMatch(
      new RegExp(`^plan netlink: child step 2: recvfrom\\(.*\\): ${code} `),
    );
    expect(error.cause).toMatchObject({ syscall: 'recvfrom', code });
    expect(error.failed).toMatchObject({ process: 'child', index: 2, result: -1n });
    expect(output([error.failed ?? error.reports[0]].flatMap((one) => one ?? []))).toBeDefined();
  });

  test('a tolerated refusal is reported, and the plan goes on', async () => {
    const { reports } = await request(NLM_F_CREATE | NLM_F_EXCL, ['CLONE_NEWNET'], [ERRNO.EEXIST]);
    const child = reports.filter(({ process }) => process === 'child');
    expect(child.map(({ errno }) => errno)).toEqual([0, 0, ERRNO.EEXIST, 0]);
    expect(child[2]?.bytes).toHaveLength(512);
  });

  test('what is no errno is EPROTO', async () => {
    const builder = new PlanBuilder('no answer');
    const block = struct([
      [1, 4],
      [-4096, 4],
    ]);
    call(builder, 'outside', 'uname', [scratch(390)], {}); // any call that succeeds
    call(builder, 'outside', 'pwrite64', [1, block, 8, 0], {
      ack: { from: block, offset: 4 },
      tolerate: [ERRNO.EPROTO, ERRNO.ESPIPE],
    });
    call(builder, 'outside', 'write', [1, block, 8], { ack: { from: block, offset: 0 } });
    await expect(player.run(builder.build()).done).rejects.toThrow('EPROTO (protocol error)');
  });

  test('a call that failed, or gave too little, keeps its own reason', async () => {
    const block = struct([[-17, 4]]);
    const failing = new PlanBuilder('failing');
    call(failing, 'outside', 'write', [9999, block, 4], { ack: { from: block, offset: 0 } });
    await expect(player.run(failing.build()).done).rejects.toThrow('EBADF');
    const short = new PlanBuilder('short');
    call(short, 'outside', 'write', [1, block, 4], { ack: { from: block, offset: 0 }, atLeast: 5 });
    await expect(player.run(short.build()).done).rejects.toThrow('returned 4, less than 5');
  });
});
