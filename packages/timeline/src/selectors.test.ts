import { describe, expect, it } from 'vitest';
import { fold } from './fold.js';
import {
  numbered,
  SANDBOX_NAMESPACES,
  sampleMount,
  sampleNamespace,
  sampleProcess,
  sampleStart,
} from './sample.js';
import {
  childrenOf,
  isOfSandbox,
  membersOf,
  mountsOf,
  namespaceChain,
  namespaceDepth,
  namespacesOfKind,
  pidIn,
  placedPids,
  processTree,
} from './selectors.js';
import { EMPTY_STATE, type State } from './state.js';

/** init(1001) → bash(1010) → sh(1020), which is pid 1 of pid:[200] nested in the sandbox's. */
const inner = { ...SANDBOX_NAMESPACES, pid: 200 };
const state: State = fold(
  EMPTY_STATE,
  numbered([
    ...sampleStart(),
    {
      type: 'namespace.appear',
      namespace: sampleNamespace('pid', 200, { parent: 100, bornAt: 5 }),
    },
    { type: 'process.fork', process: sampleProcess(1010, { parent: '1001:1001' }) },
    {
      type: 'process.fork',
      process: sampleProcess(1020, {
        parent: '1010:1010',
        pids: [1020, 20, 1],
        namespaces: inner,
      }),
    },
    { type: 'process.fork', process: sampleProcess(1005, { parent: '1001:1001' }) },
    { type: 'mount.attach', mountNs: 101, mount: sampleMount(7, '/proc') },
    { type: 'mount.attach', mountNs: 101, mount: sampleMount(5, '/') },
  ]),
);
const sh = state.processes['1020:1020']!;

describe('selectors', () => {
  it('processTree nests by parent, in order of birth', () => {
    const [root, ...others] = processTree(state);
    expect(others).toEqual([]);
    expect(root?.process.hostPid).toBe(1001);
    expect(root?.children.map((node) => node.process.hostPid)).toEqual([1005, 1010]);
    expect(root?.children[1]?.children[0]).toMatchObject({ process: sh, depth: 2 });
    expect(childrenOf(state, '1010:1010')).toEqual([sh]);
  });

  it('processTree is the same object while no process changes', () => {
    const later = fold(state, numbered([{ type: 'mount.forget', mountNs: 101 }], state.seq + 1));
    expect(processTree(later)).toBe(processTree(state));
  });

  it('processTree shows a process whose parent is unknown, and parents in a circle', () => {
    const odd = fold(
      state,
      numbered([
        { type: 'process.fork', process: sampleProcess(1030, { parent: '9:9' }) },
        { type: 'process.fork', process: sampleProcess(1040, { parent: '1041:1041' }) },
        { type: 'process.fork', process: sampleProcess(1041, { parent: '1040:1040' }) },
      ]),
    );
    const roots = processTree(odd).map((node) => node.process.hostPid);
    expect(roots).toEqual([1001, 1030, 1040]);
  });

  it('membersOf lists the processes of one namespace', () => {
    expect(membersOf(state, 200)).toEqual([sh]);
    expect(membersOf(state, 100).map((process) => process.hostPid)).toEqual([1001, 1005, 1010]);
    expect(membersOf(state, 12345)).toEqual([]);
  });

  it('pidIn counts levels from the innermost namespace outwards', () => {
    expect(pidIn(state, sh, 200)).toBe(1);
    expect(pidIn(state, sh, 100)).toBe(20);
    expect(pidIn(state, state.processes['1010:1010']!, 200)).toBeNull();
    expect(placedPids(state, sh)).toEqual([
      { pid: 1020, namespace: null },
      { pid: 20, namespace: 100 },
      { pid: 1, namespace: 200 },
    ]);
  });

  it('namespaceDepth is 0 for the sandbox and grows inwards', () => {
    expect(namespaceChain(state, 200)).toEqual([200, 100]);
    expect(namespaceDepth(state, 200)).toBe(1);
    expect(namespaceDepth(state, 100)).toBe(0);
    expect(namespacesOfKind(state, 'pid').map((ns) => ns.inode)).toEqual([100, 200]);
  });

  it('isOfSandbox knows the eight of the start', () => {
    expect(isOfSandbox(state, 100)).toBe(true);
    expect(isOfSandbox(state, 200)).toBe(false);
    expect(isOfSandbox(EMPTY_STATE, 100)).toBe(false);
  });

  it('mountsOf is ordered by mount id', () => {
    expect(mountsOf(state, 101).map((mount) => mount.mountPoint)).toEqual(['/', '/proc']);
    expect(mountsOf(state, 999)).toEqual([]);
  });
});
