/**
 * `npm run guest` opens a shell in the guest: Debian's cloud kernel in QEMU, cgroup v2 only, this
 * checkout in place. `npm run guest -- COMMAND` runs one command there and ends with its status.
 * Writes go to memory and are gone when it powers off. Ctrl-A X ends QEMU at once.
 */
import { fileURLToPath } from 'node:url';
import { becomeRoot } from '../setup/become-root.mjs';
import { setUp } from '../setup/main.mjs';
import { readSettings } from '../setup/paths.mjs';
import { guestLack, runInGuest } from './guest.mjs';

const SHELL = `stty rows ${process.stdout.rows ?? 24} cols ${process.stdout.columns ?? 80}; exec bash -l\n`;

async function main() {
  const argv = process.argv.slice(2);
  becomeRoot(fileURLToPath(import.meta.url), argv);
  const words = argv[0] === '--' ? argv.slice(1) : argv;
  const { settings } = readSettings([]);
  setUp(settings, true);
  const lack = guestLack(settings);
  if (lack !== null) throw new Error(`no guest: missing ${lack}`);
  const interactive = words.length === 0;
  const { status, accelerator, seconds } = await runInGuest(
    settings,
    interactive ? SHELL : `${words.join(' ')}\n`,
    { interactive, onLine: (line) => console.log(line) },
  );
  console.error(`guest: ended after ${seconds} s (${accelerator})`);
  process.exit(status ?? 1);
}

main().catch((error) => {
  console.error(`terrarium: ${error.message}`);
  process.exit(1);
});
