/** What lights up with what, over a small hand-made state. */
import { describe, expect, it } from 'vitest';
import { relatedSubjects, subjectText } from './related.js';
import { SANDBOX_NAMESPACES, sampleMount, sampleNamespace, sampleProcess } from './sample.js';
import { EMPTY_STATE, type State, type TapedCall } from './state.js';

const init = sampleProcess(1001);
const shell = sampleProcess(1007, {
  comm: 'sh',
  parent: init.key,
  pids: [1007, 7, 1],
  namespaces: { ...SANDBOX_NAMESPACES, pid: 200, mnt: 201 },
  cgroup: '/box',
});
const call: TapedCall = {
  seq: 9,
  process: init.key,
  name: 'clone',
  args: ['CLONE_NEWPID|SIGCHLD'],
  result: 7,
  errno: null,
  at: 0,
  took: 1,
};
const state: State = {
  ...EMPTY_STATE,
  processes: { [init.key]: init, [shell.key]: shell },
  namespaces: {
    100: sampleNamespace('pid', 100),
    200: sampleNamespace('pid', 200),
    201: sampleNamespace('mnt', 201),
  },
  mounts: { 201: { 5: sampleMount(5, '/x') } },
  cgroups: {
    'memory:/box': { key: 'memory:/box', hierarchy: 'memory', path: '/box', files: {}, bornAt: 0 },
    'pids:/box': { key: 'pids:/box', hierarchy: 'pids', path: '/box', files: {}, bornAt: 0 },
  },
  calls: [
    call,
    { ...call, seq: 10, name: 'kill', args: ['999', 'SIGTERM'], result: -3, errno: 'ESRCH' },
  ],
};

function related(about: string): string[] {
  return [...relatedSubjects(state, about)].sort();
}

describe('relatedSubjects', () => {
  it('gives a process its own namespaces, its cgroups and its calls, not what is everybody’s', () => {
    expect(related('process:1007:1007')).toEqual([
      'cgroup:memory:/box',
      'cgroup:pids:/box',
      'namespace:200',
      'namespace:201',
      'process:1007:1007',
    ]);
    expect(related('process:1001:1001')).toEqual(['call:10', 'call:9', 'process:1001:1001']);
  });

  it('gives a namespace its members and mounts, a mount its namespace', () => {
    expect(related('namespace:200')).toEqual(['namespace:200', 'process:1007:1007']);
    expect(related('namespace:201')).toContain('mount:201:5');
    expect(related('mount:201:5')).toEqual(['mount:201:5', 'namespace:201']);
  });

  it('gives a cgroup its members, and itself in the other hierarchies', () => {
    expect(related('cgroup:pids:/box')).toEqual([
      'cgroup:memory:/box',
      'cgroup:pids:/box',
      'process:1007:1007',
    ]);
  });

  it('gives a call its caller and what it made, by the number that the caller knows', () => {
    expect(related('call:9')).toEqual(['call:9', 'process:1001:1001', 'process:1007:1007']);
    expect(related('call:10')).toEqual(['call:10', 'process:1001:1001']);
  });

  it('gives a command what it caused', () => {
    const caused = relatedSubjects(state, 'command:c1', () => ['process:1007:1007']);
    expect([...caused]).toEqual(['command:c1', 'process:1007:1007']);
  });

  it('leaves alone what is gone or nonsense', () => {
    expect(related('process:1:1')).toEqual(['process:1:1']);
    expect(related('mount:1:1')).toEqual(['mount:1:1', 'namespace:1']);
    expect(related('what')).toEqual(['what']);
  });
});

it('subjectText says what a subject is, without numbers of the host', () => {
  expect(subjectText(state, 'process:1007:1007')).toBe('sh 7 → 1');
  expect(subjectText(state, 'namespace:200')).toBe('pid:[200]');
  expect(subjectText(state, 'overlay:0:40:etc/a')).toBe('etc/a');
  expect(subjectText(state, 'process:1:1')).toBeNull();
});
