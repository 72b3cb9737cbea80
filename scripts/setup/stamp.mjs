/**
 * Stamps: a step that produces files writes down what it was made from; it is done while that
 * has not changed. Sizes and times are compared, not contents: a second start must take
 * milliseconds, and a needless rebuild costs only time.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const SKIP = new Set(['node_modules', 'dist', '.next', 'build', '.git']);

/** One hash over path, size and time of every file below the given places. */
export function fingerprint(places) {
  const hash = createHash('sha256');
  for (const place of places) walk(place, hash);
  return hash.digest('hex').slice(0, 16);
}

function walk(place, hash) {
  const stat = fs.statSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    hash.update(`${place} ${stat.size} ${stat.mtimeMs}\n`);
    return;
  }
  for (const name of fs.readdirSync(place).sort()) {
    if (!SKIP.has(name) && !name.endsWith('.tsbuildinfo')) walk(path.join(place, name), hash);
  }
}

/** True while `file` holds this fingerprint. */
export function isStamped(file, value) {
  return fs.existsSync(file) && fs.readFileSync(file, 'utf8') === value;
}

/** Writes the fingerprint; the last thing a step does. */
export function stamp(file, value) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, value);
}
