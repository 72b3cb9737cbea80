import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type EventBody,
  membersOf,
  NAMESPACE_KINDS,
  type NamespaceKind,
  type NamespaceState,
} from '../../packages/timeline/src/index.js';
import { cleanUp, comesToEqualFresh, Lab, reducedTo, root, scratch, Tree } from './observer-lab.js';
import { patient, until } from './patience.js';

type Appear = Extract<EventBody, { type: 'namespace.appear' }>;

const lacks = await reducedTo();
const suffix = lacks === null ? '' : ` (missing: ${root ? 'a whole trace' : lacks})`;

describe.skipIf(lacks !== null)(`namespaces as they change${suffix}`, () => {
  let tree: Tree;
  let lab: Lab;

  beforeEach(async () => {
    tree = await Tree.start();
    lab = await Lab.start();
    await lab.watch(tree);
  });
  afterEach(cleanUp);

  const fresh = (kind?: NamespaceKind): NamespaceState[] =>
    Object.values(lab.state(tree).namespaces).filter(
      (one) => !one.ofSandbox && (kind === undefined || one.kind === kind),
    );
  const appearOf = (inode: number): Appear | undefined =>
    lab
      .seen(tree)
      .findLast(
        (body): body is Appear =>
          body.type === 'namespace.appear' && body.namespace.inode === inode,
      );

  function programOf(key: string | undefined): string | undefined {
    return lab
      .seen(tree)
      .flatMap((body) => (body.type === 'process.exec' && body.key === key ? [body.comm] : []))
      .at(0);
  }

  const OPTION: Record<NamespaceKind, string> = {
    pid: '--fork --pid',
    mnt: '--mount',
    net: '--net',
    uts: '--uts',
    ipc: '--ipc',
    user: '--user',
    cgroup: '--cgroup',
    time: '--fork --time',
  };

  test.each(NAMESPACE_KINDS)(
    'a new %s namespace, its maker, its member and its end',
    async (kind) => {
      tree.type(`unshare ${OPTION[kind]} sleep 60 &`);
      const inode = await until('it appears', () => fresh(kind)[0]?.inode);
      await until('sleep is in it', () =>
        membersOf(lab.state(tree), inode).some(({ comm }) => comm === 'sleep'),
      );
      expect(fresh()).toHaveLength(1);
      expect(programOf(appearOf(inode)?.actor)).toBe('unshare');
      await tree.run('pkill -9 sleep');
      await until('it vanishes', () => fresh().length === 0);
    },
  );

  test('several at once, by clone: each has the caller as its maker', async () => {
    const flags = 0x2000_0000 | 0x0400_0000 | 0x0800_0000 | 17; // NEWPID, NEWUTS, NEWIPC, SIGCHLD
    const number = process.arch === 'x64' ? 56 : 220;
    tree.type(
      `perl -e 'if (syscall(${number}, ${flags}, 0, 0, 0, 0) == 0) { exec "sleep", "60" } sleep 60' &`,
    );
    await until('three appear', () => fresh().length === 3);
    expect(new Set(fresh().map(({ kind }) => kind))).toEqual(new Set(['pid', 'uts', 'ipc']));
    for (const { inode } of fresh()) expect(programOf(appearOf(inode)?.actor)).toBe('perl');
  });

  test('a user namespace owns what is made in it, and nests', async () => {
    tree.type('unshare --user --map-root-user unshare --user --map-root-user --net sleep 60 &');
    await until(
      'both user namespaces and the net',
      () => fresh('user').length === 2 && fresh('net').length === 1,
    );
    const [outer, inner] = fresh('user').sort((a, b) => a.bornAt - b.bornAt || a.inode - b.inode);
    const parents = new Map([outer, inner].map((one) => [one?.parent, one?.inode]));
    const first = parents.get(lab.state(tree).sandbox!.namespaces.user);
    const second = parents.get(first);
    expect(second).toBeDefined();
    expect(fresh('net')[0]?.owner).toBe(second);
  });

  test('pid namespaces nest three deep', async () => {
    tree.type('unshare --fork --pid unshare --fork --pid unshare --fork --pid sleep 60 &');
    const sleep = await until('sleep has a pid on every level', () =>
      lab.processes(tree).find(({ comm, pids }) => comm === 'sleep' && pids.length === 5),
    );
    const chain = [sleep.namespaces.pid];
    for (let i = 0; i < 3; i++) chain.push(lab.state(tree).namespaces[chain.at(-1)!]!.parent!);
    expect(chain[3]).toBe(lab.state(tree).sandbox!.namespaces.pid);
    expect(sleep.pids.at(-1)).toBe(1);
  });

  test('setns moves a process and makes nothing', async () => {
    tree.type('unshare --uts sleep 60 &');
    const inode = await until('it appears', () => fresh('uts')[0]?.inode);
    const appeared = lab.seen(tree).filter(({ type }) => type === 'namespace.appear').length;
    const target = lab.processes(tree).find(({ namespaces }) => namespaces.uts === inode)!;
    tree.type(`nsenter --target ${target.pids.at(-1)} --uts sleep 61 &`);
    await until('two are in it', () => membersOf(lab.state(tree), inode).length === 2);
    expect(lab.seen(tree).filter(({ type }) => type === 'namespace.appear')).toHaveLength(appeared);
  });

  test('unshare in a shell of its own: it stays, its namespace changes', async () => {
    const before = lab.processes(tree)[0]!;
    await tree.run(
      `perl -e 'syscall(${process.arch === 'x64' ? 272 : 97}, 0x04000000); sleep 60' &`,
    );
    const perl = await until('its uts changed', () =>
      lab
        .processes(tree)
        .find(
          ({ comm, namespaces }) => comm === 'perl' && namespaces.uts !== before.namespaces.uts,
        ),
    );
    expect(appearOf(perl.namespaces.uts)?.actor).toBe(perl.key);
  });

  test.each(['net', 'uts', 'ipc'] as const)(
    'a %s namespace that only a bind mount holds',
    async (kind) => {
      const file = `${scratch}/held-${kind}`;
      await tree.run(`touch ${file}; unshare --${kind}=${file} true`);
      const held = await until('the mount holds it', () =>
        fresh(kind).find(({ holders }) => holders.length === 1),
      );
      expect(held.holders[0]).toMatchObject({ by: 'mount', path: file });
      await until('nobody is in it', () => membersOf(lab.state(tree), held.inode).length === 0);
      // For the moment in which the observer opens the network namespace through it, it is busy.
      await tree.run(`until umount ${file}; do sleep 0.01; done`);
      await until('it vanishes', () => fresh().length === 0);
    },
  );

  test('a uts namespace has its host name as a label, from its birth and when that is set', async () => {
    tree.type(`unshare --uts sh -c 'hostname web-1; sleep 60' &`);
    const label = (): string | undefined => fresh('uts')[0]?.label;
    await until('the name is told', () => label() === 'web-1');
    const own = lab.state(tree).sandbox!.namespaces.uts;
    expect(lab.state(tree).namespaces[own]?.label).not.toBe('web-1');
  });

  test('one that only an fd holds', async () => {
    tree.type('unshare --uts sleep 60 &');
    const inode = await until('it appears', () => fresh('uts')[0]?.inode);
    const member = membersOf(lab.state(tree), inode)[0]!;
    await tree.run(`exec 9</proc/${member.pids.at(-1)}/ns/uts; kill -9 ${member.pids.at(-1)}`);
    await until('the fd holds it', () => fresh('uts')[0]?.holders[0]?.by === 'fd');
    await tree.run('exec 9<&-');
    await until('it vanishes', () => fresh().length === 0);
  });

  test('the host’s own are told apart from the sandbox’s', () => {
    const { namespaces, sandbox } = lab.state(tree);
    expect(namespaces[sandbox!.namespaces.net]).toMatchObject({ ofHost: true, ofSandbox: true });
    expect(namespaces[sandbox!.namespaces.pid]).toMatchObject({ ofHost: false, ofSandbox: true });
  });

  test(
    'after 200 namespaces in a burst the fold equals a fresh scan',
    async () => {
      await tree.run(
        'for i in $(seq 100); do unshare --uts --ipc true; done; for i in 1 2 3 4 5 6 7 8 9 10; do unshare --uts --ipc --net sleep 60 & done',
      );
      await until('thirty are left', () => fresh().length === 30);
      await comesToEqualFresh(lab, tree);
    },
    patient(90_000),
  );
});
