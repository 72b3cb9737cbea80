import { beforeEach, describe, expect, it } from 'vitest';
import type { EventBody } from '../events.js';
import { History } from '../history.js';
import { modelHour } from '../model-hour.js';
import { random, SANDBOX_NAMESPACES } from '../sample.js';
import type { ProcessState } from '../state.js';
import { Attribution } from './attribution.js';
import { attributionOf, commandDiff, type DiffObject, diffOf } from './command-diff.js';
import { Scene } from './scene.js';

let scene: Scene;
let one: ProcessState;
let two: ProcessState;

beforeEach(() => {
  scene = new Scene();
  one = scene.shell(0);
  two = scene.shell(1);
});

/** Two shells that run, kill and leave behind at random. */
function randomScene(seed: number): Scene {
  const next = random(seed);
  const scene = new Scene();
  const shells = [scene.shell(0), scene.shell(1)];
  const busy = new Map<ProcessState, string>();
  const living: ProcessState[] = [];
  for (let n = 0; n < 150; n++) {
    const shell = shells[next() < 0.5 ? 0 : 1]!;
    const command = busy.get(shell);
    if (command === undefined) {
      busy.set(shell, `c${n}`);
      scene.start(`c${n}`, shell);
    } else if (next() < 0.2) {
      scene.end(command);
      busy.delete(shell);
    } else if (next() < 0.5 || living.length === 0) living.push(scene.run(shell, `p${n}`));
    else {
      const one = living[Math.floor(next() * living.length)]!;
      if (next() < 0.4) living.push(scene.fork(one));
      else {
        living.splice(living.indexOf(one), 1);
        scene.exit(one, next() < 0.5 ? shell : undefined);
      }
    }
  }
  return scene;
}

