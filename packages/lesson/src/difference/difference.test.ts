/** Hints from half-made states: which object is named, what it lacks, in words and by its subject. */
import {
  EMPTY_STATE,
  type MountState,
  type NamespaceKind,
  type NamespaceState,
  type ProcessState,
  type State,
} from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import type { Check, Clause } from '../check.js';
import { FIELDS } from '../fields.js';
import { difference } from './index.js';
import { LABELS } from './labels.js';

const OWN = { pid: 100, mnt: 101, net: 102, uts: 103, ipc: 104, user: 105, cgroup: 106, time: 107 };
const message = { en: 'm', zh: 'm' };

function process(pid: number, comm: string, fields: Partial<ProcessState> = {}): ProcessState {
  return {
    key: `${pid}`,
    hostPid: 1000 + pid,
    startTime: pid,
    parent: null,
    pids: [1000 + pid, pid],
    comm,
    args: [comm],
    state: 'S',
    uid: { outside: 100000, inside: 0 },
    namespaces: OWN,
    cgroup: '/',
    terminal: null,
    processGroup: pid,
    bornAt: pid,
    ...fields,
  };
}

function namespace(inode: number, kind: NamespaceKind): NamespaceState {
  const ofSandbox = inode < 200;
  return {
    inode,
    kind,
    parent: null,
    owner: 105,
    ofSandbox,
    ofHost: false,
    holders: [],
    bornAt: 0,
  };
}

function procMount(mountId: number, procPidNs: number): MountState {
  return {
    mountId,
    parentId: 1,
    device: '0:5',
    root: '/',
    mountPoint: '/proc',
    mountOptions: 'rw',
    optionalFields: [],
    fsType: 'proc',
    mountSource: 'proc',
    superOptions: 'rw',
    procPidNs,
  };
}

function state(processes: ProcessState[], mounts: State['mounts'] = {}): State {
  const all = [process(1, 'init', { pids: [1001, 1] }), ...processes];
  const known = new Map<number, NamespaceState>();
  for (const { namespaces } of all) {
    for (const [kind, inode] of Object.entries(namespaces)) {
      known.set(inode, namespace(inode, kind as NamespaceKind));
    }
  }
  return {
    ...EMPTY_STATE,
    sandbox: { id: 's', init: '1', namespaces: OWN, kernelRelease: '6.1' },
    processes: Object.fromEntries(all.map((one) => [one.key, one])),
    namespaces: Object.fromEntries(known),
    mounts,
  };
}

const own: Clause = {
  id: 'own',
  message,
  exists: { process: 'p' },
  where: [
    { field: 'p.namespaces.pid', differsFrom: 'sandbox.namespaces.pid' },
    { field: 'p.pids', endsWith: [1] },
  ],
};
const ownMounts: Clause = {
  id: 'own-mounts',
  message,
  that: [{ field: 'p.namespaces.mnt', differsFrom: 'sandbox.namespaces.mnt' }],
};
const freshProc: Clause = {
  id: 'fresh-proc',
  message,
  exists: { mount: 'm', in: 'p.namespaces.mnt' },
  where: [
    { field: 'm.fsType', equals: 'proc' },
    { field: 'm.procPidNs', sameAs: 'p.namespaces.pid' },
  ],
};
const check: Check = { clauses: [own, ownMounts, freshProc] };
const nested = (pid: number, mnt = 101): ProcessState =>
  process(pid, 'sh', { pids: [1000 + pid, pid, 1], namespaces: { ...OWN, pid: 200, mnt } });

