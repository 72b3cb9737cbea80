/**
 * Where this checkout and this instance live. Read by every script; the same names are the
 * documented options of `npm start` (README, "Options"): flags win over the environment.
 */

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Every option: flag, environment variable, default, and the sentence that --help prints. */
export const OPTIONS = [
  { flag: 'port', env: 'TERRARIUM_PORT', value: '3000', help: 'TCP port of the page' },
  { flag: 'host', env: 'TERRARIUM_HOST', value: '127.0.0.1', help: 'address the page listens on' },
  {
    flag: 'state',
    env: 'TERRARIUM_STATE',
    value: '/var/lib/terrarium',
    help: 'folder that survives: progress, images, the access token',
  },
  {
    flag: 'run',
    env: 'TERRARIUM_RUN',
    value: '/run/terrarium',
    help: 'folder of sockets; names the instance',
  },
  {
    flag: 'images',
    env: 'TERRARIUM_IMAGES',
    value: '',
    help: 'folder of base images (default: STATE/images)',
  },
  {
    flag: 'mirror',
    env: 'TERRARIUM_MIRROR',
    value: '',
    help: "Debian mirror for the sandbox's image (default: the machine's own apt sources)",
  },
];

/**
 * Parses flags over environment over defaults.
 *
 * @param argv arguments behind `npm start --`
 * @returns {{settings: Record<string, string>, help: boolean, rest: string[]}} settings by environment name
 * @throws a one-sentence Error on an unknown flag or a bad port
 */
export function readSettings(argv, extra = {}) {
  const options = { help: { type: 'boolean', short: 'h' }, ...extra };
  for (const option of OPTIONS) options[option.flag] = { type: 'string' };
  const { values } = parseArgs({ args: argv, options, allowPositionals: false });
  const settings = {};
  for (const option of OPTIONS) {
    settings[option.env] = values[option.flag] ?? process.env[option.env] ?? option.value;
  }
  settings.TERRARIUM_STATE = path.resolve(settings.TERRARIUM_STATE);
  settings.TERRARIUM_RUN = path.resolve(settings.TERRARIUM_RUN);
  settings.TERRARIUM_IMAGES = path.resolve(
    settings.TERRARIUM_IMAGES || path.join(settings.TERRARIUM_STATE, 'images'),
  );
  const port = Number(settings.TERRARIUM_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(
      `--port ${settings.TERRARIUM_PORT}: a TCP port is a whole number from 1 to 65535`,
    );
  }
  return { settings, values };
}

/** The account that owns the checkout: it, not root, runs npm and the compilers. */
export function folderOwner() {
  const { uid, gid } = fs.statSync(ROOT);
  return { uid, gid };
}
