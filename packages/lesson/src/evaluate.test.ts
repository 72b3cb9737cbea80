/** Checks over small hand-made states: what must hold, what must not, and which clause is to blame. */
import { EMPTY_STATE, type MountState, type ProcessState, type State } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import type { Check, Clause, Condition } from './check.js';
import { evaluate, query } from './evaluate.js';

const OWN = { pid: 100, mnt: 101, net: 102, uts: 103, ipc: 104, user: 105, cgroup: 106, time: 107 };
const message = { en: 'no', zh: '否' };

function process(hostPid: number, fields: Partial<ProcessState> = {}): ProcessState {
  return {
    key: `${hostPid}:${hostPid}`,
    hostPid,
    startTime: hostPid,
    parent: null,
    pids: [hostPid, hostPid - 1000],
    comm: 'bash',
    args: ['bash'],
    state: 'S',
    uid: { outside: 100000, inside: 0 },
    namespaces: OWN,
    cgroup: '/',
    terminal: null,
    processGroup: hostPid,
    bornAt: 0,
    ...fields,
  };
}

function nested(hostPid: number, own: number, fields: Partial<ProcessState> = {}): ProcessState {
  return process(hostPid, {
    pids: [hostPid, hostPid - 1000, own],
    namespaces: { ...OWN, pid: 200 },
    ...fields,
  });
}

function state(...processes: ProcessState[]): State {
  const inodes = new Set(processes.flatMap((one) => one.namespaces.pid));
  return {
    ...EMPTY_STATE,
    sandbox: { id: 's', init: '1001:1001', namespaces: OWN, kernelRelease: '6.1' },
    processes: Object.fromEntries(processes.map((one) => [one.key, one])),
    namespaces: Object.fromEntries(
      [...inodes].map((inode) => [
        inode,
        {
          inode,
          kind: 'pid' as const,
          parent: inode === 100 ? null : 100,
          owner: 105,
          ofSandbox: inode === 100,
          ofHost: false,
          holders: [],
          bornAt: inode,
        },
      ]),
    ),
  };
}

const init = process(1001, { comm: 'init' });
const isNested: Condition[] = [
  { field: 'p.namespaces.pid', differsFrom: 'sandbox.namespaces.pid' },
  { field: 'p.pids', endsWith: [1] },
];
const pidOne: Clause = { id: 'pid-one', message, exists: { process: 'p' }, where: isNested };

describe('evaluate', () => {
  it('binds the process that fulfils every condition', () => {
    const result = evaluate({ clauses: [pidOne] }, state(init, nested(1050, 1)));
    expect(result.passed).toBe(true);
    expect(result.bindings).toEqual({ p: { kind: 'process', key: '1050:1050' } });
  });

  it('is red on an empty state, even when it only asks for absence', () => {
    const check: Check = {
      clauses: [{ id: 'none', message, notExists: { process: 'p' }, where: [] }],
    };
    expect(evaluate(check, EMPTY_STATE).passed).toBe(false);
  });

  it('tries another process when a later clause does not fit the first', () => {
    const sleeping: Clause = {
      id: 'sleeps',
      message,
      that: [{ field: 'p.comm', equals: 'sleep' }],
    };
    const older = nested(1050, 1, { comm: 'sleep' });
    const newer = nested(1060, 1, { namespaces: { ...OWN, pid: 300 } });
    const result = evaluate({ clauses: [pidOne, sleeping] }, state(init, older, newer));
    expect(result.passed).toBe(true);
    expect(result.bindings['p']).toEqual({ kind: 'process', key: '1050:1050' });
  });

  it('blames the first clause that no choice fulfils, and judges independent ones by themselves', () => {
    const many: Clause = {
      id: 'two-more',
      message,
      count: { process: 'q' },
      where: [{ field: 'q.namespaces.pid', sameAs: 'p.namespaces.pid' }],
      atLeast: 2,
    };
    const shell: Clause = {
      id: 'init-is-there',
      message,
      that: [{ field: 'sandbox.init', equals: '1001:1001' }],
    };
    const result = evaluate({ clauses: [pidOne, many, shell] }, state(init, nested(1050, 1)));
    expect(result.clauses.map((one) => [one.id, one.passed])).toEqual([
      ['pid-one', true],
      ['two-more', false],
      ['init-is-there', true],
    ]);
  });

  it('calls a clause false whose variable nothing could bind', () => {
    const gone: Clause = {
      id: 'gone',
      message,
      notExists: { process: 'q' },
      where: [{ field: 'q.parent', sameAs: 'p' }],
    };
    const result = evaluate({ clauses: [pidOne, gone] }, state(init));
    expect(result.clauses.map((one) => one.passed)).toEqual([false, false]);
  });

  it('finds a proc mount that shows the pid namespace of its viewer', () => {
    const mount: MountState = {
      mountId: 7,
      parentId: 1,
      device: '0:9',
      root: '/',
      mountPoint: '/proc',
      mountOptions: 'rw',
      optionalFields: [],
      fsType: 'proc',
      mountSource: 'proc',
      superOptions: 'rw',
      procPidNs: 200,
    };
    const check: Check = {
      clauses: [
        pidOne,
        {
          id: 'fresh-proc',
          message,
          exists: { mount: 'm', in: 'p.namespaces.mnt' },
          where: [
            { field: 'm.fsType', equals: 'proc' },
            { field: 'm.procPidNs', sameAs: 'p.namespaces.pid' },
          ],
        },
      ],
    };
    const now = state(init, nested(1050, 1));
    expect(evaluate(check, now).passed).toBe(false);
    expect(evaluate(check, { ...now, mounts: { 101: { 7: mount } } }).passed).toBe(true);
    const other = { ...mount, procPidNs: 100 };
    expect(evaluate(check, { ...now, mounts: { 101: { 7: other } } }).passed).toBe(false);
  });

  it('compares whole sets of namespaces, hops to parents, and counts members', () => {
    const helper = process(1040, { comm: 'unshare' });
    const now = state(init, helper, nested(1050, 1, { parent: helper.key }));
    const holds = (condition: Condition): boolean =>
      evaluate({ clauses: [pidOne, { id: 'x', message, that: [condition] }] }, now).passed;
    expect(holds({ field: 'p.parent.comm', equals: 'unshare' })).toBe(true);
    expect(holds({ field: 'p.parent.namespaces', sameAs: 'sandbox.namespaces' })).toBe(true);
    expect(holds({ field: 'p.namespaces', sameAs: 'sandbox.namespaces' })).toBe(false);
    expect(holds({ field: 'p.namespaces.pid.members', equals: 1 })).toBe(true);
    expect(holds({ field: 'p.namespaces.pid.parent', sameAs: 'sandbox.namespaces.pid' })).toBe(
      true,
    );
    expect(holds({ field: 'p.sandboxPid', equals: 50 })).toBe(true);
    expect(holds({ not: { field: 'p.ownPid', equals: 1 } })).toBe(false);
    expect(holds({ any: [{ field: 'p.state', oneOf: ['T', 'S'] }] })).toBe(true);
  });

  it('lets a missing value equal nothing and differ from everything', () => {
    const now = state(init, nested(1050, 1));
    const holds = (condition: Condition): boolean =>
      evaluate({ clauses: [pidOne, { id: 'x', message, that: [condition] }] }, now).passed;
    expect(holds({ field: 'p.pids.9', equals: 1 })).toBe(false);
    expect(holds({ field: 'p.pids.9', notEquals: 1 })).toBe(true);
    expect(holds({ field: 'p.pids.9', sameAs: 'p.pids.8' })).toBe(false);
  });

  it('answers when a fork bomb fills the sandbox: a join of 500 by 500 processes', () => {
    const bomb = Array.from({ length: 500 }, (_, i) => process(2000 + i));
    const check: Check = {
      clauses: [
        { id: 'a', message, exists: { process: 'p' }, where: [] },
        { id: 'b', message, exists: { process: 'q' }, where: [{ field: 'q.parent', sameAs: 'p' }] },
      ],
    };
    const full = state(init, ...bomb);
    expect(evaluate(check, full).passed).toBe(false);
  });
});

