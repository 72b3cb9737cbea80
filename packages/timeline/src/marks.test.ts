import { expect, it } from 'vitest';
import { Scene } from './attribution/scene.js';
import { markAfter, markBefore, marksOf, pointMark } from './marks.js';

it('marks are commands and points in order, to jump between', () => {
  const scene = new Scene();
  const shell = scene.shell(0);
  scene.start('ls', shell);
  const began = scene.events.length;
  scene.exit(scene.run(shell, 'ls'));
  scene.end('ls');
  scene.emit({ type: 'check', lesson: 'l', step: 's', passed: true });
  scene.start('false', shell);
  scene.emit({ type: 'command.end', id: 'false', exitCode: 1 });
  scene.start('sleep', shell);
  const [start, ...marks] = marksOf(scene.history);
  expect(start).toMatchObject({ kind: 'start' });
  expect(marks).toMatchObject([
    { kind: 'command', line: 'ls', seq: began, failed: false },
    { kind: 'check', step: 's', passed: true },
    { kind: 'command', line: 'false', failed: true },
    { kind: 'command', line: 'sleep', until: null, failed: false },
  ]);
  expect(markAfter(marks, 0)).toBe(marks[0]);
  expect(markAfter(marks, marks[0]!.seq)).toBe(marks[1]);
  expect(markBefore(marks, marks[1]!.seq)).toBe(marks[0]);
  expect(markBefore(marks, began)).toBeNull();
  expect(markAfter(marks, scene.events.length)).toBeNull();
});

it('a kill for want of memory and a fault are marks, an ordinary end is none', () => {
  const at = { seq: 5, t: 1 };
  const exit = { type: 'process.exit', key: '1:1', ...at } as const;
  expect(pointMark({ ...exit, waitStatus: 0 })).toBeNull();
  expect(pointMark({ ...exit, waitStatus: 9 })).toBeNull();
  expect(pointMark({ ...exit, waitStatus: null })).toBeNull();
  expect(pointMark({ ...exit, waitStatus: 139 })).toMatchObject({ kind: 'fault', signal: 11 });
  expect(
    pointMark({ type: 'cgroup.oom', key: 'memory:/a', victim: null, comm: 'tail', ...at }),
  ).toMatchObject({ kind: 'oom', cgroup: 'memory:/a', comm: 'tail' });
});