describe('difference', () => {
  it('says that the pid namespace is there, but /proc still shows the old one', () => {
    const half = state([process(5, 'bash'), nested(7, 300)], { 300: { 40: procMount(40, 100) } });
    const { clauses, next } = difference(check, half);
    expect(clauses.map(({ holds }) => holds)).toEqual([true, true, false]);
    expect(clauses[0]).toMatchObject({
      lead: { en: 'It is `sh` (PID 7, 1 inside).', zh: '就是 `sh`（PID 7，在里面是 1）。' },
      subject: 'process:7',
    });
    expect(next).toMatchObject({
      id: 'fresh-proc',
      subject: 'mount:300:40',
      near: ['process:7'],
      lead: { en: 'proc at `/proc` comes closest:' },
      facts: [
        { holds: true, text: { en: 'file system: `proc`' } },
        {
          holds: false,
          text: {
            en: 'PID namespace that it shows: `pid:[100]` (the sandbox’s own); wanted: `pid:[200]`, the PID namespace of `sh` (PID 7, 1 inside)',
            zh: '它展示的 PID 命名空间：`pid:[100]`（沙箱自己的）；应为 `pid:[200]`，即 `sh`（PID 7，在里面是 1）的 PID 命名空间',
          },
        },
      ],
    });
  });

  it('names the bound object of a clause about it, with the value it has', () => {
    const { next } = difference(check, state([nested(7)]));
    expect(next).toMatchObject({
      id: 'own-mounts',
      subject: 'process:7',
      lead: { en: '`sh` (PID 7, 1 inside):' },
      facts: [
        {
          holds: false,
          text: {
            en: 'mount namespace: `mnt:[101]` (the sandbox’s own); wanted: another than the sandbox’s own mount namespace',
          },
        },
      ],
    });
  });

  it('takes what few fulfil for the attempt, and never what was there from the beginning', () => {
    const sleeper: Check = {
      clauses: [
        {
          id: 'sleeps',
          message,
          exists: { process: 'q' },
          where: [
            { field: 'q.comm', equals: 'sleep' },
            { field: 'q.namespaces.pid', differsFrom: 'sandbox.namespaces.pid' },
            { field: 'q.ownPid', notEquals: 1 },
          ],
        },
      ],
    };
    const outside = state([process(5, 'bash'), process(6, 'sleep'), process(9, 'top')]);
    const { next } = difference(sleeper, outside);
    expect(next?.subject).toBe('process:6');
    expect(next?.facts.map(({ holds }) => holds)).toEqual([true, false, true]);
    // The init of the sandbox is a PID 1 as well, and no attempt.
    expect(difference(check, state([])).next).toMatchObject({
      subject: null,
      lead: { en: 'There is no such process yet:' },
      facts: [
        { text: { en: 'PID namespace: another than the sandbox’s own PID namespace' } },
        { text: { en: 'PIDs from outside to inside: `1` at the end' } },
      ],
    });
  });

  it('of several attempts takes the one that fulfils most clauses', () => {
    const both = state([nested(7), { ...nested(8, 300), key: '8' }, nested(9)], {
      300: { 40: procMount(40, 100) },
    });
    expect(difference(check, both).clauses[0]?.subject).toBe('process:8');
  });

  it('names what should not be there, and how many', () => {
    const gone: Check = {
      clauses: [
        {
          id: 'gone',
          message,
          notExists: { process: 'q' },
          where: [{ field: 'q.comm', equals: 'sleep' }],
        },
      ],
    };
    const { next } = difference(gone, state([process(5, 'sleep'), process(6, 'sleep')]));
    expect(next).toMatchObject({
      lead: { en: '`sleep` (PID 6) is still there, and 1 more.' },
      subject: 'process:6',
    });
  });

  it('counts', () => {
    const three: Check = {
      clauses: [
        {
          id: 'three',
          message,
          count: { process: 'q' },
          atLeast: 3,
          where: [{ field: 'q.comm', equals: 'sleep' }],
        },
      ],
    };
    expect(difference(three, state([process(5, 'sleep')])).next).toMatchObject({
      lead: { en: 'There is this many of it (process): 1; wanted: at least 3.' },
      facts: [{ text: { en: 'name: `sleep`', zh: '名字：`sleep`' } }],
    });
  });

  it('believes the daemon about what is gone, and says what cannot be asked yet', () => {
    const { clauses } = difference(check, state([]), new Set(['own']));
    expect(clauses[0]).toMatchObject({ holds: true, lead: null });
    expect(clauses[1]?.lead?.en).toMatch(/once what comes before is there/);
  });

  it('says nothing before there is a sandbox', () => {
    expect(difference(check, EMPTY_STATE)).toEqual({ clauses: [], next: null });
  });
});

describe('labels', () => {
  it('name every field in both languages', () => {
    for (const [node, fields] of Object.entries(FIELDS)) {
      const labels = LABELS[node as keyof typeof LABELS];
      const unnamed = Object.keys(fields).filter(
        (field) => !(labels[field]?.en && labels[field].zh),
      );
      expect(`${node}: ${unnamed.join(', ')}`).toBe(`${node}: `);
    }
  });
});