describe('a process belongs to the command', () => {
  it('whose shell forked it, in two shells at the same time', () => {
    scene.start('a', one);
    scene.start('b', two);
    const forA = scene.fork(one);
    const forB = scene.fork(two);
    scene.exec(forB, 'sleep', '2');
    scene.exec(forA, 'sleep', '1');
    scene.exit(forB);
    scene.end('b');
    scene.start('b2', two);
    const forB2 = scene.run(two, 'id');
    scene.exit(forB2);
    scene.end('b2');
    expect(scene.brief('a')).toEqual(['+ sleep 1']);
    expect(scene.brief('b')).toEqual(['* sleep 2']);
    expect(scene.brief('b2')).toEqual(['* id']);
  });

  it('for every member of a pipeline, and of a list', () => {
    scene.start('a', one);
    const cat = scene.run(one, 'cat /etc/passwd');
    const wc = scene.run(one, 'wc -l', cat);
    scene.exit(cat);
    scene.exit(wc);
    scene.exit(scene.run(one, 'true'));
    scene.end('a');
    expect(scene.brief('a')).toEqual(['* cat /etc/passwd', '* wc -l', '* true']);
  });

  it('also after the command ended: a background job is its own for ever', () => {
    scene.start('job &', one);
    const job = scene.run(one, 'sh job.sh');
    scene.end('job &');
    scene.start('ls', one);
    const ls = scene.run(one, 'ls');
    const child = scene.fork(job);
    scene.exec(child, 'sleep', '5');
    const uts = scene.unshare(child, 'uts');
    scene.exit(ls);
    scene.end('ls');
    expect(scene.brief('ls')).toEqual(['* ls']);
    expect(scene.brief('job &')).toEqual(['+ sh job.sh', '+ sleep 5', `+ uts:[${uts}]`]);
    scene.start('id', one);
    scene.exit(child);
    scene.vanish(uts);
    scene.exit(job);
    scene.end('id');
    expect(scene.brief('id')).toEqual([]);
    expect(scene.brief('job &')).toEqual(['* sh job.sh', '* sleep 5', `* uts:[${uts}]`]);
  });

  it('through a double fork, also when its fork names init as its parent', () => {
    scene.start('daemon', one);
    const leader = scene.run(one, 'daemon');
    const middle = scene.fork(leader, { args: ['middle'] });
    scene.exit(leader);
    const orphan = scene.fork(middle, { parent: '1001:1001' });
    scene.exec(orphan, 'real-daemon');
    scene.exit(middle);
    scene.end('daemon');
    const late = scene.fork(orphan, { parent: '1001:1001', processGroup: orphan.hostPid });
    scene.exec(late, 'late-child');
    expect(scene.brief('daemon')).toEqual([
      '+ real-daemon',
      '+ late-child',
      '* daemon',
      '* middle',
    ]);
  });

  it('through a caller that is named, when neither parent nor group says it', () => {
    scene.start('a', one);
    const leader = scene.run(one, 'a');
    const twin = scene.fork(leader, { parent: '1001:1001', processGroup: 1 }, leader.key);
    scene.exec(twin, 'twin');
    expect(scene.brief('a')).toEqual(['+ a', '+ twin']);
  });

  it('in each round of a loop with subshells', () => {
    scene.start('loop', one);
    for (let i = 0; i < 3; i++) {
      const subshell = scene.fork(one);
      scene.change(subshell, { processGroup: subshell.hostPid });
      const inside = scene.fork(subshell);
      scene.exec(inside, 'sleep', `${i}`);
      scene.exit(inside);
      scene.exit(subshell);
    }
    scene.end('loop');
    expect(scene.diff('loop').passed).toHaveLength(6);
    expect(scene.brief('loop').filter((line) => line.includes('sleep'))).toEqual([
      '* sleep 0',
      '* sleep 1',
      '* sleep 2',
    ]);
  });

  it('innermost, of a shell in a shell', () => {
    scene.start('bash', one);
    const inner = scene.run(one, 'bash --norc');
    scene.exit(scene.run(inner, 'dircolors'));
    scene.start('inner', inner);
    const sleep = scene.run(inner, 'sleep 9');
    scene.end('inner');
    scene.start('exit', inner);
    scene.exit(inner);
    scene.end('bash');
    expect(scene.brief('inner')).toEqual(['+ sleep 9']);
    expect(scene.brief('bash')).toEqual(['+ bash --norc', '* dircolors']);
    expect(scene.brief('exit')).toEqual(['- bash --norc']);
    expect(scene.commands()).toEqual(['bash', 'inner in bash', 'exit in bash']);
    expect(attributionOf(scene.history).ownerOf(sleep.key)).toBe('inner');
  });

  it('none, when a shell at its prompt forks (completion, a prompt that runs git)', () => {
    scene.start('a', one);
    scene.end('a');
    const helper = scene.fork(one);
    scene.exec(helper, 'git', 'status');
    expect(scene.brief('a')).toEqual([]);
    expect(attributionOf(scene.history).ownerOf(helper.key)).toBeNull();
  });
});

describe('what a shell does itself', () => {
  it('belongs to the command that it runs: exec replaces it', () => {
    scene.start('exec', one);
    scene.exec(one, 'sleep', '100');
    scene.exit(scene.fork(one));
    expect(scene.brief('exec')).toEqual(['~ sleep 100 comm args', '* sleep 100']);
    scene.exit(one);
    expect(scene.brief('exec')).toEqual(['- sleep 100', '* sleep 100']);
    expect(scene.diff('exec').command).toMatchObject({
      exitCode: null,
      endSeq: scene.events.length,
    });
  });

  it('belongs to who started it, when it is of its start and told late', () => {
    scene.start('bash', one);
    const inner = scene.run(one, 'unshare bash');
    scene.start('true', inner, scene.events.length + 1000);
    scene.change(inner, { processGroup: inner.hostPid, args: ['bash'] });
    scene.end('true', scene.events.length + 1000);
    expect(scene.brief('true')).toEqual([]);
    expect(scene.brief('bash')).toEqual(['+ bash']);
  });

  it('belongs to the last one, when its event comes after the prompt', () => {
    scene.start('echo $$ > cgroup.procs', one);
    scene.end('echo $$ > cgroup.procs');
    scene.change(one, { cgroup: '/demo' });
    expect(scene.diff('echo $$ > cgroup.procs').changed[0]?.fields).toEqual([
      { field: 'cgroup', from: '/', to: '/demo' },
    ]);
  });

  it('keeps the name of what became a zombie', () => {
    scene.start('sleep', one);
    const sleep = scene.run(one, 'sleep 1');
    scene.change(sleep, { state: 'Z', args: [] });
    expect(scene.brief('sleep')).toEqual(['+ sleep 1']);
    scene.exit(sleep);
    expect(scene.brief('sleep')).toEqual(['* sleep 1']);
  });

  it('is nobody’s when it is killed at its prompt', () => {
    scene.start('ls', one);
    scene.end('ls');
    scene.exit(one);
    expect(scene.brief('ls')).toEqual([]);
  });

  it('says nothing while it merely sleeps and runs', () => {
    scene.start('a', one);
    scene.change(one, { state: 'R' });
    scene.change(one, { state: 'S' });
    expect(scene.brief('a')).toEqual([]);
    scene.change(one, { state: 'T' });
    expect(scene.brief('a')).toEqual(['~ bash state']);
  });
});

