/**
 * Gives each sandbox 65,536 host ids of its own. A claim is a file in a directory that all
 * instances on the host share, so two daemons never hand out the same range; it is gone after a
 * reboot, as the sandboxes are. It is linked into place whole: a daemon that is killed meanwhile
 * never leaves a claim without an owner, which nobody could give back.
 */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ID_RANGE_SIZE } from '../sandbox-config.js';

/**
 * First id: above all that systemd's UIDS-GIDS table gives to users, subordinate ids and
 * systemd-nspawn (which ends at 1,879,048,191), below 2^31, where tools mistake ids for negative.
 */
export const FIRST_ID = 1_879_048_192;
/** One past the last id. */
export const ID_END = 2_147_483_648;

/** Where ranges are claimed, host-wide. */
export const CLAIMS_DIRECTORY = '/run/terrarium-id-ranges';

/** Someone else's ids: [first, one past the last]. */
export type ForeignRange = readonly [start: number, end: number];

/** Hands out ranges. */
export class IdRanges {
  readonly #directory: string;
  readonly #owner: string;
  readonly #foreign: readonly ForeignRange[];
  /** a claim on its way; its name is no number */
  readonly #draft: string;

  /**
   * @param owner written into each claim: instance and STATE directory, so that its successor
   *   knows which claims are its own
   */
  constructor(
    owner: string,
    options: { directory?: string; foreign?: readonly ForeignRange[] } = {},
  ) {
    this.#owner = owner;
    this.#directory = options.directory ?? CLAIMS_DIRECTORY;
    this.#foreign = options.foreign ?? subordinateRanges();
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 });
    this.#draft = join(this.#directory, `.draft-${owner.split(' ', 1)[0]}`);
    rmSync(this.#draft, { force: true }); // of a killed predecessor
  }

  /** Claims a free range. @returns its first id @throws Error when all are taken */
  claim(sandbox: string): number {
    const taken = new Set(this.#claims());
    for (let start = FIRST_ID; start + ID_RANGE_SIZE <= ID_END; start += ID_RANGE_SIZE) {
      if (taken.has(start) || this.#isForeign(start)) continue;
      if (this.#tryClaim(start, sandbox)) return start;
    }
    throw new Error('no id range is free: too many sandboxes');
  }

  /** Makes sure that a range found in a record is claimed; quiet when it is. */
  reclaim(start: number, sandbox: string): void {
    this.#tryClaim(start, sandbox);
  }

  /** Gives a range back: only when nothing of its sandbox exists any more. */
  free(start: number): void {
    try {
      unlinkSync(this.#path(start));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** Claims of this owner: first id and sandbox. */
  own(): { readonly start: number; readonly sandbox: string }[] {
    return this.#claims().flatMap((start) => {
      const [owner, sandbox] = this.#read(start);
      return owner === this.#owner && sandbox !== undefined ? [{ start, sandbox }] : [];
    });
  }

  #claims(): number[] {
    return readdirSync(this.#directory).map(Number).filter(Number.isSafeInteger);
  }

  #read(start: number): string[] {
    try {
      return readFileSync(this.#path(start), 'utf8').split('\n');
    } catch {
      return []; // freed meanwhile
    }
  }

  #tryClaim(start: number, sandbox: string): boolean {
    writeFileSync(this.#draft, `${this.#owner}\n${sandbox}\n`, { mode: 0o600 });
    try {
      linkSync(this.#draft, this.#path(start));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(this.#draft, { force: true });
    }
  }

  #isForeign(start: number): boolean {
    return this.#foreign.some(([from, to]) => start < to && from < start + ID_RANGE_SIZE);
  }

  #path(start: number): string {
    return join(this.#directory, String(start));
  }
}

/** A line of /etc/subuid or /etc/subgid: `debian:100000:65536` */
export function subordinateRanges(files = ['/etc/subuid', '/etc/subgid']): ForeignRange[] {
  return files.flatMap((file) => {
    let content: string;
    try {
      content = readFileSync(file, 'utf8');
    } catch {
      return []; // no subordinate ids on this host
    }
    return content.split('\n').flatMap((line): ForeignRange[] => {
      const [, start, count] = line.split(':').map(Number);
      if (start === undefined || count === undefined || Number.isNaN(start + count)) return [];
      return [[start, start + count]];
    });
  });
}
