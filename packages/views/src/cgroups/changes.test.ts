import type { CgroupState, State } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import { cgroupSentences } from './changes.js';
import { V1_STATE, V2_STATE } from './fixture.js';

const made = (...groups: readonly Partial<CgroupState>[]): State => ({
  ...V1_STATE,
  cgroups: {
    ...V1_STATE.cgroups,
    ...Object.fromEntries(
      groups.map((one) => {
        const group = { hierarchy: 'pids', path: '/x', files: {}, bornAt: 0, ...one };
        return [
          `${group.hierarchy}:${group.path}`,
          { ...group, key: `${group.hierarchy}:${group.path}` },
        ];
      }),
    ),
  },
});

describe('cgroupSentences', () => {
  it('names a new group once, with its hierarchies, and a gone one', () => {
    const after = made({ hierarchy: 'memory' }, { hierarchy: 'pids' });
    expect(cgroupSentences(V1_STATE, after, 'en')).toEqual(['new cgroup /x (memory, pids)']);
    expect(cgroupSentences(after, V1_STATE, 'zh')).toEqual(['cgroup /x (memory, pids) 消失了']);
  });

  it('counts many', () => {
    const after = made(...[1, 2, 3].map((n) => ({ path: `/x${n}` })));
    expect(cgroupSentences(V1_STATE, after, 'en')).toEqual(['3 new cgroups']);
  });

  it('says what was written, who moved where, and whom the OOM killer chose', () => {
    const [box] = Object.values(V2_STATE.cgroups ?? {}).filter(({ path }) => path === '/box');
    const [sleep] = Object.values(V2_STATE.processes).filter(({ comm }) => comm === 'sleep');
    const after: State = {
      ...V2_STATE,
      cgroups: {
        ...V2_STATE.cgroups,
        [box!.key]: {
          ...box!,
          files: { ...box!.files, 'pids.max': '9' },
          lastOom: { t: 5, victim: 'cat' },
        },
      },
      processes: { ...V2_STATE.processes, [sleep!.key]: { ...sleep!, cgroup: '/box/inner' } },
    };
    expect(cgroupSentences(V2_STATE, after, 'en')).toEqual([
      'pids.max of /box is 9',
      'out of memory in /box: cat killed',
      'sleep 30 moved to cgroup /box/inner',
    ]);
  });

  it('is silent about counters and about the first picture', () => {
    expect(cgroupSentences(V1_STATE, { ...V1_STATE, meters: {} }, 'en')).toEqual([]);
    const { cgroups: _, ...before } = V1_STATE;
    expect(cgroupSentences(before, V1_STATE, 'en')).toEqual([]);
  });
});
