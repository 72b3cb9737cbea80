/**
 * Entry of the web process: `node apps/web/dist/server/main.js`. Unprivileged: it refuses to be
 * root, since everything it needs are two sockets that its group may open and a port above 1023.
 */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { compressedAssets } from './assets.js';
import type { WebConfig } from './config.js';
import { readConfig } from './config.js';
import { provideLessons } from './lessons.js';
import { createWebServer, type Log, type PageHandler } from './server.js';

/** apps/web, where next.config.ts and .next are. */
const APP_DIR = fileURLToPath(new URL('../..', import.meta.url));

const log: Log = (line) => {
  process.stderr.write(
    `${JSON.stringify({ t: new Date().toISOString(), part: 'web', ...line })}\n`,
  );
};

async function main(): Promise<void> {
  const config = readConfig(process.env, process.argv.slice(2));
  if (process.getuid?.() === 0 && !config.allowRoot) {
    throw new Error(
      'refusing to serve web pages as root: start it as another user (npm start does), or pass --allow-root',
    );
  }
  provideLessons(log);
  const server = createWebServer(config, await nextHandler(config), log);
  server.on('error', (error) => {
    log({ level: 'error', event: 'web.failed', error: error.message });
    process.exit(1);
  });
  server.listen(config.port, config.host, () => {
    log({ level: 'info', event: 'web.ready', host: config.host, port: config.port });
    // The one who started us waits for this line, or for this message where there is a channel.
    process.send?.({ type: 'ready' });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close(() => process.exit(0));
      server.closeAllConnections();
      // Upgraded sockets are no longer the server's: nothing of ours is left to wait for.
      setTimeout(() => process.exit(0), 200).unref();
    });
  }
}

async function nextHandler(config: WebConfig): Promise<PageHandler> {
  process.env['NEXT_TELEMETRY_DISABLED'] = '1';
  // Next decides by it which build of React it loads, before its own option is read.
  if (process.env['NODE_ENV'] !== 'production')
    Object.assign(process.env, { NODE_ENV: 'production' });
  const { default: next } = await import('next');
  const create = next as unknown as typeof next.default;
  const app = create({
    dev: false,
    dir: APP_DIR,
    hostname: config.host,
    port: config.port,
    quiet: true,
    // Next puts a listener for upgrades on the server that it is given, and that listener ends
    // every socket which is not Next's own. On this server, which never listens, it harms nobody.
    httpServer: createServer(),
  });
  await app.prepare();
  const handle = app.getRequestHandler();
  const assets = compressedAssets();
  return (request, response) =>
    new Promise((resolve, reject) => {
      response.once('close', resolve);
      assets(request, response, () => handle(request, response).then(resolve, reject));
    });
}

main().catch((error: unknown) => {
  log({
    level: 'error',
    event: 'web.failed',
    error: error instanceof Error ? error.message : String(error),
  });
  process.exit(1);
});
