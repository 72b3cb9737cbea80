/** What machines of several versions lack. */
import { describe, expect, it } from 'vitest';
import { machineLacks } from './machine.js';

const bookworm = { kernelRelease: '6.1.0-13-amd64', cgroup: 'v2' } as const;
const here = { kernelRelease: '6.18.3', cgroup: 'v1' } as const;

describe('machineLacks', () => {
  it('compares kernel releases by their numbers', () => {
    expect(machineLacks('kernel.6.6', bookworm)?.en).toBe(
      'it needs Linux 6.6 or newer, this is 6.1.0-13-amd64',
    );
    expect(machineLacks('kernel.6.6', here)).toBeNull();
    expect(machineLacks('kernel.6.1', bookworm)).toBeNull();
    expect(machineLacks('kernel.5.15', bookworm)).toBeNull();
  });

  it('knows which words for cgroups there are', () => {
    expect(machineLacks('cgroup.v2', here)?.zh).toMatch(/需要 cgroup v2/);
    expect(machineLacks('cgroup.v2', bookworm)).toBeNull();
  });

  it('leaves to doctor what is doctor’s', () => {
    expect(machineLacks('namespace.time', bookworm)).toBeNull();
    expect(machineLacks('cgroup.memory', here)).toBeNull();
  });
});
