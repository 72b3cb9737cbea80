/**
 * The session cookie: 32 random bytes that stand for one learner. The daemon keeps their hash.
 */

/** Name of the cookie; the daemon and the terminal host read it too. */
export const SESSION_COOKIE = 'terrarium_session';

/** One year: a learner comes back to unfinished lessons; the daemon forgets sessions itself. */
const MAX_AGE_SECONDS = 365 * 24 * 60 * 60;

/** Writes the Set-Cookie line. Not Secure: the lab is served on http://127.0.0.1. */
export function sessionCookie(token: string): string {
  return `${SESSION_COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${MAX_AGE_SECONDS}`;
}

/** Reads the session from a Cookie header; null when there is none that could be one of ours. */
export function readSession(header: string | undefined): string | null {
  for (const pair of (header ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === SESSION_COOKIE && value && /^[A-Za-z0-9_-]{16,128}$/.test(value)) return value;
  }
  return null;
}
