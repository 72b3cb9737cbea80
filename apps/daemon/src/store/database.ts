/**
 * The SQLite file STATE/terrarium.db: opened in WAL mode and brought to the newest shape by
 * numbered migrations, each in one transaction with the number it leads to. A daemon that is
 * killed between two statements finds either the old or the new shape.
 */
import Libsql from 'libsql';

/** The connection. One process, one connection, synchronous: every statement here takes microseconds. */
export type Db = Libsql.Database;

/**
 * Migration n leads from version n to n + 1. Never edit one that was released: add another.
 *
 * - times are milliseconds since the epoch
 * - `memory` is what clauses with `remember` have seen, as JSON of packages/lesson's CheckMemory
 * - `token_hash` is sha256 in hex, of a token that is nowhere on disk
 */
const MIGRATIONS: readonly string[] = [
  `
  create table sessions (
    id text primary key,
    token_hash text not null unique,
    sandbox text unique,
    lost integer not null default 0,
    created_at integer not null,
    seen_at integer not null
  ) strict;
  create table steps (
    session text not null references sessions(id) on delete cascade,
    lesson text not null,
    step text not null,
    first_passed_at integer,
    latched integer not null default 0,
    help text not null default '',
    memory text,
    primary key (session, lesson, step)
  ) strict, without rowid;
  create table predictions (
    id integer primary key,
    session text not null references sessions(id) on delete cascade,
    lesson text not null,
    step text not null,
    answer text not null,
    answered_at integer not null,
    actual text,
    correct integer,
    retired integer not null default 0
  ) strict;
  create index predictions_by_step on predictions (session, lesson, step);
  create table settings (
    session text not null references sessions(id) on delete cascade,
    key text not null,
    value text not null,
    primary key (session, key)
  ) strict, without rowid;
  `,
];

/**
 * Opens the database and migrates it.
 *
 * @param path a file, or `:memory:`
 * @throws Error when the file was written by a newer Terrarium
 */
export function openDatabase(path: string): Db {
  const db = new Libsql(path, { timeout: 5000 });
  // NORMAL in WAL mode survives kill -9 of the daemon; only a power cut can lose the last commits.
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma('foreign_keys = ON');
  migrate(db, path);
  return db;
}

function migrate(db: Db, path: string): void {
  const version = (db.prepare('pragma user_version').get() as { user_version: number })
    .user_version;
  if (version > MIGRATIONS.length) {
    db.close();
    throw new Error(
      `${path} has version ${version}, this Terrarium knows up to ${MIGRATIONS.length}: update it, or move the file away`,
    );
  }
  for (let next = version; next < MIGRATIONS.length; next++) {
    db.exec(`begin immediate; ${MIGRATIONS[next]}; pragma user_version = ${next + 1}; commit;`);
  }
}
