import { describe, expect, it } from 'vitest';
import { decideAdoption } from './adopt.js';
import { fakeSandbox } from './testing/fakes.js';

const hosted = (sandbox: string) => ({ sandbox, initPid: 1, initStartTime: 1, terminals: [] });

describe('decideAdoption', () => {
  it('does nothing when nothing was left', () => {
    expect(decideAdoption({ alive: [], hosted: [], owners: new Map() })).toEqual({
      keep: [],
      remove: [],
      forget: [],
      lost: [],
    });
  });

  it('keeps what lives, has an owner, and is hosted', () => {
    const info = fakeSandbox('a', 1);
    const decision = decideAdoption({
      alive: [info],
      hosted: [hosted('a')],
      owners: new Map([['a', 's1']]),
    });
    expect(decision).toEqual({
      keep: [{ session: 's1', info, hosted: hosted('a') }],
      remove: [],
      forget: [],
      lost: [],
    });
  });

  it('keeps what the host has forgotten, to be registered again', () => {
    const info = fakeSandbox('a', 1);
    const { keep } = decideAdoption({
      alive: [info],
      hosted: [],
      owners: new Map([['a', 's1']]),
    });
    expect(keep).toEqual([{ session: 's1', info, hosted: null }]);
  });

  it('removes what lives without an owner, and makes the host forget it', () => {
    const decision = decideAdoption({
      alive: [fakeSandbox('a', 1)],
      hosted: [hosted('a')],
      owners: new Map(),
    });
    expect(decision).toEqual({ keep: [], remove: ['a'], forget: ['a'], lost: [] });
  });

  it('reports the owner of what is gone', () => {
    const decision = decideAdoption({
      alive: [],
      hosted: [hosted('a')],
      owners: new Map([['a', 's1']]),
    });
    expect(decision).toEqual({ keep: [], remove: [], forget: ['a'], lost: ['s1'] });
  });
});
