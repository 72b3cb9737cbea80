/**
 * What the kernel counts in each group, read at 4 Hz while somebody looks. Files stay open: a pread
 * costs 1 to 3 µs, opening as well 15. Only texts that changed are told, all groups in one event.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { CgroupKey } from '@terrarium/timeline';
import { carriedText, isSlowMeter } from './control-files.js';
import type { Group } from './group-table.js';

/** Files that stay open for one sandbox; more are opened for each reading. */
const MAX_OPEN_FILES = 512;
/** Readings in one beat (about 4 ms): beyond it the groups take turns. */
const MAX_READINGS = 1500;
/** Every how many-th beat reads the files that are costly, or tell slow things: once a second. */
const SLOW_EVERY = 4;
/** memory.stat of v2 has 2 KiB; io.stat a line for each device. Cut there. */
const BUFFER = Buffer.allocUnsafe(16 * 1024);
const MAX_METER_CHARS = 4096;

/** Texts by file, of those groups in which one changed. */
export type Sample = Record<CgroupKey, Record<string, string>>;

interface Reading {
  readonly group: Group;
  /** null: not kept open */
  readonly fds: Map<string, number>;
  readonly texts: Map<string, string>;
}

export class MeterReadings {
  private readonly readings = new Map<CgroupKey, Reading>();
  private openFiles = 0;
  private beats = 0;
  private turn = 0;

  /** Reads the meters of these groups, and forgets all others; null when nothing changed. */
  sample(groups: ReadonlyMap<CgroupKey, Group>): Sample | null {
    for (const [key, { group }] of this.readings) if (groups.get(key) !== group) this.forget(key);
    const slow = this.beats++ % SLOW_EVERY === 0;
    const all = [...groups.values()];
    const sample: Sample = {};
    let left = MAX_READINGS;
    let done = 0;
    while (done < all.length && left > 0) {
      const group = all[(this.turn + done++) % all.length];
      if (group !== undefined) left -= this.readGroup(group, slow, sample);
    }
    this.turn = all.length === 0 ? 0 : (this.turn + done) % all.length;
    return Object.keys(sample).length === 0 ? null : sample;
  }

  /** Reads the named files of one group now. */
  sampleOne(group: Group, files: Iterable<string>): Sample | null {
    const sample: Sample = {};
    for (const file of files) {
      if (group.meters.includes(file)) this.readFile(group, file, sample);
    }
    return Object.keys(sample).length === 0 ? null : sample;
  }

  private readGroup(group: Group, slow: boolean, sample: Sample): number {
    const isNew = !this.readings.has(group.key);
    let count = 0;
    for (const file of group.meters) {
      if (!slow && !isNew && isSlowMeter(file)) continue;
      this.readFile(group, file, sample);
      count += 1;
    }
    return count;
  }

  private readFile(group: Group, file: string, sample: Sample): void {
    let reading = this.readings.get(group.key);
    if (reading === undefined || reading.group !== group) {
      this.forget(group.key);
      reading = { group, fds: new Map(), texts: new Map() };
      this.readings.set(group.key, reading);
    }
    const text = this.text(reading, file);
    if (text === null || text === reading.texts.get(file)) return;
    reading.texts.set(file, text);
    sample[group.key] ??= {};
    (sample[group.key] as Record<string, string>)[file] = text;
  }

  private text(reading: Reading, file: string): string | null {
    const kept = reading.fds.get(file);
    let fd = kept;
    try {
      fd ??= openSync(`${reading.group.dir}/${file}`, 'r');
      const length = readSync(fd, BUFFER, 0, BUFFER.length, 0);
      const text = carriedText(file, BUFFER.toString('utf8', 0, length));
      if (kept === undefined && this.openFiles < MAX_OPEN_FILES) {
        reading.fds.set(file, fd);
        this.openFiles += 1;
        fd = undefined;
      }
      return text.slice(0, MAX_METER_CHARS);
    } catch {
      return null; // ENODEV, ENOENT: the group is gone; EOPNOTSUPP: pressure is switched off
    } finally {
      if (kept === undefined && fd !== undefined) closeSync(fd);
    }
  }

  private forget(key: CgroupKey): void {
    const reading = this.readings.get(key);
    if (reading === undefined) return;
    for (const fd of reading.fds.values()) closeSync(fd);
    this.openFiles -= reading.fds.size;
    this.readings.delete(key);
  }

  /** Nobody looks: the files are closed, and the next sample tells everything again. */
  close(): void {
    for (const key of [...this.readings.keys()]) this.forget(key);
  }
}
