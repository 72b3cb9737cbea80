import type { MountState, NsInode, ProcessKey } from '@terrarium/timeline';
import { beforeEach, describe, expect, it } from 'vitest';
import { MountReadings } from './mount-readings.js';
import type { MountTable } from './mount-table.js';

const NS = 10;
const OTHER = 20;

/** Who each reading was put down to, in order; undefined is nobody. */
let actors: (ProcessKey | undefined)[];
let told: (() => void)[];
let canTell: boolean;
let now: number;
let readings: MountReadings;

beforeEach(() => {
  [actors, told, canTell, now] = [[], [], true, 1000];
  const table = {
    look: (ns: NsInode) => `${ns}`,
    apply: (_: NsInode, __: number, ___: string, actor?: ProcessKey): MountState[] => {
      actors.push(actor);
      return [];
    },
    rowsOf: () => [],
    forget: () => {},
  };
  readings = new MountReadings(
    {
      now: () => now,
      mountNamespaces: () => [NS],
      memberOf: () => 1,
      onMounts: () => {},
      wake: () => {},
      whenTold: (then) => {
        if (canTell) told.push(then);
        return canTell;
      },
    },
    table as unknown as MountTable,
  );
});

/** The next reading. */
function read(): void {
  now += 100;
  readings.tick(now);
}

const calls = (pid: number, mountNs: NsInode = NS): void => {
  readings.begins(pid, { pid, key: `${pid}`, mountNs });
  readings.ends(pid);
  readings.called(`${pid}`, mountNs);
};

describe('MountReadings', () => {
  it('waits for the trace, then names the one who called', () => {
    calls(1);
    read();
    expect(actors).toEqual([]);
    told[0]?.();
    expect(actors).toEqual(['1']);
  });

  it('names nobody when a line of another comes late', () => {
    calls(1);
    read();
    calls(2);
    told[0]?.();
    expect(actors).toEqual([undefined]);
  });

  it('names nobody while another is in a call that may have done it', () => {
    readings.begins(2, { pid: 2, key: '2', mountNs: NS });
    calls(1);
    read();
    told[0]?.();
    readings.ends(2); // it failed
    calls(1);
    read();
    told[1]?.();
    expect(actors).toEqual([undefined, '1']);
  });

  it('does not mind one in a namespace that shares nothing, nor one who has ended', () => {
    readings.begins(2, { pid: 2, key: '2', mountNs: OTHER });
    readings.begins(3, { pid: 3, key: '3', mountNs: NS });
    readings.ended(3);
    calls(1);
    read();
    told[0]?.();
    expect(actors).toEqual(['1']);
  });

  it('names nobody where the trace is too late, lost lines, or cannot be marked', () => {
    calls(1);
    read();
    now += 1000;
    readings.tick(now);
    told[0]?.(); // comes to nothing
    calls(1);
    read();
    readings.lost();
    told[1]?.();
    canTell = false;
    read();
    calls(1);
    read();
    expect(actors.filter((actor) => actor !== undefined)).toEqual([]);
    expect(actors.length).toBeGreaterThanOrEqual(3);
  });
});
