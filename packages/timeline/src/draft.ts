/**
 * A state in the making: one batch of the fold. Each record is shared with the state before until
 * the first write copies it, and at most once per batch; what is not touched stays the same object.
 */
import type { State } from './state.js';

/** Fields of a state that are records by id. */
type RecordField =
  | 'processes'
  | 'namespaces'
  | 'mounts'
  | 'commands'
  | 'usage'
  | 'cgroups'
  | 'meters'
  | 'cpuReadings'
  | 'cpuWaits'
  | 'overlays'
  | 'networks'
  | 'traffic';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Rows<F extends RecordField> = NonNullable<State[F]>;
type Row<F extends RecordField> = Rows<F>[string];

export class Draft {
  /** the state so far; write to it through the methods, or replace scalars */
  readonly state: Mutable<State>;
  /** the records that this batch has made itself, and so may write to */
  private readonly own = new WeakSet<object>();

  constructor(base: State) {
    this.state = { ...base };
  }

  /** One row, or undefined. */
  get<F extends RecordField>(field: F, id: string): Row<F> | undefined {
    return this.state[field]?.[id] as Row<F> | undefined;
  }

  set<F extends RecordField>(field: F, id: string, row: Row<F>): void {
    this.rows(field)[id] = row;
  }

  /** Removes a row; nothing where there is none. */
  remove(field: RecordField, id: string | number): void {
    const rows: object | undefined = this.state[field];
    if (rows !== undefined && id in rows) delete this.rows(field)[id];
  }

  /** The record of a field, to write to. */
  rows<F extends RecordField>(field: F): Record<string, Row<F>> {
    const rows = this.owned((this.state[field] ?? {}) as Record<string, Row<F>>);
    (this.state as Record<RecordField, unknown>)[field] = rows;
    return rows;
  }

  /** A record within a record: the mounts of one namespace, the meters of one group. */
  inner<F extends 'mounts' | 'meters' | 'traffic'>(
    field: F,
    id: string | number,
  ): Record<string, Row<F>[string]> {
    const rows = this.rows(field);
    const inner = this.owned((rows[id] ?? {}) as Record<string, Row<F>[string]>);
    rows[id] = inner as unknown as Row<F>;
    return inner;
  }

  /** The record itself when this batch made it, else a copy that the batch may write to. */
  owned<T extends object>(record: T): T {
    if (this.own.has(record)) return record;
    const copy = { ...record };
    this.own.add(copy);
    return copy;
  }

  /** Another sandbox, or none: all that was known of the kernel is gone. */
  forgetAll(): void {
    const { seq, t } = this.state;
    for (const field of Object.keys(this.state)) {
      if (field !== 'commands') delete (this.state as Record<string, unknown>)[field];
    }
    Object.assign(this.state, { seq, t, sandbox: null, processes: {}, namespaces: {}, mounts: {} });
    if (this.state.commands !== undefined) this.state.commands = {};
  }
}
