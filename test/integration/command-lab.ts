/**
 * A learner who types into a real terminal, with everything that the timeline told since: what each
 * command did, in a normal form that a table can hold (no pids, inodes and times).
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  attributionOf,
  type CommandSpan,
  commandDiff,
  type DiffObject,
  type FieldChange,
  History,
  type ProcessState,
  type TimelineEvent,
} from '../../packages/timeline/src/index.js';
import { currentImage } from '../../scripts/setup/images.mjs';
import type { DaemonLab, Learner } from './daemon-lab.js';
import { until } from './patience.js';

/** The base image with bash and all tools; null where none was built. */
export function debianImage(): string | null {
  const images =
    process.env['TERRARIUM_IMAGES'] ??
    join(process.env['TERRARIUM_STATE'] ?? '/var/lib/terrarium', 'images');
  const current = currentImage(images);
  if (current?.kind === 'debian') return current.path;
  const names = existsSync(images) ? readdirSync(images) : [];
  const found = names.find((name) =>
    existsSync(join(images, name, 'etc/terrarium/shell-marks.bash')),
  );
  return found === undefined ? null : join(images, found);
}

/** One learner at a keyboard. */
export class Typist {
  readonly learner: Learner;
  readonly #terminal: string;
  #history: History | null = null;
  #taken = 0;

  private constructor(learner: Learner, terminal: string) {
    this.learner = learner;
    this.#terminal = terminal;
  }

