/**
 * All sessions: made for whoever has the access token, found again by cookie, swept when idle.
 * Rows live in the database; a Session object exists from the first page (or an adopted sandbox)
 * until its sandbox is removed for idleness.
 */
import { randomBytes } from 'node:crypto';
import { hashToken, newToken, SESSION_COOKIE, sameToken } from './secrets.js';
import { Session, type SessionDeps } from './session.js';
import type { SessionRow } from './store/sessions.js';

/** How often idle sandboxes are looked for, ms; at most a tenth of the timeout. */
const SWEEP_MS = 30_000;

export class Sessions {
  readonly #deps: SessionDeps;
  readonly #accessToken: string;
  readonly #idleMs: number;
  readonly #live = new Map<string, Session>();
  readonly #epochBase = randomBytes(6).toString('hex');
  readonly #sweeper: NodeJS.Timeout;
  #epochs = 0;

  constructor(deps: SessionDeps, accessToken: string, idleMs: number) {
    this.#deps = deps;
    this.#accessToken = accessToken;
    this.#idleMs = idleMs;
    this.#sweeper = setInterval(
      () => this.#sweep(),
      Math.min(SWEEP_MS, Math.max(100, idleMs / 10)),
    );
  }

  /** Sessions with an object: connected, or with a sandbox. */
  get live(): readonly Session[] {
    return [...this.#live.values()];
  }

  /**
   * Lets someone in. A browser that has a session already keeps it: opening the link twice must
   * not lose a sandbox.
   *
   * @param cookieHeader of the browser, if any
   * @returns the session's token, which is stored nowhere; null when the access token is wrong
   */
  enter(accessToken: string, cookieHeader: string | undefined): string | null {
    if (!sameToken(accessToken, this.#accessToken)) return null;
    if (this.identify(cookieHeader) !== null) return sessionToken(cookieHeader);
    const token = newToken();
    const id = `s-${randomBytes(8).toString('hex')}`;
    this.#deps.store.sessions.add(id, hashToken(token), Date.now());
    this.#deps.log.info({ session: id, step: 'session' }, 'session made');
    return token;
  }

  /** Who a Cookie header belongs to; null when to nobody here. */
  identify(cookieHeader: string | undefined): SessionRow | null {
    const token = sessionToken(cookieHeader);
    return token === null ? null : this.#deps.store.sessions.byTokenHash(hashToken(token));
  }

  /** The session's object, made at the first page. */
  open(row: Pick<SessionRow, 'id' | 'tokenHash'>): Session {
    const live = this.#live.get(row.id);
    if (live !== undefined) return live;
    const session = new Session(row, `${this.#epochBase}-${++this.#epochs}`, this.#deps);
    this.#live.set(row.id, session);
    return session;
  }

  /** The session that this sandbox belongs to at present. */
  bySandbox(sandbox: string): Session | null {
    for (const session of this.#live.values()) if (session.runtime.id === sandbox) return session;
    return null;
  }

  /** Closes every page and removes every sandbox. */
  async shutDown(): Promise<void> {
    clearInterval(this.#sweeper);
    const sessions = this.live;
    for (const session of sessions) session.close(1012, 'the daemon stops');
    await Promise.all(sessions.map((session) => session.runtime.remove()));
    this.#live.clear();
  }

  #sweep(): void {
    const now = Date.now();
    for (const session of this.live) {
      if (session.pages > 0 || now - session.lastUsed < this.#idleMs) continue;
      this.#deps.log.info({ session: session.id, step: 'idle' }, 'idle sandbox removed');
      session.runtime
        .remove()
        .then(() => {
          // Unless a page came back meanwhile.
          if (session.pages > 0 || session.runtime.id !== null) return;
          session.close(1001, 'idle');
          this.#live.delete(session.id);
        })
        .catch((error: unknown) => {
          this.#deps.log.error({ session: session.id, err: error }, 'idle removal failed');
        });
    }
  }
}

/** Reads the session's token from a Cookie header. */
export function sessionToken(header: string | undefined): string | null {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== SESSION_COOKIE) continue;
    const value = pair.slice(at + 1).trim();
    if (/^[A-Za-z0-9_-]{16,128}$/.test(value)) return value;
  }
  return null;
}
