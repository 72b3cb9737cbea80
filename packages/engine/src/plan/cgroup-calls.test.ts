/** The calls that make groups, as data: order, sentences, what is refused before any call. */
import { type Call, type Plan, PlanBuilder } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { type CgroupLayout, insideLayout } from '../cgroups/index.js';
import {
  joinV1Cgroups,
  type MakeCgroupsOptions,
  makeCgroups,
  makeNestedParents,
  openV2Group,
} from './cgroup-calls.js';
import { attachedPrograms, deviceQueryPlan } from './device-program-calls.js';
import { Script } from './script.js';

const V1: CgroupLayout = {
  kind: 'v1',
  hierarchies: [
    { version: 1, mountPoint: '/cg/memory', controllers: ['memory'], name: 'memory' },
    {
      version: 1,
      mountPoint: '/cg/cpuset',
      controllers: ['cpuset'],
      name: 'cpuset',
      inherited: { cpus: '0-3', mems: '0' },
    },
    { version: 1, mountPoint: '/cg/devices', controllers: ['devices'], name: 'devices' },
  ],
};
const V2: CgroupLayout = {
  kind: 'v2',
  hierarchies: [
    { version: 2, mountPoint: '/cg', controllers: ['memory', 'pids', 'cpu'], name: 'unified' },
  ],
};
const CONTAINER: MakeCgroupsOptions = { whose: { en: 'container web-1', zh: '容器 web-1' } };

function plan(write: (script: Script) => void): Plan {
  const builder = new PlanBuilder('test');
  write(new Script(builder, 'outside', builder.slot('fd')));
  return builder.build();
}
const calls = (made: Plan) =>
  (made.processes['outside'] ?? []).filter((step): step is Call => step.kind === 'call');
const shown = (made: Plan) => calls(made).map(({ display }) => display);

