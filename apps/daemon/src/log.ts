/** Structured log: JSON lines on stderr, so that stdout stays free and a supervisor can keep both. */
import { type Logger, pino } from 'pino';

/** Fields are ids, step and duration in ms; the message is a constant, so that lines can be counted. */
export type Log = Logger;

/** Writes synchronously: a daemon that is killed loses no line. */
export function createLog(level: string): Log {
  return pino(
    { level, base: { name: 'daemon', pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** For tests: says nothing. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}
