/**
 * `npm start`: sets up what is missing, serves, prints `terrarium ready: URL`, and stops cleanly
 * on SIGINT or SIGTERM. Uses nothing but Node until the set-up has run.
 */
import { fileURLToPath } from 'node:url';
import { claimInstance, serve } from './serve/supervisor.mjs';
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
  const lab = await serve(settings, image, reduced);
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      console.log('terrarium: stopping (sandboxes are deleted, progress is kept)');
      await lab.stop();
      process.exit(0);
    });
  }
  setInterval(() => {}, 1 << 30); // the parts are detached: this keeps the supervisor itself alive
}

main().catch((error) => {
  console.error(`terrarium: ${error.message}`);
  process.exit(1);
});
