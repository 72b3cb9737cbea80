/**
 * Containers with a network, inside a sandbox, so that nothing of the host's own is touched: they
 * reach the bridge and each other, and leave nothing in the sandbox's namespace. Needs root.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerEngine, type ExecTarget } from '../../packages/engine/src/index.js';
import type { RuntimeConfig } from '../../packages/spec/src/index.js';
import { missing as missingNetwork } from './network-lab.js';
import { type Lab, missing as missingSandbox, startLab } from './sandbox-lab.js';

const reason = missingSandbox() ?? (await missingNetwork());
const SET_UP =
  'mkdir -p /c/bin /c/proc && cp "$(command -v busybox)" /c/bin/busybox && for a in sh ip ping sleep; do ln -s busybox /c/bin/$a; done';

describe.skipIf(reason !== null)(
  `networks of containers${reason === null ? '' : ` (missing: ${reason})`}`,
  () => {
    let lab: Lab;
    let engine: ContainerEngine;
    let sandbox: ExecTarget;
    beforeAll(async () => {
      lab = await startLab('connected');
      engine = await ContainerEngine.open({
        player: lab.player,
        root: join(lab.directory, 'containers'),
        facts: lab.engine.facts,
        instance: `${lab.engine.instance}-inner`,
      });
      await lab.engine.create({ id: 'box' });
      const { exitCode, output } = await lab.sh('box', SET_UP);
      if (exitCode !== 0) throw new Error(output);
      sandbox = lab.engine.execTarget('box');
    });
    afterAll(async () => {
      for (const { id } of engine.list()) await engine.delete(id, { force: true });
      await engine.close();
      await lab.close();
    });

    const config = (args: string[]): RuntimeConfig => ({
      ociVersion: '1.3.0',
      root: { path: '/c' },
      process: {
        user: { uid: 0, gid: 0 },
        args,
        cwd: '/',
        env: ['PATH=/bin'],
        capabilities: {
          bounding: ['CAP_NET_RAW'],
          effective: ['CAP_NET_RAW'],
          permitted: ['CAP_NET_RAW'],
        },
      },
      mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
      linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'network' }] },
    });
    const create = (id: string, address: string, args: string[]) =>
      engine.create({ id, bundle: '/', sandbox, config: config(args), network: { address } });

    test('two containers reach the bridge and each other; their ends go with them', async () => {
      await create('one', '10.99.0.2/24', ['/bin/sleep', '1000']);
      await engine.start('one');
      await create('two', '10.99.0.3/24', [
        '/bin/sh',
        '-c',
        'ping -c 1 -w 20 10.99.0.1 && ping -c 1 -w 20 10.99.0.2',
      ]);
      await engine.start('two');
      expect(await engine.wait('two')).toEqual({ exitCode: 0, signal: null });
      await engine.delete('two');
      const links = async () => (await lab.sh('box', 'ip -o link')).output;
      expect(await links()).toContain('tr0');
      await engine.delete('one', { force: true });
      expect(await links()).not.toMatch(/tr0|veth/);
    });

    test('a create that fails leaves no link', async () => {
      const own = config(['/bin/true']);
      own.mounts = [{ destination: '/x', type: 'nosuchfs', source: 'x' }];
      const created = engine.create({
        id: 'one',
        bundle: '/',
        sandbox,
        config: own,
        network: { address: '10.99.0.2/24' },
      });
      await expect(created).rejects.toMatchObject({ code: 'kernel' });
      expect((await lab.sh('box', 'ip -o link')).output).not.toMatch(/tr0|veth/);
    });

    test('without a network namespace of its own it is refused', async () => {
      const own = config(['/bin/true']);
      own.linux = { namespaces: [{ type: 'pid' }, { type: 'mount' }] };
      const created = engine.create({
        id: 'one',
        bundle: '/',
        sandbox,
        config: own,
        network: { address: '10.99.0.2/24' },
      });
      await expect(created).rejects.toMatchObject({
        code: 'config',
        message: expect.stringContaining('network namespace of its own'),
      });
    });
  },
);