describe('an end', () => {
  it('belongs to the killer, because of whom it came', () => {
    scene.start('sleep &', one);
    const sleep = scene.run(one, 'sleep 100');
    scene.end('sleep &');
    scene.start('kill', two);
    const kill = scene.run(two, '/bin/kill 100');
    scene.exit(sleep, kill);
    scene.exit(kill);
    scene.end('kill');
    expect(scene.brief('kill')).toEqual(['- sleep 100', '* /bin/kill 100']);
    expect(scene.brief('sleep &')).toEqual(['+ sleep 100']);
  });

  it('belongs to the shell’s command, when kill is its builtin', () => {
    scene.start('sleep &', one);
    const sleep = scene.run(one, 'sleep 100');
    scene.end('sleep &');
    scene.start('kill %1', one);
    scene.exit(sleep, one);
    scene.end('kill %1');
    expect(scene.brief('kill %1')).toEqual(['- sleep 100']);
  });

  it('takes along the namespace that it was the last member of', () => {
    scene.start('unshare &', one);
    const process = scene.run(one, 'unshare -u sleep 100');
    const uts = scene.unshare(process, 'uts');
    scene.end('unshare &');
    scene.start('kill', two);
    scene.exit(process, two);
    scene.vanish(uts);
    scene.end('kill');
    expect(scene.brief('unshare &')).toEqual(['+ unshare -u sleep 100', `+ uts:[${uts}]`]);
    expect(scene.brief('kill')).toEqual(['- unshare -u sleep 100', `- uts:[${uts}]`]);
  });
});

