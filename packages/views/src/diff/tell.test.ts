import type { CommandDiff, DiffObject } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import { demoProcess } from '../fixture.js';
import { DEMO_COMMANDS, DEMO_DIFF, demoCommand, demoMount, emptyDiff } from './fixture.js';
import { spokenDiff, tellDiff } from './tell.js';

const ended = (special: Partial<CommandDiff>, exitCode = 0): CommandDiff => ({
  ...emptyDiff(demoCommand('c', 'x', { exitCode })),
  ...special,
});
const group = (hierarchy: string): DiffObject => ({
  kind: 'cgroup',
  cgroup: {
    ...{ key: `${hierarchy}:/demo`, hierarchy, path: '/demo', files: {}, bornAt: 0 },
  },
});
const ran = (comm: string): DiffObject => ({
  kind: 'process',
  process: { ...demoProcess(1), comm, args: [comm] },
});
const mounted = (special: Partial<ReturnType<typeof demoMount>>): DiffObject => ({
  ...{ kind: 'mount', mountNs: 1, copied: false },
  mount: { ...demoMount(9, '/x'), ...special },
});

describe('tellDiff', () => {
  it('tells in whole sentences what a command did', () => {
    expect(tellDiff(DEMO_DIFF, 'en')).toEqual([
      expect.stringMatching(/^3 new processes run: `unshare .*\(pid \d+\), .*`sleep .*\.$/),
      'There is a new pid namespace: process numbers of its own.',
      'There is a new mnt namespace: a list of mounts of its own.',
      'The new mount namespace began as a copy of 5 mounts.',
      'proc (`/proc`) was mounted.',
      expect.stringMatching(/^`-?bash` \(pid \d+\) was moved into the cgroup `\/greenhouse`\.$/),
      expect.stringMatching(/^`-?bash` \(pid \d+\) is now in another uts namespace\.$/),
      'tmpfs (`/mnt/old`) was unmounted.',
      '`true` ran and has ended.',
    ]);
  });

  it('tells the same in Chinese', () => {
    const told = tellDiff(DEMO_DIFF, 'zh');
    expect(told).toHaveLength(tellDiff(DEMO_DIFF, 'en').length);
    expect(told).toContain('新建了 1 个 pid 命名空间：自己的一套进程号。');
    for (const sentence of told) expect(sentence).toMatch(/[\u4e00-\u9fff].*。$/);
  });

  it('says that nothing changed, and that nothing has changed yet', () => {
    expect(tellDiff(ended({}), 'en')[0]).toMatch(/^Nothing that the kernel remembers/);
    const running = DEMO_COMMANDS[2] ?? demoCommand('c3', '');
    expect(tellDiff(emptyDiff(running), 'en')).toEqual([
      'So far nothing has changed. It still runs.',
    ]);
  });

  it.each([
    [1, /exit status 1:/],
    [126, /not allowed to execute/],
    [127, /no program of that name/],
    [137, /by signal 9\./],
  ])('tells first how it failed: %i', (exitCode, sentence) => {
    const told = tellDiff(ended({ passed: [ran('ls')] }, exitCode), 'en');
    expect(told[0]).toMatch(sentence);
    expect(told).toHaveLength(2);
  });

  it('does not take the fork that found no program for one that ran', () => {
    expect(tellDiff(ended({ passed: [ran('bash')] }, 127), 'en')).toHaveLength(1);
    expect(tellDiff(ended({ passed: [ran('bash')] }, 1), 'en')).toHaveLength(2);
  });

  it('takes together what is one thing in several trees, and counts many', () => {
    const programs = ['a', 'b', 'c', 'd', 'e'].map(ran);
    const told = tellDiff(
      ended({ appeared: [group('memory'), group('pids')], passed: programs }),
      'en',
    );
    expect(told).toEqual([
      'The cgroup `/demo` was made.',
      '5 processes ran and have ended: `a`, `b`, `c`, 2 more.',
    ]);
  });

  it('says what a mount is for where its file system does not', () => {
    const appeared = [
      mounted({ fsType: 'nsfs', root: 'net:[77]', mountPoint: '/run/netns/blue' }),
      mounted({ root: '/srv', mountPoint: '/jail' }),
    ];
    const told = tellDiff(ended({ appeared }), 'en');
    expect(told[0]).toContain('at `/run/netns/blue` holds the net namespace');
    expect(told[1]).toContain('`/jail`, too: a bind mount');
  });

  it('quotes a setting with both its values', () => {
    const fields = [{ field: 'pids.max', from: 'max', to: '5' }];
    const told = tellDiff(ended({ changed: [{ object: group('pids'), fields }] }), 'en');
    expect(told).toEqual(['`pids.max` of `/demo` is now `5`, was `max`.']);
  });

  it('keeps a name on one line and within bounds, and the marks in pairs', () => {
    const told = tellDiff(
      ended({ passed: [ran(`sh -c 'echo \`date\`\n${'x'.repeat(99)}'`)] }),
      'en',
    );
    expect(told[0]?.split('`')).toHaveLength(3);
    expect(told[0]?.length).toBeLessThan(100);
    expect(spokenDiff(told)).not.toContain('`');
  });
});
