/**
 * The session cookie: 32 random bytes that stand for one learner. The daemon keeps their hash.
 *
 * Browsers share cookies between all ports of a host, and two labs may run side by side: so the
 * browser's cookie carries the port in its name. Behind this process it has one name.
 */
import type { IncomingMessage } from 'node:http';

/** Name of the cookie for the daemon and the terminal host. */
export const SESSION_COOKIE = 'terrarium_session';

/** One year: a learner comes back to unfinished lessons; the daemon forgets sessions itself. */
const MAX_AGE_SECONDS = 365 * 24 * 60 * 60;

/** Writes the Set-Cookie line. Not Secure: the lab is served on http://127.0.0.1. */
export function sessionCookie(token: string, port: number): string {
  return `${SESSION_COOKIE}_${port}=${token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${MAX_AGE_SECONDS}`;
}

/**
 * Gives this port's cookie its inner name and leaves other labs' cookies out, in the parsed and
 * the raw headers, before anything else looks at the request.
 */
export function adoptCookie(request: IncomingMessage, port: number): void {
  const header = request.headers.cookie;
  if (header === undefined) return;
  const adopted = header
    .split(';')
    .map((pair) => pair.trim())
    .map((pair) => pair.replace(`${SESSION_COOKIE}_${port}=`, `${SESSION_COOKIE}=`))
    .filter((pair) => !pair.startsWith(`${SESSION_COOKIE}_`))
    .join('; ');
  request.headers.cookie = adopted;
  const raw = request.rawHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() === 'cookie') raw[i + 1] = adopted;
  }
}

/** Reads the session from an adopted Cookie header; null when there is none that could be ours. */
export function readSession(header: string | undefined): string | null {
  for (const pair of (header ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === SESSION_COOKIE && value && /^[A-Za-z0-9_-]{16,128}$/.test(value)) return value;
  }
  return null;
}