describe('a namespace belongs to the command', () => {
  it('of its first member, not of those who enter later', () => {
    scene.start('unshare', one);
    const maker = scene.run(one, 'unshare -n sleep 9');
    const net = scene.unshare(maker, 'net');
    scene.end('unshare');
    scene.start('nsenter', two);
    const visitor = scene.run(two, 'nsenter -n');
    scene.change(visitor, { namespaces: { ...SANDBOX_NAMESPACES, net } });
    scene.end('nsenter');
    expect(scene.brief('unshare')).toEqual(['+ unshare -n sleep 9', `+ net:[${net}]`]);
    expect(scene.brief('nsenter')).toEqual(['+ nsenter -n']);
  });

  it('of a child that was cloned into it, with the owner that it came with', () => {
    scene.start('a', one);
    const user = scene.namespace('user');
    const pid = scene.namespace('pid');
    scene.fork(one, { namespaces: { ...SANDBOX_NAMESPACES, user, pid }, args: ['child'] });
    expect(scene.brief('a')).toEqual([`+ user:[${user}]`, `+ pid:[${pid}]`, '+ child']);
  });

  it('of the actor, when it has no member at all', () => {
    scene.start('a', one);
    const maker = scene.run(one, 'ip netns add x');
    const namespace = { ...scene.history.newest.namespaces['102']!, inode: 7777, ofSandbox: false };
    scene.emit({ type: 'namespace.appear', namespace, actor: maker.key });
    scene.exit(maker);
    expect(scene.brief('a')).toEqual(['+ net:[7777]', '* ip netns add x']);
  });

  it('that mounted what holds it, when its members were gone before anyone saw them', () => {
    scene.start('ip netns add x', one);
    const ip = scene.run(one, 'ip netns add x');
    scene.exit(ip);
    scene.end('ip netns add x');
    const net = scene.namespace('net');
    scene.mount(101, '/run/netns/x', ip, { fsType: 'nsfs', root: `net:[${net}]` });
    const holders = [{ by: 'mount', mountNs: 101, path: '/run/netns/x' }] as const;
    scene.emit({ type: 'namespace.change', inode: net, change: { holders } });
    expect(scene.brief('ip netns add x')).toEqual([
      `+ net:[${net}]`,
      '+ /run/netns/x',
      '* ip netns add x',
    ]);
  });

  it('that unmounts what held it, when it vanishes', () => {
    scene.start('hold', one);
    const maker = scene.run(one, 'unshare --uts=/run/u true');
    const uts = scene.unshare(maker, 'uts');
    const id = scene.mount(101, '/run/u', maker, { fsType: 'nsfs', root: `uts:[${uts}]` });
    const holders = [{ by: 'mount', mountNs: 101, path: '/run/u' }] as const;
    scene.emit({ type: 'namespace.change', inode: uts, change: { holders } });
    scene.exit(maker);
    scene.end('hold');
    expect(scene.brief('hold')).toEqual([
      `+ uts:[${uts}]`,
      '+ /run/u',
      '* unshare --uts=/run/u true',
    ]);
    scene.start('umount', two);
    const umount = scene.run(two, 'umount /run/u');
    scene.unmount(101, id, umount);
    scene.exit(umount);
    scene.end('umount');
    scene.emit({ type: 'namespace.change', inode: uts, change: { holders: [] } });
    scene.vanish(uts);
    expect(scene.brief('umount')).toEqual(['- /run/u', `- uts:[${uts}]`, '* umount /run/u']);
  });
});

describe('a mount belongs to the command', () => {
  it('of its actor, dead or alive, however late it is told', () => {
    scene.start('mount', one);
    const mount = scene.run(one, 'mount -t tmpfs x /mnt');
    scene.exit(mount);
    scene.end('mount');
    scene.start('ls', one);
    scene.start('id', two);
    const id = scene.mount(101, '/mnt', mount);
    expect(scene.brief('mount')).toEqual(['+ /mnt', '* mount -t tmpfs x /mnt']);
    scene.emit({
      ...{ type: 'mount.change', mountNs: 101, actor: two.key },
      mount: { ...scene.history.newest.mounts['101']![id]!, mountOptions: 'ro' },
    });
    expect(scene.brief('id')).toEqual(['~ /mnt mountOptions']);
    expect(scene.brief('ls')).toEqual([]);
  });

  it('that made the mount namespace, without an actor; nobody’s in the sandbox’s own', () => {
    scene.start('unshare -m', one);
    const maker = scene.run(one, 'unshare -m sh');
    const mnt = scene.unshare(maker, 'mnt');
    scene.end('unshare -m');
    scene.start('ls', two);
    scene.mount(mnt, '/private');
    scene.mount(101, '/shared');
    scene.end('ls');
    expect(scene.brief('unshare -m')).toEqual(['+ unshare -m sh', `+ mnt:[${mnt}]`, '+ /private']);
    expect(scene.brief('ls')).toEqual([]);
  });

  it('as a copy, when its namespace began with it; and goes with it', () => {
    scene.mount(101, '/');
    scene.mount(101, '/proc');
    scene.start('unshare -m', one);
    const maker = scene.run(one, 'unshare -m --mount-proc sh');
    const mnt = scene.unshare(maker, 'mnt');
    const [seq, t] = [scene.events.length, 9000];
    for (const [path, device] of [
      ['/', '0:1'],
      ['/proc', '0:1'],
      ['/proc', '0:99'],
    ] as const) {
      const mount = { ...scene.history.newest.mounts['101']!['100']!, mountPoint: path, device };
      const mountId = 500 + scene.events.length;
      scene.emit({ type: 'mount.attach', mountNs: mnt, mount: { ...mount, mountId } }, t);
    }
    expect(scene.events.length).toBe(seq + 3);
    expect(scene.brief('unshare -m').slice(2)).toEqual(['+ / copy', '+ /proc copy', '+ /proc']);
    scene.emit({ type: 'process.exit', key: maker.key, waitStatus: 0 }, t);
    scene.emit({ type: 'mount.forget', mountNs: mnt }, t);
    scene.emit({ type: 'namespace.vanish', inode: mnt }, t);
    expect(scene.diff('unshare -m')).toMatchObject({ appeared: [], vanished: [], changed: [] });
    expect(scene.diff('unshare -m').passed).toHaveLength(5);
  });
});

