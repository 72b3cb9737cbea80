/**
 * The daemon's side of the stepper on a real sandbox: what a page is told, what a learner's bundle
 * may be, and what is refused. No browser, no web process.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SandboxInfo } from '../../apps/daemon/src/ports.js';
import { SessionStepper } from '../../apps/daemon/src/stepper/index.js';
import { startTimeOf } from '../../packages/engine/src/index.js';
import {
  type StepperServerMessage,
  type StepperState,
  type StepperWhat,
  serverMessage,
} from '../../packages/protocol/src/index.js';
import { type Lab, missing, startLab } from './sandbox-lab.js';

const lacks = missing();
const suffix = lacks === null ? '' : ` (missing: ${lacks})`;
const ID = 'page';
const QUIET = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} } as never;

describe.skipIf(lacks !== null)(`a session's stepper${suffix}`, () => {
  let lab: Lab;
  let stepper: SessionStepper;
  let told: StepperServerMessage[] = [];
  beforeAll(async () => {
    lab = await startLab('stepper-session');
    await lab.engine.create({ id: ID });
    stepper = new SessionStepper({
      kit: { player: lab.player, cgroups: lab.engine.facts.cgroups },
      session: 'test',
      sandbox: info,
      send: (message) => {
        told.push(serverMessage.parse(JSON.parse(JSON.stringify(message))) as StepperServerMessage);
      },
      log: QUIET,
    });
  });
  afterEach(async () => {
    await stepper.handle({ type: 'stepper.close' });
    told = [];
  });
  afterAll(async () => {
    await lab?.close();
  });

  function info(): SandboxInfo | null {
    const sandbox = lab.engine.list().find(({ id }) => id === ID);
    if (sandbox === undefined) return null;
    return { ...sandbox, exec: lab.engine.execTarget(ID) };
  }

  const open = (what: StepperWhat) => stepper.handle({ type: 'stepper.open', what });
  const state = (): StepperState => {
    const message = stepper.message();
    if (message.type !== 'stepper' || message.stepper === null) throw new Error('nothing is open');
    return message.stepper;
  };

  test('open › tells the whole plan; steps tell what is new; a reload finds all of it', async () => {
    await open({ kind: 'container' });
    expect(told).toMatchObject([{ type: 'stepper', stepper: { records: [], next: 'entry' } }]);
    expect(state().processes.map(({ name }) => name)).toEqual(['entry', 'outside', 'init']);
    for (const { en, zh } of state().purposes) {
      expect(en).not.toBe('');
      expect(zh).toMatch(/[\u4e00-\u9fff]/);
    }
    await stepper.handle({ type: 'stepper.step' });
    await stepper.handle({ type: 'stepper.step' });
    const records = told.flatMap((one) => (one.type === 'stepper.news' ? one.records : []));
    expect(records.map(({ seq }) => seq)).toEqual([0, 1]);
    expect(state().records.map(({ seq }) => seq)).toEqual([0, 1]);
    expect(state().facts['entry']?.map(({ key }) => key)).toContain('ns:mnt');
  });

  test('run all › the container lives; close ends it', async () => {
    await open({ kind: 'container' });
    await stepper.handle({ type: 'stepper.runAll' });
    expect(state().outcome).toEqual({ kind: 'completed', message: null, leftovers: [] });
    const init = state().positions.find(({ process }) => process === 'init');
    expect(init).toMatchObject({ end: 'program' });
    expect(init?.pids).toHaveLength(3);
    const [, inSandbox] = init?.pids ?? [];
    const seen = await lab.sh(ID, `nsenter -t ${inSandbox} -a /bin/sh -c 'hostname; echo $$'`);
    expect(seen.output).toMatch(/^container\n\d+\n$/);
    await stepper.handle({ type: 'stepper.close' });
    expect(startTimeOf(init?.hostPid ?? 0)).toBeNull();
    expect(told.at(-1)).toEqual({ type: 'stepper', stepper: null });
  });

  test('a bundle of the learner › its config is read in the sandbox, and stepped through', async () => {
    const config = {
      ociVersion: '1.2.0',
      hostname: 'mine',
      root: { path: 'rootfs' },
      process: { args: ['/bin/sleep', '1000'], cwd: '/', user: { uid: 0, gid: 0 } },
      linux: { namespaces: ['pid', 'mount', 'uts'].map((type) => ({ type })) },
    };
    await write('/lab/mine/config.json', JSON.stringify(config));
    await lab.sh(ID, 'cp -r /images/busybox /lab/mine/rootfs');
    await open({ kind: 'bundle', path: '/lab/mine' });
    expect(state().title.en).toContain('/lab/mine/config.json');
    await stepper.handle({ type: 'stepper.runAll' });
    expect(state().outcome).toMatchObject({ kind: 'completed' });
    const { output } = await lab.sh(ID, 'for p in /proc/[0-9]*; do cat $p/comm 2>/dev/null; done');
    expect(output).toContain('sleep');
  });

  test('what no bundle is › is refused with a sentence, and nothing is opened', async () => {
    const refused = async (path: string, reason: RegExp): Promise<void> => {
      await expect(open({ kind: 'bundle', path })).rejects.toThrow(reason);
      expect(stepper.isOpen).toBe(false);
    };
    await refused('/lab/nothing', /ENOENT/);
    await write('/lab/broken/config.json', '{');
    await refused('/lab/broken', /JSON/);
    await write('/lab/wrong/config.json', '{"ociVersion": 7}');
    await refused('/lab/wrong', /ociVersion/);
    await lab.sh(ID, 'mkdir -p /lab/fifo && mkfifo /lab/fifo/config.json');
    await refused('/lab/fifo', /not a file/);
    await lab.sh(ID, 'mkdir -p /lab/link && ln -s /proc/1/environ /lab/link/config.json');
    await refused('/lab/link', /config.json: /);
    await lab.sh(ID, 'mkdir -p /lab/big && head -c 300000 /dev/zero > /lab/big/config.json');
    await refused('/lab/big', /more than 262144 bytes/);
    await write(
      '/lab/out/config.json',
      '{"ociVersion":"1.2.0","linux":{"cgroupsPath":"/../../x"}}',
    );
    await refused('/lab/out', /cgroupsPath/);
  });

  test('a link to the host › is looked for in the sandbox', async () => {
    await lab.sh(
      ID,
      'mkdir -p /lab/host && ln -s ../../../../../../etc/passwd /lab/host/config.json',
    );
    await expect(open({ kind: 'bundle', path: '/lab/host' })).rejects.toThrow(/JSON|ENOENT/);
  });

  test('a group that is there already › is not taken over, and stays', async () => {
    const { kind, hierarchies } = lab.engine.facts.cgroups;
    const path = kind === 'v2' ? '' : `/${hierarchies[0]?.name}`;
    await lab.sh(ID, `mkdir /sys/fs/cgroup${path}/taken`);
    const config = { ociVersion: '1.2.0', linux: { cgroupsPath: '/taken' } };
    await expect(open({ kind: 'config', config })).rejects.toThrow(/there is a cgroup/);
    const { exitCode } = await lab.sh(ID, `rmdir /sys/fs/cgroup${path}/taken`);
    expect(exitCode).toBe(0);
  });

  test('another open, and a sandbox that goes › end what was open', async () => {
    await open({ kind: 'container' });
    await stepper.handle({ type: 'stepper.runTo', process: 'init', index: 3 });
    const before = state().positions.map(({ hostPid }) => hostPid ?? 0);
    await open({ kind: 'exec', args: ['sleep', '1000'] });
    for (const pid of before) expect(startTimeOf(pid)).toBeNull();
    await stepper.handle({ type: 'stepper.step' });
    const [position] = state().positions;
    await stepper.sandboxGone();
    expect(stepper.isOpen).toBe(false);
    expect(startTimeOf(position?.hostPid ?? 0)).toBeNull();
  });

  async function write(path: string, content: string): Promise<void> {
    const folder = path.slice(0, path.lastIndexOf('/'));
    await lab.sh(ID, `mkdir -p ${folder} && cat > ${path} <<'END'\n${content}\nEND`);
  }
});
