/**
 * What the web process may be told, from the environment. The only place here that reads it.
 */
import { join } from 'node:path';

/** The web process's options, with the defaults of the README's table. */
export interface WebConfig {
  /** address to listen on */
  readonly host: string;
  readonly port: number;
  /** HTTP and /api/live; served by the daemon */
  readonly daemonSocket: string;
  /** /api/terminals/*; served by the terminal host, so that shells outlive the daemon */
  readonly terminalsSocket: string;
  /** serve although the process is root (containers without another user) */
  readonly allowRoot: boolean;
}

/**
 * Reads the configuration.
 *
 * @throws Error naming the variable when the port is not a number from 1 to 65535
 */
export function readConfig(env: NodeJS.ProcessEnv, argv: readonly string[]): WebConfig {
  const run = env['TERRARIUM_RUN'] ?? '/run/terrarium';
  return {
    host: env['TERRARIUM_HOST'] ?? '127.0.0.1',
    port: readPort(env['TERRARIUM_PORT'] ?? '3000'),
    daemonSocket: join(run, 'daemon.sock'),
    terminalsSocket: join(run, 'terminals.sock'),
    allowRoot: env['TERRARIUM_WEB_ALLOW_ROOT'] === '1' || argv.includes('--allow-root'),
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`TERRARIUM_PORT=${text}: not a port; give a number from 1 to 65535`);
  }
  return port;
}
