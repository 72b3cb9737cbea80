/**
 * The rooms of a container's mounts on the real kernel, each in a mount namespace of its own:
 * destinations below a hostile root, binds with attributes, masks, read-only paths. What a plan
 * changed is read back through a process that stays in the namespace. Needs root.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { maskPaths, openNullDevice, readonlyPaths } from '../../packages/engine/src/plan/mask.js';
import {
  type MountInput,
  type MountRoot,
  mountBelow,
  mountRoot,
  openRoot,
} from '../../packages/engine/src/plan/mount-calls.js';
import { purpose, Script } from '../../packages/engine/src/plan/script.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  CLONE,
  flagged,
  MS,
  PlanBuilder,
  PlanError,
  ResidentPlayer,
} from '../../packages/syscall/src/index.js';

const root = process.getuid?.() === 0;
if (!root) console.warn('primitives-mounts: skipped, these tests need root');
const why = purpose('test', 'test', '测试');

let player: ResidentPlayer;
let directory: string;
const held: { pid: number; ended: Promise<number> }[] = [];

beforeAll(async () => {
  if (root) player = await ResidentPlayer.start({ binary: buildPlayer() });
});
afterAll(async () => {
  await player?.close();
});
beforeEach(() => {
  directory = mkdtempSync('/tmp/terrarium-mounts-');
  mkdirSync(join(directory, 'root'));
});
afterEach(async () => {
  for (const { pid, ended } of held.splice(0)) {
    process.kill(pid, 'SIGKILL');
    await ended;
  }
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(directory);
  rmSync(directory, { recursive: true });
});

/** Runs `write` in a new mount namespace with `root/` as the root; the process stays there. */
async function inNamespace(write: (at: MountRoot) => void): Promise<number> {
  const builder = new PlanBuilder('mounts');
  const script = new Script(builder, 'outside', builder.slot('fd'));
  script.call('unshare', [flagged(CLONE, 'CLONE_NEWNS')], why);
  script.call('mount', [0, '/', 0, flagged(MS, 'MS_REC', 'MS_PRIVATE'), 0], why);
  script.mount(path('root'), path('root'), 'none', ['bind'], why);
  const at = mountRoot(script, builder.slot('root'));
  openRoot(script, path('root'), at.root, why);
  write(at);
  builder.becomeInit('outside', why);
  const { hostPids } = await player.run(builder.build()).done;
  const pid = hostPids['outside'] ?? 0;
  held.push({ pid, ended: new Promise((resolve) => player.onExit(pid, resolve)) });
  return pid;
}

function path(...names: string[]): string {
  return join(directory, ...names);
}

/** A path below the root as the process in the namespace sees it. */
function seen(pid: number, name: string): string {
  return join(`/proc/${pid}/root`, path('root'), name);
}

/** Options and propagation of the topmost mount at a path below the root; null: none. */
function mountAt(pid: number, name: string): string | null {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n');
  const fields = lines.map((line) => line.split(' '));
  const row = fields.findLast((one) => one[4] === join(path('root'), name));
  if (row === undefined) return null;
  const dash = row.indexOf('-');
  return [row[5], ...row.slice(6, dash), row[dash + 1], row[dash + 3]].join(' ');
}

function mounts(...inputs: (MountInput & { kind?: 'file' })[]): (at: MountRoot) => void {
  return (at) => {
    for (const { kind = 'directory', ...input } of inputs) mountBelow(at, input, kind, why);
  };
}

