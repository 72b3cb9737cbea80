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
let text: string | null;
/** What was told of holders, and when: how many readings had been told by then. */
let holders: { readonly paths: readonly string[]; readonly after: number }[];
let now: number;
let readings: MountReadings;

beforeEach(() => {
  [actors, told, canTell, now] = [[], [], true, 1000];
  [text, holders] = ['', []];
  const table = {
    look: () => text,
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
      onHolders: (_, rows) => {
        holders.push({ paths: rows.map(({ mountPoint }) => mountPoint), after: actors.length });
      },
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

  it('does not let a check of all take the name from who called just before it', () => {
    calls(1);
    read();
    readings.checkAll(); // while that reading waits for the trace
    told[0]?.();
    expect(actors).toEqual(['1']);
  });

  it('waits with what a check of all finds for the line about who did it', () => {
    readings.checkAll();
    expect(actors).toEqual([]);
    calls(1);
    told[0]?.();
    expect(actors).toEqual(['1']);
  });

  it('names nobody for what a check of all finds and nobody has called for', () => {
    readings.checkAll();
    told[0]?.();
    expect(actors).toEqual([undefined]);
    text = null; // nothing new
    readings.checkAll();
    expect(told).toHaveLength(1);
  });

  it('tells at once what mounts hold, and who made them when the trace has said so', () => {
    text = '102 101 0:4 mnt:[4026532180] /lab/kept rw - nsfs nsfs rw\n';
    calls(1);
    readings.readHolders();
    expect(holders).toEqual([{ paths: ['/lab/kept'], after: 0 }]);
    read();
    told[0]?.();
    expect(actors).toEqual(['1']);
  });
});
