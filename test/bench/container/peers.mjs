/** The peers of the container benchmarks: crun and runc where they run, each with its own state. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const SAMPLER = fileURLToPath(new URL('peer-sampler.mjs', import.meta.url));

/** @returns {Promise<{run(commands: string[][], terminal?: boolean): Promise<{ms: number, each: number[]}>, close(): Promise<void>}>} */
export async function startSampler() {
  const hide = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
  const child = spawn('unshare', ['--mount', 'sh', '-c', hide, 'sh', process.execPath, SAMPLER], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    run: async (commands, terminal = false) => {
      child.stdin.write(`${JSON.stringify({ commands, terminal })}\n`);
      const { value } = await lines.next();
      const result = JSON.parse(value);
      if (result.failed)
        throw new Error(result.failed.said.trim() || `status ${result.failed.status}`);
      return result;
    },
    close: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.stdin.end();
      }),
  };
}

/**
 * The runtimes of this machine that can run the config, as functions that make a command.
 *
 * @param config given as it is; a peer that does not know the time namespace gets it without
 */
export async function runtimesFor(config, bundle, sampler, terminal) {
  const found = {};
  for (const name of ['crun', 'runc']) {
    const folder = path.join(bundle.folder, `${name}-bundle`);
    fs.mkdirSync(folder, { recursive: true });
    let count = 0;
    const command = () => {
      count += 1;
      return [
        name,
        '--root',
        path.join(bundle.states, `${name}-state`),
        'run',
        '--bundle',
        folder,
        `bench-${process.pid}-${count}`,
      ];
    };
    for (const [label, variant] of [
      [name, config],
      [`${name} without a time namespace`, withoutTime(config)],
    ]) {
      fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify(variant));
      const problem = await sampler.run([command()], terminal).then(
        () => null,
        (error) => error.message,
      );
      if (problem === null) {
        found[label] = command;
        break;
      }
      console.log(`  ${label} does not run here: ${problem.split('\n')[0]}`);
    }
  }
  return found;
}

function withoutTime(config) {
  const { timeOffsets: _, ...linux } = config.linux;
  const namespaces = linux.namespaces.filter(({ type }) => type !== 'time');
  return { ...config, linux: { ...linux, namespaces } };
}
