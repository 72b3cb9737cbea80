/** The engine's step session in the protocol's words. Pure. */
import {
  type FactsContext,
  facts,
  type KernelChange,
  type KernelFact,
  type KernelState,
  type Outcome,
  type Position,
  type StepRecord,
} from '@terrarium/engine';
import type {
  LocalText,
  StepperChange,
  StepperOutcome,
  StepperPosition,
  StepperProcess,
  StepperRecord,
} from '@terrarium/protocol';
import type { Plan, PlanStep } from '@terrarium/syscall';

/** The plan as a tape; each purpose is said once, though a dozen calls may share it. */
export function tapeOf(plan: Plan): {
  readonly processes: StepperProcess[];
  readonly purposes: (LocalText & { id: string })[];
} {
  const purposes: (LocalText & { id: string })[] = [];
  const known = new Map<string, number>();
  const purposeOf = ({ purpose: { id, en, zh } }: PlanStep): number => {
    const key = `${id}\0${en}`;
    const index = known.get(key) ?? purposes.push({ id, en, zh }) - 1;
    known.set(key, index);
    return index;
  };
  const processes = Object.entries(plan.processes).map(([name, steps]) => ({
    name,
    steps: steps.map((step) => ({
      display: step.kind === 'call' ? step.display : step.kind,
      syscall: step.kind === 'call' ? step.syscall : step.kind,
      purpose: purposeOf(step),
    })),
  }));
  return { processes, purposes };
}

/** @param state where the numbers inside are taken from */
export function positionOf(position: Position, state: KernelState): StepperPosition {
  const { process, hostPid, index, status, waitsFor, end, registers } = position;
  return {
    process,
    hostPid,
    pids: [...(state.processes[process]?.pids ?? [])],
    index,
    status,
    waitsFor,
    end,
    registers,
  };
}

/** One call that was made, as the page gets it: bigint results as decimal strings, times in ns. */
export function recordOf(record: StepRecord): StepperRecord {
  const { seq, process, index, registers, code, meaning, hint, tolerated, failed } = record;
  return {
    seq,
    process,
    index,
    registers,
    result: String(record.result),
    code,
    meaning,
    hint,
    tolerated,
    failed,
    nanoseconds: record.nanoseconds,
    changes: record.changes.map(changeOf),
  };
}

function changeOf(change: KernelChange): StepperChange {
  const { kind, effect, process, subject, before, after, words, source } = change;
  return { kind, effect, process, subject, before, after, words, source };
}

/** How a session ended; null while it has not. */
export function outcomeOf(outcome: Outcome | null): StepperOutcome | null {
  if (outcome === null) return null;
  return {
    kind: outcome.kind,
    message: outcome.kind === 'failed' ? failureOf(outcome) : null,
    leftovers: outcome.kind === 'completed' ? [] : [...outcome.leftovers],
  };
}

/** `open_tree(…): ENOENT (no such file or directory)`: where it stands in the plan, the page shows. */
function failureOf({ record, message }: Extract<Outcome, { kind: 'failed' }>): string {
  if (record === null || record.code === null || record.step.kind !== 'call') return message;
  return `${record.step.display}: ${record.code} (${record.meaning})`;
}

/** The tables of all living processes of the plan. */
export function factsOf(state: KernelState, context: FactsContext): Record<string, KernelFact[]> {
  const tables = Object.entries(state.processes).map(([name, process]) => [
    name,
    facts(state, process, context),
  ]);
  return Object.fromEntries(tables) as Record<string, KernelFact[]>;
}