describe('clocks of the shell', () => {
  it('decide when the fork is told before its command', () => {
    const early = scene.fork(one, { bornAt: 5001, args: ['early'] });
    scene.start('first', one, 4000.5);
    scene.end('first', 4999.5);
    const late = scene.fork(one, { bornAt: 6001, args: ['late'] });
    scene.start('second', one, 6000.2);
    scene.end('second', 6500);
    const overdue = scene.fork(one, { bornAt: 6100, args: ['overdue'] });
    const prompt = scene.fork(one, { bornAt: 6600, args: ['prompt'] });
    const owner = (process: ProcessState) => attributionOf(scene.history).ownerOf(process.key);
    expect(owner(late)).toBe('second');
    expect(owner(overdue)).toBe('second');
    expect(owner(prompt)).toBeNull();
    expect(owner(early)).toBeNull(); // born after the first ended, and never claimed
  });
});

describe('without shell integration', () => {
  it('each process group that a shell makes is a command, named by its first program', () => {
    const cat = scene.run(one, 'cat f');
    const wc = scene.run(one, 'wc -l', cat);
    const uts = scene.unshare(cat, 'uts');
    scene.exit(cat);
    scene.exit(wc);
    const sleep = scene.run(two, 'sleep 9');
    const child = scene.fork(sleep);
    expect(scene.commands()).toEqual(['cat f', 'sleep 9']);
    expect(scene.brief(`job:${cat.key}`)).toEqual([`+ uts:[${uts}]`, '* cat f', '* wc -l']);
    expect(scene.diff(`job:${cat.key}`).command).toMatchObject({
      ...{ inferred: true, terminal: null, exitCode: 0, process: one.key },
    });
    expect(scene.diff(`job:${cat.key}`).command.endSeq).not.toBeNull();
    expect(attributionOf(scene.history).ownerOf(child.key)).toBe(`job:${sleep.key}`);
  });

  it('an inner shell’s jobs are commands within the one that started it', () => {
    scene.start('unshare', one);
    const sh = scene.run(one, 'sh');
    const ls = scene.run(sh, 'ls');
    scene.exit(ls);
    expect(scene.commands()).toEqual(['unshare', 'ls in unshare']);
    expect(scene.brief('unshare')).toEqual(['+ sh']);
    expect(scene.brief(`job:${ls.key}`)).toEqual(['* ls']);
  });

  it('a script is no shell of commands', () => {
    scene.start('script', one);
    const script = scene.run(one, 'bash -c many');
    const child = scene.fork(script);
    scene.change(child, { processGroup: child.hostPid });
    scene.exec(child, 'timeout', '5', 'x');
    expect(scene.commands()).toEqual(['script']);
    expect(scene.brief('script')).toEqual(['+ bash -c many', '+ timeout 5 x']);
  });
});

