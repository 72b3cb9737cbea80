/**
 * STATE/sandboxes/ID.json: what a daemon must find again after it crashed. Written before the
 * first kernel object exists, removed after the last one is gone.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runtimeConfig } from '@terrarium/spec';
import { z } from 'zod';
import { removeFile, writeFileAtomically } from './atomic-file.js';

/** Ids name files, cgroups and terminals: short and plain. */
export const sandboxId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/);

/** One sandbox as it is on disk. */
export const sandboxRecord = z.object({
  version: z.literal(1),
  id: sandboxId,
  instance: z.string(),
  /** creating: kernel objects may be half there; running: `init` is known */
  status: z.enum(['creating', 'running']),
  idBase: z.number().int().positive(),
  /** milliseconds since the epoch */
  createdAt: z.number(),
  /** of the boot that `init` belongs to */
  bootId: z.string(),
  init: z.object({ pid: z.number().int().positive(), startTime: z.number() }).nullable(),
  config: runtimeConfig,
});
export type SandboxRecord = z.infer<typeof sandboxRecord>;

/** The directory of records. */
export class SandboxRecords {
  readonly #directory: string;

  /** @param state the STATE directory */
  constructor(state: string) {
    this.#directory = join(state, 'sandboxes');
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  write(record: SandboxRecord): void {
    writeFileAtomically(this.#path(record.id), `${JSON.stringify(record)}\n`);
  }

  remove(id: string): void {
    removeFile(this.#path(id));
  }

  /**
   * Reads all; a file that is not a record (torn by a crash of the machine, of another version)
   * is listed as broken by its id, and whatever exists by that name is to be removed. Removes
   * drafts that never became records, so it is for adoption, before anything is written.
   */
  readAll(): { readonly records: SandboxRecord[]; readonly broken: string[] } {
    const records: SandboxRecord[] = [];
    const broken: string[] = [];
    for (const name of readdirSync(this.#directory)) {
      if (name.endsWith('.new')) {
        // A write that a kill -9 kept from its rename; nobody else would ever remove it.
        rmSync(join(this.#directory, name), { force: true });
        continue;
      }
      if (!name.endsWith('.json')) continue;
      const id = name.slice(0, -'.json'.length);
      const record = this.#read(id);
      if (record === null) broken.push(id);
      else records.push(record);
    }
    return { records, broken };
  }

  #read(id: string): SandboxRecord | null {
    try {
      const parsed = sandboxRecord.safeParse(JSON.parse(readFileSync(this.#path(id), 'utf8')));
      return parsed.success && parsed.data.id === id ? parsed.data : null;
    } catch {
      return null; // not JSON
    }
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}
