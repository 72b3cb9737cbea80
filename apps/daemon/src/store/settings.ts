/** Settings of a session: language, theme, layout. Opaque strings that the page gives meaning. */
import type { Db } from './database.js';

/** More than any page of ours has; a bound on what one learner can write. */
export const MAX_SETTINGS = 64;

export class SettingsStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  all(session: string): Record<string, string> {
    const rows = this.#db
      .prepare('select key, value from settings where session = ? order by key')
      .all(session) as { key: string; value: string }[];
    return Object.fromEntries(rows.map((raw) => [raw.key, raw.value]));
  }

  /** @returns false when the session has MAX_SETTINGS others already */
  set(session: string, key: string, value: string): boolean {
    const others = this.#db
      .prepare('select count(*) as n from settings where session = ? and key <> ?')
      .get(session, key) as { n: number };
    if (others.n >= MAX_SETTINGS) return false;
    this.#db
      .prepare(
        `insert into settings (session, key, value) values (?, ?, ?)
         on conflict do update set value = excluded.value`,
      )
      .run(session, key, value);
    return true;
  }
}
