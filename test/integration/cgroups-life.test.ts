/**
 * Groups that are frozen, populated, killed and removed, and their device rules. On a hybrid host
 * v2 alone is tried, too: none of this needs a controller.
 * Runs on v1, hybrid and pure v2 hosts. Needs root in the host's namespaces.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CgroupEvent,
  detectCgroupLayout,
  deviceProgram,
  groupPath,
  prepareParents,
  queryDevicePrograms,
} from '../../packages/engine/src/index.js';
import { attachDeviceProgram } from '../../packages/engine/src/plan/device-program-calls.js';
import {
  type CgroupLab,
  missing,
  planOf,
  sizeOf,
  startCgroupLab,
  suite,
  testLayouts,
  until,
  v2Root,
} from './cgroups-lab.js';

let lab: CgroupLab;
beforeAll(async () => {
  if (missing === null) lab = await startCgroupLab('life');
});
afterAll(async () => {
  await lab?.close();
});

/** Makes a file grow by a byte at a time, for ever. */
const counter = (file: string) => ['sh', '-c', `while :; do printf x >> ${file}; done`];
const FOREVER = ['sleep', '100000'];

for (const layout of testLayouts()) {
  const kind = layout.hierarchies.length === 1 ? 'v2 alone' : `all of ${layout.kind}`;

  suite(`life of a group, ${kind}`, () => {
    const make = (name: string, resources = {}) =>
      lab.make(`${name}-${layout.hierarchies.length}`, resources, layout);

    test('freeze stops every process where it is, thaw lets it go on', async () => {
      const group = await make('freeze');
      const free = await make('free');
      const file = (name: string) => join(lab.directory, `${name}-${layout.hierarchies.length}`);
      lab.start(group, counter(file('frozen')));
      lab.start(free, counter(file('free')));
      const count = (name: string) => sizeOf(file(name));
      await until('both count', () => count('frozen') > 0 && count('free') > 0);
      const events: CgroupEvent[] = [];
      const watch = group.watch((event) => events.push(event));
      await group.freeze();
      expect(group.freezerState()).toBe('frozen');
      await until('frozen is told', () => events.some((event) => event.kind === 'frozen'));
      const [stopped, start] = [count('frozen'), count('free')];
      await until('the free one has counted on', () => count('free') > start + 50);
      expect(count('frozen')).toBe(stopped);
      await group.thaw();
      expect(group.freezerState()).toBe('thawed');
      await until('thawed is told', () => events.some((event) => event.kind === 'thawed'));
      await until('it counts again', () => count('frozen') > stopped + 10);
      watch.close();
      await group.kill();
      await free.kill();
    });

    test('populated and empty are told', async () => {
      const group = await make('populated');
      const kinds: string[] = [];
      const watch = group.watch((event) => kinds.push(event.kind));
      const member = lab.start(group, FOREVER);
      await until('populated is told', () => kinds.includes('populated'));
      expect(group.processes()).toContain(member.pid);
      process.kill(member.pid, 'SIGKILL');
      await member.ended;
      if (layout.kind === 'v1') watch.recheck(); // nothing tells of it there
      await until('empty is told', () => kinds.includes('empty'));
      watch.close();
      expect(group.processes()).toEqual([]);
    });

    test('a frozen group is killed and removed', async () => {
      const group = await make('kill-frozen');
      const members = [lab.start(group, FOREVER), lab.start(group, FOREVER)];
      await until('both are in', () => group.processes().length === 2);
      await group.freeze();
      await group.kill();
      for (const member of members) expect(await member.ended).toBe('SIGKILL');
      await group.remove();
      expect(group.directories()).toEqual([]);
    });

    test('removal waits for the last process and takes child groups along', async () => {
      const group = await make('remove');
      for (const directory of group.directories()) mkdirSync(join(directory, 'child'));
      const member = lab.start(group, FOREVER);
      await until('it is in', () => group.processes().includes(member.pid));
      const removed = group.remove();
      process.kill(member.pid, 'SIGKILL');
      await removed;
      expect(group.directories()).toEqual([]);
    });

    test('device rules refuse an open and a mknod, and let the default devices be', async () => {
      const group = await make('devices', { devices: [{ allow: false, access: 'rwm' }] });
      const ends = async (script: string) => {
        const member = lab.start(group, ['sh', '-c', script]);
        return { code: await member.ended, output: member.output() };
      };
      expect((await ends('head -c 1 /dev/zero > /dev/null')).code).toBe(0);
      expect((await ends(': < /dev/kmsg')).output).toMatch(/not permitted/i);
      const node = join(lab.directory, `node-${layout.hierarchies.length}`);
      expect((await ends(`mknod ${node} c 1 11`)).output).toMatch(/not permitted/i);
      expect(existsSync(node)).toBe(false);
      // Live: one more device, then everything.
      const rule = { allow: true, type: 'c' as const, major: 1, minor: 11, access: 'rm' };
      await group.update(lab.player, { devices: [{ allow: false, access: 'rwm' }, rule] });
      expect((await ends(': < /dev/kmsg')).code).toBe(0);
      expect((await ends(`mknod ${node} c 1 11`)).code).toBe(0);
      expect((await ends(': > /dev/kmsg')).output).toMatch(/not permitted/i);
      await group.update(lab.player, { devices: [{ allow: false, access: 'rwm' }] });
      expect((await ends(': < /dev/kmsg')).output).toMatch(/not permitted/i);
      const [v2] = layout.hierarchies.filter(({ version }) => version === 2);
      if (v2 !== undefined && layout.kind === 'v2') {
        const directory = groupPath(v2, group.group);
        expect(await queryDevicePrograms(lab.player, directory)).toHaveLength(1);
      }
    });
  });
}

