/** Unwinding of half-made things: every step is tried, newest first, and no failure is lost. */

/** How to take back one thing. */
export interface UndoStep {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/** Why it failed (`cause`), and what could not be taken back. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  /** failures of the unwinding; empty when nothing is left behind */
  readonly leftovers: readonly Error[];

  constructor(what: string, cause: unknown, leftovers: readonly Error[]) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const rest = leftovers.map(({ message }) => `; and then ${message}`).join('');
    super(`${what}: ${reason}${rest}`, { cause });
    this.leftovers = leftovers;
  }
}

/** Runs all steps, newest first. @returns the error to throw */
export async function runUndo(
  what: string,
  cause: unknown,
  steps: readonly UndoStep[],
): Promise<SandboxError> {
  const leftovers: Error[] = [];
  for (const { name, run } of [...steps].reverse()) {
    try {
      await run();
    } catch (error) {
      leftovers.push(new Error(`${name}: ${error instanceof Error ? error.message : error}`));
    }
  }
  return new SandboxError(what, cause, leftovers);
}