describe('evaluate with remember', () => {
  const check: Check = {
    clauses: [
      {
        id: 'crowd',
        message,
        exists: { namespace: 'n' },
        where: [
          { field: 'n.kind', equals: 'pid' },
          { field: 'n.ofSandbox', equals: false },
          { field: 'n.members', atLeast: 2 },
        ],
        remember: true,
      },
      {
        id: 'empty',
        message,
        notExists: { process: 'p' },
        where: [{ field: 'p.namespaces.pid', sameAs: 'n.inode' }],
      },
    ],
  };
  const crowd = state(init, nested(1050, 1), nested(1051, 2));

  it('is green once what was seen is gone', () => {
    const before = evaluate(check, crowd);
    expect(before.passed).toBe(false);
    expect(before.clauses[0]?.passed).toBe(true);
    const after = evaluate(check, state(init), before.memory);
    expect(after.passed).toBe(true);
  });

  it('is red when it was never seen, when some of it lives, and in another sandbox', () => {
    expect(evaluate(check, state(init)).passed).toBe(false);
    const { memory } = evaluate(check, crowd);
    expect(evaluate(check, state(init, nested(1050, 1)), memory).passed).toBe(false);
    const empty = state(process(9001));
    const reset = {
      ...empty,
      sandbox: { ...crowd.sandbox, init: '9001:9001' } as State['sandbox'],
    };
    expect(evaluate(check, reset, memory).passed).toBe(false);
  });

  it('keeps a memory that survives JSON', () => {
    const { memory } = evaluate(check, crowd);
    const after = evaluate(check, state(init), JSON.parse(JSON.stringify(memory)));
    expect(after.passed).toBe(true);
  });
});

describe('query', () => {
  const now = state(init, nested(1050, 1));
  const { bindings } = evaluate({ clauses: [pidOne] }, now);

  it('answers with the text of a field', () => {
    expect(query({ of: 'p', field: 'pids.-1' }, bindings, now)).toBe('1');
    expect(query({ of: 'p', field: 'sandboxPid' }, bindings, now)).toBe('50');
  });

  it('turns a value into the id of a choice', () => {
    const cases = [
      { equals: 1, answer: 'one' },
      { notEquals: 1, answer: 'ordinary' },
    ];
    expect(query({ of: 'p', field: 'sandboxPid', cases }, bindings, now)).toBe('ordinary');
  });

  it('is null for what is gone or was never bound', () => {
    expect(query({ of: 'p', field: 'comm' }, bindings, state(init))).toBeNull();
    expect(query({ of: 'q', field: 'comm' }, bindings, now)).toBeNull();
  });
});