describe.skipIf(!root)(`mounts below a root${root ? '' : ' (missing: root)'}`, () => {
  test('a new file system has its flags, its options and the directories on the way', async () => {
    const pid = await inNamespace(
      mounts({
        destination: '/a/b/c',
        type: 'tmpfs',
        source: 'lab',
        options: ['nosuid', 'noexec', 'noatime', 'size=64k', 'mode=0750'],
      }),
    );
    expect(mountAt(pid, 'a/b/c')).toMatch(/^rw,nosuid,noexec,noatime tmpfs rw,size=64k,mode=750/);
    expect(readdirSync(path('root', 'a', 'b', 'c'))).toEqual([]);
  });

  test('a bind gets attributes without losing those it has', async () => {
    mkdirSync(path('source'));
    const pid = await inNamespace(
      mounts(
        { destination: '/t', type: 'tmpfs', source: 't', options: ['nosuid'] },
        { destination: '/b', type: 'bind', source: path('root', 't'), options: ['bind', 'ro'] },
        { destination: '/w', type: 'bind', source: path('source'), options: ['bind', 'nodev'] },
      ),
    );
    expect(mountAt(pid, 'b')).toMatch(/^ro,nosuid,relatime tmpfs rw/);
    expect(mountAt(pid, 'w')).toMatch(/^rw,nodev/);
  });

  test('rro reaches the mounts below, ro does not', async () => {
    const sub = { type: 'tmpfs', source: 's', options: [] };
    const bind = { type: 'bind', source: path('root', 'top') };
    const pid = await inNamespace(
      mounts(
        { destination: '/top', ...sub },
        { destination: '/top/sub', ...sub },
        { destination: '/one', ...bind, options: ['rbind', 'ro'] },
        { destination: '/all', ...bind, options: ['rbind', 'rro'] },
        { destination: '/alone', ...bind, options: ['bind'] },
      ),
    );
    const access = (name: string) => mountAt(pid, name)?.slice(0, 2) ?? null;
    expect([access('one'), access('one/sub')]).toEqual(['ro', 'rw']);
    expect([access('all'), access('all/sub')]).toEqual(['ro', 'ro']);
    expect([access('alone'), access('alone/sub')]).toEqual(['rw', null]);
  });

  test('propagation is what the options say', async () => {
    const source = { type: 'tmpfs', source: 's' };
    const pid = await inNamespace(
      mounts(
        { destination: '/shared', ...source, options: ['shared'] },
        {
          destination: '/slave',
          type: 'bind',
          source: path('root', 'shared'),
          options: ['bind', 'slave'],
        },
        { destination: '/unbindable', ...source, options: ['unbindable'] },
        { destination: '/shared/late', ...source, options: [] },
      ),
    );
    expect(mountAt(pid, 'shared')).toMatch(/ shared:\d+ /);
    expect(mountAt(pid, 'slave')).toMatch(/ master:\d+ /);
    expect(mountAt(pid, 'unbindable')).toMatch(/ unbindable /);
    expect(mountAt(pid, 'slave/late')).toMatch(/tmpfs/);
  });

  test('a file is bound on a file that is made', async () => {
    writeFileSync(path('hosts'), 'hello');
    const pid = await inNamespace(
      mounts({
        destination: '/etc/hosts',
        type: 'bind',
        source: path('hosts'),
        options: ['bind', 'ro'],
        kind: 'file',
      }),
    );
    expect(readFileSync(seen(pid, 'etc/hosts'), 'utf8')).toBe('hello');
    expect(readFileSync(path('root', 'etc', 'hosts'), 'utf8')).toBe('');
  });

  test('a symlink in the root cannot lead the mount out (CVE-2021-30465)', async () => {
    mkdirSync(path('victim'));
    mkdirSync(path('root', 'tmp'));
    symlinkSync(path('victim'), path('root', 'tmp', 'evil'));
    symlinkSync('/inside', path('root', 'link'));
    mkdirSync(path('root', 'inside'));
    const options = { type: 'tmpfs', source: 'x', options: [] };
    const pid = await inNamespace(mounts({ destination: '/link/a', ...options }));
    expect(mountAt(pid, 'inside/a')).toMatch(/tmpfs/);
    const out = inNamespace(mounts({ destination: '/tmp/evil', ...options }));
    await expect(out).rejects.toThrow(PlanError); // below the root there is no such directory
    await expect(
      inNamespace(mounts({ destination: '/../../victim', ...options })),
    ).resolves.toBeGreaterThan(0);
    expect(existsSync(path('root', 'victim'))).toBe(true);
    expect(readdirSync(path('victim'))).toEqual([]);
  });
});

describe.skipIf(!root)(`masks${root ? '' : ' (missing: root)'}`, () => {
  beforeEach(() => {
    mkdirSync(path('root', 'secrets'));
    writeFileSync(path('root', 'secrets', 'key'), 'secret');
    writeFileSync(path('root', 'file'), 'secret');
  });

  const mask = (paths: string[], device?: string) => (at: MountRoot) =>
    maskPaths(at, paths, openNullDevice(at.script, device));

  test('cover files by the null device and directories by nothing, and pass over the absent', async () => {
    const pid = await inNamespace(mask(['/secrets', '/file', '/absent', '/file/x']));
    expect(readFileSync(seen(pid, 'file'), 'utf8')).toBe('');
    expect(statSync(seen(pid, 'file')).rdev).toBe(0x103);
    expect(readdirSync(seen(pid, 'secrets'))).toEqual([]);
    expect(() => writeFileSync(seen(pid, 'secrets/new'), '')).toThrow('EROFS');
    expect(mountAt(pid, 'secrets')).toMatch(/^ro,nosuid,nodev,noexec,relatime tmpfs ro/);
    expect(mountAt(pid, '')).not.toMatch(/tmpfs ro/); // the empty tmpfs is off the root again
    expect(readFileSync(path('root', 'file'), 'utf8')).toBe('secret');
  });

  test('cover a path that is a mount itself, and what a symlink of the root leads to', async () => {
    symlinkSync('/secrets', path('root', 'link'));
    const pid = await inNamespace((at) => {
      mounts({ destination: '/t', type: 'tmpfs', source: 't', options: [] })(at);
      mask(['/t', '/link'])(at);
    });
    expect(mountAt(pid, 't')).toMatch(/^ro,/);
    expect(readdirSync(seen(pid, 'secrets'))).toEqual([]);
  });

  test.each([
    ['a file', () => writeFileSync(path('fake'), '')],
    ['a link to another file', () => symlinkSync('/etc/passwd', path('fake'))],
    ['a link to the null device', () => symlinkSync('/dev/null', path('fake'))],
  ])('fail when the null device is %s (CVE-2025-31133)', async (_, make) => {
    make();
    await expect(inNamespace(mask(['/file'], path('fake')))).rejects.toThrow(/futex.*EAGAIN/);
  });

  test.each(['/dev/zero', '/dev/full', '/dev/tty'])(
    'fail when the null device is %s (CVE-2025-31133)',
    async (device) => {
      await expect(inNamespace(mask(['/file'], device))).rejects.toThrow(/futex.*EAGAIN/);
    },
  );

  test('read-only paths are, with what is mounted below; others stay as they are', async () => {
    const pid = await inNamespace((at) => {
      mounts({ destination: '/secrets/sub', type: 'tmpfs', source: 't', options: [] })(at);
      readonlyPaths(at, ['/absent', '/secrets', '/file']);
    });
    for (const name of ['secrets/new', 'secrets/sub/new', 'file'])
      expect(() => writeFileSync(seen(pid, name), ''), name).toThrow('EROFS');
    expect(readFileSync(seen(pid, 'secrets/key'), 'utf8')).toBe('secret');
    writeFileSync(seen(pid, 'other'), '');
  });
});
