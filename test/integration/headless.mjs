/** The emulator as the daemon has it: tests are not a workspace of their own. */
import { createRequire } from 'node:module';

const PACKAGE = '@xterm/headless';
export const headless = createRequire(new URL('../../apps/daemon/package.json', import.meta.url))(
  PACKAGE,
);
