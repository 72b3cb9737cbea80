import { expect, it } from 'vitest';
import { Scene } from './attribution/scene.js';
import { markAfter, markBefore, marksOf } from './marks.js';

it('marks are commands and checks in order, to jump between', () => {
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
  const marks = marksOf(scene.history);
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
