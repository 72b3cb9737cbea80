/** Everything that survives a restart, behind one door. */
import { openDatabase } from './database.js';
import { ProgressStore } from './progress.js';
import { SessionStore } from './sessions.js';
import { SettingsStore } from './settings.js';

export interface Store {
  readonly sessions: SessionStore;
  readonly progress: ProgressStore;
  readonly settings: SettingsStore;
  close(): void;
}

/** @param path of the database file, or `:memory:` */
export function openStore(path: string): Store {
  const db = openDatabase(path);
  return {
    sessions: new SessionStore(db),
    progress: new ProgressStore(db),
    settings: new SettingsStore(db),
    close: () => {
      db.close();
    },
  };
}