describe('an attribution', () => {
  it('is the same in one go and event by event', () => {
    const events = modelHour({ commands: 40, bursts: 1, forksPerBurst: 50, mounts: 10 });
    const whole = new Attribution();
    whole.append(events);
    const single = new Attribution();
    for (const event of events) single.append([event]);
    for (const { id } of whole.spans()) expect(diffOf(single, id)).toEqual(diffOf(whole, id));
    expect(whole.spans()).toHaveLength(43);
  });

  it('credits every event of the model’s programs, and adds up to what the hour left', () => {
    const events = modelHour({ commands: 50, bursts: 1, forksPerBurst: 100, mounts: 20 });
    const attribution = new Attribution();
    attribution.append(events);
    const diffs = attribution.spans().map(({ id }) => diffOf(attribution, id)!);
    const left = diffs.flatMap(({ appeared }) => appeared);
    expect(left.filter(({ kind }) => kind === 'process')).toHaveLength(2); // background jobs
    const nobody = events.filter(
      (event) => event.type.startsWith('process.') && attribution.causeOf(event.seq) === null,
    );
    expect(nobody).toHaveLength(3); // init and two shells
  });

  it('goes on over a history that forgets, asked now and then', () => {
    const events = modelHour({ commands: 40, bursts: 1, forksPerBurst: 50, mounts: 10 });
    const whole = new Attribution();
    whole.append(events);
    const history = new History({ maxEvents: 600, segmentEvents: 100 });
    for (let i = 0; i < events.length; i += 20) {
      history.append(events.slice(i, i + 20));
      if (i % 60 === 0) attributionOf(history);
    }
    const known = attributionOf(history).spans();
    expect(known.length).toBeLessThan(40);
    const remembered = known.filter(({ startSeq }) => startSeq > history.oldest.seq);
    expect(remembered.length).toBeGreaterThan(3);
    for (const { id } of remembered) expect(commandDiff(history, id)).toEqual(diffOf(whole, id));
    expect(commandDiff(history, 'c1')).toBeNull();
  });

  it('gives every object to one command, so that all diffs add up to what changed', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { history } = randomScene(seed);
      const attribution = attributionOf(history);
      const diffs = attribution.spans().map(({ id }) => diffOf(attribution, id)!);
      const balance = new Map<string, number>();
      const count = (objects: readonly DiffObject[], by: number) => {
        for (const one of objects) {
          const key = one.kind === 'process' ? one.process.key : '';
          if (key !== '') balance.set(key, (balance.get(key) ?? 0) + by);
        }
      };
      for (const { appeared, vanished, passed } of diffs) {
        count(appeared, 1);
        count(vanished, -1);
        count(passed, 0);
      }
      const shells = ['1001:1001', '2000:2000', '2001:2001'];
      for (const [key, sum] of balance) {
        expect([key, sum]).toEqual([key, key in history.newest.processes ? 1 : 0]);
      }
      const living = Object.keys(history.newest.processes).filter((key) => !shells.includes(key));
      for (const key of living) expect(balance.get(key)).toBe(1);
    }
  });

  it('begins at a snapshot in the middle of a command', () => {
    scene.start('a', one);
    const begun = scene.history.newest;
    const from = scene.events.length;
    const sleep = scene.run(one, 'sleep 1');
    const attribution = new Attribution(begun);
    attribution.append(scene.events.slice(from));
    expect(attribution.ownerOf(sleep.key)).toBe('a');
  });

  it('ends with its sandbox', () => {
    scene.start('a', one);
    scene.emit({ type: 'sandbox.end', id: 's1' });
    expect(scene.diff('a').command.endSeq).toBe(scene.events.length);
    expect(commandDiff(scene.history, 'unknown')).toBeNull();
  });
});

describe('rule 8: what comes without an actor', () => {
  const cgroup = (name: string): EventBody => ({
    type: 'cgroup.appear',
    cgroup: {
      ...{ key: `pids:/${name}`, hierarchy: 'pids', path: `/${name}` },
      ...{ files: {}, bornAt: 0 },
    },
  });

  it('belongs to the only command that ran around it', () => {
    scene.start('mkdir', one);
    scene.emit(cgroup('a'));
    scene.end('mkdir');
    expect(scene.brief('mkdir')).toEqual(['+ pids:/a']);
  });

  it('belongs to a command that is told a moment later', () => {
    scene.emit(cgroup('a'));
    scene.start('mkdir', one, 1000 + scene.events.length - 2);
    scene.end('mkdir');
    expect(scene.brief('mkdir')).toEqual(['+ pids:/a']);
  });

  it('is nobody’s while two commands run, of one shell or of two', () => {
    scene.start('a', one);
    scene.start('b', two);
    scene.emit(cgroup('a'));
    scene.end('a');
    scene.end('b');
    expect(scene.brief('a')).toEqual([]);
    expect(scene.brief('b')).toEqual([]);
  });

  it('is nobody’s while a job of an earlier command runs', () => {
    scene.start('job &', one);
    scene.run(one, 'sh job.sh');
    scene.end('job &');
    scene.start('mkdir', one);
    scene.emit(cgroup('a'), 9000);
    expect(scene.brief('mkdir')).toEqual([]);
    expect(scene.brief('job &')).toEqual(['+ sh job.sh']);
  });

  it('belongs to the inner command, as the outer one waits for its shell', () => {
    scene.start('bash', one);
    const inner = scene.run(one, 'bash');
    scene.start('mkdir', inner);
    scene.emit(cgroup('a'));
    scene.end('mkdir');
    expect(scene.brief('mkdir')).toEqual(['+ pids:/a']);
    expect(scene.brief('bash')).toEqual(['+ bash']);
  });

  it('is nobody’s long after the only command ended', () => {
    scene.start('true', one);
    scene.end('true');
    scene.emit(cgroup('a'), 9000);
    expect(scene.brief('true')).toEqual([]);
  });
});

