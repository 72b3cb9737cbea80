/**
 * State on disk: later processes of ours go on with what an earlier one began, whatever became of
 * it; several at once; torn files; what is half-made is removed. Needs root and a static busybox.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ContainerEngine, inheritProcess } from '../../packages/engine/src/index.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import { ResidentPlayer } from '../../packages/syscall/src/index.js';
import { type ContainerLab, holdings, missing, startContainerLab } from './container-lab.js';

const reason = missing();
const LOOP = ['/bin/sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.02; done'];

describe.skipIf(reason !== null)(
  `container state${reason === null ? '' : ` (missing: ${reason})`}`,
  () => {
    let lab: ContainerLab;
    let other: ContainerEngine;
    beforeAll(async () => {
      lab = await startContainerLab('state');
      other = await lab.another();
    });
    afterEach(async () => {
      for (const { id } of lab.engine.list()) await lab.engine.delete(id, { force: true });
    });
    afterAll(async () => {
      await lab.close();
      expect(holdings(lab)).toEqual([]);
    });

    const create = (id = 'one', args = LOOP, engine = lab.engine) =>
      engine.create({ id, bundle: lab.directory, config: lab.config(args) });

    test('another engine starts, enters, pauses, kills, waits for and deletes what the first created', async () => {
      await create();
      expect(other.state('one').status).toBe('created');
      await other.start('one');
      expect(lab.engine.state('one').status).toBe('running');
      const own = other.record('one').config.process!;
      const { exited } = await other.exec('one', {
        process: inheritProcess(own, { args: ['/bin/sh', '-c', 'exit 3'] }),
      });
      expect((await exited).exitCode).toBe(3);
      await other.pause('one');
      expect(lab.engine.state('one').status).toBe('paused');
      await lab.engine.resume('one');
      await other.update('one', { pids: { limit: 50 } });
      expect(lab.engine.stats('one').pids?.limit).toBe(50);
      const ended = other.wait('one');
      await other.kill('one', 'TERM');
      // Not its child: it reads what the first engine, the parent's, has written.
      expect(await ended).toEqual({ exitCode: 7, signal: null });
      await other.delete('one');
      expect(lab.engine.list()).toEqual([]);
      expect(readdirSync(lab.root)).toEqual([]);
    });

    test('the error of a program that cannot be executed comes to another starter, too', async () => {
      await create('one', ['/no/such']);
      await expect(other.start('one')).rejects.toMatchObject({ code: 'program', exitCode: 127 });
      expect((await lab.engine.wait('one')).exitCode).toBe(127);
    });

    test('a lab whose engine fails to delete ends by force, and says so', async () => {
      const doomed = await startContainerLab('doomed');
      const config = doomed.config(LOOP);
      await doomed.engine.create({ id: 'one', bundle: doomed.directory, config });
      doomed.engine.delete = () => Promise.reject(new Error('not today'));
      await expect(doomed.close()).rejects.toThrow('not today');
      expect(holdings(doomed)).toEqual([]);
    });

    test('paused is paused, though the record still says created: its writers were killed', async () => {
      await create();
      const path = join(lab.root, 'one/state.json');
      const created = readFileSync(path, 'utf8');
      await lab.engine.start('one');
      await lab.engine.pause('one');
      writeFileSync(path, created);
      expect(other.state('one').status).toBe('paused');
      const own = other.record('one').config.process!;
      const late = other.exec('one', { process: inheritProcess(own, { args: ['/bin/true'] }) });
      await expect(late).rejects.toMatchObject({ code: 'wrong-state' });
      await other.resume('one');
      expect(lab.engine.state('one').status).toBe('running');
    });

    test('containers live on when the process that made them is gone, and end without a status', async () => {
      const player = await ResidentPlayer.start({ binary: buildPlayer() });
      const first = await lab.another({ player });
      await create('one', LOOP, first);
      await create('two', LOOP, first);
      await first.start('one');
      process.kill(player.pid, 'SIGKILL');
      await first.close();
      expect(other.state('one').status).toBe('running');
      expect(other.state('two').status).toBe('created');
      await other.start('two');
      expect(other.state('two').status).toBe('running');
      expect(await other.recover()).toMatchObject({ kept: ['one', 'two'], removed: [], stuck: [] });
      const ended = other.wait('one');
      await other.kill('one', 'TERM');
      forgetOwner('one'); // as if its process had been killed: nobody will write the status
      expect(await ended).toEqual({ exitCode: null, signal: null });
      expect(other.state('one').status).toBe('stopped');
      await other.delete('one');
    });

    /** In this test the owner is ourselves, and lives; so its record says otherwise. */
    function forgetOwner(id: string): void {
      const path = join(lab.root, id, 'state.json');
      const record = JSON.parse(readFileSync(path, 'utf8'));
      writeFileSync(
        path,
        JSON.stringify({ ...record, owner: { pid: record.owner.pid, startTime: 1 } }),
      );
    }

    test('a player that is killed in the middle of create: the name is free, nothing is left', async () => {
      for (let round = 0; round < 5; round++) {
        const player = await ResidentPlayer.start({ binary: buildPlayer() });
        const first = await lab.another({ player });
        const config = lab.config(LOOP);
        let killed = false;
        const created = first.create({
          id: 'one',
          bundle: lab.directory,
          config,
          onReport: ({ process: name, index }) => {
            if (killed || name !== 'outside' || index < round * 10) return;
            killed = true;
            process.kill(player.pid, 'SIGKILL');
          },
        });
        await created.catch(() => {}); // it may have been quicker
        await other.delete('one', { force: true });
        expect(readdirSync(lab.root)).toEqual([]);
        expect(holdings(lab).filter((line) => line.startsWith('process'))).toEqual([]);
        await create();
        await lab.engine.delete('one', { force: true });
      }
    });

    test('two engines fight for one id: one wins, each time, and nothing is left of the other', async () => {
      for (let round = 0; round < 10; round++) {
        const answers = await Promise.allSettled([
          create('one'),
          create('one', LOOP, other),
          create('one'),
          create('one', LOOP, other),
        ]);
        expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const answer of answers) {
          if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'exists' });
        }
        await Promise.all([
          lab.engine.delete('one', { force: true }),
          other.delete('one', { force: true }),
        ]);
        expect(readdirSync(lab.root)).toEqual([]);
      }
    });

    test('start by two engines at once: one starts it, the other hears that it runs', async () => {
      await create();
      const answers = await Promise.allSettled([lab.engine.start('one'), other.start('one')]);
      expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    });

    test.each<[string, (path: string) => void]>([
      ['torn', (path) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 200))],
      ['empty', (path) => writeFileSync(path, '')],
      [
        'of another version',
        (path) =>
          writeFileSync(path, readFileSync(path, 'utf8').replace('"version":1', '"version":9')),
      ],
      ['another container’s', (path) => copyFileSync(join(lab.root, 'two/state.json'), path)],
    ])(
      'a state file that is %s: a clear error for that id, the others work',
      async (_name, damage) => {
        await create('one');
        await create('two');
        await lab.engine.start('one');
        const { pid = 0 } = lab.engine.state('one');
        const path = join(lab.root, 'one/state.json');
        damage(path);
        const refused = {
          code: 'unreadable',
          message: expect.stringContaining(`${path} cannot be used: `),
        };
        await expect(lab.engine.start('one')).rejects.toMatchObject(refused);
        await expect(lab.engine.delete('one')).rejects.toMatchObject(refused);
        await expect(create('one')).rejects.toMatchObject(refused);
        expect(() => lab.engine.state('one')).toThrow('cannot be used');
        expect(
          lab.engine.list().map((row) => ('error' in row ? row.error.code : row.state.status)),
        ).toEqual(['unreadable', 'created']);
        const { stuck } = await other.recover();
        expect(stuck.map(({ code }) => code)).toEqual(['unreadable']);
        await lab.engine.start('two');
        await lab.engine.delete('one', { force: true });
        await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 30_000 }).toBe(false);
        expect(lab.engine.list().map(({ id }) => id)).toEqual(['two']);
      },
    );

    test('foreign files and directories in ROOT are no containers', async () => {
      writeFileSync(join(lab.root, 'notes.txt'), 'hello');
      mkdirSync(join(lab.root, 'lost+found'));
      await create();
      expect(lab.engine.list().map(({ id }) => id)).toEqual(['one']);
      rmSync(join(lab.root, 'notes.txt'));
      rmSync(join(lab.root, 'lost+found'), { recursive: true });
    });

    test('a write that a kill kept from its rename changes nothing', async () => {
      await create();
      writeFileSync(join(lab.root, 'one/state.json.new'), '{"version":');
      expect(other.state('one').status).toBe('created');
      await other.delete('one', { force: true });
      expect(readdirSync(lab.root)).toEqual([]);
    });

    test('a kill between the start byte and its record: the kernel says that it runs', async () => {
      await create();
      writeFileSync(join(lab.root, 'one/start.fifo'), 'x');
      await expect.poll(() => other.state('one').status, { timeout: 30_000 }).toBe('running');
      await expect(other.start('one')).rejects.toMatchObject({ code: 'wrong-state' });
      await other.pause('one');
      await other.resume('one');
      await other.kill('one', 'KILL');
    });

    describe('half-made ones', () => {
      /** As create leaves it when its process is killed: all kernel objects, and a state that says creating. */
      async function halfMade(id: string): Promise<number> {
        const { pid } = await create(id, LOOP, other);
        const path = join(lab.root, id, 'state.json');
        const record = JSON.parse(readFileSync(path, 'utf8'));
        writeFileSync(path, JSON.stringify({ ...record, status: 'creating', init: null }));
        return pid;
      }

      test('are removed by recover, whole ones stay', async () => {
        const pid = await halfMade('half');
        await create('whole');
        mkdirSync(join(lab.root, 'empty'));
        writeFileSync(join(lab.root, 'stale.lock'), '');
        writeFileSync(join(lab.root, '.scratch-999999999-1'), '');
        expect(await lab.engine.recover()).toEqual({
          kept: ['whole'],
          removed: ['empty', 'half'],
          busy: [],
          stuck: [],
        });
        await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 30_000 }).toBe(false);
        expect(readdirSync(lab.root).sort()).toEqual(['whole', 'whole.lock']);
      });

      test('are in nobody’s way: create takes the name, delete removes it', async () => {
        await halfMade('half');
        expect(lab.engine.state('half').status).toBe('creating');
        await create('half');
        await lab.engine.start('half');
        await lab.engine.delete('half', { force: true });
        await halfMade('half');
        await lab.engine.delete('half');
        expect(readdirSync(lab.root)).toEqual([]);
      });
    });

    test('after a reboot nothing runs, whatever pids say', async () => {
      await create();
      await lab.engine.start('one');
      const path = join(lab.root, 'one/state.json');
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replace(/"bootId":"[^"]*"/, '"bootId":"earlier"'));
      expect(other.state('one').status).toBe('stopped');
      await expect(other.kill('one')).rejects.toMatchObject({ code: 'wrong-state' });
      writeFileSync(path, text);
    });

    test('a pid that another process has by now is not that init', async () => {
      await create();
      const path = join(lab.root, 'one/state.json');
      const record = JSON.parse(readFileSync(path, 'utf8'));
      const text = JSON.stringify({ ...record, init: { pid: process.pid, startTime: 12 } });
      writeFileSync(path, text);
      expect(other.state('one').status).toBe('stopped');
      await expect(other.kill('one', 'KILL')).rejects.toMatchObject({ code: 'wrong-state' });
      writeFileSync(path, JSON.stringify(record));
    });
  },
);
