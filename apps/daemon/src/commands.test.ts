import { type EventBody, Timeline } from '@terrarium/timeline';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Commands } from './commands.js';
import type { ShellMark } from './terminal-host/index.js';

/** A process on /dev/pts/0, as the observer tells of it. */
function born(hostPid: number, pids: readonly number[], special: object = {}): EventBody {
  return {
    type: 'process.fork',
    process: {
      ...{ key: `${hostPid}:${hostPid}`, hostPid, startTime: hostPid, parent: null, pids },
      ...{ comm: 'bash', args: ['bash'], state: 'S', uid: { outside: 0, inside: 0 } },
      ...{ namespaces: {}, cgroup: '/', terminal: 0, processGroup: hostPid, bornAt: 1 },
      ...special,
    },
  } as unknown as EventBody;
}
const start = (command: number, pid: number, since: number | null = null): ShellMark => ({
  ...{ mark: 'start', command, pid, since, at: 5.25, line: `line ${command}` },
});
const end = (command: number): ShellMark => ({ mark: 'end', command, at: 7, exitCode: 1 });

describe('Commands', () => {
  let now = 0;
  let timeline: Timeline;
  let commands: Commands;
  const mark = (one: ShellMark, pts = 0): void =>
    commands.heard({ terminal: `t${pts}`, pts, mark: one });
  const told = (): string[] =>
    (timeline.since(0) ?? []).flatMap((event) => {
      if (event.type === 'command.start') return [`${event.id} ${event.process} ${event.at}`];
      return event.type === 'command.end' ? [`${event.id} ended ${event.exitCode}`] : [];
    });

  beforeEach(() => {
    now = 0;
    timeline = new Timeline();
    commands = new Commands(timeline, () => now);
  });

  it('tells of a command of a known shell at once', () => {
    timeline.append([born(100, [100, 17])]);
    mark(start(1, 17));
    mark(end(1));
    expect(told()).toEqual(['t0/1 100:100 5.25', 't0/1 ended 1']);
    expect(timeline.state.commands?.['t0/1']).toMatchObject({ line: 'line 1', exitCode: 1 });
  });

  it('waits for a shell that is not known yet, and keeps the order', () => {
    mark(start(1, 17));
    mark(end(1));
    mark(start(2, 17));
    expect(told()).toEqual([]);
    timeline.append([born(100, [100, 17])]);
    commands.look();
    expect(told()).toEqual(['t0/1 100:100 5.25', 't0/1 ended 1', 't0/2 100:100 5.25']);
  });

  it('drops what fits no process in time, and what comes of it', () => {
    mark(start(1, 99));
    mark(end(1));
    now = 60_000;
    timeline.append([born(100, [100, 17])]);
    mark(start(2, 17));
    expect(told()).toEqual(['t0/2 100:100 5.25']);
  });

  it('lets nobody wait for a forged mark for ever, though nothing else happens', () => {
    vi.useFakeTimers();
    try {
      commands = new Commands(timeline);
      timeline.append([born(100, [100, 17])]);
      for (let i = 1; i <= 3; i++) mark(start(i, 99));
      mark(start(4, 17));
      vi.advanceTimersByTime(9_000);
      expect(told()).toEqual([]);
      vi.advanceTimersByTime(2_000);
      expect(told()).toEqual(['t0/4 100:100 5.25']);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps a bounded number of marks of a forger', () => {
    for (let i = 1; i <= 10_000; i++) mark(start(i, 99));
    timeline.append([born(100, [100, 99])]);
    commands.look();
    expect(told().length).toBeLessThan(100);
  });

  it('takes no process of another terminal, and of two with one pid the one in front', () => {
    timeline.append([
      born(100, [100, 17, 1]),
      born(120, [120, 19, 2, 1]),
      born(130, [130, 20, 3, 1], { terminal: 1 }),
      born(140, [140, 21, 4, 1], { state: 'T' }),
    ]);
    mark(start(1, 1));
    expect(told()).toEqual(['t0/1 120:120 5.25']);
    mark(start(1, 1), 1);
    expect(told().at(-1)).toBe('t1/1 130:130 5.25');
  });

  it('takes of two shells with one pid the one that tells, whoever is known already', () => {
    timeline.append([born(100, [100, 17, 1])]);
    mark(start(1, 1, 50));
    mark(start(2, 1, 90)); // another one, not known yet
    timeline.append([born(120, [120, 19, 2, 1], { bornAt: 80 })]);
    commands.look();
    mark(start(3, 1, 50));
    expect(told()).toEqual(['t0/1 100:100 5.25', 't0/2 120:120 5.25', 't0/3 100:100 5.25']);
  });

  it('takes the same process again when a shell replaced itself by another, after a while', () => {
    timeline.append([born(100, [100, 17])]);
    mark(start(1, 17, 50));
    mark(start(2, 17, 90));
    expect(told()).toHaveLength(1);
    now = 60_000;
    commands.look();
    expect(told()).toEqual(['t0/1 100:100 5.25', 't0/2 100:100 5.25']);
  });

  it('ends no command twice: its shell may have gone before', () => {
    timeline.append([born(100, [100, 17])]);
    mark(start(1, 17));
    timeline.append([{ type: 'process.exit', key: '100:100', waitStatus: 0 }]);
    mark(end(1));
    expect(told()).toEqual(['t0/1 100:100 5.25']);
  });

  it('tells of a last command whose shell is known to be gone, and ends it', () => {
    timeline.append([born(100, [100, 17]), born(200, [200, 18])]);
    mark(start(1, 17, 50));
    mark(end(1));
    timeline.append([{ type: 'process.exit', key: '100:100', waitStatus: 0 }]);
    mark(start(2, 17, 50));
    mark(start(3, 18, 60));
    expect(told().slice(2)).toEqual(['t0/2 100:100 5.25', 't0/2 ended null', 't0/3 200:200 5.25']);
  });

  it('takes nobody who is gone for one that has only the same pid', () => {
    timeline.append([born(100, [100, 17])]);
    mark(start(1, 17));
    timeline.append([
      { type: 'process.exit', key: '100:100', waitStatus: 0 },
      born(200, [200, 17]),
    ]);
    mark(start(2, 17));
    expect(told()).toEqual(['t0/1 100:100 5.25', 't0/2 200:200 5.25']);
  });

  it('forgets what waits when the sandbox is gone', () => {
    mark(start(1, 17));
    commands.clear();
    timeline.append([born(100, [100, 17])]);
    commands.look();
    expect(told()).toEqual([]);
  });
});
