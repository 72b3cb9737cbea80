/** Sessions: who may come back, and which sandbox is theirs. */
import type { Db } from './database.js';

/** One learner's browser. */
export interface SessionRow {
  readonly id: string;
  readonly tokenHash: string;
  /** id of its sandbox: written before the sandbox is made, so that none is ever without owner */
  readonly sandbox: string | null;
  /** true when a sandbox was lost without the learner's doing; told at the next hello */
  readonly lost: boolean;
  readonly createdAt: number;
  readonly seenAt: number;
}

interface RawSession {
  id: string;
  token_hash: string;
  sandbox: string | null;
  lost: number;
  created_at: number;
  seen_at: number;
}

export class SessionStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  add(id: string, tokenHash: string, now: number): SessionRow {
    this.#db
      .prepare('insert into sessions (id, token_hash, created_at, seen_at) values (?, ?, ?, ?)')
      .run(id, tokenHash, now, now);
    return { id, tokenHash, sandbox: null, lost: false, createdAt: now, seenAt: now };
  }

  byTokenHash(tokenHash: string): SessionRow | null {
    return row(this.#db.prepare('select * from sessions where token_hash = ?').get(tokenHash));
  }

  byId(id: string): SessionRow | null {
    return row(this.#db.prepare('select * from sessions where id = ?').get(id));
  }

  /** Every session that has (or was about to have) a sandbox. */
  withSandbox(): SessionRow[] {
    return this.#db
      .prepare('select * from sessions where sandbox is not null')
      .all()
      .map((raw) => row(raw) as SessionRow);
  }

  setSandbox(id: string, sandbox: string | null): void {
    this.#db.prepare('update sessions set sandbox = ? where id = ?').run(sandbox, id);
  }

  setLost(id: string, lost: boolean): void {
    this.#db.prepare('update sessions set lost = ? where id = ?').run(lost ? 1 : 0, id);
  }

  touch(id: string, now: number): void {
    this.#db.prepare('update sessions set seen_at = ? where id = ?').run(now, id);
  }

  /** Forgets sessions, with their progress, that nobody has come back to. @returns how many */
  forgetUnseen(before: number): number {
    return this.#db
      .prepare('delete from sessions where seen_at < ? and sandbox is null')
      .run(before).changes;
  }
}

function row(raw: unknown): SessionRow | null {
  if (raw === undefined) return null;
  const r = raw as RawSession;
  return {
    id: r.id,
    tokenHash: r.token_hash,
    sandbox: r.sandbox,
    lost: r.lost !== 0,
    createdAt: r.created_at,
    seenAt: r.seen_at,
  };
}
