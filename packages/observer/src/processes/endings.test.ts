import type { ProcessState } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import { awaitsSender, endingOf, noClues, noteDelivery, noteSignal } from './endings.js';
import type { Tracked } from './tracked.js';

function ended(hostPid: number, told: Partial<Tracked['clues']> = {}): Tracked {
  return {
    state: { key: `${hostPid}:1`, hostPid } as ProcessState,
    inherits: true,
    renamed: null,
    hasChildren: false,
    exitLooks: 0,
    waitStatus: null,
    clues: { ...noClues(), complete: true, ...told },
    missedLines: false,
  };
}

const [TERM, KILL] = [15, 9];

describe('endingOf', () => {
  it('says 0 of a process of which nothing else was told, and null when lines may be missing', () => {
    expect(endingOf(ended(1))).toEqual({ waitStatus: 0, actor: null });
    expect(endingOf(ended(1, { complete: false })).waitStatus).toBeNull();
  });

  it('has the argument of exit_group, but believes a zombie first', () => {
    expect(endingOf(ended(1, { exitCode: 7 })).waitStatus).toBe(7 << 8);
    expect(endingOf({ ...ended(1, { exitCode: 7 }), waitStatus: 9 }).waitStatus).toBe(9);
  });

  it('names the sender of the signal that it died of', () => {
    const victim = ended(1);
    noteSignal(victim, 2, ended(2), TERM, 0);
    noteDelivery(victim, TERM, false);
    expect(endingOf(victim)).toEqual({ waitStatus: TERM, actor: '2:1' });
  });

  it('is told of a signal twice, once before its sender is known', () => {
    const victim = ended(1);
    noteSignal(victim, 2, null, TERM, 0);
    noteSignal(victim, 2, ended(2), TERM, 0);
    noteDelivery(victim, TERM, false);
    expect(endingOf(victim).actor).toBe('2:1');
  });

  it('names nobody when a handler took the signal, or it sent it to itself', () => {
    const victim = ended(1, { exitCode: 3 });
    noteSignal(victim, 2, ended(2), TERM, 0);
    noteDelivery(victim, TERM, true);
    expect(endingOf(victim)).toEqual({ waitStatus: 3 << 8, actor: null });
    const own = ended(3);
    noteSignal(own, 3, own, TERM, 0);
    noteDelivery(own, TERM, false);
    expect(endingOf(own)).toEqual({ waitStatus: TERM, actor: null });
  });

  it('knows what was sent where the kernel delivers SIGKILL for it, unless it was two', () => {
    const victim = ended(1);
    noteSignal(victim, 2, ended(2), TERM, 0);
    noteDelivery(victim, KILL, false);
    expect(endingOf(victim)).toEqual({ waitStatus: TERM, actor: '2:1' });
    noteSignal(victim, 3, ended(3), KILL, 0);
    expect(endingOf(victim)).toEqual({ waitStatus: null, actor: null });
  });

  it('does not take SIGKILL at its word: it may stand for a signal that nobody told of', () => {
    const victim = ended(1);
    noteDelivery(victim, KILL, false);
    expect(awaitsSender(victim)).toBe(true);
    expect(endingOf(victim)).toEqual({ waitStatus: null, actor: null });
    noteSignal(victim, 99, null, TERM, 0);
    expect(endingOf(victim)).toEqual({ waitStatus: TERM, actor: null });
  });

  it('follows the end of an init to whoever ended that', () => {
    const init = ended(10);
    const member = ended(11);
    noteSignal(init, 2, ended(2), KILL, 0);
    noteDelivery(init, KILL, false);
    noteSignal(member, 10, init, KILL, 128);
    noteDelivery(member, KILL, false);
    expect(endingOf(member)).toEqual({ waitStatus: KILL, actor: '2:1' });
  });

  it('names the init itself when that exited, and nobody for the OOM killer', () => {
    const member = ended(11);
    noteSignal(member, 10, ended(10), KILL, 128);
    noteDelivery(member, KILL, false);
    expect(endingOf(member).actor).toBe('10:1');
    const victim = ended(12);
    noteSignal(victim, 13, { ...ended(13), exitLooks: null }, KILL, 128);
    noteDelivery(victim, KILL, false);
    expect(endingOf(victim)).toEqual({ waitStatus: KILL, actor: null });
  });
});
