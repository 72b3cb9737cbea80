/** The `ws` package as the daemon has it: benches are not a workspace of their own. */
import { createRequire } from 'node:module';

const PACKAGE = 'ws';
const load = createRequire(new URL('../../../apps/daemon/package.json', import.meta.url));
export const { WebSocket, WebSocketServer } = load(PACKAGE);
