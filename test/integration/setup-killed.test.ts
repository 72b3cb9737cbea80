/**
 * A set-up that is killed while mmdebstrap has the machine's own file systems bound below its
 * target: nothing of it stays mounted, no process of it stays, and the next one's clean-up goes
 * through no mount. mmdebstrap is a stub here that binds a folder with a file in it, and sleeps.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
// @ts-expect-error scripts are plain JavaScript
import { mountsBelow, removeTree } from '../../scripts/setup/trees.mjs';
import { until } from './patience.js';

const root = process.getuid?.() === 0;
const SCRIPTS = join(import.meta.dirname, '../../scripts');

/** Which module builds, what it exports for that, and how it is called. */
const BUILDERS = [
  { what: "the sandboxes' image", module: 'setup/images.mjs', name: 'buildDebianImage' },
  { what: "the guest's root", module: 'guest/root.mjs', name: 'buildRootDisk' },
];

/** How long the stub sleeps, s: a number by which its process is found, of this run alone. */
const NAP = `1000${process.pid}`;

/** The target is the argument before the mirror. Without the file $HANG the build fails at once. */
const STUB = `#!/bin/sh
while [ $# -gt 2 ]; do shift; done
[ -e "$HANG" ] || exit 1
mkdir -p "$1/dev/shm"
mount --bind "$PRECIOUS" "$1/dev/shm"
(sleep ${NAP} & echo $! >"$PRECIOUS/asleep.part"; wait) &
while [ ! -s "$PRECIOUS/asleep.part" ]; do sleep 0.01; done
echo "$1" >"$PRECIOUS/target.part"
mv "$PRECIOUS/target.part" "$PRECIOUS/target"
wait
`;

const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '');

/** Ids of the processes that sleep for the stub. */
function sleepers(): number[] {
  const asked = spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  const rows = asked.stdout.split('\n').filter((row) => row.endsWith(` sleep ${NAP}`));
  return rows.map((row) => Number.parseInt(row, 10));
}

describe.skipIf(!root)(`killed set-up${root ? '' : ' (missing: root)'}`, () => {
  let place: string;
  let precious: string;

  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'terrarium-killed-'));
    precious = join(place, 'precious');
    for (const name of ['precious', 'bin', 'images']) mkdirSync(join(place, name));
    writeFileSync(join(precious, 'sentinel'), 'still here\n');
    writeFileSync(join(place, 'bin/mmdebstrap'), STUB, { mode: 0o755 });
  });

  afterEach(() => {
    for (const pid of sleepers()) process.kill(pid, 'SIGKILL'); // there are some when a test failed
    for (const point of mountsBelow(place) as string[]) spawnSync('umount', [point]);
    removeTree(place);
  });

  function build({ module, name }: (typeof BUILDERS)[number]): ChildProcess {
    const script = `
      import { ${name} } from ${JSON.stringify(join(SCRIPTS, module))};
      import { run } from ${JSON.stringify(join(SCRIPTS, 'setup/progress.mjs'))};
      await ${name}(${JSON.stringify(join(place, 'images'))}, {
        mirror: 'http://mirror.invalid/debian',
        run: (command, args, options) =>
          run(command, args, { ...options, logFile: ${JSON.stringify(join(place, 'log'))} }),
      });`;
    return spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: {
        PATH: `${place}/bin:${process.env['PATH']}`,
        PRECIOUS: precious,
        HANG: join(place, 'hang'),
      },
      stdio: 'ignore',
    });
  }

  for (const signal of ['SIGKILL', 'SIGTERM'] as const)
    test.each(BUILDERS)(`${signal} while mmdebstrap builds $what`, async (builder) => {
      writeFileSync(join(place, 'hang'), '');
      const first = build(builder);
      const ended = new Promise((resolve) => first.once('exit', resolve));
      const target = await until('the stub has bound', () => read(join(precious, 'target')));
      await until('it sleeps', () => sleepers().length === 1);
      expect(mountsBelow(target)).toEqual([]);
      first.kill(signal);
      await ended;
      await until('nothing of the build runs', () => sleepers().length === 0);
      expect(mountsBelow(target)).toEqual([]);

      rmSync(join(place, 'hang'));
      const status = await new Promise((resolve) => build(builder).once('exit', resolve));
      expect(status).toBe(1); // the stub's, so the clean-up before it went well
      expect(existsSync(target)).toBe(false);
      expect(read(join(precious, 'sentinel'))).toBe('still here');
    });

  test('a tree with a mount below is refused, and the mount named', () => {
    const tree = join(place, 'images/a tree\u00e9');
    mkdirSync(join(tree, 'dev/shm'), { recursive: true });
    writeFileSync(join(tree, 'file'), '');
    spawnSync('mount', ['--bind', precious, join(tree, 'dev/shm')]);
    expect(mountsBelow(tree)).toEqual([join(tree, 'dev/shm')]);
    expect(() => removeTree(tree)).toThrow(`something is mounted there: ${tree}/dev/shm`);
    expect(existsSync(join(tree, 'file'))).toBe(true);
    expect(read(join(precious, 'sentinel'))).toBe('still here');
    spawnSync('umount', [join(tree, 'dev/shm')]);
    removeTree(tree);
    expect(existsSync(tree)).toBe(false);
    removeTree(tree);
  });
});
