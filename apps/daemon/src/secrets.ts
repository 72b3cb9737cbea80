/**
 * Tokens. The access token is the invitation in the link that `npm start` prints; whoever has it
 * may become a learner. A session token is one learner's, in a cookie; only its hash is stored,
 * so that a copy of the database opens no session.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of randomness in each token: beyond guessing, and 43 characters in a link. */
const TOKEN_BYTES = 32;

/** The cookie that carries a session token. Set by the web process, HttpOnly and SameSite=Strict. */
export const SESSION_COOKIE = 'terrarium_session';

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** sha256 in hex. A token has 256 random bits, so a slow password hash would add nothing. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Compares without telling by its duration how much was right; lengths do not matter either. */
export function sameToken(a: string, b: string): boolean {
  return timingSafeEqual(
    createHash('sha256').update(a).digest(),
    createHash('sha256').update(b).digest(),
  );
}

/**
 * Reads STATE/access-token, making it at first start (mode 0600).
 *
 * It is written beside and linked into place: two daemons that start at once agree on one, and a
 * half-written token is never read.
 */
export function loadAccessToken(stateDir: string): string {
  const path = join(stateDir, 'access-token');
  const existing = readToken(path);
  if (existing !== null) {
    chmodSync(path, 0o600);
    return existing;
  }
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${newToken()}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    // Another daemon was first: its token counts.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const made = readToken(path);
  if (made === null) throw new Error(`${path} is empty: delete it and start again`);
  return made;
}

function readToken(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return text === '' ? null : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