  /** A new learner before the prompt of a first terminal. */
  static async of(lab: DaemonLab): Promise<Typist> {
    const learner = await lab.learner();
    const typist = new Typist(learner, learner.terminals[0]?.id ?? '');
    const console = learner.console(typist.#terminal);
    await until('the terminal is attached', () => console.attached);
    return typist;
  }

  /** Everything that was told, from the first snapshot on. */
  get history(): History {
    const { messages } = this.learner;
    for (; this.#taken < messages.length; this.#taken++) {
      const message = messages[this.#taken];
      if (message?.type === 'snapshot') {
        if (this.#history !== null) throw new Error('the page fell behind: events are missing');
        this.#history = new History({ start: message.state });
      }
      if (message?.type === 'events') this.#history?.append(message.events);
    }
    if (this.#history === null) throw new Error('no snapshot yet');
    return this.#history;
  }

  get spans(): readonly CommandSpan[] {
    return attributionOf(this.history).spans();
  }

  /** The bytes, and nothing else. */
  async keys(text: string): Promise<void> {
    await this.learner.console(this.#terminal).type(text);
  }

  /** Types a line; resolves with its command once the shell is back at its prompt. */
  async type(line: string): Promise<CommandSpan> {
    const span = await this.start(line);
    return until(`${line} ends`, () => this.ended(span.id));
  }

  /** Types a line; resolves with its command once it runs. */
  async start(line: string): Promise<CommandSpan> {
    const after = this.history.newest.seq;
    await this.keys(`${line}\r`);
    // A shell that has told nothing so far is taken for one that never tells, until its mark is here.
    const begun = () =>
      this.spans.find((span) => span.startSeq > after && span.line === line && !span.inferred);
    return until(`${line} begins`, begun);
  }

  /** The same at a prompt that does not say where typing begins: the line is not told. */
  async startUnseen(line: string): Promise<CommandSpan> {
    const after = this.history.newest.seq;
    await this.keys(`${line}\r`);
    return until(`${line} begins`, () => this.spans.find(({ startSeq }) => startSeq > after));
  }

  /** Types a line; resolves when its output has come. */
  async says(line: string, output: string): Promise<void> {
    const console = this.learner.console(this.#terminal);
    const from = console.output.length;
    await this.keys(`${line}\r`);
    await until(`${line} says ${output}`, () => console.output.slice(from).includes(output));
  }

  ended(id: string): CommandSpan | undefined {
    return this.spans.find((span) => span.id === id && span.endedAt !== null);
  }

  /** What a command did, in the normal form, sorted. */
  diff(id: string): string[] {
    const diff = commandDiff(this.history, id);
    if (diff === null) return [];
    const list = (mark: string, objects: readonly DiffObject[]): string[] =>
      objects.flatMap((one) => normal(one).map((text) => `${mark} ${text}`));
    const changed = diff.changed.flatMap(({ object, fields }) =>
      normal(object).flatMap((text) => fields.flatMap((field) => change(text, field))),
    );
    const all = [
      ...list('+', diff.appeared),
      ...changed,
      ...list('-', diff.vanished),
      ...list('*', diff.passed),
    ];
    return counted(all).sort();
  }

  /** Whether the observer heard of the end of a process of this command by looking alone. */
  missed(id: string): boolean {
    return attributionOf(this.history)
      .causedBy(id)
      .some(({ event }) => event.type === 'process.exit' && event.waitStatus === null);
  }

  /** Kernel events that no command caused, from an event on. */
  nobodys(from: number): TimelineEvent[] {
    const attribution = attributionOf(this.history);
    return this.history
      .between(from)
      .filter(({ type }) => /^(process|namespace|mount|cgroup|overlay|network)\./.test(type))
      .filter(({ type }) => !type.endsWith('.sample') && type !== 'overlay.copying')
      .filter(({ seq }) => attribution.causeOf(seq) === null);
  }
}

function normal(object: DiffObject): string[] {
  switch (object.kind) {
    case 'process':
      return [`process ${nameOf(object.process)}`];
    case 'namespace':
      return [`namespace ${object.namespace.kind}`];
    case 'mount':
      if (object.copied) return ['mount copied'];
      return [`mount ${object.mount.mountPoint} ${object.mount.fsType}`];
    case 'cgroup':
      return [`cgroup ${object.cgroup.key}`];
    case 'overlay':
      return [`overlay ${object.overlay.layers.map(({ dir }) => dir).join(' ')}`];
    case 'entry':
      return [`${object.role} ${object.entry.kind} ${object.path}`];
    case 'link':
      return [`link ${object.link.name} ${object.link.kind}`];
    case 'address':
      return [`address ${object.address} ${object.link}`];
    case 'route':
      return [`route ${object.route.to} ${object.route.via ?? object.route.dev}`];
    case 'listener':
      return [`listener ${object.listener.protocol} ${object.listener.port}`];
    case 'table':
      return [`table ${object.table.family} ${object.table.name}`];
  }
}

/** The program's name: what ran for a moment has no more, its arguments are gone before they are read. */
function nameOf({ args, comm }: ProcessState): string {
  return args[0]?.replace(/^.*\/|^-/g, '') ?? comm;
}

/** `~ process bash cgroup /a`; of an inode or a list only that it is another one. */
function change(name: string, { field, from, to }: FieldChange): string[] {
  switch (field) {
    case 'namespaces': {
      const [was, is] = [from, to] as Record<string, number>[];
      const kinds = Object.keys(is ?? {}).filter((kind) => was?.[kind] !== is?.[kind]);
      return [`~ ${name} namespaces ${kinds.sort().join(',')}`];
    }
    case 'holders':
      return [`~ ${name} holders ${(to as unknown[]).length}`];
    case 'args':
      return [`~ ${name} now ${(to as string[]).join(' ')}`];
    case 'cgroup':
      return [`~ ${name} moved to ${to}`];
    case 'cgroups': {
      const [was, is] = [from, to] as (Record<string, string> | undefined)[];
      const places = new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})]);
      const moved = [...places].filter((place) => was?.[place] !== is?.[place]);
      return moved.map((place) => `~ ${name} moved to ${is?.[place] ?? '/'}`);
    }
    case 'flags':
      return [`~ ${name} ${(to as string[]).includes('UP') ? 'up' : 'down'}`];
    case 'optionalFields':
      return [`~ ${name} ${(to as string[]).join(' ').replace(/:\d+/g, '') || 'private'}`];
    case 'mac':
    case 'master':
      return [`~ ${name} ${field}`];
    case 'comm':
    case 'bornAt':
    case 'came':
    case 'copiedIn':
      return [];
    default:
      return [`~ ${name} ${field} ${typeof to === 'string' ? to.trim() : JSON.stringify(to)}`];
  }
}

/** Copies of mounts are as many as the sandbox has. */
function counted(all: readonly string[]): string[] {
  const seen = new Set<string>();
  return all.filter((one) => {
    if (!one.endsWith('mount copied')) return true;
    if (seen.has(one)) return false;
    seen.add(one);
    return true;
  });
}
