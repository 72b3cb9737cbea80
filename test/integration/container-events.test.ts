/**
 * Events of containers: transitions, whoever makes them, the end, and what the kernel tells of
 * memory and processes. Needs root and a static busybox.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type ContainerEvent,
  detectCgroupLayout,
  hierarchyWith,
} from '../../packages/engine/src/index.js';
import { type ContainerLab, holdings, missing, startContainerLab } from './container-lab.js';

const layout = detectCgroupLayout();
const without = ['memory', 'pids', 'freezer'].filter(
  (name) =>
    hierarchyWith(layout, name) === undefined && !(name === 'freezer' && layout.kind === 'v2'),
);
const reason =
  missing() ?? (without.length === 0 ? null : `cgroup controllers ${without.join(' ')}`);
const LOOP = ['/bin/sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.02; done'];

describe.skipIf(reason !== null)(
  `container events${reason === null ? '' : ` (missing: ${reason})`}`,
  () => {
    let lab: ContainerLab;
    beforeAll(async () => {
      lab = await startContainerLab('events');
    });
    afterEach(async () => {
      for (const { id } of lab.engine.list()) await lab.engine.delete(id, { force: true });
    });
    afterAll(async () => {
      await lab.close();
      expect(holdings(lab)).toEqual([]);
    });

    async function watched(args: string[], resources = {}) {
      const config = lab.config(args);
      config.linux = { ...config.linux, resources };
      await lab.engine.create({ id: 'one', bundle: lab.directory, config });
      const events: ContainerEvent[] = [];
      const subscription = lab.engine.events('one', (event) => events.push(event));
      const kinds = () => events.map(({ kind }) => kind);
      const until = (kind: ContainerEvent['kind']) =>
        expect.poll(kinds, { timeout: 30_000 }).toContain(kind);
      return { events, kinds, until, subscription };
    }

    test('every transition, also those that another engine makes', async () => {
      const other = await lab.another();
      const { events, kinds, until } = await watched(LOOP);
      await other.start('one');
      await until('started');
      await other.pause('one');
      await until('paused');
      await lab.engine.resume('one');
      await until('resumed');
      await other.kill('one', 'TERM');
      await until('exited');
      await other.delete('one');
      await until('deleted');
      expect(kinds()).toEqual(['started', 'paused', 'resumed', 'exited', 'deleted']);
      expect(events.find(({ kind }) => kind === 'exited')?.exit).toEqual({
        exitCode: 7,
        signal: null,
      });
      expect(events.every(({ id, at }) => id === 'one' && at > 0)).toBe(true);
    });

    test('the OOM killer at work', async () => {
      const greedy = 'x=x; while :; do x=$x$x$x; done';
      const { events, until } = await watched(['/bin/sh', '-c', greedy], {
        memory: { limit: 16 << 20 },
      });
      await lab.engine.start('one');
      await until('oom-kill');
      await until('exited');
      expect(events.find(({ kind }) => kind === 'oom-kill')?.times).toBeGreaterThan(0);
      expect(await lab.engine.wait('one')).toEqual({ exitCode: 137, signal: 9 });
    });

    test('a fork that the limit refused', async () => {
      const { until, subscription } = await watched(
        [
          '/bin/sh',
          '-c',
          'trap "exit 0" TERM; sleep 100 & sleep 100 & sleep 100 & sleep 100 & while :; do sleep 0.02; done',
        ],
        { pids: { limit: 3 } },
      );
      await lab.engine.start('one');
      await lab.engine.wait('one'); // the shell gives up
      await until('exited');
      subscription.close();
      expect(lab.engine.stats('one').pids?.refused ?? 1).toBeGreaterThan(0);
    });

    test('as an async iterator, until the container is gone', async () => {
      await lab.engine.create({
        id: 'one',
        bundle: lab.directory,
        config: lab.config(['/bin/true']),
      });
      const kinds: string[] = [];
      const seen = (async () => {
        for await (const { kind } of lab.engine.eventIterator('one')) kinds.push(kind);
      })();
      await lab.engine.start('one');
      await lab.engine.wait('one');
      await expect.poll(() => kinds, { timeout: 30_000 }).toContain('exited');
      await lab.engine.delete('one');
      await seen;
      expect(kinds).toEqual(['started', 'exited', 'deleted']);
    });

    test('a closed subscription hears nothing more, an aborted iterator ends', async () => {
      const { kinds, subscription } = await watched(LOOP);
      const stop = new AbortController();
      const seen = (async () => {
        const all: string[] = [];
        for await (const { kind } of lab.engine.eventIterator('one', stop.signal)) all.push(kind);
        return all;
      })();
      subscription.close();
      await lab.engine.start('one');
      await lab.engine.kill('one', 'KILL');
      await lab.engine.wait('one');
      stop.abort();
      expect(kinds()).toEqual([]);
      await seen;
    });

    test('there are none of a container that is not there', () => {
      expect(() => lab.engine.events('nope', () => {})).toThrow('there is no such container');
    });
  },
);