describe('makeCgroups', () => {
  test('directory, then limits; the sentence says whose', () => {
    const made = plan((script) =>
      makeCgroups(script, V2, '/t/web-1', { memory: { limit: 9 } }, null, CONTAINER),
    );
    const sequence = shown(made);
    expect(sequence.slice(0, 4)).toEqual([
      'mkdirat(AT_FDCWD, "/cg/t/web-1", 0755)',
      'openat(AT_FDCWD, "/cg/t/web-1/memory.max", O_WRONLY|O_CLOEXEC)',
      'write(<fd>, "9", 1)',
      'close(<fd>)',
    ]);
    // Without any rule too: only the default devices.
    expect(sequence.slice(4).join()).toContain('BPF_CGROUP_DEVICE');
    const [mkdir, limit] = calls(made);
    expect(mkdir?.purpose).toMatchObject({
      id: 'cgroup-make',
      en: 'make the unified cgroup of container web-1',
      zh: '创建容器 web-1的 unified cgroup',
    });
    expect(limit?.purpose.en).toBe('limit container web-1: memory.max = 9');
  });

  test('a container is refused with every field that cannot be applied; a sandbox is made', () => {
    const resources = { network: { classID: 1 }, cpu: { cpus: '0' } };
    const make = (options?: MakeCgroupsOptions) =>
      plan((script) => makeCgroups(script, V2, '/g', resources, 0, options));
    expect(() => make(CONTAINER)).toThrow(
      'linux.resources.cpu.cpus: this host has no cpuset controller; linux.resources.network.classID: cgroup v2 has no net_cls',
    );
    expect(calls(make()).length).toBeGreaterThan(0);
  });

  test('no limit of a container may fail; a sandbox lives without swap accounting', () => {
    const memory = { limit: 10, swap: 20 };
    const swapWrite = (options?: MakeCgroupsOptions) => {
      const made = plan((script) => makeCgroups(script, V2, '/g', { memory }, null, options));
      return calls(made).find(
        ({ syscall, purpose }) => syscall === 'write' && purpose.en.includes('swap.max'),
      );
    };
    expect(swapWrite()?.tolerate?.length).toBeGreaterThan(0);
    expect(swapWrite(CONTAINER)?.tolerate).toBeUndefined();
  });

  test('v1 gets CPUs before anything else, device rules with the defaults', () => {
    const made = plan((script) =>
      makeCgroups(script, V1, '/g', { devices: [{ allow: false }] }, 7, {
        ...CONTAINER,
        nodes: [{ type: 'b', path: '/dev/x', major: 8, minor: 1 }],
      }),
    );
    const lines = shown(made);
    const at = (text: string) => lines.findIndex((line) => line.includes(text));
    expect(at('"0-3"')).toBe(at('"/cg/cpuset/g", 0755') + 2);
    const written = lines.filter((line) => line.startsWith('write('));
    expect(written.slice(2, 5)).toEqual([
      'write(<fd>, "a", 1)',
      'write(<limits>, "c 1:3 rwm", 9)',
      'write(<limits>, "c 1:5 rwm", 9)',
    ]);
    expect(written.at(-1)).toContain('"b 8:1 m"');
    expect(lines.filter((line) => line.includes('devices.allow'))).toHaveLength(1);
    // The standard: v1 is not given away.
    expect(lines.some((line) => line.startsWith('fchownat'))).toBe(false);
  });

  test('v2 device rules are loaded and attached, after the limits', () => {
    const made = plan((script) =>
      makeCgroups(script, V2, '/g', { devices: [{ allow: false }] }, null, CONTAINER),
    );
    expect(calls(made).map(({ purpose }) => purpose.id)).toEqual([
      'cgroup-make',
      'device-program',
      ...Array<string>(4).fill('device-attach'),
    ]);
    expect(shown(made)[1]).toMatch(/^bpf\(BPF_PROG_LOAD, \{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE/);
    expect(shown(made)[3]).toMatch(/attach_flags=BPF_F_ALLOW_MULTI\}/);
  });

  test('inside a sandbox nobody loads a program', () => {
    const made = plan((script) =>
      makeCgroups(
        script,
        insideLayout(V2),
        '/web-1',
        { devices: [{ allow: false }] },
        null,
        CONTAINER,
      ),
    );
    expect(calls(made).map(({ purpose }) => purpose.id)).toEqual(['cgroup-make']);
  });
});

test('makeNestedParents hands the controllers on from the top down', () => {
  const made = plan((script) => makeNestedParents(script, V2, '/a/b/c', ['memory', 'io']));
  expect(shown(made).filter((line) => !line.startsWith('close'))).toEqual([
    'openat(AT_FDCWD, "/cg/cgroup.subtree_control", O_WRONLY|O_CLOEXEC)',
    'write(<fd>, "+memory", 7)',
    'mkdirat(AT_FDCWD, "/cg/a", 0755)',
    'openat(AT_FDCWD, "/cg/a/cgroup.subtree_control", O_WRONLY|O_CLOEXEC)',
    'write(<fd>, "+memory", 7)',
    'mkdirat(AT_FDCWD, "/cg/a/b", 0755)',
    'openat(AT_FDCWD, "/cg/a/b/cgroup.subtree_control", O_WRONLY|O_CLOEXEC)',
    'write(<fd>, "+memory", 7)',
  ]);
});

test('joining and opening say whose group it is', () => {
  const whose = { en: 'container web-1', zh: '容器 web-1' };
  const made = plan((script) => {
    joinV1Cgroups(script, V1, '/g', whose);
    expect(openV2Group(script, V1, '/g', whose)).toBeNull();
    expect(openV2Group(script, V2, '/g', whose)).not.toBeNull();
  });
  for (const { purpose } of calls(made)) {
    expect(purpose.id).toBe('cgroup-join');
    expect(purpose.en).toContain('cgroup of container web-1');
  }
});

test('the query for device programs reads the ids that the kernel wrote', () => {
  expect(shown(deviceQueryPlan('/cg/g'))[1]).toMatch(/^bpf\(BPF_PROG_QUERY, \{target_fd=/);
  expect(attachedPrograms(Uint8Array.of(7, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0))).toEqual([263, 9]);
});
