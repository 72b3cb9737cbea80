/**
 * `npm start`: sets up what is missing, serves, prints `terrarium ready: URL`, and stops cleanly
 * on SIGINT or SIGTERM. Uses nothing but Node until the set-up has run.
 */
import fs from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { checkPort, claimInstance, serve } from './serve/supervisor.mjs';
import { becomeRoot } from './setup/become-root.mjs';
import { currentImage } from './setup/images.mjs';
import { setUp } from './setup/main.mjs';
import { OPTIONS, readSettings } from './setup/paths.mjs';

const HELP = `Usage: npm start -- [options]

Sets up what is missing, then serves the lab until Ctrl-C.

${OPTIONS.map((option) => `  --${`${option.flag} ${option.flag.toUpperCase()}`.padEnd(18)} ${option.help}\n${' '.repeat(22)}environment: ${option.env}${option.value ? `; default: ${option.value}` : ''}`).join('\n')}
  --setup-only         set up, then exit
  --help               this text

The limits of a sandbox are options of the daemon, given in the environment; see README.md, "Options".`;

async function main() {
  const argv = process.argv.slice(2);
  const { settings, values } = readSettings(argv, { 'setup-only': { type: 'boolean' } });
  if (values.help) return console.log(HELP);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 9))
    throw new Error(`Node ${process.versions.node} is too old: Terrarium needs 20.9 or later`);
  if (process.platform !== 'linux')
    throw new Error(
      `this is ${process.platform}: Terrarium needs a Linux kernel; on macOS and Windows run it in a Linux VM`,
    );
  becomeRoot(fileURLToPath(import.meta.url), argv);
  const claim = await claimInstance(settings.TERRARIUM_RUN);
  if (!values['setup-only']) await checkPort(settings.TERRARIUM_HOST, settings.TERRARIUM_PORT);
  setUp(settings);
  if (values['setup-only']) return claim.close();
  const image = currentImage(settings.TERRARIUM_IMAGES);
  if (image === null)
    throw new Error(
      `no base image in ${settings.TERRARIUM_IMAGES}: neither a Debian mirror nor a static busybox was found`,
    );
  const reduced =
    image.kind === 'debian'
      ? []
      : [
          {
            en: 'No Debian mirror answered, so sandboxes have busybox only: no bash, man pages, strace or tcc. Start again with --mirror URL for the whole userland.',
            zh: '没有可用的 Debian 镜像源，沙箱里只有 busybox：没有 bash、手册页、strace 和 tcc。可用 --mirror URL 重新启动以获得完整环境。',
          },
        ];
  for (const sentence of reduced) console.log(`Reduced: ${sentence.en}`);
  let lab;
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    console.log('terrarium: stopping (sandboxes are deleted, progress is kept)');
    process.exit((await lab.stop()) ? 0 : 1);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  if (!isIgnored('SIGHUP')) process.on('SIGHUP', stop); // the terminal is closed; not under nohup
  lab = serve(settings, image, reduced);
  try {
    const url = await lab.ready;
    if (!stopping) console.log(`terrarium ready: ${url}`);
  } catch (error) {
    if (stopping) return;
    stopping = true;
    await lab.stop();
    throw error;
  }
  setInterval(() => {}, 1 << 30); // the parts are detached: this keeps the supervisor itself alive
}

/** Whether this process was started with a signal ignored. */
function isIgnored(signal) {
  const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(
    fs.readFileSync('/proc/self/status', 'utf8'),
  )?.[1];
  return (BigInt(`0x${ignored}`) & (1n << BigInt(os.constants.signals[signal] - 1))) !== 0n;
}

main().catch((error) => {
  console.error(`terrarium: ${error.message}`);
  process.exit(1);
});
