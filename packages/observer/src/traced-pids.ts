/**
 * Which threads the tree instance traces: the file `set_event_pid` of one tracefs instance, in the
 * observer process. A write to it is not an addition: the kernel copies the list, adds to the copy
 * and puts it in the place of the old one. A child that `event-fork` adds to the old list in
 * between is in no list afterwards: neither it nor its descendants are told of. The longer the
 * list, and the busier the machine, the more often (measured: one of 60 writes beside 2,500 forks
 * a second, with 20,000 threads in the list one of three).
 *
 * So the list is written as seldom as can be: only for threads that are not in it (what a traced
 * launcher puts into a sandbox is), and for all of them that wait at once. And whenever it was
 * written it is read again, until all that live are in it, and all their children: the trace may not
 * have told yet who was born during the write.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';

/** Writes in a row for what got lost by the one before. */
const MENDING_WRITES = 5;

/** The list of traced threads of one instance. */
export class TracedPids {
  private readonly file: string;
  private readonly living: () => readonly number[];
  private readonly waiting = new Set<number>();
  private next: Promise<void> | null = null;
  private last: Promise<void> = Promise.resolve();
  private closed = false;

  /**
   * @param file set_event_pid
   * @param living threads that have to be in it, as far as they are known
   */
  constructor(file: string, living: () => readonly number[]) {
    this.file = file;
    this.living = living;
  }

  /** Resolves when these threads are traced, or gone. */
  add(pids: readonly number[]): Promise<void> {
    if (pids.length === 0 || this.closed) return Promise.resolve();
    for (const pid of pids) this.waiting.add(pid);
    // All that come while the one before is at work go together.
    return this.check();
  }

  /** Compares the list with who lives; resolves when all are traced. */
  check(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.next ??= this.last.then(() => this.write());
    this.last = this.next;
    return this.next;
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.closed = true;
    await this.last;
  }

  private async write(): Promise<void> {
    this.next = null;
    const asked = [...this.waiting];
    this.waiting.clear();
    const all = (): Set<number> => new Set([...asked, ...withDescendants(this.living())]);
    let missing = await this.missing(all);
    for (let round = 0; missing.length > 0 && round <= MENDING_WRITES; round++) {
      await this.append(missing);
      missing = await this.missing(all);
    }
  }

  /** Those of these threads that live and are not in the list. */
  private async missing(wanted: () => ReadonlySet<number>): Promise<number[]> {
    if (this.closed) return [];
    const pids = [...wanted()]; // before the list is read: who is born after that is no loss
    // In libuv's pool, as the kernel holds the list's lock while another write waits.
    const text = await readFile(this.file, 'latin1').catch(() => null);
    if (text === null) return [];
    const listed = new Set(text.split(/\s+/).map(Number));
    return pids.filter((pid) => !listed.has(pid) && runs(pid));
  }

  private async append(pids: readonly number[]): Promise<void> {
    if (this.closed) return;
    // In libuv's pool: the kernel waits for an RCU grace period (10 to 100 ms) in this write.
    await appendFile(this.file, `${pids.join(' ')}\n`).catch(() => {});
  }
}

/** Zombies have left the list for good, and a number that is free would soon be a stranger's. */
function runs(pid: number): boolean {
  const stat = text(`/proc/${pid}/stat`);
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

function threads(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return []; // gone
  }
}

/** All threads of these processes, of their children, of theirs, and so on. */
function withDescendants(pids: readonly number[]): number[] {
  const processes = new Set(pids);
  const found: number[] = [];
  for (const pid of processes) {
    for (const tid of threads(pid)) {
      found.push(tid);
      const children = text(`/proc/${pid}/task/${tid}/children`).split(' ').filter(Boolean);
      for (const child of children) processes.add(Number(child));
    }
  }
  return found;
}

function text(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // gone, or not on this kernel
  }
}
