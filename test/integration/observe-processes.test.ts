import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventBody, ProcessState } from '../../packages/timeline/src/index.js';
import { cleanUp, comesToEqualFresh, Lab, reducedTo, root, Tree } from './observer-lab.js';
import { patient, until } from './patience.js';

type Exit = Extract<EventBody, { type: 'process.exit' }>;

const lacks = await reducedTo();
const suffix = lacks === null ? '' : ` (missing: ${root ? 'a whole trace' : lacks})`;

describe.skipIf(lacks !== null)(`processes as they change${suffix}`, () => {
  let tree: Tree;
  let lab: Lab;

  beforeEach(async () => {
    tree = await Tree.start();
    lab = await Lab.start();
    await lab.watch(tree);
  });
  afterEach(cleanUp);

  const find = (comm: string): ProcessState | undefined => lab.find(tree, comm);
  const init = (): ProcessState =>
    lab.processes(tree).find(({ hostPid }) => hostPid === tree.initPid)!;
  const exits = (): Exit[] => lab.seen(tree).filter((body) => body.type === 'process.exit');
  const told = <T>(what: string, look: () => T | undefined | false): Promise<T> =>
    until(what, look);

  /** Runs a line and waits for the end of the first process that the shell made for it. */
  async function endOf(line: string): Promise<Exit> {
    const from = lab.seen(tree).length;
    const shell = init().key;
    tree.type(line);
    const key = await told('its fork', () => {
      const later = lab.seen(tree).slice(from);
      const fork = later.find(
        (body) => body.type === 'process.fork' && body.process.parent === shell,
      );
      return fork?.type === 'process.fork' && fork.process.key;
    });
    return told('its end', () => exits().find((exit) => exit.key === key));
  }

  const perl = (script: string): string => `perl -e '${script}'`;

  const raw = process.arch === 'x64' ? 60 : 93; // exit(2), not exit_group
  test.each([
    ['0 of a child that is reaped at once', '/bin/true', 0],
    ['of sh -c "exit 7"', `sh -c 'exit 7'`, 7 << 8],
    ['of a program that finds nothing', 'grep -q x /dev/null', 1 << 8],
    ['of the only thread that ends by exit(2)', perl(`syscall ${raw}, 5`), 5 << 8],
    ['of a signal to itself', `sh -c 'kill -TERM $$'`, 15],
    ['of SIGKILL to itself', `sh -c 'kill -KILL $$'`, 9],
    ['of a crash', perl('kill 11, $$; sleep 9'), 11],
    [
      'of an exit in a signal handler',
      perl('$SIG{TERM} = sub { exit 4 }; kill 15, $$; sleep 9'),
      4 << 8,
    ],
  ])('tells the wait status %s, and nobody else as its cause', async (_, line, waitStatus) => {
    expect(await endOf(line)).toEqual({
      type: 'process.exit',
      key: expect.any(String),
      waitStatus,
    });
  });

  test('names who sent the signal that ended it', async () => {
    tree.type('sleep 61 &');
    const { key } = await told('sleep', () => find('sleep'));
    await tree.run(`sh -c 'kill "$1"; :' - $!`);
    const exit = await told('its end', () => exits().find((one) => one.key === key));
    expect(exit.waitStatus).toBe(15);
    const killer = lab
      .seen(tree)
      .find((body) => body.type === 'process.exec' && body.key === exit.actor);
    expect(killer).toMatchObject({ comm: 'sh' });
  });

  test('names nobody of the sandbox for a signal from outside', async () => {
    tree.type('sleep 61');
    const { hostPid, key } = await told('sleep', () => find('sleep'));
    process.kill(hostPid, 'SIGTERM');
    const exit = await told('its end', () => exits().find((one) => one.key === key));
    expect(exit).toEqual({ type: 'process.exit', key, waitStatus: 15 });
  });

  test('names who ended the init of a pid namespace for all that it took along', async () => {
    tree.type('unshare --fork --pid --kill-child sh -c "sleep 62 & sleep 63 & sleep 64; :" &');
    const last = await told('sleep 64', () =>
      lab.processes(tree).find(({ args }) => args[1] === '64'),
    );
    const inner = lab.processes(tree).filter(({ pids }) => pids.length === 3);
    expect(inner).toHaveLength(4);
    const itsInit = inner.find(({ pids }) => pids[2] === 1)!;
    await tree.run(`sh -c 'kill -9 "$1"; :' - ${itsInit.pids[1]}`);
    await told('their ends', () => exits().some(({ key }) => key === last.key));
    await told('the init ends', () => exits().some(({ key }) => key === itsInit.key));
    const ends = exits().filter(({ key }) => inner.some((one) => one.key === key));
    expect(new Set(ends.map(({ waitStatus }) => waitStatus))).toEqual(new Set([9]));
    const actors = new Set(ends.map(({ actor }) => actor));
    expect(actors.size).toBe(1);
    expect(actors).not.toContain(undefined);
    expect(actors).not.toContain(itsInit.key);
  });

  test('names the caller of a fork whose child is its sibling', async () => {
    // 56 is clone(2) on x86_64; CLONE_PARENT | SIGCHLD
    const number = process.arch === 'x64' ? 56 : 220;
    tree.type(
      perl(`if (syscall(${number}, 0x8011, 0, 0, 0, 0) == 0) { exec "sleep", "65" } sleep 66`),
    );
    const child = await told('sleep 65', () =>
      lab.processes(tree).find(({ args }) => args[1] === '65'),
    );
    expect(child.parent).toBe(init().key);
    const fork = lab
      .seen(tree)
      .find((body) => body.type === 'process.fork' && body.process.key === child.key);
    const caller = find('perl');
    expect(fork).toMatchObject({ actor: caller?.key });
  });

  test('names who moved another process into a cgroup, but not who moved itself', async () => {
    const inner = `${tree.cgroup}/inner`;
    await tree.run(`mkdir ${inner}; sleep 67 &`);
    const sleep = await told('sleep', () => find('sleep'));
    // The shell writes a number of its own pid namespace.
    await tree.run(`echo ${sleep.pids.at(-1)} > ${inner}/cgroup.procs`);
    const moves = () =>
      lab
        .seen(tree)
        .filter((body) => body.type === 'process.change' && body.change.cgroup === '/inner');
    await told('the move', () => moves().length === 1);
    expect(moves()[0]).toMatchObject({ key: sleep.key, actor: init().key });
    // It is told that it moved; or, where a scan was faster than the trace, only where it is.
    await tree.run(`sh -c 'echo $$ > ${inner}/cgroup.procs; exec sleep 671' &`);
    const mover = await told('who moved itself', () =>
      lab.processes(tree).find(({ args, cgroup }) => args[1] === '671' && cgroup === '/inner'),
    );
    const own = moves().filter((body) => body.type === 'process.change' && body.key === mover.key);
    for (const move of own) expect(move).not.toHaveProperty('actor');
  });

  test('tells root and working directory as they change', async () => {
    tree.type(perl('chdir "/usr/lib"; sleep 68'));
    await told('its directory', () => find('perl')?.facts?.cwd === '/usr/lib');
    expect(find('perl')?.facts?.root).toBe('/');
  });

  test('tells a chroot', async () => {
    tree.type(perl('sleep 1; chroot "/usr"; chdir "/lib"; sleep 69'));
    await told('its old root', () => find('perl')?.facts?.root === '/');
    const facts = await told('its root', () => {
      const now = find('perl')?.facts;
      return now?.root === '/usr' && now.cwd === '/usr/lib' && now;
    });
    expect(facts).toMatchObject({ seccomp: 0, noNewPrivs: false });
  });

  test('tells capabilities that are dropped, and no_new_privs', async () => {
    tree.type('setpriv --bounding-set=-sys_time --inh-caps=-all --no-new-privs sleep 70');
    const facts = await told('its rights', () => {
      const now = lab.processes(tree).find(({ args }) => args[1] === '70')?.facts;
      return now?.noNewPrivs === true && now;
    });
    const sysTime = 1n << 25n;
    expect(BigInt(`0x${facts.capabilities.bounding}`) & sysTime).toBe(0n);
    expect(BigInt(`0x${init().facts?.capabilities.bounding}`) & sysTime).toBe(sysTime);
  });

  test('tells an oom_score_adj', async () => {
    tree.type('sleep 71 & echo 500 > /proc/$!/oom_score_adj');
    await told('it', () => find('sleep')?.facts?.oomScoreAdj === 500);
  });

  test('tells another uid', async () => {
    tree.type('setpriv --reuid=1234 --clear-groups sleep 72');
    await told('it', () => find('sleep')?.uid.outside === 1234);
    const none = '0'.repeat(16);
    await told('no capability', () => find('sleep')?.facts?.capabilities.effective === none);
  });

  test('tells a session and group of its own, and a stop', async () => {
    tree.type('setsid sleep 73 &');
    const sleep = await told('its own group', () => {
      const now = find('sleep');
      return now?.processGroup === now?.hostPid && now;
    });
    process.kill(sleep.hostPid, 'SIGSTOP');
    await told('the stop', () => find('sleep')?.state === 'T');
  });

  test('samples memory and time of what works, while somebody looks', async () => {
    tree.type(perl('$x = "x" x 30_000_000; 1 while 1'));
    const key = await told('perl', () => find('perl')?.key);
    await told('its usage', () => {
      const usage = lab.state(tree).usage?.[key];
      return usage !== undefined && usage.rss > 30_000_000 && usage.cpu > 500;
    });
    lab.observer.setViewers(tree.id, 0);
    const samples = (): number =>
      lab.seen(tree).filter(({ type }) => type === 'process.sample').length;
    const before = samples();
    const forks = lab.seen(tree).length;
    process.kill(find('perl')?.hostPid ?? 0, 'SIGKILL');
    await told('its end', () => lab.seen(tree).length > forks && find('perl') === undefined);
    expect(samples() - before).toBeLessThanOrEqual(1);
    expect(lab.state(tree).usage).not.toHaveProperty(key);
  });

  test(
    'after 1,000 forks in a second every status is known and the fold equals a fresh scan',
    async () => {
      await tree.run(perl('for (1..1000) { my $p = fork; exit $_ % 7 if !$p; waitpid $p, 0 }'));
      const children = (): Exit[] => exits();
      await told('all ends', () => children().length >= 1001);
      const counts = new Map<number | null, number>();
      for (const { waitStatus } of children())
        counts.set(waitStatus, (counts.get(waitStatus) ?? 0) + 1);
      const lost = counts.get(null) ?? 0;
      if (lost === 0) expect(counts.get(3 << 8)).toBe(143);
      expect([...counts.keys()].every((status) => status === null || status >> 8 < 7)).toBe(true);
      await comesToEqualFresh(lab, tree);
    },
    patient(90_000),
  );
});
