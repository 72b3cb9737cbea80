/** Debian packages: which are missing, and the mirror that the machine itself uses. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

/** What `npm start` needs beside Node. The sandbox's own packages are in images.mjs. */
export const START_PACKAGES = ['gcc', 'libc6-dev', 'mmdebstrap', 'busybox-static'];
/** What `npm test` needs more. */
export const TEST_PACKAGES = [
  'chromium',
  'iproute2',
  'libasan8',
  'libubsan1',
  'nftables',
  'procps',
  'qemu-system-x86',
];
/** Without these something is left out, with a sentence that names it; without the others nothing works. */
export const OPTIONAL_PACKAGES = ['mmdebstrap', 'busybox-static', 'qemu-system-x86'];

/** The packages of the list that dpkg does not know as installed. */
export function missingPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own field syntax
  const format = '${Package} ${db:Status-Status}\n';
  const asked = spawnSync('dpkg-query', ['-W', '-f', format, ...names], { encoding: 'utf8' });
  if (asked.error)
    throw new Error(
      'this is not a Debian system (no dpkg-query): Terrarium sets itself up on Debian 12 or later',
    );
  const installed = new Set(
    asked.stdout
      .split('\n')
      .filter((row) => row.endsWith(' installed'))
      .map((row) => row.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** Installs packages with apt-get; the package lists are fetched first when apt has none. */
export async function installPackages(names, run) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-q'], { env });
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names], { env });
}

/**
 * The Debian mirror of the machine's own apt sources: the first one that serves a Debian suite.
 *
 * @param folder /etc/apt; tests pass a temporary one
 * @returns null when there is none: mmdebstrap then takes its default
 */
export function machineMirror(folder = '/etc/apt') {
  const lists = [`${folder}/sources.list`];
  const parts = `${folder}/sources.list.d`;
  if (fs.existsSync(parts))
    lists.push(
      ...fs
        .readdirSync(parts)
        .sort()
        .map((name) => `${parts}/${name}`),
    );
  for (const list of lists) {
    if (!fs.existsSync(list)) continue;
    const text = fs.readFileSync(list, 'utf8');
    const found = list.endsWith('.sources')
      ? deb822Mirror(text)
      : list.endsWith('.list')
        ? oneLineMirror(text)
        : null;
    if (found !== null) return found;
  }
  return null;
}

const DEBIAN_SUITE = /\b(bookworm|trixie|stable|oldstable|forky|testing)\b/;

/** `deb [options] http://mirror/debian bookworm main` */
function oneLineMirror(text) {
  for (const row of text.split('\n')) {
    const match = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+main\b/.exec(row);
    if (match && DEBIAN_SUITE.test(match[2]) && !match[2].includes('security')) return match[1];
  }
  return null;
}

/** `Types: deb` / `URIs: http://mirror/debian` / `Suites: bookworm bookworm-updates` */
function deb822Mirror(text) {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name) => new RegExp(`^${name}:\\s*(.+)$`, 'm').exec(stanza)?.[1]?.trim();
    const uri = field('URIs')?.split(/\s+/)[0];
    const suites = field('Suites') ?? '';
    if (
      uri &&
      DEBIAN_SUITE.test(suites) &&
      !/security/.test(suites) &&
      /\bmain\b/.test(field('Components') ?? '')
    )
      return uri;
  }
  return null;
}
