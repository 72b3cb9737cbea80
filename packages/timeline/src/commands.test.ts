import { describe, expect, it } from 'vitest';
import { commandsOf, KEPT_COMMANDS, runningCommand } from './commands.js';
import type { EventBody } from './events.js';
import { fold } from './fold.js';
import { numbered, sampleProcess, sampleStart } from './sample.js';
import { eventBodySchema, stateSchema } from './schema.js';
import { EMPTY_STATE, type State } from './state.js';

const shell = '1010:1010';
const begin: State = fold(
  EMPTY_STATE,
  numbered([...sampleStart(), { type: 'process.fork', process: sampleProcess(1010) }]),
);
const then = (state: State, ...bodies: EventBody[]): State =>
  fold(state, numbered(bodies, state.seq + 1));
const start = (id: string): EventBody => ({
  type: 'command.start',
  id,
  terminal: 't1',
  line: `echo ${id}`,
  process: shell,
  processGroup: null,
});
const end = (id: string): EventBody => ({ type: 'command.end', id, exitCode: 0 });

describe('commands in a state', () => {
  it('are absent before the first, running from start to end', () => {
    expect('commands' in begin).toBe(false);
    const running = then(begin, start('c1'));
    expect(runningCommand(running, shell)).toMatchObject({
      line: 'echo c1',
      startSeq: 12,
      endedAt: null,
    });
    const ended = then(running, end('c1'), end('unknown'));
    expect(runningCommand(ended, shell)).toBeNull();
    expect(commandsOf(ended)[0]).toMatchObject({ exitCode: 0, endedAt: 1013 });
    expect(running.commands?.['c1']?.endedAt).toBeNull();
  });

  it('end with the next one of the same shell, and with the shell', () => {
    const next = then(begin, start('c1'), start('c2'));
    expect(next.commands?.['c1']).toMatchObject({ endedAt: 1013, exitCode: null });
    const gone = then(next, { type: 'process.exit', key: shell, waitStatus: 0 });
    expect(gone.commands?.['c2']).toMatchObject({ endedAt: 1014, exitCode: null });
  });

  it('are forgotten with their sandbox, and the oldest when there are many', () => {
    const many = then(
      begin,
      ...Array.from({ length: KEPT_COMMANDS + 5 }, (_, i) => [start(`c${i}`), end(`c${i}`)]).flat(),
    );
    expect(commandsOf(many).map(({ id }) => id)[0]).toBe('c5');
    expect(commandsOf(many)).toHaveLength(KEPT_COMMANDS);
    expect(then(many, { type: 'sandbox.end', id: 's1' }).commands).toEqual({});
  });

  it('pass the schemas', () => {
    for (const body of [start('c'), end('c'), { ...start('c'), at: 1.5 }]) {
      expect(eventBodySchema.parse(body)).toEqual(body);
    }
    const state = then(begin, start('c1'));
    expect(stateSchema.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
  });

  it('leave a batch and its single events with the same state', () => {
    const bodies = [start('c1'), start('c2'), end('c2'), start('c3')];
    const whole = then(begin, ...bodies);
    expect(bodies.reduce((state, body) => then(state, body), begin)).toEqual(whole);
  });
});
