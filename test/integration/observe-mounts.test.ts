import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EventBody, type MountState, mountsOf } from '../../packages/timeline/src/index.js';
import { cleanUp, comesToEqualFresh, Lab, reducedTo, root, scratch, Tree } from './observer-lab.js';
import { patient, until } from './patience.js';

type MountEvent = Extract<EventBody, { type: 'mount.attach' | 'mount.change' | 'mount.detach' }>;

const lacks = await reducedTo();
const suffix = lacks === null ? '' : ` (missing: ${root ? 'a whole trace' : lacks})`;

describe.skipIf(lacks !== null)(`mounts as they change${suffix}`, () => {
  let tree: Tree;
  let lab: Lab;
  const dir = `${scratch}/m`;

  beforeEach(async () => {
    tree = await Tree.start();
    await tree.run(`mkdir -p ${dir}; mount -t tmpfs -o size=1m base ${dir}; mkdir ${dir}/{a,b,c}`);
    lab = await Lab.start();
    await lab.watch(tree);
  });
  afterEach(cleanUp);

  const own = (): number => lab.state(tree).sandbox!.namespaces.mnt;
  /** The uppermost mount there: numbers come again, so the highest need not be the last. */
  const at = (path: string, ns = own()): MountState | undefined => {
    const there = mountsOf(lab.state(tree), ns).filter(
      ({ mountPoint }) => mountPoint === `${dir}${path}`,
    );
    return there.find(({ mountId }) => there.every(({ parentId }) => parentId !== mountId));
  };
  const seen = (type: MountEvent['type']): MountEvent[] =>
    lab.seen(tree).filter((body): body is MountEvent => body.type === type);

  /** Runs a line, waits for what it must come to, and says what program each new event's actor ran. */
  async function does(line: string, holds: () => boolean): Promise<(string | undefined)[]> {
    const from = lab.seen(tree).length;
    await tree.run(line);
    await until(`${line} is seen`, holds);
    const events = lab.seen(tree).slice(from);
    return events
      .filter((body): body is MountEvent => /^mount\.(attach|change|detach)$/.test(body.type))
      .map(({ actor }) => (actor === undefined ? undefined : programOf(actor)));
  }

  function programOf(key: string): string | undefined {
    return lab
      .seen(tree)
      .flatMap((body) => (body.type === 'process.exec' && body.key === key ? [body.comm] : []))
      .at(-1);
  }

  test('a tmpfs, its options, and its end, each by its program', async () => {
    expect(
      await does(`mount -t tmpfs -o size=2m mine ${dir}/a`, () => at('/a') !== undefined),
    ).toEqual(['mount']);
    expect(at('/a')).toMatchObject({ fsType: 'tmpfs', mountSource: 'mine' });
    expect(
      await does(
        `mount -o remount,ro ${dir}/a`,
        () => at('/a')?.superOptions.startsWith('ro') === true,
      ),
    ).toEqual(['mount']);
    expect(
      await does(
        `mount -o remount,bind,nosuid ${dir}/a`,
        () => at('/a')?.mountOptions.includes('nosuid') === true,
      ),
    ).toEqual(['mount']);
    expect(await does(`umount ${dir}/a`, () => at('/a') === undefined)).toEqual(['umount']);
  });

  test('a bind, a bind of a file, and one made read-only', async () => {
    await does(
      `mkdir ${dir}/a/inner; mount --bind ${dir}/a ${dir}/b`,
      () => at('/b')?.root === '/a',
    );
    await does(
      `touch ${dir}/f ${dir}/g; mount --bind ${dir}/f ${dir}/g`,
      () => at('/g')?.root === '/f',
    );
    await does(
      `mount -o remount,bind,ro ${dir}/b`,
      () => at('/b')?.mountOptions.startsWith('ro') === true,
    );
  });

  test('propagation: shared, slave, private, unbindable, which notify nobody', async () => {
    const fields = (): string => at('')?.optionalFields.join(' ') ?? '?';
    expect(await does(`mount --make-shared ${dir}`, () => fields().startsWith('shared:'))).toEqual([
      'mount',
    ]);
    await does(`mount --make-private ${dir}`, () => fields() === '');
    await does(`mount --make-unbindable ${dir}`, () => fields() === 'unbindable');
    await does(
      `mount --make-shared ${dir}; mount --bind ${dir} ${dir}/c; mount --make-slave ${dir}/c`,
      () => at('/c')?.optionalFields.some((field) => field.startsWith('master:')) === true,
    );
  });

  test('one mount over another, and what comes back below it', async () => {
    await does(`mount -t tmpfs lower ${dir}/a`, () => at('/a')?.mountSource === 'lower');
    await does(`mount -t tmpfs upper ${dir}/a`, () => at('/a')?.mountSource === 'upper');
    const points = mountsOf(lab.state(tree), own());
    const below = points.find(({ mountId }) => mountId === at('/a')?.parentId);
    expect(below?.mountSource).toBe('lower');
    await does(`umount ${dir}/a`, () => at('/a')?.mountSource === 'lower');
  });

  test('a move', async () => {
    await does(`mount -t tmpfs moved ${dir}/a`, () => at('/a') !== undefined);
    await does(
      `mount --move ${dir}/a ${dir}/b`,
      () => at('/b')?.mountSource === 'moved' && at('/a') === undefined,
    );
  });

  test('a lazy umount takes all below it', async () => {
    await does(
      `mount -t tmpfs one ${dir}/a; mkdir ${dir}/a/x; mount -t tmpfs two ${dir}/a/x`,
      () => at('/a/x') !== undefined,
    );
    await does(`umount --lazy ${dir}/a`, () => at('/a') === undefined && at('/a/x') === undefined);
  });

  test('an overlay with its layers, and a proc with its pid namespace', async () => {
    const layers = `lowerdir=${dir}/a,upperdir=${dir}/b/u,workdir=${dir}/b/w`;
    await does(
      `mkdir ${dir}/b/{u,w}; mount -t overlay -o ${layers} layers ${dir}/c`,
      () => at('/c')?.superOptions.includes(`upperdir=${dir}/b/u`) === true,
    );
    await does(
      `mkdir ${dir}/p; mount -t proc proc ${dir}/p`,
      () => at('/p')?.procPidNs === lab.state(tree).sandbox?.namespaces.pid,
    );
  });

  test('what a new mount namespace holds, what is mounted there, and its end', async () => {
    tree.type(`unshare --mount sh -c 'mount -t tmpfs inner ${dir}/a; sleep 60' &`);
    const inner = (): number | undefined =>
      lab.processes(tree).find(({ comm }) => comm === 'sleep')?.namespaces.mnt;
    const ns = await until('sleep is there', inner);
    expect(ns).not.toBe(own());
    await until('the inner mount is told', () => at('/a', ns)?.mountSource === 'inner');
    expect(at('/a')).toBeUndefined();
    await tree.run('pkill -9 sleep');
    await until('the namespace is forgotten', () => lab.state(tree).mounts[ns] === undefined);
  });

  test('a mount that propagates into a peer namespace is put down to who made it', async () => {
    await does(
      `mount --make-shared ${dir}`,
      () => at('')?.optionalFields[0]?.startsWith('shared:') === true,
    );
    tree.type(`unshare --mount --propagation unchanged sleep 60 &`);
    const ns = await until('sleep is there', () => {
      const sleep = lab.processes(tree).find(({ comm }) => comm === 'sleep');
      return sleep?.namespaces.mnt !== own() && sleep?.namespaces.mnt;
    });
    await until('its mounts are read', () => at('', ns) !== undefined);
    expect(
      await does(
        `mount -t tmpfs both ${dir}/a`,
        () => at('/a', ns)?.mountSource === 'both' && at('/a') !== undefined,
      ),
    ).toEqual(['mount', 'mount']);
  });

  test('nobody is named wrongly for the mounts of two who mount at once', async () => {
    const loop = (name: string): string =>
      `cp $(command -v mount) ${scratch}/mount-${name}; (for i in $(seq 20); do ${scratch}/mount-${name} -t tmpfs ${name}$i ${dir}/${name}; done) &`;
    await tree.run(`${loop('a')} ${loop('b')} wait`);
    const sources = (): string[] =>
      mountsOf(lab.state(tree), own()).map(({ mountSource }) => mountSource);
    const ofTwo = (): string[] => sources().filter((source) => /^[ab]\d+$/.test(source));
    await until('all are told', () => ofTwo().length === 40);
    for (const body of seen('mount.attach')) {
      if (body.type !== 'mount.attach' || body.actor === undefined) continue;
      expect(programOf(body.actor)).toBe(`mount-${body.mount.mountSource[0]}`);
    }
  });

  test('pivot_root: what is mounted, and what everybody there has as the root', async () => {
    const script = `mount -t tmpfs new ${dir}/a; cd ${dir}/a; mkdir usr old lib lib64 bin; for i in usr lib lib64 bin; do mount --rbind /$i $i; done; pivot_root . old; exec sleep 60`;
    tree.type(`unshare --mount sh -c '${script}' &`);
    const sleep = await until('sleep is there', () => lab.find(tree, 'sleep'));
    const { mnt } = sleep.namespaces;
    await until('its mounts are told', () => {
      const points = mountsOf(lab.state(tree), mnt).map(({ mountPoint }) => mountPoint);
      return points.includes('/') && points.includes('/usr') && points.includes('/old');
    });
    await until('its root is told', () => lab.find(tree, 'sleep')?.facts?.root === '/');
  });

  test(
    'after 200 mounts the fold equals a fresh scan',
    async () => {
      await tree.run(
        `for i in $(seq 100); do mkdir ${dir}/n$i; mount -t tmpfs n$i ${dir}/n$i; mount --bind ${dir}/a ${dir}/n$i; done`,
      );
      const count = (): number =>
        mountsOf(lab.state(tree), own()).filter(({ mountPoint }) =>
          mountPoint.startsWith(`${dir}/n`),
        ).length;
      await until('all 200 are told', () => count() === 200);
      await comesToEqualFresh(lab, tree);
      await tree.run(`for i in $(seq 100); do umount ${dir}/n$i; umount ${dir}/n$i; done`);
      await until('none is left', () => count() === 0);
      await comesToEqualFresh(lab, tree);
    },
    patient(90_000),
  );
});
