/** Signals by name or number, as people write them: `SIGTERM`, `TERM`, `15`, 15, `RTMIN+2`. Pure. */
import { SIGNALS } from '@terrarium/syscall';

/** First real-time signal that programs can use; the C library keeps 32 and 33. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** @throws Error when there is no such signal */
export function signalNumber(signal: string | number): number {
  const number = typeof signal === 'number' ? signal : parse(signal);
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > SIGRTMAX) {
    throw new Error(`there is no signal ${JSON.stringify(signal)}`);
  }
  return number;
}

function parse(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realTime = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (realTime !== null) {
    const number = (realTime[1] === 'MIN' ? SIGRTMIN : SIGRTMAX) + Number(realTime[2] ?? 0);
    return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
  }
  const table: Readonly<Record<string, number>> = { ...SIGNALS, SIGPOLL: 29, SIGIOT: 6 };
  return table[`SIG${name}`];
}
