import type { NamespaceKind, ProcessState } from '@terrarium/timeline';
import { describe, expect, test } from 'vitest';
import type { WatchedSandbox } from '../part.js';
import { Actors, changesNetworks } from './actors.js';

const NET = 5003;
const OTHER_NET = 6003;

function process(hostPid: number, pid: number, line: string, net = NET): ProcessState {
  const args = line.split(' ');
  const kinds: NamespaceKind[] = ['pid', 'mnt', 'net', 'uts', 'ipc', 'user', 'cgroup', 'time'];
  const namespaces = Object.fromEntries(kinds.map((kind) => [kind, kind === 'net' ? net : 1]));
  return {
    key: `${hostPid}:1`,
    ...{ hostPid, startTime: 1, parent: null, pids: [hostPid, pid], comm: args[0] ?? '', args },
    ...{ state: 'R', uid: { outside: 0, inside: 0 }, cgroup: '/', terminal: null },
    namespaces: namespaces as ProcessState['namespaces'],
    ...{ processGroup: hostPid, bornAt: 0 },
  };
}

/** A sandbox with these processes, at 1 s. */
function sandboxOf(living: ProcessState[]): { actors: Actors; living: ProcessState[] } {
  const sandbox = {
    machine: { now: () => 1000, proc: { exists: () => false } },
    processes: () => living,
    process: (pid: number) => living.find(({ hostPid }) => hostPid === pid),
  };
  return { actors: new Actors(sandbox as unknown as WatchedSandbox), living };
}

/** The one suspect, if there is one. */
function behind(actors: Actors, testimony: Parameters<Actors['suspects']>[0]): string | undefined {
  const [only, ...others] = actors.suspects(testimony);
  return others.length === 0 ? only : undefined;
}

const heard = (...portIds: number[]) => ({ netNs: NET, since: 900, portIds: new Set(portIds) });
/** The end of one round of the event loop. */
const endOfRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('who changed a network', () => {
  test('is whoever has the message’s port id as its pid, where that is one process', () => {
    const { actors } = sandboxOf([process(71, 7, 'bash'), process(72, 8, 'ip a add x')]);
    expect(behind(actors, heard(8))).toBe('72:1');
    expect(behind(actors, heard(9))).toBeUndefined();
    const nested = sandboxOf([process(71, 7, 'bash'), process(99, 7, 'dhcp')]);
    expect(behind(nested.actors, heard(7))).toBeUndefined();
  });

  test('is the one tool that was running there', () => {
    const { actors } = sandboxOf([]);
    actors.onExec(process(81, 9, 'ip link set v0 up'));
    expect(behind(actors, heard())).toBe('81:1');
    actors.onExec(process(82, 10, 'ip addr show'));
    actors.onExec(process(83, 11, 'ip link add v1', OTHER_NET));
    expect(behind(actors, heard())).toBe('81:1');
  });

  test('is nobody where there were two', () => {
    const { actors } = sandboxOf([]);
    actors.onExec(process(81, 9, 'ip link set v0 up'));
    actors.onExec(process(82, 10, 'ip link set v1 up'));
    expect(behind(actors, heard())).toBeUndefined();
    expect(behind(actors, heard(9))).toBeUndefined();
  });

  test('is nobody who ended before, and may be who ended in the same round', async () => {
    const { actors } = sandboxOf([]);
    actors.onExec(process(81, 9, 'ip link set v0 up'));
    actors.onExiting(81);
    expect(behind(actors, { ...heard(), since: 1001 })).toBe('81:1');
    await endOfRound();
    expect(behind(actors, heard())).toBe('81:1');
    expect(behind(actors, { ...heard(), since: 1001 })).toBeUndefined();
  });

  test('may be a tool that has gone into another namespace: where to is not known', () => {
    const { actors } = sandboxOf([]);
    actors.onExec(process(81, 9, 'ip -n blue link set v0 up', OTHER_NET));
    expect(behind(actors, heard())).toBeUndefined();
    actors.onMoved(81);
    expect(behind(actors, heard())).toBe('81:1');
  });

  test('is remembered for a second after its end', async () => {
    const { actors } = sandboxOf([]);
    actors.onExec(process(81, 9, 'nft add table t'));
    expect(actors.byHostPid(81)).toBe('81:1');
    actors.tick(1000);
    await endOfRound();
    actors.tick(2001);
    expect(actors.byHostPid(81)).toBeUndefined();
  });
});

test.each([
  ['ip link set lo up', true],
  ['ip -4 -n blue a add 10.0.0.1/24 dev v0', true],
  ['ip r d default', true],
  ['ip -batch -', true],
  ['bridge link set dev v0 hairpin on', true],
  ['ip addr show', false],
  ['ip a', false],
  ['ip -br link', false],
  ['ip netns add blue', false],
  ['ip monitor', false],
  ['ls add', false],
  ['brctl addbr br0', true],
  ['ip', null],
])('%s: changes a network: %s', (line, changes) => {
  const args = line.split(' ');
  expect(changesNetworks(args[0] ?? '', args)).toBe(changes);
});
