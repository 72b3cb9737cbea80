/**
 * The tape: a plan's calls in groups of one purpose each, and how far each process is. Pure. A
 * container is some hundred calls; those that serve one purpose are one thing to understand.
 */
import type {
  StepperPosition,
  StepperProcess,
  StepperRecord,
  StepperState,
} from '@terrarium/protocol';

/** Calls of one process that follow each other and have one purpose. */
export interface Group {
  readonly key: string;
  readonly process: string;
  /** index of its first call in the process */
  readonly from: number;
  /** index behind its last call */
  readonly to: number;
  /** index in the stepper's purposes */
  readonly purpose: number;
  /** system calls in it, each name once: `openat write close` */
  readonly syscalls: readonly string[];
}

/** A process with its groups. */
export interface Lane {
  readonly process: StepperProcess;
  readonly position: StepperPosition | null;
  readonly groups: readonly Group[];
}

/** Groups of all processes; the same for the whole life of a stepper. */
export function groupsOf({ name, steps }: StepperProcess): Group[] {
  const groups: Group[] = [];
  let from = 0;
  for (let index = 1; index <= steps.length; index++) {
    if (index < steps.length && steps[index]?.purpose === steps[from]?.purpose) continue;
    const part = steps.slice(from, index);
    groups.push({
      key: `${name} ${from}`,
      process: name,
      from,
      to: index,
      purpose: steps[from]?.purpose ?? 0,
      syscalls: [...new Set(part.map(({ syscall }) => syscall))],
    });
    from = index;
  }
  return groups;
}

/** How a call, or a group of them, stands. */
export type Standing = 'done' | 'failed' | 'next' | 'here' | 'blocked' | 'todo';

/** `here`: its process stands before it, but another one steps next. */
export function standingOf(
  stepper: StepperState,
  { process, from, to }: Pick<Group, 'process' | 'from' | 'to'>,
): Standing {
  const position = positionOf(stepper, process);
  const failed = stepper.records.some(
    (record) =>
      record.failed && record.process === process && record.index >= from && record.index < to,
  );
  if (failed) return 'failed';
  if (position === null || position.index < from) return 'todo';
  if (position.index >= to) return 'done';
  if (position.status === 'ended') return position.index > from ? 'done' : 'todo';
  if (position.status === 'blocked') return 'blocked';
  return stepper.next === process || position.status === 'running' ? 'next' : 'here';
}

export function positionOf(stepper: StepperState, process: string): StepperPosition | null {
  return stepper.positions.find((one) => one.process === process) ?? null;
}

/** Calls made and calls in all. */
export function progressOf({ records, processes }: StepperState): { done: number; all: number } {
  const all = processes.reduce((sum, { steps }) => sum + steps.length, 0);
  return { done: records.length, all };
}

/** Records by `process index`, for the rows of the tape. */
export function recordsByStep(
  records: readonly StepperRecord[],
): ReadonlyMap<string, StepperRecord> {
  return new Map(records.map((record) => [stepKey(record.process, record.index), record]));
}

export function stepKey(process: string, index: number): string {
  return `${process} ${index}`;
}

/** The group that the next step belongs to: where `to the next purpose` leads is its end. */
export function groupAt(lanes: readonly Lane[], process: string, index: number): Group | null {
  const lane = lanes.find((one) => one.process.name === process);
  return lane?.groups.find(({ from, to }) => index >= from && index < to) ?? null;
}

/** Purposes of the calls that bring any plan into the sandbox and confine it as all that runs there. */
const ENTRY_PURPOSES = new Set([
  'join-cgroup-namespace',
  'drop-capability',
  'capset',
  'seccomp',
  'set-ids',
]);

/**
 * Where the plan's own work begins: behind the calls by which its process got into the sandbox.
 * null when it has begun, or the plan has no such part.
 */
export function ownWorkOf(stepper: StepperState): { process: string; index: number } | null {
  const [entry, outside] = stepper.processes;
  if (entry?.name !== 'entry' || outside === undefined) return null;
  const index = outside.steps.findIndex(
    ({ purpose }) => !ENTRY_PURPOSES.has(stepper.purposes[purpose]?.id ?? ''),
  );
  const position = positionOf(stepper, outside.name);
  if (index <= 0 || (position !== null && position.index >= index)) return null;
  return { process: outside.name, index };
}

/** `6 µs`, `1.3 ms`, `2.5 s`: two digits are enough to compare. */
export function timeText(nanoseconds: number): string {
  const units = [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
  ] as const;
  for (const [size, unit] of units) {
    const value = nanoseconds / size;
    if (value >= 1) return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
  }
  return `${nanoseconds} ns`;
}

/** A piece of a call's text: a register with its value, a string, a constant, or anything else. */
export interface Piece {
  readonly kind: 'name' | 'register' | 'string' | 'constant' | 'text';
  readonly text: string;
  /** of a register that is set */
  readonly value?: string | undefined;
}

const PIECES = /("(?:[^"\\]|\\.)*")|<([^<>]+)>|\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b/g;

/** Splits `openat(<root>, "proc", O_PATH)` into what is drawn in different ways. */
export function piecesOf(display: string, registers: Readonly<Record<string, string>>): Piece[] {
  const open = display.indexOf('(');
  const pieces: Piece[] = [];
  if (open > 0) pieces.push({ kind: 'name', text: display.slice(0, open) });
  let at = Math.max(open, 0);
  for (const match of display.matchAll(PIECES)) {
    if (match.index < at) continue;
    if (match.index > at) pieces.push({ kind: 'text', text: display.slice(at, match.index) });
    at = match.index + match[0].length;
    const [whole, quoted, register] = match;
    if (quoted !== undefined) pieces.push(...inString(quoted, registers));
    else if (register !== undefined) {
      pieces.push({ kind: 'register', text: register, value: registers[register] });
    } else pieces.push({ kind: 'constant', text: whole });
  }
  if (at < display.length) pieces.push({ kind: 'text', text: display.slice(at) });
  return pieces;
}

/** A path may have a register in it: `"/proc/<init>/uid_map"`. */
function inString(quoted: string, registers: Readonly<Record<string, string>>): Piece[] {
  return quoted.split(/(<[^<>]+>)/).flatMap((text): Piece[] => {
    if (text === '') return [];
    const name = /^<(.+)>$/.exec(text)?.[1];
    const value = name === undefined ? undefined : registers[name];
    if (name === undefined || value === undefined) return [{ kind: 'string', text }];
    return [{ kind: 'register', text: name, value }];
  });
}