suite('a device program that the kernel refuses', () => {
  const v2 = missing === null ? v2Root() : undefined;
  const lacking = v2 === undefined ? ' (missing: cgroup v2)' : '';

  test.skipIf(v2 === undefined)(`fails the plan and is not attached${lacking}`, async () => {
    const layout = testLayouts().find(({ kind }) => kind === 'v2');
    const group = await lab.make('bad-program', {}, layout);
    const directory = join(v2 ?? '', group.group);
    const whose = { en: 'the test', zh: '测试' };
    const plan = planOf((script) =>
      // Reads a register that nothing was written to: the verifier says no.
      attachDeviceProgram(
        script,
        directory,
        (deviceProgram([{ allow: false }]) ?? []).slice(-1),
        whose,
      ),
    );
    await expect(lab.player.run(plan).done).rejects.toThrow(/bpf\(BPF_PROG_LOAD.*: EACCES/);
    expect(await queryDevicePrograms(lab.player, directory)).toEqual([]);
  });
});

suite('parents', () => {
  test('a group directly below the root is ready for processes', async () => {
    const group = await lab.makeAt(`/terrarium-cgroups-top-${process.pid}`);
    const member = lab.start(group, ['true']);
    expect(`${await member.ended} ${member.output()}`).toBe('0 ');
    await group.remove();
  });

  test('a group several levels down is, too, and its parents go again', async () => {
    const top = `/terrarium-cgroups-deep-${process.pid}`;
    const group = await lab.makeAt(`${top}/a/b`);
    const member = lab.start(group, ['true']);
    expect(`${await member.ended} ${member.output()}`).toBe('0 ');
    await group.remove();
    lab.removeParents();
    const left = detectCgroupLayout().hierarchies.map((one) => groupPath(one, top));
    expect(left.filter((directory) => existsSync(directory))).toEqual([]);
  });

  const v2 = missing === null ? v2Root() : undefined;
  const lacking = v2 === undefined ? ' (missing: cgroup v2)' : '';

  test.skipIf(v2 === undefined)(`a threaded group is refused with its reason${lacking}`, () => {
    const root = join(v2 ?? '', `terrarium-threaded-${process.pid}`);
    const threaded = join(root, 'threaded');
    mkdirSync(threaded, { recursive: true });
    try {
      writeFileSync(join(threaded, 'cgroup.type'), 'threaded');
      const hierarchy = {
        version: 2 as const,
        mountPoint: root,
        controllers: ['cpu'],
        name: 'unified',
      };
      const make = () => prepareParents({ kind: 'v2', hierarchies: [hierarchy] }, '/threaded');
      expect(make).toThrow(/threaded cgroup .*: containers need a domain/);
    } finally {
      rmdirSync(threaded);
      rmdirSync(root);
    }
  });
});
