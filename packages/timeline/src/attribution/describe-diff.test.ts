import { expect, it } from 'vitest';
import { SANDBOX_NAMESPACES } from '../sample.js';
import { describeDiff } from './describe-diff.js';
import { Scene } from './scene.js';

it('says what a command did, in both languages', () => {
  const scene = new Scene();
  const shell = scene.shell(0);
  scene.start('a', shell);
  const sleep = scene.run(shell, 'sleep 100');
  const uts = scene.unshare(sleep, 'uts');
  scene.mount(101, '/mnt', sleep);
  scene.change(shell, { cgroup: '/demo' }, sleep);
  scene.exit(scene.run(shell, 'ls'));
  scene.end('a');
  const pid = sleep.pids[1];
  expect(describeDiff(scene.diff('a'), 'en')).toEqual([
    `started sleep 100 (pid ${pid})`,
    `made the namespace uts:[${uts}]`,
    'mounted /mnt (tmpfs)',
    `moved bash (pid ${shell.pids[1]}) to the cgroup /demo`,
    'ran ls',
  ]);
  expect(describeDiff(scene.diff('a'), 'zh')).toEqual([
    `启动了 sleep 100 (pid ${pid})`,
    `创建了命名空间 uts:[${uts}]`,
    '挂载了 /mnt (tmpfs)',
    `把 bash (pid ${shell.pids[1]}) 移到了 cgroup /demo`,
    '运行了 ls',
  ]);
});

it('counts many, and says when there is nothing', () => {
  const scene = new Scene();
  const shell = scene.shell(0);
  scene.start('a', shell);
  for (let i = 0; i < 5; i++) scene.exit(scene.run(shell, `p${i}`));
  scene.end('a');
  scene.start('b', shell);
  const visitor = scene.fork(shell);
  scene.end('b');
  scene.start('c', shell);
  scene.change(visitor, { namespaces: { ...SANDBOX_NAMESPACES, net: 77 } }, shell);
  scene.end('c');
  scene.start('d', shell);
  expect(describeDiff(scene.diff('a'), 'en')).toEqual(['ran 5 processes']);
  expect(describeDiff(scene.diff('c'), 'en')[0]).toMatch(/entered net:\[77\]$/);
  expect(describeDiff(scene.diff('d'), 'zh')).toEqual(['没有改变任何被观察的内核对象']);
});