describe('rule 9: what a shell itself did', () => {
  const move = (cgroup: string): EventBody => ({
    type: 'process.change',
    key: one.key,
    change: { cgroup },
  });
  const span = (id: string, from: number, to: number): void => {
    scene.emit(
      {
        ...{ type: 'command.start', id, terminal: 't0', line: id },
        ...{ process: one.key, processGroup: null, at: from },
      },
      from,
    );
    scene.emit({ type: 'command.end', id, exitCode: 0, at: to }, to);
  };

  it('belongs to the command that it ran at that time', () => {
    span('before', 2000, 2001);
    span('echo', 3000, 3001);
    scene.emit(move('/demo'), 3050);
    span('after', 4000, 4001);
    expect(['before', 'echo', 'after'].map((id) => scene.brief(id))).toEqual([
      [],
      ['~ bash cgroup'],
      [],
    ]);
  });

  /** A bash in a bash, which execs at 2500 by the kernel's clock, and is told of when told here. */
  const inner = (told: (exec: EventBody) => void): ProcessState => {
    scene.start('bash', one, 2000);
    const shell = scene.fork(one, { comm: 'unshare', args: ['unshare'], bornAt: 2400 });
    const exec = { key: shell.key, comm: 'bash', args: ['bash'], at: 2500 } as const;
    const typed = { line: 'sleep &', process: shell.key, processGroup: null, at: 2600 } as const;
    scene.emit({ type: 'command.start', id: 'sleep &', terminal: 't0', ...typed });
    told({ type: 'process.exec', ...exec });
    return shell;
  };

  it('is not of its first command when it became that shell before it', () => {
    inner((exec) => {
      scene.emit({ type: 'command.end', id: 'sleep &', exitCode: 0, at: 2601 });
      scene.emit(exec);
    });
    expect(scene.brief('sleep &')).toEqual([]);
    expect(scene.brief('bash')).toEqual(['+ bash']);
  });

  it('does not replace a shell whose exec is told while its first command runs', () => {
    const shell = inner((exec) => scene.emit(exec));
    scene.emit({ type: 'command.end', id: 'sleep &', exitCode: 0, at: 2601 });
    scene.start('next', shell, 2700);
    expect(attributionOf(scene.history).span('next')?.within).toBe('bash');
  });

  it('is nobody’s where two commands followed at once and it is told behind both', () => {
    span('one', 3000, 3001);
    span('two', 3010, 3011);
    scene.emit(move('/demo'), 3050);
    expect([scene.brief('one'), scene.brief('two')]).toEqual([[], []]);
  });

  it('belongs to a command that is told a moment after it', () => {
    span('before', 2000, 2001);
    scene.emit(move('/demo'), 3005);
    scene.emit(
      {
        ...{ type: 'command.start', id: 'echo', terminal: 't0', line: 'echo' },
        ...{ process: one.key, processGroup: null, at: 3000 },
      },
      3010,
    );
    scene.emit({ type: 'command.end', id: 'echo', exitCode: 0, at: 3001 }, 3011);
    expect(scene.brief('before')).toEqual([]);
    expect(scene.brief('echo')).toEqual(['~ bash cgroup']);
  });
});
