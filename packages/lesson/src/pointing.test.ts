/** Paths of links and picks to the subjects that views show. */
import { EMPTY_STATE, type ProcessState, type State } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import type { Check } from './check.js';
import { parsePick, pickQuery, seeLinks, seen } from './pointing.js';

const OWN = { pid: 100, mnt: 101, net: 102, uts: 103, ipc: 104, user: 105, cgroup: 106, time: 107 };

function process(hostPid: number, fields: Partial<ProcessState> = {}): ProcessState {
  return {
    ...{
      key: `${hostPid}:1`,
      hostPid,
      startTime: 1,
      parent: null,
      pids: [hostPid, 1],
      comm: 'bash',
    },
    ...{ args: [], state: 'S', uid: { outside: 0, inside: 0 }, namespaces: OWN, cgroup: '/' },
    ...{ terminal: null, processGroup: hostPid, bornAt: 0 },
    ...fields,
  };
}

const init = process(10);
const shell = process(20, { comm: 'sh', parent: init.key, pids: [20, 5] });
const state: State = {
  ...EMPTY_STATE,
  sandbox: { id: 's', init: init.key, namespaces: OWN, kernelRelease: '6' },
  processes: { [init.key]: init, [shell.key]: shell },
  namespaces: {
    100: {
      ...{ inode: 100, kind: 'pid', parent: null, owner: 105, ofSandbox: true, ofHost: false },
      ...{ holders: [], bornAt: 0 },
    },
  },
};
const check: Check = {
  clauses: [
    {
      id: 'shell',
      message: { en: '', zh: '' },
      exists: { process: 'p' },
      where: [{ field: 'p.comm', equals: 'sh' }],
    },
  ],
};

describe('links to kernel objects', () => {
  it('are found in Markdown', () => {
    expect(
      seeLinks('The [new shell](#see:p) in [its own](#see:p.namespaces.pid), [x](https://a)'),
    ).toEqual(['p', 'p.namespaces.pid']);
  });

  it('lead to what the check binds, and on from there', () => {
    expect(seen('p', check, state)).toBe('process:20:1');
    expect(seen('p.parent', check, state)).toBe('process:10:1');
    expect(seen('p.namespaces.pid', check, state)).toBe('namespace:100');
    expect(seen('sandbox.init', null, state)).toBe('process:10:1');
  });

  it('lead nowhere while there is nothing', () => {
    expect(seen('p', check, { ...state, processes: {} })).toBeNull();
    expect(seen('p', null, state)).toBeNull();
    expect(seen('p.namespaces.uts', check, state)).toBeNull();
  });
});

describe('answers by pointing', () => {
  const answer = pickQuery(
    { of: 'p', field: 'parent' },
    { p: { kind: 'process', key: '20:1' } },
    state,
  );

  it('name the object, and say it in words for later', () => {
    expect(answer).toBe('process:10:1 bash 1');
    expect(parsePick(answer ?? '')).toEqual({ subject: 'process:10:1', text: 'bash 1' });
  });

  it('are none when the object is gone', () => {
    const gone = { p: { kind: 'process', key: '99:1' } } as const;
    expect(pickQuery({ of: 'p' }, gone, state)).toBeNull();
  });
});
