import type { State } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import { summarise } from './changes.js';
import { DEMO_NAMESPACES, demoProcess, demoStateWith } from './fixture.js';

const init = demoProcess(4701, { comm: 'init', args: [] });
const sh = demoProcess(4707, { comm: 'sh' });
const base = demoStateWith([init, sh]);
const children = [1, 2, 3].map((n) =>
  demoProcess(4710 + n, { comm: 'sleep', args: ['sleep', '9'], parent: sh.key }),
);

describe('summarise', () => {
  it('is silent when nothing has changed', () => {
    expect(summarise(base, base, 'en')).toBe('');
    expect(summarise(base, { ...base, seq: 99 }, 'en')).toBe('');
  });

  it('says who started what, with the pid that the sandbox sees', () => {
    const after = demoStateWith([init, sh, children[0]!]);
    expect(summarise(base, after, 'en')).toBe('sh 7 started sleep');
    expect(summarise(base, after, 'zh')).toBe('sh 7 启动了 sleep');
  });

  it('counts what is too much to name', () => {
    const after = demoStateWith([init, sh, ...children]);
    expect(summarise(base, after, 'en')).toBe('3 processes started');
    expect(summarise(after, base, 'en')).toBe('3 processes exited');
    expect(summarise(after, base, 'zh')).toBe('3 个进程退出了');
  });

  it('joins different changes into one message', () => {
    const before = demoStateWith([init, sh, ...children]);
    const fresh = demoProcess(4730, { comm: 'sleep', parent: sh.key });
    expect(summarise(before, demoStateWith([init, sh, fresh]), 'en')).toBe(
      'sh 7 started sleep; 3 processes exited',
    );
  });

  it('tells of a process that came and went in between', () => {
    const ls = demoProcess(4731, { comm: 'ls', parent: sh.key });
    expect(summarise(base, base, 'en', [ls, sh])).toBe('sh 7 ran ls');
  });

  it('names an exec, a zombie and an entered namespace', () => {
    const exec = demoStateWith([init, { ...sh, comm: 'top' }]);
    expect(summarise(base, exec, 'en')).toBe('sh 7 became top');
    const dead = demoStateWith([init, { ...sh, state: 'Z' }]);
    expect(summarise(base, dead, 'en')).toBe('sh 7 is a zombie');
    const moved = demoStateWith([init, { ...sh, namespaces: { ...DEMO_NAMESPACES, uts: 77 } }]);
    expect(summarise(base, moved, 'en')).toBe('sh 7 entered uts:[77]');
  });

  it('names new, held and vanished namespaces by kind', () => {
    const net = {
      inode: 88,
      kind: 'net',
      parent: null,
      owner: null,
      ofSandbox: false,
      ofHost: false,
      holders: [],
      bornAt: 1,
    } as const;
    const inside = { ...sh, namespaces: { ...DEMO_NAMESPACES, net: 88 } };
    const used = demoStateWith([init, inside], [net]);
    expect(summarise(base, used, 'en')).toContain('new net namespace');
    expect(summarise(used, base, 'en')).toContain('net namespace gone');
    const kept = demoStateWith(
      [init],
      [{ ...net, holders: [{ by: 'mount', mountNs: 1, path: '/run/keep' }] }],
    );
    expect(summarise(used, kept, 'en')).toBe('sh 7 exited; net:[88] is held open');
  });

  it('tells of mounts in namespaces that were there before', () => {
    const mounts = (...points: string[]): State => ({
      ...base,
      mounts: {
        1: Object.fromEntries(
          points.map((mountPoint, i) => [
            `${i}`,
            {
              mountId: i,
              parentId: 0,
              device: '0:1',
              root: '/',
              mountPoint,
              mountOptions: 'rw',
              optionalFields: [],
              fsType: 'proc',
              mountSource: 'proc',
              superOptions: 'rw',
            },
          ]),
        ),
      },
    });
    expect(summarise(mounts('/'), mounts('/', '/proc'), 'en')).toBe('mounted /proc');
    expect(summarise(mounts('/', '/proc'), mounts('/'), 'zh')).toBe('卸载了 /proc');
    expect(summarise(mounts('/'), mounts('/', '/a', '/b', '/c'), 'en')).toBe('3 mounts changed');
  });

  it('says that a sandbox is new instead of listing all that is in it', () => {
    const other: State = { ...base, sandbox: { ...base.sandbox!, id: 'other' } };
    expect(summarise(base, other, 'en')).toBe('a fresh sandbox');
    expect(summarise(base, { ...base, sandbox: null }, 'en')).toBe('the sandbox has ended');
  });
});
