/** Structured log: JSON lines on stderr, so that stdout stays free and a supervisor can keep both. */
import { type Logger, pino } from 'pino';

/** Fields are ids, step and duration in ms; the message is a constant, so that lines can be counted. */
export type Log = Logger;

/** Writes synchronously: a daemon that is killed loses no line. */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: { name: 'daemon', pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** For tests: says nothing. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

/** What a reader of the log needs; a PlanError would bring every system call of its plan. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const code = (error as { code?: unknown }).code;
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  return { type: name, message, ...(code === undefined ? {} : { code }), stack, ...cause };
}
